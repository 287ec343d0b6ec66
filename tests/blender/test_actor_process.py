"""Actor commands run apart: progress, Esc, crashes. Here a stand-in speaks, elsewhere the real program."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import bpy
import helpers

_HEAD = """import json, os, signal, subprocess, sys, time
def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)
"""
LONG_S = 120.0


def _process():
    return helpers.module("blender_addon.actor_process")


def _call(code: str, *arguments: str, **changes: object):
    """A call of a program of our own, in place of the package."""
    (helpers.FOLDER / "stand_in.py").write_text(_HEAD + code, "utf-8")
    made = _process().call(arguments, chosen="", what="The stand-in", folder=str(helpers.FOLDER))
    environment = {**made.environment, "PYTHONPATH": str(helpers.FOLDER)}
    return replace(made, module="stand_in", environment=environment, **changes)


def _run(code: str, cancelled=lambda: False, **changes: object):
    shares: list[float] = []
    return _process().run(_call(code, **changes), shares.append, cancelled), shares


def _error(code: str, **changes: object) -> str:
    errors = helpers.module("inference.errors")
    return helpers.error_of(errors.SoliloquyError, lambda: _run(code, **changes))


def test_progress_notices_and_results_come_through_and_noise_does_not():
    outcome, shares = _run(
        "print('a library greets'); print('[1, 2]'); print('{\"a\": 1}')\n"
        "for i in range(5): say('progress', input='x', progress=i / 4)\n"
        "say('notice', input=None, message='The plate is dark')\n"
        "say('notice', input=None, message='The plate is dark')\n"
        "say('done', input='x', output='y', frames=7, rate_hz=24)\n"
        "print('warning', file=sys.stderr)\n"
    )
    assert shares == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert outcome.notices == ("The plate is dark",)
    (event,) = outcome.events
    assert (event["event"], event["frames"]) == ("done", 7)


def test_what_the_program_says_is_wrong_is_said_as_it_is():
    said = _error("say('error', input=None, message='No face. Film one.')\nsys.exit(2)")
    assert said == "No face. Film one."


def test_a_crash_is_one_sentence_and_leaves_blender_alone():
    said = _error("say('progress', progress=0.5)\nos.abort()")
    assert "The stand-in ended unexpectedly (SIGABRT" in said
    assert "Blender is not affected" in said
    said = _error("raise RuntimeError('the disk is odd')")
    assert "code 1: RuntimeError: the disk is odd" in said
    assert "Traceback" not in said
    assert "RuntimeError" in (helpers.FOLDER / "soliloquy_actor.log").read_text()


def test_a_program_that_the_system_ends_is_told_as_want_of_memory():
    assert "want of memory" in _error("os.kill(os.getpid(), signal.SIGKILL)")
    assert "want of memory" in _error("raise MemoryError('cannot hold 9 GB')")


def _stopped(code: str, polite_s: float) -> float:
    """Cancel a program once it has said something; how long its end took."""
    process, stop, begun = _process(), threading.Event(), threading.Event()
    result: list[object] = []

    def work() -> None:
        try:
            process.run(_call(code, polite_s=polite_s), lambda _share: begun.set(), stop.is_set)
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(LONG_S)
    started = time.monotonic()
    stop.set()
    thread.join(LONG_S)
    assert isinstance(result[0], process.ChildStopped), result
    assert isinstance(result[0], helpers.module("inference.errors").Cancelled)
    assert "goes on there" in str(result[0])
    return time.monotonic() - started


def _gone(pid: int) -> bool:
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.02)
    return False


def test_esc_lets_the_program_put_things_away():
    note = helpers.FOLDER / "put_away"
    note.unlink(missing_ok=True)
    _stopped(
        "def tidy(*_):\n"
        f"    open({str(note)!r}, 'w').write('yes'); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, tidy)\nsay('progress', progress=0.1)\ntime.sleep(600)",
        60.0,
    )
    assert note.read_text() == "yes"


def test_esc_ends_a_program_that_does_not_listen_and_all_that_it_started():
    pids = helpers.FOLDER / "pids"
    _stopped(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "say('progress', progress=0.1)\ntime.sleep(600)",
        0.5,
    )
    for pid in map(int, pids.read_text().split()):
        assert _gone(pid)


def test_blender_s_own_python_runs_the_installed_extension():
    made = _process().call(("--version",), chosen="", what="It", folder=str(helpers.FOLDER))
    assert _process().run(made, lambda _share: None, lambda: False).notices == ()
    assert made.environment["PYTHONPATH"].split(os.pathsep)[0] == str(
        Path(helpers.module("blender_addon").__file__).parents[2]
    )


def test_a_chosen_python_without_soliloquy_or_with_another_one_is_told():
    errors = helpers.module("inference.errors")
    fake = helpers.FOLDER / "python"

    def chosen(script: str):
        fake.write_text("#!/bin/sh\n" + script)
        fake.chmod(0o755)
        return _process().call(("x",), chosen=str(fake), what="It", folder=str(helpers.FOLDER))

    def run(made):
        return _process().run(made, lambda _share: None, lambda: False)

    said = helpers.error_of(errors.SoliloquyError, run, chosen("echo no >&2; exit 1"))
    assert "has no Soliloquy" in said
    assert '-m pip install "soliloquy[actor]"' in said
    outcome = run(chosen("echo soliloquy 0.0.1"))
    assert "0.0.1" in outcome.notices[0]
    said = helpers.error_of(
        errors.SoliloquyError, lambda: _process().call((), chosen="/no/such", what="It", folder="/tmp")
    )
    assert "There is no program '/no/such'" in said


def test_a_missing_package_is_one_sentence_with_what_to_do():
    """The real program without mediapipe: it is hidden from it."""
    hidden = helpers.FOLDER / "hidden"
    hidden.mkdir(exist_ok=True)
    (hidden / "mediapipe.py").write_text("raise ImportError('hidden')")
    (hidden / "av.py").write_text("raise ImportError('hidden')")
    film, model = helpers.FOLDER / "film.mp4", helpers.data("mediapipe/face_landmarker.task")
    film.write_bytes(b"\0" * 100)
    arguments = ("capture", str(film), "--out", str(helpers.FOLDER / "nobody"), "--consent")
    made = _process().call(
        (*arguments, "A test consents to nothing at all", "--face-model", str(model), "--json"),
        chosen="",
        what="Capture",
        folder=str(helpers.FOLDER),
    )
    path = os.pathsep.join([str(hidden), made.environment["PYTHONPATH"]])
    made = replace(made, environment={**made.environment, "PYTHONPATH": path})
    errors = helpers.module("inference.errors")
    said = helpers.error_of(
        errors.SoliloquyError, lambda: _process().run(made, lambda _share: None, lambda: False)
    )
    assert "pip install" in said, said
    assert "soliloquy[actor]" in said, said
    assert not (helpers.FOLDER / "nobody" / "actor.json").exists()


class _Operator:
    """An actor's operator as a plain object, with a stand-in for its program."""

    def __init__(self, code: str) -> None:
        self.reports: list[tuple] = []
        self._code = code

    def report(self, level, text):
        self.reports.append((level, text))

    def prepare(self, _context):
        return helpers.module("blender_addon.jobs").Job(
            _call(self._code, polite_s=0.5), _process().run, "A plate is being captured"
        )

    def __getattr__(self, name):
        import inspect

        operator = helpers.module("blender_addon.operators.actor_capture").SOLILOQUY_OT_check_actor
        return inspect.getattr_static(operator, name).__get__(self)


