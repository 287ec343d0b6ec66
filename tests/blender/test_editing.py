"""Non-destructive editing: lines stay with the character, sliders act at once, hand keys are never lost."""

from __future__ import annotations

import bpy
import helpers
import numpy as np
from helpers import value_path

JAW, SMILE, BLINK = value_path("jawOpen"), value_path("mouthSmileLeft"), value_path("eyeBlinkRight")
VOICED = ((0.5, 1.5), (2.5, 3.5))
"""Where the test sound is heard, in seconds."""


def _spoken(name="edit.wav", start_frame=1, **settings):
    face = helpers.arkit_mesh()
    assert helpers.animate(helpers.vowels(name, 4.0, VOICED), start_frame, **settings) == {"FINISHED"}
    return face


def _fcurve(face, path=JAW):
    strip = helpers.speech_strip(face.data.shape_keys)
    return next(
        f
        for f in strip.action.layers[0].strips[0].channelbag(strip.action_slot).fcurves
        if f.data_path == path
    )


def _values(face, path=JAW, frames=range(-3, 101)):
    return np.array([_fcurve(face, path).evaluate(frame) for frame in frames])


def _move_key(face, near, by, path=JAW):
    """Move the key nearest to a frame up; returns its frame and new value."""
    points = _fcurve(face, path).keyframe_points
    point = min(points, key=lambda p: abs(p.co.x - near))
    point.co.y += by
    point.handle_left.y += by
    point.handle_right.y += by
    return point.co.x, point.co.y


def _has_key(face, frame, value, path=JAW):
    return any(
        abs(p.co.x - frame) < 1e-4 and abs(p.co.y - value) < 1e-5 for p in _fcurve(face, path).keyframe_points
    )


def test_thinned_keys_stay_within_the_bound_of_what_blender_evaluates():
    face = _spoken("thin.wav", keys="DENSE")
    frames = range(-3, 101)
    dense = {path: _values(face, path, frames) for path in helpers.curves(face)}
    count = sum(map(len, helpers.curves(face).values()))
    face.soliloquy_face.keys = "THINNED"
    worst = max(np.abs(_values(face, path, frames) - dense[path]).max() for path in dense)
    assert worst <= 0.005, worst
    thinned = sum(map(len, helpers.curves(face).values()))
    assert 5 * thinned <= count, (thinned, count)
    for frame in frames[::9]:
        bpy.context.scene.frame_set(frame)
        shown = face.data.shape_keys.key_blocks["jawOpen"].value
        assert abs(shown - dense[JAW][frame + 3]) <= 0.005, "what the NLA shows is the same"
    face.soliloquy_face.tolerance = 0.05
    assert sum(map(len, helpers.curves(face).values())) < thinned


def test_blinks_keep_their_full_depth_when_thinned():
    face = _spoken("blinks.wav", seed=3)
    values = _values(face, BLINK)
    assert values.max() > 0.95, "the sound is long enough for a blink"
    face.soliloquy_face.keys = "DENSE"
    dense = _values(face, BLINK)
    bottoms = [
        i for i in range(1, len(dense) - 1) if dense[i - 1] < dense[i] > dense[i + 1] and dense[i] > 0.5
    ]
    assert bottoms
    assert np.abs(values[bottoms] - dense[bottoms]).max() < 1e-5


def test_a_slider_acts_at_once_without_the_model():
    face = _spoken("live.wav", keys="DENSE")
    plain = _values(face)
    assert plain.max() > 0.05
    jobs, real = helpers.module("blender_addon.jobs"), None
    real, jobs.speech_model = jobs.speech_model, None
    try:
        face.soliloquy_face.jaw = 0.5
        assert np.allclose(_values(face), plain / 2, atol=1e-5)
        face.soliloquy_face.lower_face = 0.5
        assert np.allclose(_values(face), plain / 4, atol=1e-5)
        face.soliloquy_face.lower_face = face.soliloquy_face.jaw = 1.0
        assert np.allclose(_values(face), plain, atol=1e-6)
        face.soliloquy_face.prediction_delay_s = 0.25
        assert np.allclose(_values(face)[16:90], plain[10:84], atol=1e-4)
    finally:
        jobs.speech_model = real
    assert len(bpy.data.actions) == 1


