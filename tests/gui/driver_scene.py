"""What the scene of the windowed Blender holds, for `window_driver.py`: read, and set up for a step."""

from __future__ import annotations

import contextlib
import importlib
import json
import wave
from pathlib import Path

import bpy
from driver_screen import FOLDER, PACKAGE, view

_resting = contextlib.ExitStack()
"""Held while sliders rest."""


def state() -> dict[str, object]:
    """Everything that Animate may change, comparable before and after."""
    scene = bpy.context.scene
    editor = scene.sequence_editor
    return {
        "objects": sorted(o.name for o in bpy.data.objects),
        "actions": {a.name: list(a.frame_range) for a in bpy.data.actions},
        "sounds": sorted(s.name for s in bpy.data.sounds),
        "strips": sorted(
            [s.name, s.type, s.left_handle, s.right_handle, s.channel]
            for s in (editor.strips_all if editor is not None else ())
        ),
        "keys": {keys.name: _animation(keys) for keys in bpy.data.shape_keys},
        "frame": scene.frame_current,
        "frame_end": scene.frame_end,
    }


def _animation(keys: bpy.types.Key) -> dict[str, object]:
    data = keys.animation_data
    return {
        "values": [round(block.value, 5) for block in keys.key_blocks] if data is None else None,
        "action": data.action.name if data is not None and data.action is not None else None,
        "strips": [
            [track.name, strip.action.name]
            for track in (data.nla_tracks if data is not None else ())
            for strip in track.strips
        ],
    }


def status() -> dict[str, object]:
    """What the panel shows about the running or the last line."""
    found = importlib.import_module(f"{PACKAGE}.blender_addon.jobs").STATUS
    return {
        "progress": found.job.progress if found.job is not None else None,
        "error": found.error,
        "summary": found.summary,
        "notices": list(found.notices),
    }


def settings() -> dict[str, object]:
    """The panel's values, and the reason why Animate is grey."""
    chosen = bpy.context.scene.soliloquy
    operators = importlib.import_module(f"{PACKAGE}.blender_addon.operators.animate")
    return {
        "audio_path": chosen.audio_path,
        "source": chosen.source,
        "target": chosen.target.name if chosen.target is not None else None,
        "transcript": chosen.transcript,
        "reason": operators.disabled_reason(bpy.context),
    }


def sliders() -> dict[str, object]:
    """The target's sliders and switches, and the name of the look whose values they are (empty for none)."""
    face = bpy.context.scene.soliloquy.target.soliloquy_face
    presets = importlib.import_module(f"{PACKAGE}.blender_addon.presets")
    used = presets.in_use(presets.looks()[0], face)
    switches = ("lips_meet", "lip_to_teeth", "by_ear", "still_in_silence")
    values = {name: getattr(face, name) for name in (*presets.setting_names(), *switches)}
    shown = {name: v if isinstance(v, bool) else round(v, 4) for name, v in values.items()}
    return {**shown, "look": used.name if used is not None else ""}


def recordings(minutes: float) -> dict[str, str]:
    """Sounds to animate: the embedded line as `line.wav`, the same repeated as `long.wav`, and no sound.

    Returns:
        Paths by name: line, long, text.
    """
    import soundfile

    sample = Path(importlib.import_module(PACKAGE).__file__).parent / "blender_addon/assets/sample.flac"
    samples, rate_hz = soundfile.read(sample, dtype="int16")
    paths = {"line": FOLDER / "line.wav", "long": FOLDER / "long.wav", "text": FOLDER / "text.wav"}
    repeats = max(1, round(minutes * 60.0 * rate_hz / len(samples)))
    for name, count in (("line", 1), ("long", repeats)):
        with wave.open(str(paths[name]), "wb") as file:
            file.setparams((1, 2, rate_hz, 0, "NONE", ""))
            for _ in range(count):
                file.writeframes(samples.tobytes())
    paths["text"].write_text("This is not a sound.\n", "utf-8")
    return {name: str(path) for name, path in paths.items()}


def most_open() -> list[float]:
    """Frame of the widest open jaw, jawOpen there, and jawOpen of the closest mouth in the line."""
    target = bpy.context.scene.soliloquy.target
    data = target.data.shape_keys.animation_data
    strip = data.nla_tracks["Speech"].strips[0]
    bag = strip.action.layers[0].strips[0].channelbag(strip.action_slot)
    curve = next(f for f in bag.fcurves if f.data_path == 'key_blocks["jawOpen"].value')
    first, last = (round(frame) for frame in strip.action.frame_range)
    values = {frame: curve.evaluate(frame) for frame in range(first, last + 1)}
    widest = max(values, key=values.__getitem__)
    return [widest, values[widest], min(values.values())]


