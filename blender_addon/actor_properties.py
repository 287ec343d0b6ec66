"""The settings of an actor in a scene: where the actor lies, the plate, and how the pass is made."""

import bpy

_PLAIN: set[str] = set()
"""Not animatable."""
_PATH = {"PATH_SUPPORTS_BLEND_RELATIVE"}
FILE, STRIP, CLIP = "FILE", "STRIP", "CLIP"
DUB, SKIN = "DUB", "SKIN"
PREDICTED, EDITED = "PREDICTED", "EDITED"


class SoliloquyActor(bpy.types.PropertyGroup):
    """An actor, whose captured face is painted onto a plate or onto the 3D head."""

    folder: bpy.props.StringProperty(
        name="Actor",
        description="Folder of the actor: takes, memory and renderer. Capture makes it",
        subtype="DIR_PATH",
        options=_PATH,
    )
    actor_name: bpy.props.StringProperty(
        name="Name", description="What a new actor is called", options=_PLAIN, maxlen=200
    )
    consent: bpy.props.StringProperty(
        name="Consent",
        description="Who consents to what, and when: without it no face is captured. It is kept with the "
        "actor and stands in everything that is painted",
        options=_PLAIN,
        maxlen=4000,
    )
    plate_from: bpy.props.EnumProperty(
        name="Plate From",
        items=(
            (FILE, "File", "A film, or one image of a sequence"),
            (STRIP, "Strip", "The film or image strip that is active in the video sequencer"),
            (CLIP, "Clip", "A clip, as in the movie clip editor"),
        ),
        default=FILE,
        options=_PLAIN,
    )
    plate_path: bpy.props.StringProperty(
        name="Plate",
        description="Film of the actor, or one image of a sequence",
        subtype="FILE_PATH",
        options=_PATH,
    )
    plate_start: bpy.props.IntProperty(
        name="Start Frame", description="Frame on which the plate begins", default=1, options=_PLAIN
    )
    clip: bpy.props.PointerProperty(
        name="Clip",
        description="The movie clip that shows the actor",
        type=bpy.types.MovieClip,
        options=_PLAIN,
    )
    way: bpy.props.EnumProperty(
        name="Paint",
        items=(
            (DUB, "Dub", "A new line on the plate: the actor says it"),
            (SKIN, "Skin", "The actor's face on the 3D head, as the camera sees it"),
        ),
        default=DUB,
        options=_PLAIN,
    )
    motion: bpy.props.EnumProperty(
        name="Motion",
        items=(
            (PREDICTED, "As Spoken", "What the target's lines and sliders make; layers above are left out"),
            (EDITED, "As Edited", "What the target shows on each frame, with everything edited by hand"),
        ),
        default=EDITED,
        options=_PLAIN,
    )
    pass_folder: bpy.props.StringProperty(
        name="Pass",
        description="Folder of the painted frames (EXR); empty for a folder beside the actor's",
        subtype="DIR_PATH",
        options=_PATH,
    )
    steps: bpy.props.IntProperty(
        name="Steps",
        description="How long the renderer is trained; 0 for as long as Soliloquy thinks right",
        default=0,
        min=0,
        soft_max=100_000,
        options=_PLAIN,
    )


CLASSES = (SoliloquyActor,)


def register() -> None:
    """Give every scene its actor."""
    bpy.types.Scene.soliloquy_actor = bpy.props.PointerProperty(type=SoliloquyActor)


def unregister() -> None:
    """Forget the definition; what blend files keep stays in them."""
    del bpy.types.Scene.soliloquy_actor
