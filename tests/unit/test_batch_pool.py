"""The local engine with small programs as workers: they die, hang, print rubbish, and are replaced."""

import os
import sys
import textwrap
from contextlib import closing

import pytest
from batch_runs import is_alive, until
from soliloquy.inference.batch.pool import SILENT, TRIES, Launcher, run_local
from soliloquy.inference.batch.types import Task
from soliloquy.inference.batch.worker import FENCE, MARK

posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups")

WORKER = f'''
import json, os, pathlib, signal, subprocess, sys, time

def say(**message):
    print("{MARK}" + json.dumps(message), flush=True)

def result(**changed):
    message = dict(state="done", problem="", seconds=0.1, audio_s=1.0, disk_full=False)
    message["notices"] = [str(os.getpid())]
    print("{FENCE}", file=sys.stderr, flush=True)
    say(event="result", **(message | changed))

say(event="ready")
for line in sys.stdin:
    task = json.loads(line)
    exec(task["options"]["does"], {{**globals(), "task": task}})
'''
"""A worker that does what the task's options say, as Python."""


@pytest.fixture
def launcher(tmp_path):
    program = tmp_path / "worker.py"
    program.write_text(WORKER)
    return Launcher((sys.executable, "-I", "-S", str(program)))


def tasks_of(*deeds, kind="curves"):
    return [
        Task(kind, row, (f"{row}.csv",), "key", f"{row}.wav", {"does": textwrap.dedent(does)})
        for row, does in enumerate(deeds, 1)
    ]


def ran(tasks, launcher, *, workers=1, timeout_s=60.0, **more):
    """What became of each row."""
    working = run_local(tasks, {"curves": launcher}, workers=workers, timeout_s=timeout_s, **more)
    ended = {finished.result.task.row: finished for finished in working}
    assert sorted(ended) == [task.row for task in tasks]
    return ended


def test_workers_are_kept_and_not_more_than_asked(launcher):
    ended = ran(tasks_of(*["result()"] * 12), launcher, workers=3)
    pids = {finished.result.notices for finished in ended.values()}
    assert {finished.result.state for finished in ended.values()} == {"done"}
    assert 1 <= len(pids) <= 3


def test_tasks_are_begun_in_their_order(launcher, tmp_path):
    seen = tmp_path / "seen"
    note = f"open({str(seen)!r}, 'a').write(str(task['row']) + ' '); result()"
    ran(tasks_of(*[note] * 6), launcher)
    assert seen.read_text().split() == ["1", "2", "3", "4", "5", "6"]


@posix
def test_a_worker_that_dies_is_replaced_and_its_row_tried_again(launcher, tmp_path):
    once = f"""
        mark = pathlib.Path({str(tmp_path / "died")!r})
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        result()
    """
    ended = ran(tasks_of("result()", once, "result()"), launcher)
    assert [ended[row].result.state for row in (1, 2, 3)] == ["done"] * 3
    assert ended[1].result.notices != ended[2].result.notices == ended[3].result.notices


@posix
def test_a_row_that_kills_its_workers_fails_alone(launcher, tmp_path):
    tries = tmp_path / "tries"
    deadly = f"""
        open({str(tries)!r}, "a").write("x")
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), 9)
    """
    ended = ran(tasks_of("result()", deadly, "result()"), launcher)
    assert [ended[row].result.state for row in (1, 2, 3)] == ["done", "failed", "done"]
    assert "signal 9" in ended[2].result.problem
    assert "2.wav" in ended[2].result.problem
    assert len(tries.read_text()) == TRIES
    assert ended[2].printed.split("\n") == ["last words"] * TRIES


def test_the_exit_code_of_a_worker_is_told(launcher):
    ended = ran(tasks_of("print('why', file=sys.stderr); sys.exit(7)", "result()"), launcher)
    assert "exit code 7" in ended[1].result.problem
    assert "why" in ended[1].printed
    assert ended[2].result.state == "done"