def go_to(frame: int) -> float:
    """Set the current frame.

    Returns:
        jawOpen of the target there, as evaluated.
    """
    bpy.context.scene.frame_set(frame)
    target = bpy.context.scene.soliloquy.target
    return float(target.data.shape_keys.key_blocks["jawOpen"].value)


def go_to_frame(frame: int) -> None:
    """Set the current frame."""
    bpy.context.scene.frame_set(frame)


def let_sliders_rest(rest: bool) -> None:
    """Let sliders change without the keys following, so that dragging shows what Blender itself takes."""
    live = importlib.import_module(f"{PACKAGE}.blender_addon.edit_live")
    if rest:
        _resting.enter_context(live.held())
    else:
        _resting.close()


def markers() -> int:
    """How many markers the timeline has."""
    return len(bpy.context.scene.timeline_markers)


def line_names() -> list[str]:
    """The lines that the target keeps."""
    return [line.name for line in bpy.context.scene.soliloquy.target.soliloquy_face.lines]


def numbered_head() -> None:
    """The embedded head with numbers for names, and `basis.npz`, which says what they mean."""
    import numpy

    for made in list(bpy.data.objects):
        bpy.data.objects.remove(made)
    with bpy.context.temp_override(**view()):
        bpy.ops.soliloquy.add_head()
    head, names = bpy.context.scene.soliloquy.target, []
    for i, block in enumerate(list(head.data.shape_keys.key_blocks)[1:]):
        names.append(block.name)
        block.name = f"exp_{i:03d}"
    bpy.context.view_layer.objects.active = head
    numpy.savez(FOLDER / "basis.npz", channels=names, coefficients=numpy.eye(len(names), dtype="f4"))


def edited() -> str:
    """Name of the layer of the target that is open for editing; empty for none."""
    layers = importlib.import_module(f"{PACKAGE}.blender_addon.edit_layers")
    return layers.edited_layer(bpy.context.scene.soliloquy.target)


def import_rig(path: str) -> str:
    """Clear the scene, bring in a glTF character and make its face the target.

    Returns:
        Name of the target: the mesh with the most shape keys.
    """
    for made in list(bpy.data.objects):
        bpy.data.objects.remove(made)
    with bpy.context.temp_override(**view()):
        importlib.import_module(f"{PACKAGE}.blender_addon.rig_gltf").load(Path(path))
    meshes = [o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys is not None]
    face = max(meshes, key=lambda mesh: len(mesh.data.shape_keys.key_blocks))
    bpy.context.view_layer.objects.active = face
    bpy.context.scene.soliloquy.target = face
    return face.name


def rig() -> list[dict[str, object]]:
    """The rows of the target's rig map."""
    rows = bpy.context.scene.soliloquy.target.soliloquy_rig.rows
    return [{"channel": row.channel, "item": row.item, "kind": row.kind, "use": row.enabled} for row in rows]


def place_cursor(x: float, y: float, z: float) -> None:
    """Put the 3D cursor there."""
    bpy.context.scene.cursor.location = (x, y, z)


def heads() -> list[dict[str, object]]:
    """Every head of the scene: its name, its place, rows of its map that move something, lights around it."""
    rig_map = importlib.import_module(f"{PACKAGE}.blender_addon.rig_map")
    return [
        {
            "name": made.name,
            "place": [round(x, 3) for x in made.matrix_world.translation],
            "mapped": list(rig_map.coverage(made)),
            "is_target": bpy.context.scene.soliloquy.target == made,
            "lights": sum(one.type == "LIGHT" for one in bpy.context.scene.objects),
        }
        for made in bpy.context.scene.objects
        if made.type == "MESH" and made.data.shape_keys is not None
    ]


def two_heads() -> None:
    """Two embedded heads beside each other, Anna and Ben, and nothing else."""
    for made in list(bpy.data.objects):
        bpy.data.objects.remove(made)
    with bpy.context.temp_override(**view()):
        for name, x in (("Anna", 0.0), ("Ben", 0.4)):
            bpy.ops.soliloquy.add_head()
            bpy.context.active_object.name = name
            bpy.context.active_object.location.x = x
    for head in bpy.data.objects:
        head.select_set(True)


