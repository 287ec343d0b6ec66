"""How a character performs: the values of an instruction as sliders that can be keyed, and takes of lines.

The sliders lie on the object (`Object.soliloquy_performance`), with one property for each emotion and action
of `inference.instruction.values`. Moving one directs the take in use; keys on one direct it over time.
"""

import bpy

from ..inference.instruction.values import ACTION_NAMES, ACTIONS, EMOTIONS

_OVERRIDABLE: set[str] = {"LIBRARY_OVERRIDABLE"}
_LIST: set[str] = {"LIBRARY_OVERRIDABLE", "USE_INSERTION"}
_KEYABLE: set[str] = {"ANIMATABLE"}
SLIDERS = (*EMOTIONS, *ACTION_NAMES, "intensity")
"""Names of the properties that an instruction is made of."""
STRENGTHS = ("emotion", "head", "gaze", "accents", "breath")
"""Fields of `Direction` that are strengths; the properties are named with `_strength` behind."""
TEXT_MAX = 4000
_LABELS = {"outofbreath": "Out of Breath"}


def label(name: str) -> str:
    """What the panel calls an emotion or an action."""
    return _LABELS.get(name) or name.replace("_", " ").title()


def _directed(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    from . import performance_live  # here: it imports what needs these classes

    performance_live.directed(self.id_data, context)


def _strengthened(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    from . import edit_live

    edit_live.changed(self.id_data, context)


def _scoped(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    from . import takes

    if not self.all_lines:
        takes.freeze(self.id_data, context.scene)


def _chosen(self: bpy.types.bpy_struct, context: bpy.types.Context) -> None:
    from . import performance_live

    performance_live.take_chosen(self.id_data, self.line_id, context)


def _slider(name: str, description: str, lowest: float, default: float = 0.0) -> object:
    return bpy.props.FloatProperty(
        name=label(name),
        description=description,
        default=default,
        min=lowest,
        max=1.0,
        step=5,
        precision=2,
        options=_KEYABLE,
        override=_OVERRIDABLE,
        update=_directed,
    )


def _strength(name: str, what: str) -> object:
    return bpy.props.FloatProperty(
        name=name,
        description=f"Strength of {what}: 0 is off, 1 is as in people, 2 the most",
        default=1.0,
        min=0.0,
        max=2.0,
        step=5,
        precision=2,
        options=set(),
        override=_OVERRIDABLE,
        update=_strengthened,
    )


def _of_actions() -> dict[str, object]:
    made = {name: _slider(name, f"{label(name)}: 0 is absent, 1 is full", 0.0) for name in EMOTIONS}
    for action in ACTIONS:
        opposite = f"; -1: {action.minus}" if action.low < 0 else ""
        said = f"On top of what the emotions do. 1: {action.plus}{opposite}; 0: as without an instruction"
        made[action.name] = _slider(action.name, said, action.low)
    return made


def _performed() -> dict[str, object]:
    """The properties of `SoliloquyPerformance`."""
    made = _of_actions()
    made["intensity"] = _slider("intensity", "Scales all emotions and actions together, 0 to 1", 0.0, 1.0)
    return made | _strengths() | _wordings()


def _strengths() -> dict[str, object]:
    """Whether and how strongly a character performs, and what it looks at."""
    made: dict[str, object] = {}
    made["enabled"] = bpy.props.BoolProperty(
        name="Perform",
        description="Let head, eyes, brows and the whole face perform; off leaves the lips and the blinks",
        default=True,
        options=set(),
        override=_OVERRIDABLE,
        update=_strengthened,
    )
    whats = (
        ("Emotion", "the instruction on the face"),
        ("Head", "the head's motion"),
        ("Gaze", "wandering eyes; they follow a target all the same"),
        ("Accents", "brows that rise on stress and questions"),
        ("Breath", "breathing in pauses"),
    )
    for name, (title, what) in zip(STRENGTHS, whats, strict=True):
        made[f"{name}_strength"] = _strength(title, what)
    made["target"] = bpy.props.PointerProperty(
        name="Look At",
        description="Object that the eyes are led to, through the character's lines; empty to look ahead",
        type=bpy.types.Object,
        options=set(),
        override=_OVERRIDABLE,
        update=_strengthened,
    )
    return made


def _wordings() -> dict[str, object]:
    """The words, which lines they and the sliders are about, and what takes leave alone."""
    made: dict[str, object] = {}
    made["all_lines"] = bpy.props.BoolProperty(
        name="All Lines",
        description="What the sliders say goes for all lines of the character; off: for the active one alone",
        default=True,
        options=set(),
        override=_OVERRIDABLE,
        update=_scoped,
    )
    made["instruction"] = bpy.props.StringProperty(
        name="Instruction",
        description='In English, for example "A disappointed speaker, brows quite lowered, slow nods". Press '
        "Read to set the sliders",
        maxlen=TEXT_MAX,
        options=set(),
        override=_OVERRIDABLE,
    )
    for name in ("remarks", "own_keys"):
        made[name] = bpy.props.StringProperty(options=set(), override=_OVERRIDABLE)
    for part, moved in (("face", "the face"), ("head", "the head"), ("eyes", "gaze and blinks")):
        made[f"lock_{part}"] = bpy.props.BoolProperty(
            name=f"Lock {part.title()}",
            description=f"Takes that are drawn keep {moved} of the take in use",
            default=False,
            options=set(),
            override=_OVERRIDABLE,
        )
    return made


class SoliloquyTake(bpy.types.PropertyGroup):
    """What one performance of a line is made again from. `name` is what the list shows; see `takes.Take`."""

    face_seed: bpy.props.IntProperty(options=set(), override=_OVERRIDABLE)
    head_seed: bpy.props.IntProperty(options=set(), override=_OVERRIDABLE)
    eyes_seed: bpy.props.IntProperty(options=set(), override=_OVERRIDABLE)
    face_track: bpy.props.StringProperty(options=set(), override=_OVERRIDABLE)
    head_track: bpy.props.StringProperty(options=set(), override=_OVERRIDABLE)
    eyes_track: bpy.props.StringProperty(options=set(), override=_OVERRIDABLE)
    instruction: bpy.props.StringProperty(
        name="Instruction",
        description="What this take was drawn for, in words",
        options=set(),
        override=_OVERRIDABLE,
    )
    versions: bpy.props.StringProperty(
        name="Models",
        description="Versions of the models it was drawn with",
        options=set(),
        override=_OVERRIDABLE,
    )


class SoliloquyTakes(bpy.types.PropertyGroup):
    """The takes of one line, and which of them is in use."""

    line_id: bpy.props.StringProperty(options=set(), override=_OVERRIDABLE)
    drawn: bpy.props.CollectionProperty(type=SoliloquyTake, options=set(), override=_LIST)
    active: bpy.props.IntProperty(
        name="Take", description="The take in use", options=set(), override=_OVERRIDABLE, update=_chosen
    )


SoliloquyPerformance = type(
    "SoliloquyPerformance",
    (bpy.types.PropertyGroup,),
    {
        "__doc__": "What a character is asked to look like, and how strongly; and the takes of its lines.",
        "__annotations__": {
            **_performed(),
            "takes": bpy.props.CollectionProperty(type=SoliloquyTakes, options=set(), override=_LIST),
        },
        "__module__": __name__,
    },
)

CLASSES = (SoliloquyTake, SoliloquyTakes, SoliloquyPerformance)


def register() -> None:
    """Give every object its sliders."""
    bpy.types.Object.soliloquy_performance = bpy.props.PointerProperty(
        type=SoliloquyPerformance, override=_OVERRIDABLE
    )


def unregister() -> None:
    """Forget their definition; what blend files keep stays in them."""
    del bpy.types.Object.soliloquy_performance
