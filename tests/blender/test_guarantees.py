"""The transcript and the guarantees: what the panel asks for reaches the keys."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import bpy
import helpers
import numpy as np

FPS = 24
TEXT = (
    "My mother bought five blue buttons before the window. Maybe Bob will move the warm water above the "
    "fire. Wow, very funny people have vivid hopes."
)


def _sample() -> Path:
    return Path(helpers.module("blender_addon").__file__).parent / "assets" / "sample.flac"


def _labials():
    with _sample().with_name("sample.phones.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [(float(row["start_s"]), float(row["end_s"])) for row in rows if row["phone"] in ("p", "b", "m")]


def _closed_share(face, start_frame=1.0):
    """Of the p, b and m of the sample: for how many the lips meet on a frame."""
    basis = helpers.module("inference.lip_basis")
    strip = helpers.speech_strip(face.data.shape_keys)
    curves = {f.data_path: f for f in strip.action.layers[0].strips[0].channelbag(strip.action_slot).fcurves}
    names = tuple(basis.CHANNELS_MM)
    frames = np.arange(*(int(frame) for frame in strip.action.frame_range))
    values = np.array([[curves[helpers.value_path(n)].evaluate(f) for f in frames] for n in names])
    met = frames[basis.lip_curves(values.T, names)[0] <= 0.0]
    times_s = (met - start_frame) / FPS
    found = [((times_s >= a - 0.06) & (times_s <= b + 0.06)).any() for a, b in _labials()]
    return sum(found) / len(found)


def _scene():
    scene = helpers.empty_scene(FPS)
    scene.frame_end = 400
    return scene


def _needs_espeak():
    if shutil.which("espeak-ng") is None:
        raise helpers.Skip("espeak-ng is not installed")


def test_with_a_transcript_the_lips_meet_on_every_p_b_m():
    _needs_espeak()
    _scene()
    face = helpers.arkit_mesh()
    assert helpers.animate(_sample()) == {"FINISHED"}
    assert _closed_share(face) < 0.9
    assert helpers.animate(_sample(), transcript=TEXT) == {"FINISHED"}
    assert _closed_share(face) == 1.0
    assert helpers.module("blender_addon.jobs").STATUS.notices == ()
    assert helpers.animate(_sample(), transcript=TEXT, lips_meet=False) == {"FINISHED"}
    assert _closed_share(face) < 0.9


def test_a_sound_that_starts_between_two_frames_keeps_its_contacts():
    _needs_espeak()
    scene = _scene()
    face, start_frame = helpers.arkit_mesh(), 10.4
    line, media = helpers.module("blender_addon.line"), helpers.module("blender_addon.media")
    settings = helpers.module("inference.pipeline").AnimateSettings(text=TEXT)
    source = media.source_from_file(str(_sample()), start_frame)
    line.run_now(scene, line.describe(scene, face, source, settings))
    assert _closed_share(face, start_frame) == 1.0


def test_the_switches_become_settings():
    scene = _scene()
    helpers.arkit_mesh()
    face, line = bpy.context.active_object.soliloquy_face, helpers.module("blender_addon.line")
    made = helpers.module("blender_addon.edit_properties").animate_settings

    def guarantees(by_text, **switches):
        for name, value in switches.items():
            setattr(face, name, value)
        kept = made(face).guarantees(by_text=by_text)
        return kept.lips_meet, kept.lip_to_teeth, kept.still_in_silence

    assert guarantees(False) == (True, False, False)
    assert guarantees(True) == (True, True, False)
    assert guarantees(False, by_ear=True) == (True, True, False)
    assert guarantees(True, lips_meet=False) == (False, True, False)
    assert guarantees(False, lip_to_teeth=False, still_in_silence=True) == (False, False, True)
    path = helpers.vowels("said.wav", 0.5)
    scene.soliloquy.audio_path, scene.soliloquy.transcript = str(path), "Guten Tag"
    scene.soliloquy.language = "de"
    heard = line.from_context(bpy.context).request.settings
    assert (heard.text, heard.language) == ("Guten Tag", "de")


def test_a_transcript_that_cannot_be_used_is_said_and_not_applied():
    _scene()
    helpers.arkit_mesh()
    transcript, status = helpers.module("inference.transcript"), helpers.module("blender_addon.jobs").STATUS
    program, transcript.PROGRAM = transcript.PROGRAM, "no-such-program"
    try:
        assert helpers.animate(_sample(), transcript=TEXT) == {"FINISHED"}
    finally:
        transcript.PROGRAM = program
    (notice,) = status.notices
    assert "espeak-ng" in notice
    assert "animated without the text" in notice
    _needs_espeak()
    assert "does not know the language 'xx'" in helpers.refused(_sample(), transcript=TEXT, language="xx")


def test_the_command_line_of_blender_takes_a_text():
    _needs_espeak()
    _scene()
    face = helpers.arkit_mesh("Head")
    command = ["animate", "--audio", _sample(), "--object", "Head", "--out", helpers.FOLDER / "text.blend"]
    run = helpers.module("blender_addon.cli_command").run
    assert run([*map(str, command), "--text", TEXT]) == 0
    assert _closed_share(face) == 1.0
    assert run([*map(str, command), "--text", " "]) == 2
