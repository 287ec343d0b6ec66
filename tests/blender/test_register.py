"""Switching the extension on: cheap, complete, repeatable; the panel draws in every state."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import bpy
import helpers

HEAVY = ("onnxruntime", "soundfile", "soxr", "av", "torch", "scipy")


def _fresh(code: str) -> str:
    """What a new Blender process prints that has the extension in its profile, not yet switched on."""
    prelude = "import bpy, sys, time\nbpy.ops.wm.read_factory_settings(use_empty=True)\n"
    finish = "\nsys.stdout.flush()\nimport os\nos._exit(0)"
    command = [sys.executable, "-c", prelude + code + finish]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, env=environment
    ).stdout


def test_switching_on_is_quick_and_loads_nothing_heavy():
    switch_on = (
        "import importlib\n"  # not addon_utils.enable: the first time it unpacks the wheels too
        "started = time.process_time()\n"
        f"importlib.import_module({helpers.PACKAGE!r}).register()\n"
        "share = (time.process_time() - started) / started\n"
        f"print('RESULT', share, [m for m in {HEAVY!r} if m in sys.modules])"
    )
    _fresh(switch_on)  # the first start after an install compiles the modules
    said = _fresh(switch_on)
    (result,) = (line for line in said.splitlines() if line.startswith("RESULT"))
    share, heavy = result.split(" ", 2)[1:]
    print(f"switching the extension on took {float(share):.0%} of the CPU time of Blender's own start")
    assert heavy == "[]"
    assert float(share) < 0.5


def test_packages_that_the_extension_needs_can_be_imported():
    for name in ("onnxruntime", "soundfile", "soxr", "numpy"):
        __import__(name)


def test_register_and_unregister_can_be_repeated():
    addon = helpers.module("blender_addon")
    for _ in range(3):
        addon.unregister()
        assert not hasattr(bpy.types.Scene, "soliloquy")
        addon.register()
    assert bpy.context.scene.soliloquy.start_frame == 1


def test_every_button_has_a_tooltip_and_says_why_it_is_grey():
    for cls in helpers.module("blender_addon.operators").CLASSES:
        assert callable(cls.disabled_reason), cls
        assert len(cls.__doc__) > 20, cls
        assert not cls.__doc__.endswith("."), "Blender adds the full stop"
    for name, prop in bpy.context.scene.soliloquy.bl_rna.properties.items():
        if name not in ("rna_type", "name"):
            assert prop.name, name
            assert prop.description or prop.type == "ENUM", name


def test_add_head_makes_a_target_with_all_channels():
    assert bpy.ops.soliloquy.add_head(with_stage=True) == {"FINISHED"}
    scene = bpy.context.scene
    head = scene.soliloquy.target
    assert head == bpy.context.active_object
    assert helpers.module("blender_addon.rig_map").read_character(head).unmatched == ()
    assert scene.camera is not None
    assert helpers.animate(helpers.vowels("head.wav", 1.0)) == {"FINISHED"}


class _Layout:
    """Takes in what a panel draws; every other layout call returns another such layout."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def label(self, text="", icon="NONE"):
        self.texts.append(text)

    def progress(self, factor, type, text):
        assert 0.0 <= factor <= 1.0
        self.texts.append(text)

    def prop(self, data, name, text="", **_):
        assert hasattr(data, name)

    def operator(self, name, **_):
        self.texts.append(name)
        assert hasattr(getattr(bpy.types, "SOLILOQUY_OT_" + name.partition(".")[2]), "bl_label")
        return SimpleNamespace()

    def menu(self, name, text="", **_):
        assert hasattr(bpy.types, name)
        self.texts.append(text)

    def panel(self, _name, default_closed=False):
        return self, self

    def template_list(self, name, _id, owner, items, active_owner, active, **_):
        assert hasattr(bpy.types, name)
        assert hasattr(owner, items)
        assert hasattr(active_owner, active)

    def separator(self, **_):
        pass

    def _child(self, *_, **__):
        return self

    row = column = grid_flow = box = split = _child


class _Context:
    """The context with a sidebar of a window: without one Blender's scale is 0."""

    region = SimpleNamespace(width=300)
    preferences = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))

    def __getattr__(self, name):
        return getattr(bpy.context, name)


def _drawn() -> str:
    """Everything that the panels show which are there now."""
    texts: list[str] = []
    for panel in helpers.module("blender_addon.panels").CLASSES:
        if not issubclass(panel, bpy.types.Panel):
            continue
        namespace = {"layout": _Layout(texts)}
        functions = {name: f for base in reversed(panel.__mro__) for name, f in vars(base).items()}
        if "poll" not in functions or panel.poll(_Context()):
            functions["draw"](type("Panel", (), namespace)(), _Context())
    return " ".join(texts)


def test_panel_draws_in_every_state():
    jobs = helpers.module("blender_addon.jobs")
    assert "No sound file is chosen" in _drawn()
    bpy.context.scene.soliloquy.source = "STRIP"
    assert "No sound strip" in _drawn()
    helpers.animate(helpers.vowels("panel.wav", 0.5), target=helpers.mesh_with_keys("Odd", ("jawOpen", "x")))
    shown = _drawn()
    assert "Keyed 1 shape keys" in shown
    assert "Channels That Move Nothing: 51" in shown
    assert "mouthSmile L" in shown or "mouSmile L" in shown
    jobs.STATUS.end(error="Something is wrong. Do this.")
    assert "Something is wrong." in _drawn()
    job = jobs.Job(None)
    jobs.STATUS.begin(job)
    try:
        assert "Esc stops" in _drawn()
        job.cancel()
        assert "Stopping" in _drawn()
    finally:
        jobs.STATUS.end()


def test_undo_and_another_file_make_the_panel_forget_the_last_line():
    status = helpers.module("blender_addon.jobs").STATUS
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
        (forget,) = (h for h in handlers if h.__name__ == "forget_outcome")
        status.end(summary="Keyed 52 shape keys")
        forget(None)
        assert status.summary == ""


def test_short_names_fit_and_tell_channels_apart():
    short = helpers.module("blender_addon.panels.common").short_name
    channels = helpers.module("inference.channels").ARKIT_52
    for letters in (9, 12, 18):
        made = [short(channel, letters) for channel in channels]
        assert len(set(made)) == 52, letters
        assert max(map(len, made)) <= letters
    assert short("mouthLowerDownRight", 18) == "mouthLowerDown R"
    assert short("mesh_17_very_long_prefix_A", 9).endswith("_A")
