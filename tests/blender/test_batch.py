"""`--command soliloquy batch`: rows on characters of scenes, Actions for other files, video, faults."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import bpy
import helpers
from test_command import RENDER_PX, _camera_scene, _leftovers, _run, _streams

CRASHED = "crashed"
_STAND_IN = """#!/bin/sh
shift 3
[ "$1" = batch-worker ] && {{ {first}; }}
exec {python} -m {package}.blender_addon.cli_command "$@"
"""
"""Blender's module in the place of its program: `-b --command soliloquy` are the words that go."""


def _folder(name: str) -> Path:
    path = helpers.FOLDER / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


def _list(folder: Path, text: str) -> Path:
    path = folder / "shots.csv"
    path.write_text(text, "utf-8")
    return path


def _stage(folder: Path, *more: str) -> Path:
    """A saved scene with a camera and the character "Head"; `more` are further ones."""
    _camera_scene("CYCLES")
    for name in more:
        helpers.arkit_mesh(name)
    path = folder / "stage.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _appended(path: Path) -> bpy.types.Action:
    """The one Action of a library, in the open scene."""
    with bpy.data.libraries.load(str(path)) as (there, here):
        found = {kind for kind in dir(there) if kind != "version" and getattr(there, kind)}
        assert found == {"actions"}
        here.actions = there.actions
    (action,) = here.actions
    return action


def _keyed(action: bpy.types.Action, id_type: str = "KEY") -> dict[str, list[tuple[float, float]]]:
    (slot,) = [slot for slot in action.slots if slot.target_id_type == id_type]
    return helpers.action_curves(action, slot)


def test_animate_saves_the_action_alone():
    made = helpers.arkit_mesh("Head")
    path, target = helpers.vowels("action.wav", 1.0), helpers.FOLDER / "action ü.blend"
    animate = ("animate", "--audio", path, "--object", "Head")
    code, out, err = _run(*animate, "--action", target, "--start-frame", 5)
    assert (code, err) == (0, ""), err
    assert f"Saved {target}" in out
    keyed = helpers.curves(made)
    assert bpy.ops.soliloquy.reapply() == {"FINISHED"}
    assert helpers.curves(made) == keyed, "the scene's own Action is still known as ours"
    assert target.stat().st_size < 100_000
    bpy.ops.wm.open_mainfile(filepath=str(target))
    assert bpy.data.actions[0].use_fake_user
    assert not bpy.data.objects
    helpers.empty_scene()
    other = helpers.arkit_mesh("Someone Else")
    action = _appended(target)
    assert _keyed(action) == keyed
    keys = other.data.shape_keys
    keys.animation_data_create().action = action
    keys.animation_data.action_slot = action.slots[0]
    assert helpers.animate(path, start_frame=200) == {"FINISHED"}
    assert _keyed(action) == keyed, "a plain Action: a new line leaves it alone"
    code, _, err = _run(*animate, "--action", target, "--out", target)
    assert code == 2
    assert "--out and --action are both" in err
    assert _run(*animate, "--action", "x.mp4")[0] == 2
    assert _leftovers() == []


