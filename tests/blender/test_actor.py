"""The actor of a scene: consent, plates from files, strips and clips, face points, the track, the motion."""

from __future__ import annotations

import bpy
import helpers
import numpy as np
from mathutils import Vector

CONSENT = "A drawn face of these tests, nobody's: consents to everything"


def _settings():
    return bpy.context.scene.soliloquy_actor


def _actors():
    return helpers.module("blender_addon.actors")


def _operator(name: str):
    for part in ("actor_capture", "actor_render", "actor_composite"):
        module = helpers.module(f"blender_addon.operators.{part}")
        if hasattr(module, f"SOLILOQUY_OT_{name}"):
            return getattr(module, f"SOLILOQUY_OT_{name}")
    raise AssertionError(name)


def _reason(name: str) -> str:
    return _operator(name).disabled_reason(bpy.context)


def _images(name: str, first: int = 5, count: int = 4):
    folder = helpers.FOLDER / name
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        image = bpy.data.images.new("frame", 32, 24)
        image.filepath_raw, image.file_format = str(folder / f"shot_{number:04d}.png"), "PNG"
        image.save()
        bpy.data.images.remove(image)
    return folder / f"shot_{first + 1:04d}.png"


def _actor(name: str = "actor", takes: tuple[str, ...] = ()):
    import shutil

    folder = helpers.FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    module = helpers.module("inference.actor.folder")
    actor = module.make_actor(folder, "Drawn Face", CONSENT, 96)
    for take in takes:
        actor = module.with_take(actor, take)
    return folder


def _with_face_model():
    import addon_utils

    addon_utils.enable(helpers.PACKAGE, default_set=True)
    model = helpers.FOLDER / "face.task"
    model.write_bytes(b"\0")
    preferences = bpy.context.preferences.addons[helpers.PACKAGE].preferences
    preferences.face_model = str(model)
    return preferences


def test_capture_is_grey_until_folder_consent_plate_and_face_model_are_there():
    preferences, chosen = _with_face_model(), _settings()
    try:
        assert "No actor folder is chosen" in _reason("capture_actor")
        chosen.folder = str(helpers.FOLDER / "new_actor")
        assert "recorded consent only" in _reason("capture_actor")
        chosen.consent = "yes"
        assert "too short ('yes')" in _reason("capture_actor")
        chosen.consent = CONSENT
        assert "No plate is chosen" in _reason("capture_actor")
        chosen.plate_path = str(helpers.FOLDER / "none.mp4")
        assert "does not exist" in _reason("capture_actor")
        chosen.plate_path = str(_images("plate_images"))
        assert _reason("capture_actor") == ""
        preferences.face_model = ""
        assert "No face model is set" in _reason("capture_actor")
        preferences.face_model = "/no/model.task"
        assert "There is no face model '/no/model.task'" in _reason("capture_actor")
    finally:
        preferences.face_model = ""


def test_without_consent_nothing_is_captured_even_by_a_script():
    preferences, chosen = _with_face_model(), _settings()
    chosen.folder, chosen.plate_path = str(helpers.FOLDER / "secret"), str(_images("secret_plate"))
    try:
        assert "recorded consent only" in _refused("capture_actor")
        assert not (helpers.FOLDER / "secret").exists()
    finally:
        preferences.face_model = ""


def _refused(name: str) -> str:
    try:
        result = getattr(bpy.ops.soliloquy, name)()
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"not refused: {result}")


def test_the_panel_knows_the_actor_and_names_the_next_step():
    from test_register import _drawn

    chosen = _settings()
    chosen.folder = str(_actor())
    shown = _drawn()
    assert "Drawn Face" in shown
    assert "A drawn face of these tests" in shown
    assert "No take yet" in shown
    assert "No plate of Drawn Face was captured yet" in _reason("build_memory")
    chosen.folder = str(_actor(takes=("one", "two")))
    shown = _drawn()
    assert "2 takes" in shown
    assert "No memory yet" in shown
    assert _reason("build_memory") == ""
    assert "no memory yet" in _reason("train_actor")
    folder = helpers.FOLDER / "actor"
    (folder / "memory.npz").write_bytes(b"\0")
    assert _reason("train_actor") == ""
    assert "no renderer yet" in _reason("render_pass")
    (folder / "renderer.onnx").write_bytes(b"\0")
    assert "Renderer" in _drawn()
    import os

    os.utime(folder / "memory.npz", (2e9, 2e9))
    assert "older than the memory" in _drawn()
    (folder / "actor.json").write_text("{")
    assert "is damaged" in _drawn()
    assert "is damaged" in _reason("build_memory")


def test_a_folder_with_other_files_is_no_place_for_an_actor():
    folder = helpers.FOLDER / "papers"
    folder.mkdir()
    (folder / "a.txt").write_text("mine")
    _settings().folder = str(folder)
    assert "holds other files and no actor" in str(_actors().folder_refusal(bpy.context))
    _settings().folder = str(folder / "a.txt")
    assert "is a file" in str(_actors().folder_refusal(bpy.context))
    _settings().folder = "//actor"
    assert "Save the blend file first" in str(_actors().folder_refusal(bpy.context))


