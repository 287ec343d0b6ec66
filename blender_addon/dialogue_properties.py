"""What the sequencer keeps about its lines: whose each one is, what is said, and what became of it.

They lie on the sound strips (`Strip.soliloquy_line`), so they are moved, copied and saved with these.
"""

import bpy

from ..inference.transcript import LANGUAGE, TEXT_MAX

_PLAIN: set[str] = set()
"""Options of a setting that is one value for a whole line: it cannot be keyed or driven."""


def _is_mesh(_line: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH"


class SoliloquyLine(bpy.types.PropertyGroup):
    """A sound strip as a line of a character."""

    character: bpy.props.PointerProperty(
        name="Character",
        description="Mesh that speaks this line; empty for a sound that is no line",
        type=bpy.types.Object,
        poll=_is_mesh,
        options=_PLAIN,
    )
    transcript: bpy.props.StringProperty(
        name="Transcript",
        description="What is said in this sound, word for word; may stay empty. Needs the program espeak-ng "
        "on this computer",
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
    cues: bpy.props.StringProperty(
        name="Cues",
        description="File that tells when each sound is said: TextGrid, TSV, Rhubarb, Papagayo, Moho. The "
        "mouth then follows it and not the ear; may stay empty",
        subtype="FILE_PATH",
        options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )
    line_id: bpy.props.StringProperty(
        description="Under which the character keeps this line; two strips never have the same",
        options=_PLAIN,
    )
    whole: bpy.props.FloatVectorProperty(
        description="First frame and end of this strip, from the frame on which its sound begins, when all "
        "of the sound was animated: as long as they stay so, it still is",
        size=2,
        options=_PLAIN,
    )
    problem: bpy.props.StringProperty(
        description="Why this line could not be animated the last time; empty if it was", options=_PLAIN
    )


class SoliloquyDialogue(bpy.types.PropertyGroup):
    """Settings of the dialogue of a scene."""

    active: bpy.props.IntProperty(description="Line that is shown in full", default=-1, options=_PLAIN)
    follow: bpy.props.BoolProperty(
        name="Follow Strips",
        description="When a strip is moved or trimmed, move or trim the animation of its line at once",
        default=True,
        options=_PLAIN,
    )
    markers: bpy.props.StringProperty(
        description="The timeline markers that were made from the sounds of speech", options=_PLAIN
    )


CLASSES = (SoliloquyLine, SoliloquyDialogue)


def register() -> None:
    """Give strips and scenes their properties."""
    bpy.types.Strip.soliloquy_line = bpy.props.PointerProperty(type=SoliloquyLine)
    bpy.types.Scene.soliloquy_dialogue = bpy.props.PointerProperty(type=SoliloquyDialogue)


def unregister() -> None:
    """Forget their definition; what blend files keep stays in them."""
    del bpy.types.Scene.soliloquy_dialogue
    del bpy.types.Strip.soliloquy_line