def test_lids_hang_and_open_but_a_blink_stays_a_blink():
    face = _spoken("lids.wav", keys="DENSE", seed=3)
    plain = _values(face, BLINK)
    face.soliloquy_face.eyelid_offset = -0.3
    hanging = _values(face, BLINK)[6:-6]
    assert hanging.min() >= 0.3 - 1e-5
    assert hanging.max() > 0.95
    face.soliloquy_face.eyelid_offset = 0.3
    assert np.allclose(_values(face, BLINK), plain, atol=1e-5)
    assert _values(face, value_path("eyeWideRight"))[10] > 0.2
    face.soliloquy_face.eyelid_offset, face.soliloquy_face.blink_strength = 0.0, 0.5
    assert 0.45 < _values(face, BLINK).max() <= 0.5 + 1e-5


def test_lines_survive_saving_loading_and_copying():
    face = _spoken("kept.wav", jaw=0.8)
    before = _values(face)
    target = helpers.FOLDER / "kept.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(target))
    bpy.ops.wm.open_mainfile(filepath=str(target))
    face = bpy.data.objects["Face"]
    (kept_line,) = helpers.module("blender_addon.kept_lines").load(face)
    assert (kept_line.name, kept_line.start_frame) == ("kept", 1.0)
    assert kept_line.content_hash
    face.soliloquy_face.lips = 0.5
    face.soliloquy_face.lips = 1.0
    assert np.allclose(_values(face), before, atol=1e-6), "made again from what the file keeps"


def test_a_copy_of_a_character_gets_an_action_of_its_own():
    face = _spoken("copy.wav")
    twin = face.copy()
    twin.data = face.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    before = _values(face)
    twin.soliloquy_face.jaw = 0.5
    assert np.allclose(_values(face), before, atol=1e-6), "the original is not touched"
    assert abs(_values(twin).max() - before.max() / 2) < 0.01
    assert (
        helpers.speech_strip(face.data.shape_keys).action != helpers.speech_strip(twin.data.shape_keys).action
    )


def test_keys_that_a_person_changed_stay():
    face = _spoken("hand.wav")
    untouched = _values(face, SMILE)
    moved = _move_key(face, 25, 0.3)
    fcurve = _fcurve(face)
    fcurve.keyframe_points.insert(73.5, 0.77)
    deleted = next(p for p in fcurve.keyframe_points if p.co.x > 84)
    gone = deleted.co.x
    fcurve.keyframe_points.remove(deleted)
    fcurve.update()
    for jaw in (0.5, 1.5, 1.0):
        face.soliloquy_face.jaw = jaw
        assert _has_key(face, *moved), jaw
        assert _has_key(face, 73.5, 0.77), jaw
        assert not any(abs(p.co.x - gone) < 1e-4 for p in _fcurve(face).keyframe_points), jaw
        assert len(_fcurve(face).keyframe_points) == len({p.co.x for p in _fcurve(face).keyframe_points})
    assert np.allclose(_values(face, SMILE), untouched, atol=1e-6)
    face.soliloquy_face.jaw = 0.5
    keyframes, action = (
        helpers.module("blender_addon.keyframes"),
        helpers.speech_strip(face.data.shape_keys).action,
    )
    (spans,) = keyframes.hand_spans(action, keyframes.curves_of(action)).values()
    assert len(spans) == 3
    for first, last in spans:
        for inside, outside in ((first, first - 1), (last, last + 1)):
            step = abs(_fcurve(face).evaluate(inside) - _fcurve(face).evaluate(outside))
            assert step < 0.1, "no jump where computed keys meet a person's"
    assert helpers.module("blender_addon.layers").hand_edits(face) == 1
    assert bpy.ops.soliloquy.release_edits() == {"FINISHED"}
    assert not _has_key(face, *moved)
    assert helpers.module("blender_addon.layers").hand_edits(face) == 0


def test_hand_keys_survive_a_new_line_and_another_take():
    face = _spoken("first.wav")
    moved = _move_key(face, 25, 0.3)
    assert helpers.animate(helpers.vowels("second.wav", 2.0), 200) == {"FINISHED"}
    assert _has_key(face, *moved)
    assert helpers.animate(helpers.vowels("first.wav", 4.0, VOICED), 1) == {"FINISHED"}
    assert _has_key(face, *moved)