def test_a_plate_of_images_begins_with_its_first_picture():
    chosen = _settings()
    chosen.plate_path, chosen.plate_start = str(_images("numbers", 5, 4)), 101
    found = _actors().plate(bpy.context)
    assert (found.start_frame, found.first_number, found.frames) == (101, 5, 4)
    assert found.path.endswith("shot_0005.png")
    assert _actors().length(found) == 4


def test_a_plate_from_strips():
    scene, chosen = bpy.context.scene, _settings()
    chosen.plate_from = "STRIP"
    assert "No film or image strip is active" in str(_actors().plate_refusal(bpy.context))
    image = _images("strip_images", 7, 3)
    editor, compat = scene.sequence_editor_create(), helpers.module("blender_addon.compat")
    first = image.with_name("shot_0007.png")
    strip = compat.strips(editor).new_image("shots", str(first), 1, 21)
    for number in (8, 9):
        strip.elements.append(f"shot_{number:04d}.png")
    editor.active_strip = strip
    found = _actors().plate(bpy.context)
    assert (found.start_frame, found.first_number, found.frames) == (21, 7, 3)
    assert found.path == str(first)
    strip.frame_final_start = 22
    assert _actors().plate(bpy.context).start_frame == 21, "where the first picture lies, shown or not"


def test_a_film_of_another_frame_rate_is_refused_and_its_length_known():
    film = helpers.data("grid_s1/video")
    path = str(next(p for p in sorted(film.iterdir()) if p.suffix in (".mpg", ".mp4")))
    scene, chosen = bpy.context.scene, _settings()
    editor, compat = scene.sequence_editor_create(), helpers.module("blender_addon.compat")
    strip = compat.strips(editor).new_movie("clip", path, 1, 31)
    editor.active_strip, chosen.plate_from = strip, "STRIP"
    assert "25 frames per second and the scene 24" in str(_actors().plate_refusal(bpy.context))
    scene.render.fps = 25
    found = _actors().plate(bpy.context)
    assert (found.path, found.start_frame) == (path, 31)
    assert _actors().length(found) in (74, 75, 76)
    chosen.plate_from, chosen.clip = "CLIP", bpy.data.movieclips.load(path)
    chosen.clip.frame_start = 11
    assert _actors().plate(bpy.context).start_frame == 11
    assert "No clip is open" in _reason("use_clip")


def test_face_points_are_found_on_the_embedded_head_and_go_with_it():
    bpy.ops.soliloquy.add_head(with_stage=True)
    head, scene = bpy.context.scene.soliloquy.target, bpy.context.scene
    track = helpers.module("blender_addon.actor_track")
    assert bpy.ops.soliloquy.place_face_points() == {"FINISHED"}
    points = track.face_points(head)
    assert set(points) == set(track.REFERENCE)
    bpy.context.view_layer.update()
    at = {name: 1000 * np.array(empty.matrix_world.translation) for name, empty in points.items()}
    assert np.abs(at["eye_left"] - (33, -81, 109)).max() < 6, at
    assert np.abs(at["nose_tip"] - (0, -117, 80)).max() < 6
    assert np.abs(at["chin"] - (0, -90, 8)).max() < 10
    assert at["mouth_left"][0] > 15 > -15 > at["mouth_right"][0]
    assert bpy.ops.soliloquy.place_face_points() == {"FINISHED"}
    assert track.face_points(head) == points, "twice is once"
    bone = head.parent.pose.bones["head"]
    bone.rotation_mode, bone.rotation_euler = "XYZ", (0.0, 0.5, 0.0)
    bpy.context.view_layer.update()
    moved = 1000 * np.array(points["nose_tip"].matrix_world.translation)
    assert np.linalg.norm(moved - at["nose_tip"]) > 20, "they hang on the head's bone"
    assert scene.camera is not None


def test_the_track_projects_to_where_blender_sees_the_points():
    from bpy_extras.object_utils import world_to_camera_view

    bpy.ops.soliloquy.add_head(with_stage=True)
    scene = bpy.context.scene
    head, camera = scene.soliloquy.target, scene.camera
    bpy.ops.soliloquy.place_face_points()
    track = helpers.module("blender_addon.actor_track")
    scene.frame_start, scene.frame_end = 3, 6
    camera.keyframe_insert("location", frame=3)
    camera.location += Vector((0.2, 0.05, 0.02))
    camera.keyframe_insert("location", frame=6)
    camera.data.keyframe_insert("lens", frame=3)
    camera.data.lens = 50
    camera.data.keyframe_insert("lens", frame=6)
    camera.data.shift_x, camera.data.shift_y = 0.1, -0.05
    bone = head.parent.pose.bones["head"]
    bone.rotation_mode = "XYZ"
    bone.keyframe_insert("rotation_euler", frame=3)
    bone.rotation_euler = (0.1, 0.4, 0.0)
    bone.keyframe_insert("rotation_euler", frame=6)
    scene.frame_set(5)
    read = helpers.module("inference.actor.painting.head_track").read_track
    for size in ((640, 360), (300, 480)):
        scene.render.resolution_x, scene.render.resolution_y = size
        path = helpers.FOLDER / "track.json"
        assert track.write(scene, head, path) == 4
        assert scene.frame_current == 5, "the current frame is put back"
        found = read(path)
        assert (found.width, found.height) == size
        for row, frame in enumerate(range(3, 7)):
            scene.frame_set(frame)
            pixels, depths = found.project(row, found.reference.astype(np.float32))
            assert (depths > 0).all()
            for i, name in enumerate(track.REFERENCE):
                point = track.face_points(head)[name].matrix_world.translation
                seen = world_to_camera_view(scene, camera, point)
                wanted = np.array([seen.x * size[0], (1 - seen.y) * size[1]])
                assert np.abs(pixels[i] - wanted).max() < 0.05, (frame, name)
        scene.frame_set(5)


