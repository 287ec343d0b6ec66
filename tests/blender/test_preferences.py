"""The extension's preferences reach the worker."""

import bpy
import helpers


def _addon():
    """The preferences of the extension, enabled as a user enables it."""
    import addon_utils

    addon_utils.enable(helpers.PACKAGE, default_set=True)
    return bpy.context.preferences.addons[helpers.PACKAGE].preferences


def test_defaults():
    chosen = _addon()
    assert (chosen.threads, chosen.provider, chosen.keep_model) == (1, "auto", True)


def test_a_line_is_run_as_preferred():
    line, jobs = helpers.module("blender_addon.line"), helpers.module("blender_addon.jobs")
    chosen, settings = _addon(), bpy.context.scene.soliloquy
    chosen.threads, chosen.provider, chosen.keep_model = 2, "cpu", False
    settings.audio_path = str(helpers.vowels("preferred.wav", 0.5))
    settings.target = helpers.mesh_with_keys("Face", ("jawOpen",))
    request = line.from_context(bpy.context).request
    assert request.running == jobs.Running(2, "cpu", False)
    jobs.speech_model(running=jobs.Running())
    assert jobs._model.cache_info().currsize == 1
    assert bpy.ops.soliloquy.animate() == {"FINISHED"}
    assert jobs._model.cache_info().currsize == 0, "the model was to be given back"


def test_a_gpu_that_is_not_there_is_told_with_every_line():
    jobs = helpers.module("blender_addon.jobs")
    for _line in range(2):
        told = []
        model = jobs.speech_model(running=jobs.Running(device="gpu"), notify=told.append)
        assert model.provider == "CPUExecutionProvider"
        assert len(told) == 1
        assert "CPU" in told[0]


class _Layout:
    """Records labels and properties; every other call gives a layout again."""

    def __init__(self, shown):
        self._shown = shown

    def label(self, text="", **_):
        self._shown.append(text)

    def prop(self, _data, name, **_):
        self._shown.append(name)

    def column(self, **_):
        return self


def test_drawn_with_and_without_espeak():
    module = helpers.module("blender_addon.preferences")
    for found, expected in ((None, "is not installed"), ("/usr/bin/espeak-ng", "is installed")):
        shown = []

        class Preferences:
            layout = _Layout(shown)

        which = module.shutil.which
        module.shutil.which = lambda _name, found=found: found
        try:
            vars(module.SoliloquyPreferences)["draw"](Preferences(), bpy.context)
        finally:
            module.shutil.which = which
        text = " ".join(shown)
        assert expected in text
        assert {"provider", "threads", "keep_model"} <= set(shown)
