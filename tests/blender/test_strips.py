"""Sounds in the sequencer: the strip that is added, and lines made from a strip that lies there already."""

from __future__ import annotations

import time
import wave
from pathlib import Path

import bpy
import helpers
import numpy as np
from helpers import value_path

JAW = value_path("jawOpen")


def _sound_strip(path, frame_start, channel=1):
    scene = bpy.context.scene
    editor = scene.sequence_editor or scene.sequence_editor_create()
    made = (
        helpers.module("blender_addon.compat")
        .strips(editor)
        .new_sound("line", str(path), channel, frame_start)
    )
    editor.active_strip = made
    return made


def _animate_strip():
    bpy.context.scene.soliloquy.source = "STRIP"
    return bpy.ops.soliloquy.animate()


def _whole(path, start_frame=1):
    """Keys of the whole file from a frame on, by frame."""
    face = helpers.arkit_mesh("Whole")
    assert helpers.animate(path, start_frame, blinks=False, keys="DENSE") == {"FINISHED"}
    keys = dict(helpers.curves(face)[JAW])
    bpy.data.objects.remove(face)
    editor = bpy.context.scene.sequence_editor
    for strip in list(editor.strips):
        editor.strips.remove(strip)
    return keys


def test_sound_is_added_in_sync_beside_other_strips():
    for fps, base in ((24, 1.001), (25, 1.0), (60, 1.0)):
        scene = helpers.empty_scene(fps, base)
        other = _sound_strip(helpers.vowels("other.wav", 3.0), -5)
        helpers.arkit_mesh()
        path = helpers.vowels("added.wav", 2.0)
        assert helpers.animate(path, -12) == {"FINISHED"}
        (strip,) = (s for s in scene.sequence_editor.strips if s != other)
        assert bpy.path.abspath(strip.sound.filepath) == str(path)
        assert strip.frame_final_start == -12
        assert abs(strip.frame_final_duration - 2.0 * fps / base) <= 1.0
        assert strip.channel != other.channel
        assert helpers.animate(path, -12) == {"FINISHED"}
        assert len(scene.sequence_editor.strips) == 2


def test_moved_strip_is_keyed_where_it_lies_and_not_added_again():
    for frame_start in (40, -20):
        helpers.empty_scene(25)
        path = helpers.vowels("moved.wav", 2.0)
        whole = _whole(path, frame_start)
        _sound_strip(path, frame_start)
        face = helpers.arkit_mesh()
        helpers.set_up(keys="DENSE")
        assert _animate_strip() == {"FINISHED"}
        assert len(bpy.context.scene.sequence_editor.strips) == 1
        keys = dict(helpers.curves(face)[JAW])
        inside = [frame for frame in whole if frame < frame_start + 50]
        assert all(abs(keys[frame] - whole[frame]) < 1e-4 for frame in inside)
        assert set(keys) <= set(whole)


def test_trimmed_strip_is_keyed_where_it_is_audible():
    helpers.empty_scene(24)
    path = helpers.vowels("trimmed.wav", 4.0)
    whole = _whole(path, 10)
    strip = _sound_strip(path, 10)
    strip.frame_offset_start, strip.frame_offset_end = 30, 20
    face = helpers.arkit_mesh()
    helpers.set_up(blinks=False, keys="DENSE")
    assert _animate_strip() == {"FINISHED"}
    keys = helpers.curves(face)[JAW]
    inside = [(frame, value) for frame, value in keys if 40 <= frame < 86]
    assert [frame for frame, _ in inside] == list(range(40, 86))
    assert all(abs(value - whole[frame]) < 1e-4 for frame, value in inside)
    assert (keys[0], keys[-1]) == ((25.0, 0.0), (100.0, 0.0)), "at rest 0.6 s before and after"


def test_sub_frame_offset_of_a_strip_counts():
    helpers.empty_scene(24)
    path = helpers.vowels("sub.wav", 2.0)
    strip = _sound_strip(path, 10)
    if not hasattr(strip, "sound_offset"):
        raise helpers.Skip("this Blender has no sub-frame offset")
    source = helpers.module("blender_addon.media").source_from_strip
    rate = helpers.module("inference.types").FrameRate(24)
    strip.sound_offset = 0.25 / 24
    assert abs(source(strip, rate).start_frame - 10.25) < 1e-4


def test_blender_plays_a_strip_where_we_think_it_does():
    """Mixes the sequencer down and finds the onset, for every way to offset a strip."""
    path = helpers.vowels("onset.wav", 3.0, ((1.0, 1.2),))
    for name, value in (
        ("frame_start", 30),
        ("frame_offset_start", 10),
        ("animation_offset_start", 12),
        ("sound_offset", 0.1),
    ):
        scene = helpers.empty_scene(24)
        strip = _sound_strip(path, 20)
        if not hasattr(strip, name):
            continue
        setattr(strip, name, value)
        source = helpers.module("blender_addon.media").source_from_strip(
            strip, helpers.module("inference.types").FrameRate(24)
        )
        scene.frame_start, scene.frame_end = 1, 120
        mixed = helpers.FOLDER / f"mixed_{name}.wav"
        bpy.ops.sound.mixdown(filepath=str(mixed), container="WAV", codec="PCM", format="S16")
        samples, rate_hz = _samples(mixed)
        onset_s = np.flatnonzero(np.abs(samples).max(1) > 800)[0] / rate_hz
        wanted_s = (source.start_frame - 1) / 24 + 1.0
        assert abs(onset_s - wanted_s) < 0.012, (name, onset_s, wanted_s)


def _samples(path: Path) -> tuple[np.ndarray, int]:
    """int16 [N, channels] of a mixdown. Blender 5.2 writes it in the background: wait for the end."""
    size, deadline = -1, time.monotonic() + 60.0
    while not path.exists() or size <= 0 or path.stat().st_size != size:
        assert time.monotonic() < deadline, "no mixdown"
        size = path.stat().st_size if path.exists() else -1
        time.sleep(0.3)
    with wave.open(str(path)) as file:
        raw = file.readframes(file.getnframes())
        return np.frombuffer(raw, np.int16).reshape(-1, file.getnchannels()), file.getframerate()


def test_packed_sound_is_read_when_its_file_is_gone():
    path = helpers.vowels("packed.wav", 1.0)
    strip = _sound_strip(path, 1)
    strip.sound.pack()
    path.unlink()
    helpers.arkit_mesh()
    assert _animate_strip() == {"FINISHED"}


def test_without_a_sound_strip_the_button_says_so():
    helpers.arkit_mesh()
    bpy.context.scene.soliloquy.source = "STRIP"
    reason = helpers.module("blender_addon.operators.animate").disabled_reason(bpy.context)
    assert "No sound strip is active" in reason
