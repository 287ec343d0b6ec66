"""The worker: progress, Esc, errors, several jobs, and the modal operator's ways out."""

from __future__ import annotations

import inspect
import threading
import time

import bpy
import helpers

LONG_S = 240.0


def _line(path):
    line, media = helpers.module("blender_addon.line"), helpers.module("blender_addon.media")
    settings = helpers.module("inference.pipeline").AnimateSettings()
    face = bpy.data.objects.get("Face") or helpers.arkit_mesh()
    return line.describe(bpy.context.scene, face, media.source_from_file(str(path), 1), settings)


def _long_sound():
    import numpy as np
    import soundfile

    path = helpers.FOLDER / "long_noise.wav"
    if not path.exists():
        sound = np.random.default_rng(1).standard_normal(int(LONG_S * 16_000)).astype(np.float32)
        soundfile.write(path, 0.1 * sound, 16_000)
    return path


def _wait(job, limit_s=120.0):
    shares = [job.progress]
    end = time.monotonic() + limit_s
    while not job.poll():
        assert time.monotonic() < end, "the worker does not end"
        time.sleep(0.01)
        shares.append(job.progress)
    return [*shares, job.progress]


def test_job_reports_rising_progress_and_curves():
    jobs = helpers.module("blender_addon.jobs")
    told = []

    def work(request, progress, cancelled):
        def tell(share):
            progress(share)
            told.append(share)
            end = time.monotonic() + 60.0
            while job.progress < share:  # however busy the machine is, the main thread sees every share
                assert time.monotonic() < end, "the main thread does not take in the news"
                time.sleep(0.001)

        return jobs.compute(request, tell, cancelled)

    job = jobs.Job(_line(_long_sound()).request, work)
    job.start()
    shares = _wait(job)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert set(told) <= set(shares) <= {0.0, *told}, "seen while the worker works"
    assert len(set(told)) >= 5, told
    assert isinstance(job.outcome, jobs.Result)
    assert len(job.outcome.curves) == 52


def test_cancel_ends_the_worker_soon_and_changes_nothing():
    jobs, errors = helpers.module("blender_addon.jobs"), helpers.module("inference.errors")
    job = jobs.Job(_line(_long_sound()).request)
    before = helpers.snapshot()
    job.start()
    time.sleep(0.2)
    job.cancel()
    assert job.is_stopping
    _wait(job)
    assert isinstance(job.outcome, errors.Cancelled)
    assert not any(thread.name == "Soliloquy" for thread in threading.enumerate())
    assert helpers.snapshot() == before


def test_errors_come_back_to_the_main_thread():
    jobs, errors = helpers.module("blender_addon.jobs"), helpers.module("inference.errors")
    text = helpers.FOLDER / "text.wav"
    text.write_text("no sound\n" * 50)
    job = jobs.Job(_line(text).request)
    job.start()
    _wait(job)
    assert isinstance(job.outcome, errors.AudioError)
    assert "text.wav" in jobs.message(job.outcome)


def test_switching_the_extension_off_stops_the_worker():
    jobs = helpers.module("blender_addon.jobs")
    job = jobs.Job(_line(_long_sound()).request)
    jobs.STATUS.begin(job)
    job.start()
    helpers.module("blender_addon").unregister()
    assert job.outcome is not None
    assert jobs.STATUS.job is None
    assert not hasattr(bpy.types.Scene, "soliloquy")
    helpers.module("blender_addon").register()
    assert hasattr(bpy.types.Scene, "soliloquy")


def test_a_second_line_waits_for_the_first():
    jobs = helpers.module("blender_addon.jobs")
    operator = helpers.module("blender_addon.operators.animate")
    path = helpers.vowels("busy.wav", 0.5)
    job = jobs.Job(_line(path).request)
    bpy.context.scene.soliloquy.audio_path = str(path)
    assert operator.disabled_reason(bpy.context) == ""
    jobs.STATUS.begin(job)
    try:
        assert "Esc" in operator.disabled_reason(bpy.context)
        assert bpy.ops.soliloquy.stop() == {"FINISHED"}
        assert job.is_stopping
    finally:
        jobs.STATUS.end()
    assert operator.SOLILOQUY_OT_stop.disabled_reason(bpy.context) != ""


class _Windows:
    """Stands in for the window manager, whose timers need a window."""

    def __init__(self) -> None:
        self.timers = self.handlers = 0
        self.windows = ()

    def event_timer_add(self, _step, window):
        self.timers += 1
        return "timer"

    def event_timer_remove(self, timer):
        assert timer == "timer"
        self.timers -= 1

    def modal_handler_add(self, _operator):
        self.handlers += 1


class _Context:
    window = "window"

    def __init__(self) -> None:
        self.window_manager = _Windows()

    def __getattr__(self, name):
        return getattr(bpy.context, name)


class _Event:
    def __init__(self, kind) -> None:
        self.type, self.value = kind, "PRESS"


class _Operator:
    """The operator's own functions on a plain object: Blender gives no modal operator without a window."""

    def __init__(self) -> None:
        self.reports = []

    def report(self, level, text):
        self.reports.append((level, text))

    def __getattr__(self, name):
        operator = helpers.module("blender_addon.operators.animate").SOLILOQUY_OT_animate
        return inspect.getattr_static(operator, name).__get__(self)


def _run_modal(path, escape):
    operator, context = _Operator(), _Context()
    settings = bpy.context.scene.soliloquy
    settings.audio_path, settings.source = str(path), "FILE"
    modal = helpers.module("blender_addon.operators.working").start(operator, context)
    assert modal == {"RUNNING_MODAL"}
    assert context.window_manager.timers == 1
    assert operator.modal(context, _Event("A")) == {"PASS_THROUGH"}
    if escape:
        assert operator.modal(context, _Event("ESC")) == {"RUNNING_MODAL"}
    end = time.monotonic() + 120.0
    result = {"PASS_THROUGH"}
    while result == {"PASS_THROUGH"}:
        assert time.monotonic() < end
        time.sleep(0.02)
        result = operator.modal(context, _Event("TIMER"))
    assert context.window_manager.timers == 0, "the timer is removed"
    assert helpers.module("blender_addon.jobs").STATUS.job is None
    return result, operator.reports


def test_modal_run_writes_once():
    face = helpers.arkit_mesh()
    result, reports = _run_modal(helpers.vowels("modal.wav", 1.0), escape=False)
    assert result == {"FINISHED"}
    assert len(helpers.curves(face)) == 52
    assert "Keyed 52" in reports[0][1]


def test_modal_escape_leaves_no_trace():
    helpers.arkit_mesh()
    before = helpers.snapshot()
    result, reports = _run_modal(_long_sound(), escape=True)
    assert result == {"CANCELLED"}
    assert reports == [({"INFO"}, "Stopped. Nothing was changed.")]
    assert helpers.snapshot() == before


def test_modal_survives_that_the_target_goes_away():
    face = helpers.arkit_mesh()
    path = helpers.vowels("gone.wav", 1.0)
    operator, context = _Operator(), _Context()
    bpy.context.scene.soliloquy.audio_path = str(path)
    helpers.module("blender_addon.operators.working").start(operator, context)
    bpy.data.objects.remove(face)
    result = {"PASS_THROUGH"}
    while result == {"PASS_THROUGH"}:
        time.sleep(0.02)
        result = operator.modal(context, _Event("TIMER"))
    assert result == {"CANCELLED"}
    assert "removed meanwhile" in operator.reports[0][1]
    assert not bpy.data.actions