def performance() -> dict[str, object]:
    """The target's emotions, their keys, its takes, and how far its brows are lowered."""
    target = bpy.context.scene.soliloquy.target
    shown = target.soliloquy_performance
    layers = importlib.import_module(f"{PACKAGE}.blender_addon.layers")
    keyframes = importlib.import_module(f"{PACKAGE}.blender_addon.keyframes")
    found = keyframes.curves_of(layers.speech_action(target))
    brows = {path: c.keys[:, 1].tolist() for (_, path, _), c in found.items() if "brow" in path}
    action = target.animation_data.action if target.animation_data is not None else None
    own = keyframes.curves_of(action) if action is not None else {}
    kept = shown.takes[0] if len(shown.takes) else None
    return {
        "anger": round(shown.anger, 4),
        "keys": sum(len(c.keys) for (_, path, _), c in own.items() if "soliloquy_performance" in path),
        "brow": max(brows['key_blocks["browDownLeft"].value']),
        "brows": brows,
        "takes": [take.name for take in kept.drawn] if kept is not None else [],
        "active": kept.active if kept is not None else -1,
    }


def set_target(target: str) -> None:
    """Choose the panel's target."""
    bpy.context.scene.soliloquy.target = bpy.data.objects[target]


def lay_lines(path: str, frames: list[int]) -> list[str]:
    """Put a sound into the sequencer at some frames, none of them selected, and show the sequencer below.

    Returns:
        Names of the strips.
    """
    window = bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type in ("DOPESHEET_EDITOR", "SEQUENCE_EDITOR"))
    area.type = "SEQUENCE_EDITOR"
    scene = bpy.context.scene
    scene.frame_end = 600
    window.workspace.sequencer_scene = scene  # an empty sequencer of 5.1 and later asks for one
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = [
        editor.strips.new_sound(f"line {i + 1}", path, channel=1 + i % 2, frame_start=frame)
        for i, frame in enumerate(frames)
    ]
    for strip in strips:
        strip.select = False
    return [strip.name for strip in strips]


def select_strips(names: list[str]) -> None:
    """Select these strips and no others."""
    for strip in bpy.context.scene.sequence_editor.strips:
        strip.select = strip.name in names


def move_strip(strip: str, frames: int) -> None:
    """Move a strip in time as a person does with G."""
    moved = bpy.context.scene.sequence_editor.strips[strip]
    moved.frame_start += frames


def spoken_frames() -> dict[str, list[int]]:
    """First and last frame of each character's speech, by the character's name."""
    found = {}
    for owner in bpy.data.objects:
        data = (
            owner.data.shape_keys.animation_data if owner.type == "MESH" and owner.data.shape_keys else None
        )
        track = data.nla_tracks.get("Speech") if data is not None else None
        if track is not None:
            found[owner.name] = [round(frame) for frame in track.strips[0].action.frame_range]
    return found


def use_actor(who: str, consent: str) -> str:
    """An actor folder with a take, chosen in the panel, and a stand-in as Python for actors."""
    package = importlib.import_module(f"{PACKAGE}.inference.actor.folder")
    folder = FOLDER / "actor"
    actor = package.make_actor(folder, who, consent, 96)
    package.with_take(actor, "plate")
    bpy.context.scene.soliloquy_actor.folder = str(folder)
    stand_in = FOLDER / "stand_in.sh"
    lines = ["#!/bin/sh", 'case "$*" in *--version*) echo soliloquy 0; exit 0;; esac']
    lines += [f"echo '{json.dumps({'event': 'progress', 'progress': 0.4})}'", "exec sleep 600"]
    stand_in.write_text("\n".join(lines))
    stand_in.chmod(0o755)
    bpy.context.preferences.addons[PACKAGE].preferences.actor_python = str(stand_in)
    return str(folder)


def use_pass(folder: str, plate: str) -> None:
    """A painted pass and its plate, chosen in the panel."""
    chosen = bpy.context.scene.soliloquy_actor
    chosen.pass_folder, chosen.plate_path = folder, plate
    bpy.context.scene.render.compositor_device = "CPU"
    with bpy.context.temp_override(**view()):
        bpy.ops.ed.undo_push(message="Pass chosen")  # what is undone next must not take this along


def finish_actor() -> None:
    """Files of memory and renderer, so that the actor is ready."""
    for name in ("memory.npz", "renderer.onnx"):
        (FOLDER / "actor" / name).write_bytes(b"0")


def composite() -> dict[str, object] | None:
    """The values of the pass in the compositor; None where there is none."""
    module = importlib.import_module(f"{PACKAGE}.blender_addon.compositor")
    node = module.group_node(bpy.context.scene)
    if node is None:
        return None
    view_transform = bpy.context.scene.view_settings.view_transform
    return {"mix": node.inputs["Mix"].default_value, "nodes": len(node.id_data.nodes), "view": view_transform}


CALLS = (
    state, status, settings, sliders, recordings, most_open, go_to, go_to_frame, let_sliders_rest, markers,
    line_names, numbered_head, edited, import_rig, rig, two_heads, performance, set_target, lay_lines,
    place_cursor, heads, select_strips, move_strip, spoken_frames, use_actor, use_pass, finish_actor,
    composite,
)  # fmt: skip