def test_hand_keys_move_with_their_line():
    face = _spoken("moving.wav")
    frame, value = _move_key(face, 25, 0.3)
    keys = face.data.shape_keys
    for start_frame in (31, 901, -700, 1):
        assert helpers.animate(helpers.vowels("moving.wav", 4.0, VOICED), start_frame) == {"FINISHED"}
        moved = frame + start_frame - 1
        assert _has_key(face, moved, value), start_frame
        assert [abs(v - value) < 1e-5 for _, v in helpers.curves(face)[JAW]].count(True) == 1
        strip = helpers.speech_strip(keys)
        assert (strip.frame_start, strip.scale) == (start_frame - 15, 1.0)
        bpy.context.scene.frame_set(int(moved))
        assert abs(keys.key_blocks["jawOpen"].value - value) < 1e-5, "the NLA shows it there"


def test_another_name_leaves_the_blinks_where_they_are():
    face = _spoken("named.wav", keys="DENSE")
    before = _values(face, BLINK)
    face.name = "Somebody else"
    assert bpy.ops.soliloquy.reapply() == {"FINISHED"}
    assert np.allclose(_values(face, BLINK), before, atol=1e-6)
    twin = helpers.mesh_with_keys("Twin", ("eyeBlinkRight", "jawOpen"))
    bpy.context.view_layer.objects.active = twin
    assert helpers.animate(helpers.vowels("named.wav", 4.0, VOICED), keys="DENSE") == {"FINISHED"}
    assert not np.allclose(_values(twin, BLINK), before, atol=0.1), (
        "two characters blink at moments of their own"
    )


def test_protected_frames_and_channels_stay():
    face = _spoken("safe.wav")
    before, smile = helpers.curves(face)[JAW], _values(face, SMILE)
    inside = [(f, v) for f, v in before if 14 <= f <= 30]
    assert inside
    assert bpy.ops.soliloquy.protect(first=14, last=30, channels="jaw") == {"FINISHED"}
    face.soliloquy_face.lower_face = 0.4
    keys = helpers.curves(face)[JAW]
    assert [(f, v) for f, v in keys if 14 <= f <= 30] == inside
    assert np.allclose(_values(face, SMILE)[6:-6], 0.4 * smile[6:-6], atol=0.011), "other channels follow"
    assert (
        abs(_values(face, frames=range(60, 90)).max() - 0.4 * np.max([v for f, v in before if f > 55])) < 0.01
    )
    assert bpy.ops.soliloquy.unprotect(index=0) == {"FINISHED"}
    assert [(f, v) for f, v in helpers.curves(face)[JAW] if 14 <= f <= 30] != inside
    assert helpers.module("blender_addon.layers").hand_edits(face) == 0


def _refusal(**arguments):
    try:
        bpy.ops.soliloquy.protect(**arguments)
    except RuntimeError as error:
        return str(error)
    raise AssertionError("not refused")


def test_protect_says_what_is_wrong():
    face = _spoken("refuse.wav")
    assert "lies before" in _refusal(first=9, last=3)
    assert "names no channel" in _refusal(first=1, last=3, channels="nose hair")
    assert not len(face.soliloquy_face.protections)


def test_one_sentence_is_made_again_and_the_others_stay():
    face = helpers.arkit_mesh()
    assert helpers.animate(helpers.speech(), keys="DENSE", lips_meet=False) == {"FINISHED"}
    (line,) = helpers.module("blender_addon.kept_lines").lines(face)
    sentences = helpers.module("inference.reapply").sentences(line)
    assert len(sentences) > 2, sentences
    (start_s, end_s), fps = sentences[1], 24
    frames = np.arange(-3, 264)
    before = _values(face, frames=frames)
    bpy.context.scene.frame_set(round(1 + (start_s + end_s) / 2 * fps))
    assert bpy.ops.soliloquy.redo_sentence(lower_face=0.5) == {"FINISHED"}
    after = _values(face, frames=frames)
    times_s = (frames - 1) / fps
    inside = (times_s >= start_s) & (times_s <= end_s)
    outside = (times_s < start_s - 0.1) | (times_s > end_s + 0.1)
    assert before[inside].max() > 0.1
    assert np.allclose(after[inside], before[inside] / 2, atol=1e-4)
    assert np.allclose(after[outside], before[outside], atol=1e-6)
    assert bpy.ops.soliloquy.redo_sentence(lower_face=1.0) == {"FINISHED"}
    assert np.allclose(_values(face, frames=frames), before, atol=1e-5)


