"""What a character keeps in the blend file: its lines, how they are shaped, and what must stay as it is.

All of it lies on the object (`Object.soliloquy_face`), so it is copied, appended, linked and overridden with
the character.
"""

import zlib

import bpy

from ..inference.curves import DELAY_MAX_S, SMOOTHING_MAX_S, STRENGTH_MAX, MotionControls
from ..inference.key_reduction import TOLERANCE
from ..inference.pipeline import AnimateSettings

_OVERRIDABLE: set[str] = {"LIBRARY_OVERRIDABLE"}
"""Not animatable: one value for all lines of a character."""
_LIST: set[str] = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}


def _changed(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    from . import edit_live  # here: it imports what needs these classes

    edit_live.changed(self.id_data, context)


def _line_chosen(self: bpy.types.bpy_struct, _context: bpy.types.Context) -> None:
    from . import performance_live

    performance_live.line_chosen(self.id_data)


def _strength(name: str, what: str) -> object:
    return bpy.props.FloatProperty(
        name=name,
        description=f"Strength of {what} as a factor: 0 is still, 1 is as spoken",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=STRENGTH_MAX,
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )


def _switch(name: str, description: str, default: bool) -> object:
    return bpy.props.BoolProperty(
        name=name,
        description=description,
        default=default,
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )


def _seconds(name: str, description: str, lowest: float, highest: float, soft: float) -> object:
    return bpy.props.FloatProperty(
        name=name,
        description=description,
        default=0.0,
        min=lowest,
        soft_min=max(lowest, -soft),
        soft_max=soft,
        max=highest,
        precision=3,
        step=1,
        unit="TIME_ABSOLUTE",
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )


def _offset(name: str, description: str) -> object:
    return bpy.props.FloatProperty(
        name=name,
        description=description,
        default=0.0,
        min=-1.0,
        soft_min=-0.5,
        soft_max=0.5,
        max=1.0,
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )


class SoliloquyAccent(bpy.types.PropertyGroup):
    """A sentence of a line that is played stronger or weaker; see `reapply.Accent`."""

    start_s: bpy.props.FloatProperty(options=set(), override=_OVERRIDABLE)
    end_s: bpy.props.FloatProperty(options=set(), override=_OVERRIDABLE)
    lower_face: bpy.props.FloatProperty(default=1.0, options=set(), override=_OVERRIDABLE)
    upper_face: bpy.props.FloatProperty(default=1.0, options=set(), override=_OVERRIDABLE)


class SoliloquyKeptLine(bpy.types.PropertyGroup):
    """One line that is kept with a character; see `kept_lines.KeptLine`. `name` is what the user calls it."""

    line_id: bpy.props.StringProperty(options=set(), override=_OVERRIDABLE)
    audio: bpy.props.StringProperty(
        name="Sound", subtype="FILE_PATH", options={"PATH_SUPPORTS_BLEND_RELATIVE"}, override=_OVERRIDABLE
    )
    content_hash: bpy.props.StringProperty(options=set(), override=_OVERRIDABLE)
    transcript: bpy.props.StringProperty(name="Transcript", options=set(), override=_OVERRIDABLE)
    language: bpy.props.StringProperty(name="Language", options=set(), override=_OVERRIDABLE)
    start_frame: bpy.props.FloatProperty(
        name="Start Frame",
        description="Frame on which the sound of this line starts",
        options=set(),
        override=_OVERRIDABLE,
    )
    is_trimmed: bpy.props.BoolProperty(options=set(), override=_OVERRIDABLE)
    audible_first: bpy.props.FloatProperty(options=set(), override=_OVERRIDABLE)
    audible_end: bpy.props.FloatProperty(options=set(), override=_OVERRIDABLE)
    heard: bpy.props.FloatVectorProperty(size=2, options=set(), override=_OVERRIDABLE)
    accents: bpy.props.CollectionProperty(type=SoliloquyAccent, options=set(), override=_LIST)
    packed: bpy.props.StringProperty(subtype="BYTE_STRING", options=set(), override=_OVERRIDABLE)


class SoliloquyProtection(bpy.types.PropertyGroup):
    """Frames and channels in which the keys stay as they are."""

    first: bpy.props.FloatProperty(
        name="From",
        description="First frame whose keys stay as they are",
        precision=0,
        step=100,
        options=set(),
        override=_OVERRIDABLE,
    )
    last: bpy.props.FloatProperty(
        name="To",
        description="Last frame whose keys stay as they are",
        precision=0,
        step=100,
        options=set(),
        override=_OVERRIDABLE,
    )
    channels: bpy.props.StringProperty(
        name="Channels",
        description="Channels or parts of the face, with commas between them; empty for all of them",
        options=set(),
        override=_OVERRIDABLE,
    )


class SoliloquyFace(bpy.types.PropertyGroup):
    """How the lines of a character are shaped. A change is applied at once, without the speech model."""

    lines: bpy.props.CollectionProperty(type=SoliloquyKeptLine, options=set(), override=_LIST)
    active_line: bpy.props.IntProperty(
        name="Line",
        description="The line that takes are drawn for",
        options=set(),
        override=_OVERRIDABLE,
        update=_line_chosen,
    )
    protections: bpy.props.CollectionProperty(type=SoliloquyProtection, options=set(), override=_LIST)
    active_protection: bpy.props.IntProperty(options=set(), override=_OVERRIDABLE)
    blink_key: bpy.props.IntProperty(options=set(), override=_OVERRIDABLE)
    include_parts: bpy.props.BoolProperty(default=True, options=set(), override=_OVERRIDABLE)

    lower_face: _strength("Lower Face", "jaw, lips and tongue together, on top of their own,")
    jaw: _strength("Jaw", "the jaw")
    lips: _strength("Lips", "lips and tongue")
    upper_face: _strength("Upper Face", "eyes, brows, cheeks and nose")
    brows: _strength("Brows", "the brows, on top of the upper face,")
    head: _strength("Head", "the head's turns")
    smoothing_s: _seconds(
        "Smoothing",
        "Width in seconds over which the motion is averaged, without shifting it; 0 is off",
        0.0,
        SMOOTHING_MAX_S,
        0.2,
    )
    prediction_delay_s: _seconds(
        "Prediction Delay",
        "Seconds by which the face moves later than the sound; negative moves it earlier",
        -DELAY_MAX_S,
        DELAY_MAX_S,
        0.5,
    )
    lip_close_offset: _offset(
        "Lip Close Offset",
        "Weight that is added to the closing of the lips, as far as the jaw is open: above 0 the lips are "
        "closer together, below 0 further apart",
    )
    eyelid_offset: _offset(
        "Eyelid Offset", "Above 0 the eyes are open wider, below 0 the lids hang; blinks still close them"
    )
    blinks: _switch("Blinks", "Let the eyes blink, about 15 times a minute", True)
    blink_strength: bpy.props.FloatProperty(
        name="Blink Strength",
        description="How far the lids close in a blink: 1 closes the eye",
        default=1.0,
        min=0.0,
        max=1.0,
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Another number gives other moments of blinking",
        default=0,
        min=0,
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )
    lips_meet: _switch("Lips Meet", "Let the lips meet, for at least one frame, on every p, b and m", True)
    lip_to_teeth: _switch(
        "Lip to Teeth",
        "Let the lower lip reach the upper teeth, for at least one frame, on every f and v",
        True,
    )
    by_ear: _switch(
        "Also by Ear",
        "Bring the lip to the teeth by ear where no transcript tells when: sounds that are misheard then "
        "raise it as well",
        False,
    )
    still_in_silence: _switch(
        "Still in Silence",
        "Keep the mouth still in silences of 0.3 seconds and more; the eyes blink on",
        False,
    )
    keys: bpy.props.EnumProperty(
        name="Keys",
        items=(
            ("THINNED", "Thinned", "As few keys with smooth handles as the error bound allows"),
            ("DENSE", "Every Frame", "A linear key on every frame"),
        ),
        default="THINNED",
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )
    tolerance: bpy.props.FloatProperty(
        name="Largest Error",
        description="How far a thinned curve may be off on any frame, as a weight of 0 to 1. Peaks, lips "
        "that meet and closed eyes are kept",
        default=TOLERANCE,
        min=0.0005,
        soft_max=0.02,
        max=0.2,
        precision=4,
        step=0.1,
        options=set(),
        override=_OVERRIDABLE,
        update=_changed,
    )


_OF_CONTROLS = (
    "jaw",
    "lips",
    "upper_face",
    "lower_face",
    "brows",
    "head",
    "lip_close_offset",
    "smoothing_s",
    "prediction_delay_s",
)
_OF_SETTINGS = ("seed", "blinks", "blink_strength", "eyelid_offset", "lips_meet", "still_in_silence")
"""Sliders that carry the names that the runtime gives them."""


def animate_settings(face: SoliloquyFace, text: str = "", language: str = "") -> AnimateSettings:
    """What the character's sliders say, as the runtime wants it; `text` is what is said in a line."""
    teeth = True if face.by_ear else None  # None: where the transcript tells when
    said = {"text": text, "language": language} if text.strip() else {}
    return AnimateSettings(
        MotionControls(**{name: getattr(face, name) for name in _OF_CONTROLS}),
        **{name: getattr(face, name) for name in _OF_SETTINGS},
        lip_to_teeth=teeth if face.lip_to_teeth else False,
        **said,
    )


def set_sliders(face: SoliloquyFace, settings: AnimateSettings) -> None:
    """The other way round; each slider that changes applies itself, unless `edit_live.held`."""
    for name in _OF_CONTROLS:
        setattr(face, name, getattr(settings.controls, name))
    for name in _OF_SETTINGS:
        setattr(face, name, getattr(settings, name))
    face.lip_to_teeth, face.by_ear = settings.lip_to_teeth is not False, settings.lip_to_teeth is True


def blink_seed(owner: bpy.types.Object, seed: int | None = None) -> int:
    """Seed of a character's blinks: two characters of a scene must not blink at the same moments.

    Args:
        seed: None for the character's own slider.
    """
    own = owner.soliloquy_face.seed if seed is None else seed
    return own + (owner.soliloquy_face.blink_key or blink_key(owner))


def blink_key(owner: bpy.types.Object) -> int:
    """What sets a character's blinks apart from others'; kept with its first line, so that another name for
    the character does not move its blinks."""
    return (zlib.crc32(owner.name.encode("utf-8")) & 0x7FFFFFFF) | 1


CLASSES = (SoliloquyAccent, SoliloquyKeptLine, SoliloquyProtection, SoliloquyFace)


def register() -> None:
    """Give every object its lines and sliders."""
    bpy.types.Object.soliloquy_face = bpy.props.PointerProperty(type=SoliloquyFace, override=_OVERRIDABLE)


def unregister() -> None:
    """Forget their definition; what blend files keep stays in them."""
    del bpy.types.Object.soliloquy_face
