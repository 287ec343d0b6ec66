"""Scenes, sounds and short names for the add-on tests."""

from __future__ import annotations

import importlib
import os
import wave
from pathlib import Path

import bpy
import numpy as np

PACKAGE = "bl_ext.user_default.soliloquy"
FOLDER = Path(os.environ["SOLILOQUY_TEST_FOLDER"])
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SETTLE_S = 0.6
"""A line begins so long before its sound, from rest, and ends so long after it: `compose.SLOW_SETTLE_S`."""
FORMANTS_OF_A = ((730, 90), (1090, 110), (2440, 170), (3400, 250))  # Hz and width (Peterson and Barney 1952)


class Skip(Exception):  # noqa: N818
    """Raised by a test that cannot run here, with the reason."""


def enable() -> None:
    """Switch the installed extension on."""
    import addon_utils

    addon_utils.enable(PACKAGE, default_set=False, handle_error=None)


def module(name: str) -> object:
    """A module of the installed extension, e.g. `blender_addon.keyframes`."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def empty_scene(fps: int = 24, base: float = 1.0) -> bpy.types.Scene:
    """A new file without objects, at a frame rate."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    enable()
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    return scene


def mesh_with_keys(
    name: str, keys: tuple[str, ...], parent: bpy.types.Object | None = None
) -> bpy.types.Object:
    """A triangle with shape keys."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 0, 1)], [], [(0, 1, 2)])
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    if keys:
        made.shape_key_add(name="Basis")
    for i, key in enumerate(keys):
        made.shape_key_add(name=key).data[i % 3].co.y += 0.5
    made.parent = parent
    return made


def arkit_mesh(name: str = "Face") -> bpy.types.Object:
    """A mesh with all 52 ARKit shape keys, active and chosen in the panel."""
    made = mesh_with_keys(name, module("inference.channels").ARKIT_52)
    bpy.context.view_layer.objects.active = made
    return made


def vowels(name: str, duration_s: float, voiced: tuple[tuple[float, float], ...] = ((0.0, 1e9),)) -> Path:
    """A 16 kHz wav of three open /a/ a second, only in `voiced` spans: harmonics through formants."""
    path = FOLDER / name
    t = np.arange(round(duration_s * 16_000)) / 16_000
    sound = np.zeros_like(t)
    for k in range(1, 34):
        hertz = 120 * k
        gain = np.prod([f * f / np.hypot(f * f - hertz * hertz, width * hertz) for f, width in FORMANTS_OF_A])
        sound += gain / k * np.sin(2 * np.pi * hertz * t + k * k)  # phases apart, as a click is no voice
    sound *= (0.525 + 0.475 * np.sin(2 * np.pi * 3 * t)) * np.any(
        [(a <= t) & (t < b) for a, b in voiced], axis=0
    )
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((10_000 * sound / max(1e-9, np.abs(sound).max())).astype("<i2").tobytes())
    return path


def speech() -> Path:
    """A real line of speech."""
    return data("bad_audio/real_jfk_1961.mp3")


def data(relative: str) -> Path:
    """A file of the shared data; skips the test where it is absent."""
    path = DATA / relative
    if not path.exists():
        raise Skip(f"{relative} is not at hand")
    return path


def animate(path: Path | str, start_frame: int = 1, **settings: object) -> set[str]:
    """Press Animate for a file on the active object; settings are the panel's or the object's sliders."""
    panel = bpy.context.scene.soliloquy
    panel.audio_path, panel.start_frame, panel.source = str(path), start_frame, "FILE"
    set_up(**settings)
    reason = module("blender_addon.operators.animate").disabled_reason(bpy.context)
    if reason:
        raise RuntimeError(reason)
    return bpy.ops.soliloquy.animate()


def set_up(**settings: object) -> None:
    """Set the panel, and the sliders of the target or the active object."""
    panel, target = bpy.context.scene.soliloquy, bpy.context.active_object
    for name, value in settings.items():
        owner = panel if name in panel.bl_rna.properties else (panel.target or target).soliloquy_face
        setattr(owner, name, value)


def refused(path: Path | str, **settings: object) -> str:
    """What Animate says when it refuses."""
    try:
        result = animate(path, **settings)
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"not refused: {result}")


def error_of(kind: type[Exception], function: object, *arguments: object) -> str:
    """The text of the error that a call must raise."""
    try:
        function(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError(f"{kind.__name__} was not raised")


def curves(made: bpy.types.Object) -> dict[str, list[tuple[float, float]]]:
    """Keys of the Speech layer of a mesh's shape keys, by data path."""
    strip = speech_strip(made.data.shape_keys)
    return action_curves(strip.action, strip.action_slot)


def spoken_line(duration_s: float = 3.0, **settings: object) -> bpy.types.Object:
    """A character that says vowels, from frame 1 at 24 frames a second."""
    scene = empty_scene()
    scene.frame_end = 400
    made = arkit_mesh()
    assert animate(vowels("line.wav", duration_s), **settings) == {"FINISHED"}
    return made


def channel(made: bpy.types.Object, name: str) -> np.ndarray:
    """Keys of a shape key in the Speech layer, [K, 2] frame and value."""
    return np.array(curves(made)[value_path(name)])


def mean(made: bpy.types.Object, name: str, first: float, last: float) -> float:
    """Of a shape key over the frames from `first` to `last`."""
    keys = channel(made, name)
    return float(np.interp(np.arange(first, last + 1), keys[:, 0], keys[:, 1]).mean())


def speech_strip(owner: bpy.types.ID) -> bpy.types.NlaStrip:
    """The strip that plays our Action."""
    (track,) = [t for t in owner.animation_data.nla_tracks if t.name.split(".")[0] == "Speech"]
    (strip,) = track.strips
    return strip


def action_curves(
    action: bpy.types.Action, slot: bpy.types.ActionSlot
) -> dict[str, list[tuple[float, float]]]:
    """Keys of one slot of an Action, by data path."""
    (layer,) = action.layers
    (strip,) = layer.strips
    bag = strip.channelbag(slot)
    return {f.data_path: [tuple(k.co) for k in f.keyframe_points] for f in bag.fcurves}


def value_path(name: str) -> str:
    """Data path of a shape key's value."""
    return f'key_blocks["{name}"].value'


def snapshot() -> tuple:
    """What a refused operator must not change."""
    scene = bpy.context.scene
    editor = scene.sequence_editor
    return (
        sorted(a.name for a in bpy.data.actions),
        sorted(o.name for o in bpy.data.objects),
        sorted(s.name for s in bpy.data.sounds),
        len(editor.strips) if editor is not None else 0,
        sorted(k.name for k in bpy.data.shape_keys if k.animation_data is not None),
    )
