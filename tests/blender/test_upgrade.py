"""From an older version: files, looks and preferences of its users, and an extension installed over it."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import bpy
import helpers

sys.path.insert(0, str(Path(__file__).resolve().parent / "upgrade"))
import make  # what wrote the files tells what they must still say

KEPT = Path(make.__file__).parent
TIMEOUT_S = 120


def _left_by_older_versions() -> list[Path]:
    """Folders written by this Blender or an older one."""
    folders = []
    for folder in sorted(KEPT.glob("*-blender-*")):
        made_with = tuple(map(int, folder.name.rpartition("-")[2].split(".")))
        if made_with <= bpy.app.version[:2]:
            folders.append(folder)
    assert folders, "no file that this Blender can open"
    return folders


def _opened(folder: Path) -> bpy.types.Object:
    bpy.ops.wm.open_mainfile(filepath=str(folder / "character.blend"))
    head = bpy.data.objects["Head"]
    bpy.context.view_layer.objects.active = head
    return head


def _same(now: object, then: object, where: str = "") -> None:
    """All that was told then is so now; settings that are new since are no fault."""
    if isinstance(then, dict):
        assert isinstance(now, dict), where
        for name, value in then.items():
            assert name in now, f"{where}.{name} is lost"
            _same(now[name], value, f"{where}.{name}")
    elif isinstance(then, list):
        assert len(now) == len(then), where
        for i, (one, other) in enumerate(zip(now, then, strict=True)):
            _same(one, other, f"{where}[{i}]")
    elif isinstance(then, float):
        assert abs(now - then) < 2e-4, (where, now, then)
    else:
        assert now == then, (where, now, then)


def test_a_character_opens_with_its_map_lines_takes_sliders_and_keys():
    for folder in _left_by_older_versions():
        then = json.loads((folder / "told.json").read_text("utf-8"))
        assert len(then["rows"]) > 50
        assert [len(takes["drawn"]) for takes in then["takes"]] == [3, 1]
        head = _opened(folder)
        _same(make.told(bpy.context.scene, head, helpers), then, folder.name)
        assert all(strip.soliloquy_line.line_id for strip in bpy.context.scene.sequence_editor.strips)


def _jaw(head: bpy.types.Object) -> list[float]:
    return make.shapes(head, helpers)["jawOpen"]


def _by_hand(head: bpy.types.Object) -> float:
    """Value of the key that a person set."""
    return dict(helpers.curves(head)[helpers.value_path("browInnerUp")])[make.HAND_FRAME]


def _far(one: list[float], other: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_its_keys_are_made_again_and_what_a_person_did_stays():
    for folder in _left_by_older_versions():
        then = json.loads((folder / "told.json").read_text("utf-8"))["curves"]
        head = _opened(folder)
        assert bpy.ops.soliloquy.reapply() == {"FINISHED"}
        now = make.shapes(head, helpers)
        for name, values in then.items():
            # A later version may perform a little otherwise, but it is the same line.
            assert _far(now[name], values) < 0.25, (folder.name, name)
        assert abs(_by_hand(head) - 0.875) < 1e-6, "a key of a person's own"
        frames = [i for i, frame in enumerate(make.FRAMES) if make.PROTECTED[0] <= frame <= make.PROTECTED[1]]
        assert frames
        head.soliloquy_face.jaw = 0.25
        after = make.shapes(head, helpers)
        for i in frames:
            assert abs(after["jawOpen"][i] - then["jawOpen"][i]) < 1e-4, "protected"
        assert _far(after["jawOpen"], then["jawOpen"]) > 0.05, "the slider still works"
        assert abs(_by_hand(head) - 0.875) < 1e-6


def test_takes_and_the_map_can_still_be_used():
    for folder in _left_by_older_versions():
        head = _opened(folder)
        takes = helpers.module("blender_addon.takes")
        line = takes.active_line(head)
        kept = takes.of_line(head, line.line_id)
        looks = []
        for index in (0, 1, 2):
            assert bpy.ops.soliloquy.use_take(index=index) == {"FINISHED"}
            looks.append(make.shapes(head, helpers)["browInnerUp"])
        assert looks[1] != looks[2]
        assert bpy.ops.soliloquy.draw_takes(count=1, seed=77) == {"FINISHED"}
        assert len(kept.drawn) == 4
        before = _jaw(head)
        row = next(row for row in head.soliloquy_rig.rows if row.channel == "jawOpen")
        row.gain = 1.0
        assert _far(_jaw(head), before) > 0.05, "a row of the map still counts"
        assert bpy.ops.soliloquy.rig_map() == {"FINISHED"}
        assert row.gain == 1.0, "it is a person's: mapping again leaves it alone"
        assert any(row.data_path == '["Grin"]' for row in head.soliloquy_rig.rows)


def test_looks_of_a_users_own_are_offered():
    presets = helpers.module("blender_addon.presets")
    for folder in _left_by_older_versions():
        presets.own_folder().mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "Old Wizard.json", presets.own_folder())
        settings = helpers.arkit_mesh().soliloquy_face
        assert bpy.ops.soliloquy.apply_look(name="Old Wizard") == {"FINISHED"}
        assert abs(settings.lips - 0.75) < 1e-6
        assert bpy.ops.soliloquy.remove_look(name="Old Wizard") == {"FINISHED"}


_TELL = """
import importlib, json, sys
import bpy
bpy.ops.wm.read_userpref()
import addon_utils
addon_utils.enable({package!r}, default_set=False)
chosen = bpy.context.preferences.addons[{package!r}].preferences
names = ("threads", "provider", "keep_model", "model_address", "model_name", "actor_python", "face_model")
looks = importlib.import_module({package!r} + ".blender_addon.presets").looks()[0]
version = importlib.import_module({package!r} + ".inference.version").version()
told = dict((name, getattr(chosen, name)) for name in names)
print("@@" + json.dumps([told, [look.name for look in looks if look.is_own], version]), flush=True)
"""
_WORK = """
import json
import bpy
bpy.ops.wm.read_userpref()
chosen = bpy.context.preferences.addons[{package!r}].preferences
for name, value in json.loads({values!r}).items():
    setattr(chosen, name, value)