def test_a_list_makes_curves_actions_and_video_and_leaves_scenes_alone():
    folder = _folder("studio")
    stage = _stage(folder)
    before = _digest(stage)
    one, two = helpers.vowels("one.wav", 1.2), helpers.vowels("two.wav", 0.8)
    shots = _list(
        folder,
        "audio,character,scene,action,render,seed\n"
        f"{one},Head,stage.blend,actions/one.blend,one.mp4,3\n"
        f"{two},,,own.blend,,\n",
    )
    helpers.empty_scene()
    command = ("batch", shots, "--out", folder / "out", "--workers", 2)
    code, _, err = _run(*command, "--quiet")
    assert (code, err) == (0, ""), err
    assert _digest(stage) == before
    out = folder / "out"
    assert (out / "one.csv").is_file()
    streams = _streams(out / "one.mp4")
    assert (streams["video"]["codec_name"], streams["audio"]["codec_name"]) == ("h264", "aac")
    assert streams["video"]["width"] == RENDER_PX
    assert abs(float(streams["video"]["duration"]) - 1.2) <= 0.05

    bpy.ops.wm.open_mainfile(filepath=str(stage))
    assert (
        _run("animate", "--audio", one, "--object", "Head", "--seed", 3, "--out", folder / "x.blend")[0] == 0
    )
    same = helpers.curves(bpy.data.objects["Head"])
    helpers.empty_scene()
    action = _appended(out / "actions" / "one.blend")
    assert action.name == "one"
    assert _keyed(action) == same, "what the command for one line makes"
    head = _appended(out / "own.blend")
    assert len(_keyed(head)) == 52
    assert _keyed(head, "OBJECT"), "its neck turns"

    assert not [p for p in out.rglob(".*") if p.suffix in (".tmp", ".blend", ".mp4")]
    made = {path: path.stat().st_mtime_ns for path in out.rglob("*.*") if path.suffix in (".blend", ".mp4")}
    assert len(made) == 3
    code, told, _ = _run(*command, "--json")
    assert code == 0
    (summary,) = [json.loads(line) for line in told.splitlines() if '"summary"' in line]
    assert summary["counts"]["scene"] == {"unchanged": 2}
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_rows_without_a_scene_lie_in_the_open_one():
    folder = _folder("open")
    stage = _stage(folder)
    shots = _list(folder, f"audio,action,character\n{helpers.vowels('open.wav', 0.5)},x.blend,Head\n")
    helpers.empty_scene()
    code, _, err = _run("batch", shots, "--out", folder / "out", "--quiet")
    assert code == 2, "a character of no scene"
    assert "Row 1 names the character 'Head' and no scene" in err
    command = ("batch", shots, "--out", folder / "out", "--kinds", "scene", "--quiet")
    code, _, err = _run(*command, "--scene", folder / "nowhere.blend")
    assert code == 2
    assert "nowhere.blend is no .blend" in err
    bpy.ops.wm.open_mainfile(filepath=str(stage))
    code, _, err = _run(*command)
    assert (code, err) == (0, ""), err
    action = _appended(folder / "out" / "x.blend")
    assert [slot.target_id_type for slot in action.slots] == ["KEY"], "the scene's mesh, not the head"