def test_a_worker_that_ends_before_its_first_word(tmp_path):
    broken = Launcher((sys.executable, "-c", "import sys; sys.exit('no licence')"))
    ended = ran(tasks_of("", ""), broken, workers=2)
    assert all("exit code 1" in finished.result.problem for finished in ended.values())
    assert all("no licence" in finished.printed for finished in ended.values())


def test_a_program_that_does_not_exist(tmp_path):
    ended = ran(tasks_of(*["result()"] * 3), Launcher((str(tmp_path / "no such program"),)), workers=2)
    for finished in ended.values():
        assert finished.result.state == "failed"
        assert "could not be started" in finished.result.problem
        assert "no such program" in finished.result.problem


def test_a_row_that_hangs_is_given_up(launcher):
    ended = ran(tasks_of("time.sleep(3600)", "result()"), launcher, timeout_s=0.5)
    assert SILENT in ended[1].result.problem
    assert ended[2].result.state == "done"


def test_a_row_that_hangs_is_given_up_while_others_end_all_the_time(launcher):
    quick = ["time.sleep(0.02); result()"] * 150
    working = run_local(tasks_of("time.sleep(3600)", *quick), {"curves": launcher}, workers=2, timeout_s=0.5)
    order = [finished.result.task.row for finished in working]
    assert order.index(1) < len(order) - 1, "the hung row was looked at only when all others had ended"


def test_a_row_that_tells_its_progress_is_not_given_up(launcher):
    slow = "[(time.sleep(0.2), say(event='progress', share=i / 15)) for i in range(15)]; result()"
    shares = []
    ended = ran(tasks_of(slow), launcher, timeout_s=2.0, progress=lambda _, share: shares.append(share))
    assert ended[1].result.state == "done"
    assert shares == [i / 15 for i in range(15)]


def test_noise_is_no_progress(launcher):
    noise = "while True: print('still busy', flush=True); time.sleep(0.01)"
    ended = ran(tasks_of(noise, "result()"), launcher, timeout_s=0.5)
    assert SILENT in ended[1].result.problem
    assert "still busy" in ended[1].printed
    assert ended[2].result.state == "done"


RUBBISH = [
    "print('a line of a library', flush=True)",
    "os.write(1, bytes(range(256)) + b'\\n')",
    "print('@soliloquy ', flush=True)",
    "print('@soliloquy {\"event\": ', flush=True)",
    "print('@soliloquy [1, 2]', flush=True)",
    "print('@soliloquy ' + '[' * 100000, flush=True)",
    "say(event='progress', share='much')",
    "say(event='progress', share=float('nan'))",
    "say(event='progress', share=None)",
    "say(event='progress')",
    "say(event='news')",
    "os.write(1, b'x' * 5_000_000 + b'\\n')",
    "os.write(2, b'x' * 5_000_000 + b'\\n')",
]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_is_passed_over(launcher, rubbish):
    shares = []
    tasks = tasks_of(f"{rubbish}\nresult()", "result()")
    ended = ran(tasks, launcher, progress=lambda _, share: shares.append(share))
    assert [ended[row].result.state for row in (1, 2)] == ["done", "done"]
    assert shares == []
    assert all(len(finished.printed) < 100_000 for finished in ended.values())