bpy.ops.wm.save_userpref()
mesh = bpy.data.objects.new("Face", bpy.data.meshes.new("Face"))
bpy.context.scene.collection.objects.link(mesh)
mesh.shape_key_add(name="Basis")
mesh.shape_key_add(name="jawOpen")
bpy.context.view_layer.objects.active = mesh
mesh.soliloquy_face.jaw = 1.5
bpy.ops.soliloquy.save_look(name="Mine")
"""
_INSTALL = """
import bpy
bpy.ops.wm.read_userpref()
bpy.ops.extensions.package_install_files(
    filepath={path!r}, repo="user_default", enable_on_install=True, overwrite=True
)
bpy.ops.wm.save_userpref()
"""
_PREFERRED = {
    "threads": 3,
    "provider": "cpu",
    "keep_model": False,
    "model_address": "http://localhost:11434/v1",
    "model_name": "tiny",
    "actor_python": "/opt/actors/bin/python",
    "face_model": "/opt/actors/face_landmarker.task",
}
"""What `make` prefers, too."""


def _profile(name: str) -> Path:
    path = helpers.FOLDER / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


def _in(profile: Path, code: str, **values: object) -> str:
    """Run code in a Blender of that profile."""
    code = code.format(package=helpers.PACKAGE, **values)
    code += "\nimport os, sys\nsys.stdout.flush(); sys.stderr.flush(); os._exit(0)\n"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env=dict(os.environ, BLENDER_USER_RESOURCES=str(profile)),
        cwd=profile,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _told(profile: Path) -> list:
    (line,) = [text for text in _in(profile, _TELL).splitlines() if text.startswith("@@")]
    return json.loads(line[2:])


def _zip(path: Path, version: str = "") -> Path:
    """The extension under test as a zip, under another version where one is given."""
    source = Path(helpers.module("blender_addon").__file__).parents[1]
    with zipfile.ZipFile(path, "w") as package:
        for file in sorted(p for p in source.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            name = file.relative_to(source).as_posix()
            if version and name == "blender_manifest.toml":
                text = re.sub(r'(?m)^version = ".*"', f'version = "{version}"', file.read_text("utf-8"))
                package.writestr(name, text)
            else:
                package.write(file, name)
    return path


def test_installing_over_an_older_version_keeps_preferences_and_looks():
    profile = _profile("installed_over")
    _in(profile, _INSTALL, path=str(_zip(profile / "older.zip", "0.0.9")))
    _in(profile, _WORK, values=json.dumps(_PREFERRED))
    assert _told(profile) == [_PREFERRED, ["Mine"], "0.0.9"]
    _in(profile, _INSTALL, path=str(_zip(profile / "newer.zip")))
    assert _told(profile) == [_PREFERRED, ["Mine"], helpers.module("inference.version").version()]


def test_preferences_that_an_older_version_saved_are_read():
    """Of the same Blender: from one to the next it takes preferences over by itself."""
    newest = _left_by_older_versions()[-1]
    profile = _profile("preferred")
    _in(profile, _INSTALL, path=str(_zip(profile / "newer.zip")))
    (settings,) = profile.rglob("userpref.blend")
    settings.write_bytes(gzip.decompress((newest / "userpref.blend.gz").read_bytes()))
    assert _told(profile)[0] == _PREFERRED
