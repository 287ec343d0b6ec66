"""The settings of a scene: what the panel shows and the blend file keeps."""

import bpy

from ..inference.transcript import LANGUAGE, TEXT_MAX


def _is_character(_settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type in ("MESH", "ARMATURE")


_PLAIN: set[str] = set()
"""Options of a setting that is one value for a whole line: it cannot be keyed or driven."""


class SoliloquySettings(bpy.types.PropertyGroup):
    """Settings of the next line; how a character moves is kept with it (`edit_properties`)."""

    source: bpy.props.EnumProperty(
        name="Sound From",
        items=(
            ("FILE", "File", "A sound file, or a video file with a sound track"),
            (
                "STRIP",
                "Active Strip",
                "The sound strip that is active in the video sequencer, as it is trimmed",
            ),
        ),
        default="FILE",
        options=_PLAIN,
    )
    audio_path: bpy.props.StringProperty(
        name="Sound",
        description="File with the speech: wav, flac, ogg, mp3, m4a, mp4 and others",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )
    start_frame: bpy.props.IntProperty(
        name="Start Frame", description="Frame on which the sound starts", default=1, options=_PLAIN
    )
    target: bpy.props.PointerProperty(
        name="Target",
        description="The face: a mesh with shape keys, or an armature; empty for the active object",
        type=bpy.types.Object,
        poll=_is_character,
        options=_PLAIN,
    )
    include_parts: bpy.props.BoolProperty(
        name="Include Parts",
        description="Also drive matching shape keys of the target's child meshes and of the meshes on its "
        "armature (eyes, teeth, tongue, lashes)",
        default=True,
        options=_PLAIN,
    )
    transcript: bpy.props.StringProperty(
        name="Transcript",
        description="What is said, word for word; may stay empty. With it p, b, m, f and v are found where "
        "they are spoken. Needs the program espeak-ng on this computer",
        maxlen=TEXT_MAX,
        options=_PLAIN,
    )
    language: bpy.props.StringProperty(
        name="Language",
        description="Language of the transcript as espeak-ng names it: en-us, en-gb, de, fr-fr, es, ...",
        default=LANGUAGE,
        maxlen=40,
        options=_PLAIN,
    )


CLASSES = (SoliloquySettings,)


def register() -> None:
    """Give every scene its settings."""
    bpy.types.Scene.soliloquy = bpy.props.PointerProperty(type=SoliloquySettings)


def unregister() -> None:
    """Forget the settings' definition; values in blend files stay."""
    del bpy.types.Scene.soliloquy
