"""The rig map of a character as rows that can be edited, on the object (`Object.soliloquy_rig`).

Objects are pointed to, shape keys and bones are named: rows outlive a renamed object, and go with a character
that is copied, appended, linked or overridden.
"""

import bpy

from ..inference.channels import ARKIT_52, HEAD

_OVERRIDABLE: set[str] = {"LIBRARY_OVERRIDABLE"}
_LIST: set[str] = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
CHANNELS = (*ARKIT_52, *HEAD)


def _edited(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    from . import edit_live  # here: it imports what needs these classes

    self.by_hand = True
    edit_live.changed(self.id_data, context)


def _offered(_self: bpy.types.bpy_struct, _context: bpy.types.Context, typed: str) -> list[str]:
    return [channel for channel in CHANNELS if typed.casefold() in channel.casefold()]


def _has_parts(_self: bpy.types.bpy_struct, candidate: bpy.types.Object) -> bool:
    return candidate.type in ("MESH", "ARMATURE", "EMPTY")


class SoliloquyRigPart(bpy.types.PropertyGroup):
    """An object that a solved row drives. `name` is what the row's data calls it."""

    object: bpy.props.PointerProperty(type=bpy.types.Object, options=set(), override=_OVERRIDABLE)


class SoliloquyRigRow(bpy.types.PropertyGroup):
    """One thing that moves with a channel: value = offset + gain x channel."""

    enabled: bpy.props.BoolProperty(
        name="Use",
        description="Drive this; off leaves it to you",
        default=True,
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    channel: bpy.props.StringProperty(
        name="Channel",
        description="Channel that moves this: an ARKit name, or headPitch, headYaw, headRoll",
        search=_offered,
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    kind: bpy.props.EnumProperty(
        name="Moves",
        description="What the channel moves",
        items=(
            ("SHAPE_KEY", "Shape Key", "The value of a shape key", "SHAPEKEY_DATA", 0),
            ("BONE", "Bone", "The rotation or the location of a bone", "BONE_DATA", 1),
            ("PROPERTY", "Property", "A custom property of the object or of a bone", "PROPERTIES", 2),
            (
                "SOLVED",
                "Solved Keys",
                "Shape keys that share all channels, such as visemes or the coefficients of a face model: "
                "on every frame those weights are taken that come nearest to the motion",
                "GROUP_VERTEX",
                3,
            ),
            ("OBJECT", "Object", "The turn of a whole object, on top of how it is turned", "OBJECT_DATA", 4),
        ),
        default="SHAPE_KEY",
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    object: bpy.props.PointerProperty(
        name="Object",
        description="Mesh, armature or empty that has it; without one this object itself",
        type=bpy.types.Object,
        poll=_has_parts,
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    item: bpy.props.StringProperty(
        name="Target",
        description="Name of the shape key or the bone",
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    data_path: bpy.props.StringProperty(
        name="Data Path",
        description='Path below the object, for example ["Smile"] or pose.bones["ctrl"]["smile"]',
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    motion: bpy.props.EnumProperty(
        name="Motion",
        description="How the bone moves",
        items=(
            ("ROTATION", "Turns", "The bone turns about an axis; gain in radians at channel 1"),
            ("LOCATION", "Shifts", "The bone is shifted along one of its axes; gain in scene units"),
        ),
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    axis: bpy.props.FloatVectorProperty(
        name="Axis",
        description="Axis of the turn: in the bone's own directions at rest, in those of an object's parent",
        default=(1.0, 0.0, 0.0),
        size=3,
        subtype="XYZ",
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    index: bpy.props.IntProperty(
        name="Component",
        description="0, 1, 2 for x, y, z of a location or of a property that is a vector",
        min=0,
        max=31,
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    gain: bpy.props.FloatProperty(
        name="Gain",
        description="Value at channel 1, without the offset: a shape key's weight, radians of a turn",
        default=1.0,
        soft_min=-2.0,
        soft_max=2.0,
        step=5,
        precision=3,
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    offset: bpy.props.FloatProperty(
        name="Offset",
        description="Value that is added, the same on every frame",
        soft_min=-1.0,
        soft_max=1.0,
        step=5,
        precision=3,
        options=set(),
        override=_OVERRIDABLE,
        update=_edited,
    )
    confidence: bpy.props.FloatProperty(
        name="Confidence",
        description="0 to 1, how sure the match is; 1 for a row that you set yourself",
        default=1.0,
        min=0.0,
        max=1.0,
        options=set(),
        override=_OVERRIDABLE,
    )
    by_hand: bpy.props.BoolProperty(
        name="Yours",
        description="You edited this row: mapping again leaves it alone",
        options=set(),
        override=_OVERRIDABLE,
    )
    removed: bpy.props.BoolProperty(
        name="Removed",
        description="Out of the map: a row from the library of an override cannot leave the list",
        options=set(),
        override=_OVERRIDABLE,
    )
    solved: bpy.props.StringProperty(options=set(), override=_OVERRIDABLE)
    parts: bpy.props.CollectionProperty(type=SoliloquyRigPart, options=set(), override=_LIST)


class SoliloquyRig(bpy.types.PropertyGroup):
    """The rig map of a character; without rows the character is mapped each time it is animated."""

    rows: bpy.props.CollectionProperty(type=SoliloquyRigRow, options=set(), override=_LIST)
    active: bpy.props.IntProperty(name="Row", options=set(), override=_OVERRIDABLE)


CLASSES = (SoliloquyRigPart, SoliloquyRigRow, SoliloquyRig)


def register() -> None:
    """Give every object its rig map."""
    bpy.types.Object.soliloquy_rig = bpy.props.PointerProperty(type=SoliloquyRig, override=_OVERRIDABLE)


def unregister() -> None:
    """Forget its definition; what blend files keep stays in them."""
    del bpy.types.Object.soliloquy_rig
