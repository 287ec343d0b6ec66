"""`blender --command soliloquy animate`: exit codes, messages, saved scenes and rendered video."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import shutil
import signal
import subprocess

import bpy
import helpers

RENDER_PX = 64


def _run(*argv):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = helpers.module("blender_addon.cli_command").run([str(a) for a in argv])
    return code, out.getvalue(), err.getvalue()


def _folder(name):
    path = helpers.FOLDER / name
    path.mkdir(exist_ok=True)
    return path


def _leftovers():
    return [p.name for p in helpers.FOLDER.glob(".*") if p.suffix in (".tmp", ".blend", ".mp4")]


def test_animate_saves_a_scene_with_keys_and_sound():
    helpers.arkit_mesh("Head")
    target = helpers.FOLDER / "saved é.blend"
    path = helpers.vowels("cli.wav", 1.0)
    code, out, err = _run(
        "animate", "--audio", path, "--object", "Head", "--out", target, "--start-frame", 10
    )
    assert (code, err) == (0, ""), err
    assert 'Keyed 52 shape keys of "Head"' in out
    bpy.ops.wm.open_mainfile(filepath=str(target))
    keys = helpers.curves(bpy.data.objects["Head"])
    assert len(keys) == 52
    assert keys[helpers.value_path("jawOpen")][0][0] == -5.0, "at rest 0.6 s before the sound"
    (strip,) = bpy.context.scene.sequence_editor.strips
    assert strip.frame_final_start == 10
    assert _leftovers() == []


def test_refusals_exit_with_2_and_write_nothing():
    helpers.arkit_mesh("Head")
    path, target = helpers.vowels("cli.wav", 0.5), helpers.FOLDER / "not.blend"
    bad = helpers.FOLDER / "bad.wav"
    bad.write_text("no sound\n" * 50)
    cases = {
        ("--audio", "/nowhere.wav", "--object", "Head", "--out", target): "/nowhere.wav",
        ("--audio", bad, "--object", "Head", "--out", target): "bad.wav",
        ("--audio", path, "--object", "Nobody", "--out", target): "Head",
        ("--audio", path, "--object", "Head"): "--out",
        ("--audio", path, "--object", "Head", "--out", "/nowhere/x.blend"): "/nowhere",
        ("--audio", path, "--object", "Head", "--out", helpers.FOLDER): "does not end in .blend",
        ("--audio", path, "--object", "Head", "--out", _folder("a.blend")): "is a folder",
        ("--audio", path, "--object", "Head", "--out", target, "--jaw", "9"): "jaw",
        ("--audio", path, "--object", "Head", "--out", target, "--smoothing", "nan"): "smoothing",
        ("--audio", path, "--object", "Head", "--render", helpers.FOLDER / "x.mp4"): "no camera",
        ("--audio", path): "--object",
        ("--wrong",): "",
    }
    for argv, part in cases.items():
        code, _, err = _run("animate", *argv)
        assert code == 2, (argv, err)
        assert part in err, (argv, err)
        assert "Traceback" not in err
        assert not target.exists()
    assert _run()[0] == 2
    assert _run("animate", "--help")[0] == 0
    assert _leftovers() == []


def test_a_problem_of_our_own_exits_with_1():
    helpers.arkit_mesh("Head")
    command = helpers.module("blender_addon.cli_command")
    real, command.line.run_now = command.line.run_now, lambda *_: 1 / 0
    try:
        target = helpers.FOLDER / "n.blend"
        code, _, err = _run(
            "animate", "--audio", helpers.vowels("c.wav", 0.5), "--object", "Head", "--out", target
        )
    finally:
        command.line.run_now = real
    assert code == 1
    assert "ZeroDivisionError" in err
    assert "Traceback" not in err


def test_failed_saving_leaves_the_old_file_and_no_half_one():
    """A limit on the size of files stands in for a full disk; Blender itself reports success here."""
    helpers.arkit_mesh("Head")
    target = helpers.FOLDER / "kept.blend"
    target.write_bytes(b"old")
    command, errors = helpers.module("blender_addon.command_outputs"), helpers.module("inference.errors")
    with _largest_file(4_000):
        said = helpers.error_of(errors.OutputError, command.save, target)
    assert "kept.blend" in said
    assert target.read_bytes() == b"old"
    assert _leftovers() == []
    for compressed in (True, False):
        bpy.context.preferences.filepaths.use_file_compression = compressed
        command.save(target)
        bpy.ops.wm.open_mainfile(filepath=str(target))
        assert bpy.context.scene.objects[0].name == "Head"


@contextlib.contextmanager
def _largest_file(size: int):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_failed_rendering_leaves_no_half_file():
    scene = _camera_scene("CYCLES")
    media, errors = helpers.module("blender_addon.media"), helpers.module("inference.errors")
    target = helpers.FOLDER / "half.mp4"
    with _largest_file(600):
        said = helpers.error_of(errors.OutputError, media.render_video, scene, str(target), 1, 4)
    assert "half.mp4" in said
    assert not target.exists()
    assert _leftovers() == []


def _camera_scene(engine):
    scene = helpers.empty_scene(25)
    helpers.arkit_mesh("Head")
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (0.3, -4.0, 0.3), (1.5708, 0.0, 0.0)
    scene.camera = camera
    scene.render.engine = engine
    scene.render.resolution_x, scene.render.resolution_y = RENDER_PX + 1, RENDER_PX
    scene.cycles.samples = 1
    return scene


def test_render_is_h264_and_aac_as_long_as_the_line():
    scene = _camera_scene("CYCLES")
    kept = (
        scene.frame_start,
        scene.frame_end,
        scene.render.filepath,
        scene.render.image_settings.file_format,
    )
    target = helpers.FOLDER / "line ü.mp4"
    path = helpers.vowels("render.wav", 1.2)
    code, _, err = _run(
        "animate", "--audio", path, "--object", "Head", "--render", target, "--start-frame", 7
    )
    assert code == 0, err
    assert _leftovers() == []
    image = scene.render.image_settings
    assert (scene.frame_start, scene.frame_end, scene.render.filepath, image.file_format) == kept
    assert scene.render.resolution_x == RENDER_PX + 1
    streams = _streams(target)
    assert streams["video"]["codec_name"] == "h264"
    assert streams["audio"]["codec_name"] == "aac"
    assert (streams["video"]["width"], streams["video"]["height"]) == (RENDER_PX, RENDER_PX)
    assert abs(float(streams["video"]["duration"]) - 1.2) <= 0.05


def _streams(path):
    if shutil.which("ffprobe") is None:
        raise helpers.Skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout)
    return {stream["codec_type"]: stream for stream in told["streams"]}


def _two_lines():
    """A scene with two characters and three sounds; the last one has no character."""
    anna, bob = helpers.arkit_mesh("Anna"), helpers.arkit_mesh("Bob")
    strips = helpers.module("blender_addon.compat").strips(bpy.context.scene.sequence_editor_create())
    path = helpers.vowels("dialogue.wav", 0.6)
    for i, name in enumerate(("anna_1", "bob_1", "music")):
        strips.new_sound(name, str(path), 1 + i, 10 * i - 5)
    return anna, bob


def test_dialogue_animates_every_line_of_every_character():
    _two_lines()
    target = helpers.FOLDER / "dialogue.blend"
    assign = ["--assign", "anna*=Anna", "--assign", "bob_?=Bob"]
    code, out, err = _run("dialogue", *assign, "--out", target)
    assert (code, err) == (0, ""), err
    assert "anna_1\tAnna\tframe -5\tanimated" in out
    assert "Animated 2 lines of 2 characters." in out
    bpy.ops.wm.open_mainfile(filepath=str(target))
    for name, first in (("Anna", -5), ("Bob", 5)):
        keys = helpers.curves(bpy.data.objects[name])[helpers.value_path("jawOpen")]
        assert first - 16 < keys[0][0] <= first
    code, out, err = _run("dialogue", "--list")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "anna_1\tAnna\tframe -5\tanimated before",
        "bob_1\tBob\tframe 5\tanimated before",
    ]
    code, out, _ = _run("dialogue", "--out", target, "--json")
    told = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert [(line["strip"], line["state"]) for line in told] == [
        ("anna_1", "unchanged"),
        ("bob_1", "unchanged"),
    ]
    code, out, _ = _run("dialogue", "--out", target, "--again")
    assert "Animated 2 lines of 2 characters." in out


def test_a_dialogue_in_which_a_line_fails_exits_with_1_and_keeps_the_others():
    _two_lines()
    scene, target = bpy.context.scene, helpers.FOLDER / "partly.blend"
    bad = helpers.FOLDER / "bad_line.wav"
    bad.write_text("no sound\n" * 50)
    scene.sequence_editor.strips["bob_1"].sound = bpy.data.sounds.load(str(bad))
    code, out, err = _run("dialogue", "--assign", "*_1=Anna", "--out", target)
    assert code == 1
    assert "bob_1\tAnna\tframe 5\tfailed" in out
    assert "Animated 1 line of 1 character, 1 failed." in out
    assert "bad_line.wav" in err
    assert target.exists()


def test_a_dialogue_that_cannot_begin_exits_with_2():
    _two_lines()
    target = helpers.FOLDER / "no_dialogue.blend"
    cases = {
        ("--out", target): "No sound strip",
        ("--assign", "nobody=Anna", "--out", target): "no sound strip is called so",
        ("--assign", "anna_1=Nobody", "--out", target): "has no object 'Nobody'",
        ("--assign", "anna_1=Anna"): "nothing to write",
        ("--assign", "anna_1=Anna", "--out", "x.mp4"): "does not end in .blend",
    }
    for arguments, said in cases.items():
        code, _, err = _run("dialogue", *arguments)
        assert code == 2, arguments
        assert said in err, err
    assert not target.exists()


def test_an_instruction_and_a_seed_direct_the_line():
    made = helpers.arkit_mesh("Head")
    path, target = helpers.vowels("cli.wav", 3.0), helpers.FOLDER / "directed.blend"
    animate = ("animate", "--audio", path, "--object", "Head", "--out", target)
    code, _, err = _run(*animate, "--instruction", "A very joyful speaker, blorxing", "--seed", 3)
    assert code == 0, err
    assert "Not understood in the instruction: blorxing" in err
    assert made.soliloquy_performance.joy > 0.6
    joyful = helpers.curves(made)
    assert max(value for _, value in joyful[helpers.value_path("mouthSmileLeft")]) > 0.15
    assert _run(*animate, "--instruction", "A very joyful speaker", "--seed", 3)[0] == 0
    assert helpers.curves(made) == joyful, "the same seed, the same performance"
    assert _run(*animate, "--instruction", "A very joyful speaker", "--seed", 4)[0] == 0
    brow = helpers.value_path("browInnerUp")
    assert helpers.curves(made)[brow] != joyful[brow]
    assert bpy.ops.soliloquy.reapply() == {"FINISHED"}
    assert helpers.curves(made)[brow] != joyful[brow]


def test_steps_the_voice_and_lips_alone():
    made = helpers.arkit_mesh("Head")
    path, target = helpers.vowels("cli.wav", 6.0), helpers.FOLDER / "directed.blend"
    animate = ("animate", "--audio", path, "--object", "Head", "--out", target)
    assert _run(*animate, "--instruction", "First calm, then very angry")[0] == 0
    keyed = helpers.module("blender_addon.performance_tracks").keyed_sliders(made)
    assert "anger" in keyed
    assert _run(*animate, "--instruction", "auto")[0] == 0
    assert made.soliloquy_performance.instruction
    assert _run(*animate, "--lips-only")[0] == 0
    assert not made.soliloquy_performance.enabled
    code, _, err = _run(*animate, "--lips-only", "--instruction", "joyful")
    assert code == 2
    assert "Leave out --lips-only" in err
