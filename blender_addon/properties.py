"""The settings of a scene: what the panel shows and the blend file keeps."""

import bpy

from ..inference.curves import DELAY_MAX_S, SMOOTHING_MAX_S, STRENGTH_MAX, MotionControls
from ..inference.pipeline import AnimateSettings
from ..inference.transcript import LANGUAGE, TEXT_MAX


def _is_mesh(_settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH"


_PLAIN: set[str] = set()
"""Options of a setting that is one value for a whole line: it cannot be keyed or driven."""


class SoliloquySettings(bpy.types.PropertyGroup):
    """Settings of one line of speech on one character."""

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
        description="Mesh whose shape keys carry ARKit names; empty for the active object",
        type=bpy.types.Object,
        poll=_is_mesh,
        options=_PLAIN,
    )
    include_parts: bpy.props.BoolProperty(
        name="Include Parts",
        description="Also drive matching shape keys of the target's child meshes and of the meshes on its "
        "armature (eyes, teeth, tongue, lashes)",
        default=True,
        options=_PLAIN,
    )
    jaw: bpy.props.FloatProperty(
        name="Jaw",
        description="Strength of the jaw as a factor: 0 is still, 1 is as spoken",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=STRENGTH_MAX,
        options=_PLAIN,
    )
    lips: bpy.props.FloatProperty(
        name="Lips",
        description="Strength of lips and tongue as a factor: 0 is still, 1 is as spoken",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=STRENGTH_MAX,
        options=_PLAIN,
    )
    upper_face: bpy.props.FloatProperty(
        name="Upper Face",
        description="Strength of eyes, brows, cheeks and nose as a factor: 0 is still, 1 is as spoken",
        default=1.0,
        min=0.0,
        soft_max=2.0,
        max=STRENGTH_MAX,
        options=_PLAIN,
    )
    smoothing_s: bpy.props.FloatProperty(
        name="Smoothing",
        description="Width in seconds over which the motion is averaged, without shifting it; 0 is off",
        default=0.0,
        min=0.0,
        soft_max=0.2,
        max=SMOOTHING_MAX_S,
        precision=3,
        step=1,
        unit="TIME_ABSOLUTE",
        options=_PLAIN,
    )
    prediction_delay_s: bpy.props.FloatProperty(
        name="Prediction Delay",
        description="Seconds by which the face moves later than the sound; negative moves it earlier",
        default=0.0,
        min=-DELAY_MAX_S,
        soft_min=-0.5,
        soft_max=0.5,
        max=DELAY_MAX_S,
        precision=3,
        step=1,
        unit="TIME_ABSOLUTE",
        options=_PLAIN,
    )
    blinks: bpy.props.BoolProperty(
        name="Blinks", description="Let the eyes blink, about 15 times a minute", default=True, options=_PLAIN
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
    lips_meet: bpy.props.BoolProperty(
        name="Lips Meet",
        description="Let the lips meet, for at least one frame, on every p, b and m",
        default=True,
        options=_PLAIN,
    )
    lip_to_teeth: bpy.props.BoolProperty(
        name="Lip to Teeth",
        description="Let the lower lip reach the upper teeth, for at least one frame, on every f and v",
        default=True,
        options=_PLAIN,
    )
    by_ear: bpy.props.BoolProperty(
        name="Also by Ear",
        description="Bring the lip to the teeth by ear where no transcript tells when: sounds that are "
        "misheard then raise it as well",
        default=False,
        options=_PLAIN,
    )
    still_in_silence: bpy.props.BoolProperty(
        name="Still in Silence",
        description="Keep the mouth still in silences of 0.3 seconds and more; the eyes blink on",
        default=False,
        options=_PLAIN,
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Another number gives other moments of blinking",
        default=0,
        min=0,
        options=_PLAIN,
    )


def animate_settings(settings: SoliloquySettings) -> AnimateSettings:
    """What the panel says, as the runtime wants it."""
    controls = MotionControls(
        jaw=settings.jaw,
        lips=settings.lips,
        upper_face=settings.upper_face,
        smoothing_s=settings.smoothing_s,
        prediction_delay_s=settings.prediction_delay_s,
    )
    teeth = True if settings.by_ear else None  # None: where the transcript tells when
    return AnimateSettings(
        controls=controls,
        seed=settings.seed,
        blinks=settings.blinks,
        text=settings.transcript,
        language=settings.language,
        lips_meet=settings.lips_meet,
        lip_to_teeth=teeth if settings.lip_to_teeth else False,
        still_in_silence=settings.still_in_silence,
    )


CLASSES = (SoliloquySettings,)


def register() -> None:
    """Give every scene its settings."""
    bpy.types.Scene.soliloquy = bpy.props.PointerProperty(type=SoliloquySettings)


def unregister() -> None:
    """Forget the settings' definition; values in blend files stay."""
    del bpy.types.Scene.soliloquy