def test_a_sentence_is_heard_again_where_the_sound_changed():
    face = helpers.arkit_mesh()
    path = helpers.vowels("again.wav", 8.0, voiced=((0.5, 2.5), (4.0, 6.0)))
    assert helpers.animate(path, keys="DENSE", lips_meet=False, blinks=False) == {"FINISHED"}
    frames = np.arange(1, 190)
    before = _values(face, frames=frames)
    helpers.vowels("again.wav", 8.0, voiced=((0.5, 2.5), (5.0, 6.0)))  # its second sentence begins later
    bpy.context.scene.frame_set(round(1 + 24 * 5.5))
    assert bpy.ops.soliloquy.redo_sentence(hear=True) == {"FINISHED"}
    after = _values(face, frames=frames)
    times_s = (frames - 1) / 24
    silent = (times_s > 4.3) & (times_s < 4.7)
    assert before[silent].mean() > 3 * after[silent].mean(), (before[silent], after[silent])
    assert after[(times_s > 5.2) & (times_s < 5.9)].max() > 0.1
    assert np.allclose(after[times_s < 3.0], before[times_s < 3.0], atol=1e-4)
    item = face.soliloquy_face.lines[0]
    assert item.content_hash == helpers.module("blender_addon.kept_lines").content_hash(str(path))
    path.unlink()
    before = _values(face, frames=frames)
    said = ""
    try:
        bpy.ops.soliloquy.redo_sentence(hear=True)
    except RuntimeError as error:
        said = str(error)
    assert "does not exist" in said
    assert np.array_equal(_values(face, frames=frames), before)


def test_a_sentence_made_again_names_what_is_protected_in_it():
    face = _spoken("protected.wav", keys="DENSE", lips_meet=False)
    scene = bpy.context.scene
    scene.frame_set(25)
    redo = helpers.module("blender_addon.redo_sentence")
    first, last = helpers.module("blender_addon.edit_layers").sentence_frames(face, scene)
    assert redo.summary(face, first, last) == f"Made frames {first} to {last} again"
    assert bpy.ops.soliloquy.protect(first=last + 1, last=last + 40) == {"FINISHED"}
    assert redo.summary(face, first, last) == f"Made frames {first} to {last} again"
    assert bpy.ops.soliloquy.protect(first=first + 3, last=last + 9, channels="jaw") == {"FINISHED"}
    before = _values(face)
    assert bpy.ops.soliloquy.redo_sentence(lower_face=0.5) == {"FINISHED"}
    after = _values(face)
    inside = slice(first + 3 + 3, last + 1 + 3)  # the values begin at frame -3
    assert np.array_equal(after[inside], before[inside])
    said = f"Made frames {first} to {last} again, but {first + 3} to {last} (jaw) are protected"
    assert redo.summary(face, first, last).startswith(said)
    assert bpy.ops.soliloquy.protect(first=first, last=last) == {"FINISHED"}
    all_curves = helpers.curves(face)
    assert bpy.ops.soliloquy.redo_sentence(lower_face=2.0) == {"FINISHED"}
    kept = {path: [(f, v) for f, v in keys if first <= f <= last] for path, keys in all_curves.items()}
    now = {p: [(f, v) for f, v in keys if first <= f <= last] for p, keys in helpers.curves(face).items()}
    assert now == kept
    said = f"Frames {first} to {last} are protected and stay as they are"
    assert redo.summary(face, first, last).startswith(said)
    assert bpy.ops.soliloquy.redo_sentence(hear=True) == {"FINISHED"}
    assert helpers.module("blender_addon.jobs").STATUS.summary.startswith(said)


def test_the_scene_is_extended_to_the_end_of_the_speech():
    scene = bpy.context.scene
    face = _spoken("end.wav")
    bpy.context.scene.soliloquy.target = face
    assert not bpy.ops.soliloquy.extend_scene.poll()
    scene.frame_end = 20
    assert bpy.ops.soliloquy.extend_scene() == {"FINISHED"}
    assert scene.frame_end == 97  # four seconds from frame 1