ANSWERS = ["state='odd'", "state=None", "seconds='long'", "seconds=float('inf')", "notices=None"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_makes_no_sense_fails_its_row_alone(launcher, answer):
    ended = ran(tasks_of(f"result({answer})", "result()"), launcher)
    assert "makes no sense" in ended[1].result.problem
    assert ended[2].result.state == "done"


def test_a_fault_of_ours_fails_the_row_and_not_the_run(launcher):
    def progress(task, share):
        if task.row == 1:
            raise RuntimeError("odd")

    does = "say(event='progress', share=0.5); result()"
    ended = ran(tasks_of(does, does), launcher, progress=progress)
    assert "RuntimeError: odd" in ended[1].result.problem
    assert ended[2].result.state == "done"


def test_a_listener_that_has_gone_does_not_fail_the_rows(launcher):
    def progress(task, share):
        raise BrokenPipeError

    ended = ran(tasks_of("say(event='progress', share=0.5); result()"), launcher, progress=progress)
    assert ended[1].result.state == "done"


def test_each_log_has_the_lines_of_its_row(launcher):
    deeds = [f"print('row {row}', file=sys.stderr, flush=True); result()" for row in range(1, 101)]
    ended = ran(tasks_of(*deeds), launcher, workers=2)
    assert {row: finished.printed for row, finished in ended.items()} == {
        row: f"row {row}" for row in range(1, 101)
    }


@posix
def test_closing_kills_workers_and_what_they_started(launcher, tmp_path):
    busy = f"""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        pathlib.Path({str(tmp_path)!r}, f"{{task['row']}}.pids").write_text(f"{{os.getpid()}} {{child.pid}}")
        time.sleep(3600)
    """
    tasks = tasks_of("result()", busy, busy, "result()")
    with closing(run_local(tasks, {"curves": launcher}, workers=2, timeout_s=600.0)) as working:
        assert next(working).result.task.row == 1
        files = [tmp_path / "2.pids", tmp_path / "3.pids"]
        until(lambda: all(file.exists() and len(file.read_text().split()) == 2 for file in files))
        pids = [int(pid) for file in files for pid in file.read_text().split()]
        assert all(map(is_alive, pids)), "the test looks at nothing"
    until(lambda: not any(map(is_alive, pids)))


@posix
def test_a_launcher_that_is_a_script_does_not_leave_its_program(launcher, tmp_path):
    script = tmp_path / "blender"
    script.write_text(f"#!/bin/sh\n{' '.join(launcher.command)}\ntrue\n")
    script.chmod(0o755)
    pids = tmp_path / "pids"
    hung = f"pathlib.Path({str(pids)!r}).write_text(str(os.getpid())); time.sleep(3600)"
    ended = ran(tasks_of(hung, "result()"), Launcher((str(script),)), timeout_s=1.0)
    assert SILENT in ended[1].result.problem
    assert ended[2].result.state == "done"
    until(lambda: not is_alive(int(pids.read_text())))


@posix
def test_a_launcher_that_ended_before_its_hung_program_is_ended_too(launcher, tmp_path):
    pids = tmp_path / "pids"
    orphan = f"""
        pathlib.Path({str(pids)!r}).write_text(str(os.getpid()))
        os.kill(os.getppid(), 9)
        time.sleep(3600)
    """
    script = tmp_path / "blender"
    script.write_text(f"#!/bin/sh\n{' '.join(launcher.command)}\ntrue\n")
    script.chmod(0o755)
    ended = ran(tasks_of(orphan, "result()"), Launcher((str(script),)), timeout_s=1.0)
    assert SILENT in ended[1].result.problem
    assert ended[2].result.state == "done"
    until(lambda: not is_alive(int(pids.read_text())))


@posix
def test_idle_workers_end_by_themselves(launcher):
    ended = ran(tasks_of("result()", "result()"), launcher, workers=2)
    pids = [int(finished.result.notices[0]) for finished in ended.values()]
    until(lambda: not any(map(is_alive, pids)))


@posix
def test_an_idle_worker_that_does_not_end_is_killed(launcher, monkeypatch):
    monkeypatch.setattr("soliloquy.inference.batch.pool._POLITE_S", 0.2)
    ended = ran(tasks_of("result(); time.sleep(3600)"), launcher)
    pid = int(ended[1].result.notices[0])
    until(lambda: not is_alive(pid))


def test_kinds_have_programs_of_their_own(launcher, tmp_path):
    other = Launcher(launcher.command, {**os.environ, "WHO": "blender"})
    tell = "result(problem=os.environ.get('WHO', 'python'))"
    tasks = [*tasks_of(tell), Task("scene", 2, ("2.blend",), "key", "2.wav", {"does": tell})]
    working = run_local(tasks, {"curves": launcher, "scene": other}, workers=1, timeout_s=60.0)
    assert {one.result.task.kind: one.result.problem for one in working} == {
        "curves": "python",
        "scene": "blender",
    }