def test_a_head_that_is_not_shown_or_not_seen_is_refused():
    bpy.ops.soliloquy.add_head()
    scene, errors = bpy.context.scene, helpers.module("inference.errors")
    head, track = scene.soliloquy.target, helpers.module("blender_addon.actor_track")
    said = helpers.error_of(errors.SoliloquyError, track.write, scene, head, helpers.FOLDER / "t.json")
    assert "Press Place Face Points" in said
    bpy.ops.soliloquy.place_face_points()
    said = helpers.error_of(errors.SoliloquyError, track.write, scene, head, helpers.FOLDER / "t.json")
    assert "has no camera" in said
    plain = helpers.mesh_with_keys("Plain", ("jawOpen",))
    assert "no shape key eyeBlinkLeft" in helpers.error_of(errors.RigError, track.found_points, plain)


def _curves(kind: str, first: int, last: int):
    scene, face = bpy.context.scene, bpy.context.active_object
    path = helpers.FOLDER / f"{kind}.csv"
    helpers.module("blender_addon.actor_motion").write(scene, face, str(path), first, last, kind)
    return helpers.module("inference.formats.arkit_csv").read_csv(path)


def test_edited_curves_are_read_back_from_what_is_shown():
    face = helpers.spoken_line()
    scene = bpy.context.scene
    scene.frame_set(17)
    spoken, edited = _curves("PREDICTED", 10, 60), _curves("EDITED", 10, 60)
    assert scene.frame_current == 17
    assert spoken.values.shape == edited.values.shape
    assert len(spoken.values) == 51
    assert spoken.channels.index("jawOpen") == edited.channels.index("jawOpen")
    assert np.abs(spoken.values[:, :52] - edited.values[:, :52]).max() < 0.06, "keys are thinned"
    layers = helpers.module("blender_addon.edit_layers")
    layers.enter(face, scene, "Hand")
    block = face.data.shape_keys.key_blocks["jawOpen"]
    block.value = 0.3
    block.keyframe_insert("value", frame=30)
    layers.leave(face)
    by_hand = _curves("EDITED", 10, 60)
    jaw = by_hand.channels.index("jawOpen")
    assert by_hand.values[20, jaw] > edited.values[20, jaw] + 0.1, "a layer above is in it"
    again = _curves("PREDICTED", 10, 60)
    assert np.array_equal(again.values, spoken.values), "and not in what the line makes"


def test_frames_where_nothing_is_said_are_at_rest():
    helpers.spoken_line(duration_s=1.0)
    motion = _curves("PREDICTED", -50, 400)
    jaw = motion.values[:, motion.channels.index("jawOpen")]
    assert jaw[:20].max() == 0.0
    assert jaw[-100:].max() == 0.0
    assert jaw.max() > 0.1


def test_a_character_without_a_line_can_be_animated_by_hand():
    face = helpers.arkit_mesh()
    refusal = helpers.module("blender_addon.actor_motion").refusal
    assert "says nothing yet" in str(refusal(bpy.context, face))
    block = face.data.shape_keys.key_blocks["jawOpen"]
    for frame, value in ((1, 0.0), (11, 1.0)):
        block.value = value
        block.keyframe_insert("value", frame=frame)
    assert refusal(bpy.context, face) is None
    motion = _curves("EDITED", 1, 11)
    jaw = motion.values[:, motion.channels.index("jawOpen")]
    assert abs(jaw[0]) < 1e-3
    assert abs(jaw[10] - 1.0) < 1e-3
    assert (np.diff(jaw) >= -1e-4).all()


def test_a_saved_file_keeps_the_actor():
    chosen = _settings()
    chosen.folder, chosen.consent, chosen.way, chosen.motion = "/a/b", CONSENT, "SKIN", "PREDICTED"
    path = str(helpers.FOLDER / "actor.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    helpers.empty_scene()
    assert _settings().folder == ""
    bpy.ops.wm.open_mainfile(filepath=path)
    chosen = _settings()
    assert (chosen.folder, chosen.consent, chosen.way, chosen.motion) == (
        "/a/b",
        CONSENT,
        "SKIN",
        "PREDICTED",
    )