def test_hand_layer_adds_and_survives():
    face = _spoken("layer.wav")
    scene, keys = bpy.context.scene, face.data.shape_keys
    scene.frame_set(50)
    block = keys.key_blocks["browInnerUp"]
    rest = block.value
    assert bpy.ops.soliloquy.edit_layer(layer="HAND") == {"FINISHED"}
    assert keys.animation_data.use_tweak_mode
    block.value = 0.6
    block.keyframe_insert("value", frame=50)
    assert bpy.ops.soliloquy.edit_layer(layer="HAND") == {"FINISHED"}
    assert not keys.animation_data.use_tweak_mode
    names = [track.name for track in keys.animation_data.nla_tracks]
    assert names == ["Speech", "Hand"]
    assert keys.animation_data.nla_tracks["Hand"].strips[0].blend_type == "ADD"
    scene.frame_set(49)
    scene.frame_set(50)
    assert abs(block.value - 0.6) < 1e-4, (rest, block.value)
    jaw = keys.key_blocks["jawOpen"].value
    face.soliloquy_face.jaw = 0.5
    scene.frame_set(51)
    scene.frame_set(50)
    assert abs(block.value - 0.6) < 1e-4
    assert abs(keys.key_blocks["jawOpen"].value - jaw / 2) < 0.01


def test_editing_the_speech_layer_keeps_what_was_changed():
    face = _spoken("tweak.wav")
    assert bpy.ops.soliloquy.edit_layer(layer="SPEECH") == {"FINISHED"}
    moved = _move_key(face, 25, 0.25)
    assert bpy.ops.soliloquy.edit_layer(layer="SPEECH") == {"FINISHED"}
    face.soliloquy_face.jaw = 0.6
    assert _has_key(face, *moved)


def test_animation_of_the_users_own_shows_again_where_nothing_is_spoken():
    face = helpers.arkit_mesh()
    keys = face.data.shape_keys
    for block in keys.key_blocks[1:]:
        block.value = 0.2
        block.keyframe_insert("value", frame=1)
    mine = keys.animation_data.action
    assert helpers.animate(helpers.vowels("own.wav", 2.0), 20) == {"FINISHED"}
    face.soliloquy_face.jaw = 0.7
    bpy.context.scene.frame_set(300)
    assert abs(keys.key_blocks["jawOpen"].value - 0.2) < 1e-6
    assert [t.name for t in keys.animation_data.nla_tracks] == [mine.name, "Speech"]


def test_bake_of_the_speech_alone_keeps_its_keys():
    face = _spoken("bake.wav")
    before = helpers.curves(face)
    assert bpy.ops.soliloquy.bake() == {"FINISHED"}
    adt = face.data.shape_keys.animation_data
    assert helpers.action_curves(adt.action, adt.action_slot) == before
    assert all(track.mute for track in adt.nla_tracks)
    assert bpy.ops.soliloquy.unbake() == {"FINISHED"}
    assert adt.action is None
    assert not any(track.mute for track in adt.nla_tracks)
    assert helpers.curves(face) == before


def test_bake_sums_up_the_layers():
    face = _spoken("sum.wav")
    scene, keys = bpy.context.scene, face.data.shape_keys
    bpy.ops.soliloquy.edit_layer(layer="HAND")
    for frame, value in ((20, 0.1), (60, 0.4)):
        scene.frame_set(frame)
        keys.key_blocks["jawOpen"].value += value
        keys.key_blocks["jawOpen"].keyframe_insert("value", frame=frame)
    bpy.ops.soliloquy.edit_layer(layer="HAND")
    shown = []
    for frame in range(1, 97):
        scene.frame_set(frame)
        shown.append([block.value for block in keys.key_blocks[1:]])
    assert bpy.ops.soliloquy.bake() == {"FINISHED"}
    baked = []
    for frame in range(1, 97):
        scene.frame_set(frame)
        baked.append([block.value for block in keys.key_blocks[1:]])
    assert np.abs(np.array(shown) - np.array(baked)).max() <= 0.005
    adt = keys.animation_data
    assert "Baked" in adt.action.name
    assert len(helpers.action_curves(adt.action, adt.action_slot)) == len(helpers.curves(face))