def test_the_button_shows_progress_says_what_runs_and_esc_stops_it():
    from test_jobs import _Context, _Event

    working = helpers.module("blender_addon.operators.working")
    status = helpers.module("blender_addon.jobs").STATUS
    operator, context = _Operator("say('progress', progress=0.5)\ntime.sleep(600)"), _Context()
    assert working.start(operator, context) == {"RUNNING_MODAL"}
    end = time.monotonic() + LONG_S
    while status.job.progress < 0.5:
        assert operator.modal(context, _Event("TIMER")) == {"PASS_THROUGH"}
        assert time.monotonic() < end
        time.sleep(0.02)
    checks = helpers.module("blender_addon.checks")
    assert checks.busy_reason() == "A plate is being captured. Wait for it, or press Esc to stop it."
    assert operator.modal(context, _Event("ESC")) == {"RUNNING_MODAL"}
    result = {"PASS_THROUGH"}
    while result == {"PASS_THROUGH"}:
        assert time.monotonic() < end
        time.sleep(0.02)
        result = operator.modal(context, _Event("TIMER"))
    assert result == {"CANCELLED"}
    assert operator.reports == [
        ({"INFO"}, "Stopped. What was finished is kept, and the next start goes on there.")
    ]
    assert status.job is None


def test_switching_the_extension_off_ends_the_program():
    jobs, pid_file = helpers.module("blender_addon.jobs"), helpers.FOLDER / "pid"
    pid_file.unlink(missing_ok=True)
    code = f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\nsay('progress', progress=0.1)\n"
    job = jobs.Job(_call(code + "time.sleep(600)", polite_s=0.5), _process().run)
    jobs.STATUS.begin(job)
    job.start()
    end = time.monotonic() + LONG_S
    while job.progress == 0.0:
        job.poll()
        assert time.monotonic() < end
        time.sleep(0.02)
    helpers.module("blender_addon").unregister()
    try:
        assert _gone(int(pid_file.read_text()))
    finally:
        helpers.module("blender_addon").register()
    assert bpy.context.scene.soliloquy_actor.way == "DUB"
    assert sys.executable
