"""Writes what a user of an older version leaves behind: a character with its work, a look, preferences.

    python tests/blender/upgrade/make.py CHECKOUT OUT [ZIP]

`python` has the `bpy` module, CHECKOUT is this repository at the older version (`git worktree add`), ZIP its
extension with wheels, where that Python has no onnxruntime. The files of OUT are kept here, one folder per
version of Soliloquy and of Blender; `test_upgrade.py` opens them.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CHANNELS = ("jawOpen", "browInnerUp", "mouthClose", "eyeBlinkLeft", "mouthSmileLeft")
FRAMES = range(1, 200, 9)
_NOT_TOLD = ("rna_type", "audio", "line_id", "audio_path", "packed", "content_hash")
HAND_FRAME, PROTECTED = 30.0, (60.0, 72.0)


def main(checkout: Path, out: Path, zip_path: Path | None = None) -> int:
    """Install the older version into a new profile and work with it there."""
    out.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(checkout / "tests" / "blender"))
    import runner

    with tempfile.TemporaryDirectory(prefix="soliloquy_upgrade_") as folder:
        environment = runner._environment(Path(folder))
        if not runner._install(zip_path or runner._make_zip(Path(folder)), environment):
            return 1
        command = [sys.executable, "-B", __file__, "--inside", str(checkout), str(out.absolute())]
        return subprocess.run(command, env=environment, cwd=folder, check=False, timeout=600).returncode


def inside(checkout: Path, out: Path) -> None:
    """Work as a person does, and save."""
    sys.path.insert(0, str(checkout / "tests" / "blender"))
    import bpy
    import helpers

    scene = helpers.empty_scene()
    scene.frame_end = 400
    head = helpers.arkit_mesh("Head")
    _map(head)
    _speak(helpers, scene, head)
    _edit(helpers, head)
    bpy.ops.soliloquy.save_look(name="Old Wizard")
    scene.soliloquy_actor.way, scene.soliloquy_actor.folder = "SKIN", "//actors/anna"
    scene.soliloquy_actor.consent = "Anna agreed on paper"
    bpy.context.preferences.filepaths.use_file_compression = True
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "character.blend"))
    state = json.dumps(told(scene, head, helpers), ensure_ascii=False)
    (out / "told.json").write_text(state + "\n", "utf-8")
    looks = helpers.module("blender_addon.presets").own_folder()
    (out / "Old Wizard.json").write_bytes((looks / "Old Wizard.json").read_bytes())
    _prefer(helpers.PACKAGE)
    preferences = Path(bpy.utils.user_resource("CONFIG")) / "userpref.blend"
    (out / "userpref.blend.gz").write_bytes(gzip.compress(preferences.read_bytes(), mtime=0))


def _prefer(package: str) -> None:
    """Set the preferences as the profile has them: Blender's module begins without."""
    import bpy

    bpy.ops.wm.read_userpref()
    chosen = bpy.context.preferences.addons[package].preferences
    chosen.threads, chosen.provider, chosen.keep_model = 3, "cpu", False
    chosen.model_address, chosen.model_name = "http://localhost:11434/v1", "tiny"
    chosen.actor_python, chosen.face_model = "/opt/actors/bin/python", "/opt/actors/face_landmarker.task"
    bpy.ops.wm.save_userpref()


def _map(head: object) -> None:
    """Mapped in one click; a row changed, one switched off, one added."""
    import bpy

    head["Grin"] = 0.0
    bpy.ops.soliloquy.rig_map()
    rows = {row.channel: row for row in head.soliloquy_rig.rows}
    rows["jawOpen"].gain, rows["jawOpen"].offset = 0.5, 0.125
    rows["cheekPuff"].enabled = False
    row = head.soliloquy_rig.rows.add()
    row.channel, row.kind, row.data_path, row.gain = "mouthSmileLeft", "PROPERTY", '["Grin"]', 2.0


def _speak(helpers: object, scene: object, head: object) -> None:
    """Two lines with takes; the first one's second take is in use."""
    import bpy

    helpers.animate(helpers.vowels("first line.wav", 3.0))
    helpers.animate(helpers.vowels("second.wav", 2.0), start_frame=110)
    face, shown = head.soliloquy_face, head.soliloquy_performance
    face.jaw, face.lips, face.smoothing_s, face.seed, face.keys = 1.25, 0.75, 0.04, 5, "THINNED"
    face.active_line, shown.all_lines = 0, False
    shown.joy, shown.instruction = 0.6, "A joyful speaker"
    bpy.ops.soliloquy.draw_takes(count=2, seed=40)
    shown.lock_head = True
    scene.sequence_editor.strips[0].soliloquy_line.transcript = "a a a"


def _edit(helpers: object, head: object) -> None:
    """A key of a person's own, and a range that is protected."""
    keyframes = helpers.module("blender_addon.keyframes")
    action = helpers.module("blender_addon.layers").speech_action(head)
    (slot,) = [s for s in action.slots if head.data.shape_keys in s.users()]
    curve = keyframes.channelbag(action, slot).fcurves.find(helpers.value_path("browInnerUp"))
    curve.keyframe_points.insert(HAND_FRAME, 0.875)
    curve.update()
    item = head.soliloquy_face.protections.add()
    item.first, item.last, item.channels = *PROTECTED, "jawOpen"
    import bpy

    bpy.ops.soliloquy.reapply()


def told(scene: object, head: object, helpers: object) -> dict[str, object]:
    """What must be the same in every later version."""
    face, shown, rig = head.soliloquy_face, head.soliloquy_performance, head.soliloquy_rig
    return {
        "face": _plain(face),
        "shown": _plain(shown),
        "rows": [_plain(row) for row in rig.rows],
        "lines": [_plain(line) | {"packed": len(line.packed)} for line in face.lines],
        "protections": [_plain(item) for item in face.protections],
        "takes": [
            _plain(takes) | {"name": "", "drawn": [_plain(t) for t in takes.drawn]} for takes in shown.takes
        ],
        "strips": [
            _plain(s.soliloquy_line) | {"character": s.soliloquy_line.character.name}
            for s in sorted(scene.sequence_editor.strips, key=lambda s: s.frame_final_start)
        ],
        "actor": _plain(scene.soliloquy_actor),
        "scene": _plain(scene.soliloquy),
        "curves": shapes(head, helpers),
    }


def shapes(head: object, helpers: object) -> dict[str, list[float]]:
    """Values of some shape keys in the Speech layer, on some frames."""
    keyframes = helpers.module("blender_addon.keyframes")
    strip = helpers.speech_strip(head.data.shape_keys)
    curves = keyframes.channelbag(strip.action, strip.action_slot).fcurves
    return {
        name: [round(curves.find(helpers.value_path(name)).evaluate(frame), 5) for frame in FRAMES]
        for name in CHANNELS
    }


def _plain(group: object) -> dict[str, object]:
    """Settings of a group that are plain values: what is left out holds paths of the computer, or objects."""
    found = {}
    for one in group.bl_rna.properties:
        name = one.identifier
        if name in _NOT_TOLD:
            continue
        value = getattr(group, name)
        if one.type == "FLOAT":
            found[name] = [round(v, 5) for v in value] if one.is_array else round(value, 5)
        elif one.type in ("INT", "BOOLEAN", "STRING", "ENUM") and isinstance(value, (int, bool, str)):
            found[name] = value
    return found


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(Path(sys.argv[2]), Path(sys.argv[3]))
        sys.stdout.flush()
        os._exit(0)  # pending timers of Blender 4.5 hang the interpreter's own way out
    sys.exit(main(*map(Path, sys.argv[1:])))