def test_rows_that_cannot_be_made_say_why_and_the_others_are():
    folder = _folder("faults")
    stage = _stage(folder, "Anna")
    line = helpers.vowels("faults.wav", 0.5)
    helpers.empty_scene()
    helpers.mesh_with_keys("Chair", ())
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "props.blend"))
    helpers.arkit_mesh("Head")
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "no_camera.blend"))
    (folder / "torn.blend").write_bytes(stage.read_bytes()[: stage.stat().st_size // 2])
    (folder / "text.blend").write_text("not a scene\n" * 90)
    cases = {
        "Nobody,stage.blend,a.blend,": 'no object "Nobody". Meshes in it that can speak: Anna, Head.',
        ",stage.blend,b.blend,": "2 meshes that can speak: Anna, Head. Name one in the column 'character'.",
        "Camera,stage.blend,c.blend,": '"Camera" is not a mesh',
        "Chair,props.blend,d.blend,": '"Chair" has no shape keys',
        ",props.blend,e.blend,": "has no mesh with shape keys of a face. Name the object",
        "Head,no_camera.blend,,f.mp4": 'The scene "Scene" of no_camera.blend has no camera',
        ",torn.blend,g.blend,": "torn.blend cannot be opened",
        ",text.blend,h.blend,": "text.blend cannot be opened",
        "Anna,stage.blend,good.blend,": "",
    }
    rows = "".join(f"{line},{case},out_{i}.csv\n" for i, case in enumerate(cases))
    shots = _list(folder, "audio,character,scene,action,render,out\n" + rows)
    out = folder / "out"
    code, _, err = _run("batch", shots, "--out", out, "--workers", 1, "--kinds", "scene", "--quiet")
    assert code == 1, err
    said = [text for text in err.splitlines() if text.startswith("soliloquy: Row ")]
    for row, (case, sentence) in enumerate(cases.items(), 1):
        mine = [text for text in said if text.startswith(f"soliloquy: Row {row}: ")]
        assert len(mine) == bool(sentence), (case, err)
        assert sentence in "".join(mine), (case, mine)
    assert "Traceback" not in err
    assert [path.name for path in out.iterdir() if path.suffix in (".blend", ".mp4")] == ["good.blend"]


def test_a_list_that_cannot_be_used_exits_with_2():
    folder = _folder("no_list")
    said = {
        "audio,scene\nnowhere.wav,\n": "nowhere.wav",
        "audio,scene,action\n{line},nowhere.blend,a.blend\n": "nowhere.blend",
        "sound\nx.wav\n": "audio",
    }
    line = helpers.vowels("listed.wav", 0.5)
    for text, part in said.items():
        code, _, err = _run("batch", _list(folder, text.format(line=line)), "--out", folder / "out")
        assert code == 2, err
        assert part in err
    assert not (folder / "out").exists()
    assert _run("batch", folder / "shots.csv")[0] == 2


def _task(folder: Path, stage: Path | str, line: Path, outputs: tuple[str, ...], character: str = "Head"):
    """A row as a worker gets it."""
    batch, types = helpers.module("inference.commands.batch"), helpers.module("inference.batch.types")
    parser = argparse.ArgumentParser()
    batch.add_options(parser)
    given = parser.parse_args(["x", "--out", str(folder)])
    options = {**batch.line_options(given), "seed": 0}
    return types.Task(
        "scene", 1, outputs, "0" * 64, str(line), options=options, scene=str(stage), character=character
    )


def _told(shares: list[float]):
    return helpers.module("inference.batch.worker").Told(shares.append)


def test_progress_is_told_with_every_frame():
    folder = _folder("progress")
    stage, shares = _stage(folder), []
    task = _task(folder, stage, helpers.vowels("frames.wav", 1.0), ("x.blend", "x.mp4"))
    seconds = helpers.module("blender_addon.batch_work").scene(task, folder, _told(shares))
    assert abs(seconds - 1.0) < 0.1
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len({share for share in shares if share > 0.3}) >= 25, "25 frames a second"
    assert not bpy.app.handlers.render_post


def test_what_the_scene_keeps_of_other_lines_is_not_in_a_row():
    folder = _folder("earlier")
    clean = _stage(folder)
    line = helpers.vowels("row.wav", 1.0)
    work = helpers.module("blender_addon.batch_work").scene
    work(_task(folder, clean, line, ("clean.blend",)), folder, _told([]))
    bpy.ops.wm.open_mainfile(filepath=str(clean))
    head = bpy.data.objects["Head"]
    bpy.context.view_layer.objects.active = head
    for other, start in ((line, 1), (helpers.vowels("earlier.wav", 2.0), 30)):
        assert helpers.animate(other, start_frame=start) == {"FINISHED"}
    assert bpy.ops.soliloquy.draw_takes(count=2, seed=9) == {"FINISHED"}
    used = folder / "used.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(used))
    work(_task(folder, used, line, ("used_row.blend",)), folder, _told([]))
    strips = {s.name: s.mute for s in bpy.context.scene.sequence_editor.strips}
    assert strips == {"row": False, "earlier": True}
    helpers.empty_scene()
    assert _keyed(_appended(folder / "used_row.blend")) == _keyed(_appended(folder / "clean.blend"))


def test_parts_and_props_are_not_taken_for_characters():
    head = helpers.arkit_mesh("Head")
    helpers.mesh_with_keys("Teeth", ("jawOpen", "Extra"), parent=head)
    helpers.mesh_with_keys("Curtain", ("Open",))
    speakers = helpers.module("blender_addon.batch_work")._speakers
    assert [one.name for one in speakers(bpy.context.scene)] == ["Head"]
    helpers.arkit_mesh("Anna")
    assert [one.name for one in speakers(bpy.context.scene)] == ["Anna", "Head"]


def _outside(folder: Path, shots: Path, program: str, *options: object) -> tuple[int, str]:
    """`soliloquy batch`, with a program in the place of Blender."""
    call = helpers.module("blender_addon.actor_process").call((), chosen="", what="", folder=str(folder))
    words = ["batch", shots, "--out", folder / "out", "--workers", 1, "--blender", program, *options]
    command = [sys.executable, "-P", "-m", call.module, *map(str, words)]
    done = subprocess.run(
        command, env=dict(call.environment), capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stderr


def _stand_in(folder: Path, first: str) -> str:
    """A program that is called as Blender is, and does `first` before."""
    package = Path(helpers.module("blender_addon").__file__).parents[1].name
    path = folder / "blender"
    path.write_text(_STAND_IN.format(first=first, python=sys.executable, package=package))
    path.chmod(0o755)
    return str(path)


def test_outside_blender_a_program_is_named_and_a_crash_is_tried_again():
    folder = _folder("outside")
    shots = _list(folder, f"audio,action\n{helpers.vowels('crash.wav', 0.5)},x.blend\n")
    code, err = _outside(folder, shots, "/nowhere/blender")
    assert code == 2
    assert "no program '/nowhere/blender'" in err
    code, err = _outside(folder, shots, "true")
    assert code == 2
    assert "is no Blender with Soliloquy. Install the extension" in err
    older = folder / "older"
    older.write_text("#!/bin/sh\necho Blender 4.5; echo soliloquy 0.1.0")
    older.chmod(0o755)
    code, err = _outside(folder, shots, str(older))
    assert code == 2
    assert "has Soliloquy 0.1.0, and this is" in err
    once = f"[ -e {folder}/{CRASHED} ] || {{ touch {folder}/{CRASHED}; kill -SEGV $$; }}"
    code, err = _outside(folder, shots, _stand_in(folder, once))
    assert code == 0, err
    assert (folder / CRASHED).exists()
    assert len(_keyed(_appended(folder / "out" / "x.blend"))) == 52


def test_a_blender_that_always_crashes_or_hangs_fails_its_row():
    folder = _folder("hangs")
    shots = _list(folder, f"audio,action\n{helpers.vowels('hang.wav', 0.5)},x.blend\n")
    starts = folder / "starts"
    code, err = _outside(folder, shots, _stand_in(folder, f"echo >> {starts}; kill -SEGV $$"))
    assert code == 1
    assert "Row 1: " in err
    assert "killed by signal 11" in err
    assert starts.read_text().count("\n") == 2, "tried twice"
    code, err = _outside(folder, shots, _stand_in(folder, "sleep 600"), "--timeout", 1)
    assert code == 1
    assert "no progress" in err
    assert (folder / "out" / "hang.csv").is_file(), "its curves were made all the same"
    assert not (folder / "out" / "x.blend").exists()


def _prefer(**values: object) -> None:
    import addon_utils

    addon_utils.enable(helpers.PACKAGE, default_set=True)
    chosen = bpy.context.preferences.addons[helpers.PACKAGE].preferences
    for name, value in values.items():
        setattr(chosen, name, value)


def test_passes_are_painted_by_the_python_for_actors():
    """Which one, and what is said where it is of no use."""
    command, console = helpers.module("blender_addon.batch_command"), helpers.module("inference.console")
    told: list[str] = []

    class Console(console.Console):
        def notice(self, source, sentence):
            told.append(sentence)

    given = argparse.Namespace(out=Path("o"))
    quiet = Console(quiet=True, as_json=False)
    program = helpers.FOLDER / "actors_python"
    _prefer(actor_python=str(program))
    program.write_text("#!/bin/sh\necho soliloquy 0.0.1")
    program.chmod(0o755)
    found = command.launchers(given, {"pass", "scene"}, quiet)
    words = ("-P", "-m", "soliloquy", "batch-worker", "--out", os.path.abspath("o"))  # noqa: PTH100
    assert found["pass"].command == (str(program), *words)
    assert "0.0.1" in told[0]
    assert found["scene"].command[-3:] == words[-3:]
    assert found["scene"] is found["curves"]
    program.write_text("#!/bin/sh\nexit 1")
    errors = helpers.module("inference.errors")
    said = helpers.error_of(errors.SoliloquyError, command.launchers, given, {"pass"}, quiet)
    assert '-m pip install "soliloquy[actor]"' in said
    command.launchers(given, {"scene"}, quiet)


def test_a_pass_is_painted_from_inside_blender():
    import tiny_actor

    _prefer(actor_python=tiny_actor.python())
    made = tiny_actor.make("batch_actor")
    folder = _folder("passes")
    line = helpers.vowels("pass.wav", 0.4)
    plate = made / "plate" / "plate.0001.png"
    shots = _list(folder, f"audio,actor,plate,pass,action\n{line},{made / 'actor'},{plate},frames,a.blend\n")
    code, _, err = _run("batch", shots, "--out", folder / "out", "--workers", 1, "--quiet")
    assert code == 0, err
    assert list((folder / "out" / "frames").glob("*.exr"))
    assert (folder / "out" / "a.blend").is_file()
