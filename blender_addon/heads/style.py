"""What makes one head differ from another: a few numbers that the sculpt, the colours and the hair read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HeadStyle:
    """One person. Shares are 0..1, leans are -1..1 about an average adult; colours are linear RGB."""

    name: str = ""
    """Set apart the materials of this style; empty for the default's."""
    age: float = 0.15
    """0 a young adult, 1 old: folds, hollows, thinner lips, longer ears."""
    build: float = 0.0
    """Lean: slight to heavy; neck, cheeks and jaw."""
    jaw: float = 0.0
    """Lean: narrow to square."""
    chin: float = 0.0
    """Lean: short to long and strong."""
    nose_width: float = 0.0
    nose_length: float = 0.0
    nose_bridge: float = 0.0
    """Leans: narrow to wide, short to long, hollow to arched."""
    lips: float = 0.0
    """Lean: thin to full."""
    brow: float = 0.0
    """Lean: smooth to heavy brow ridge."""
    brow_hair: float = 0.5
    """Share: fine to bushy brows."""
    eye_size: float = 0.0
    """Lean: small to large, with all that lies round the eye."""
    face_length: float = 0.0
    """Lean: short to long below the eyes."""
    head_width: float = 0.0
    """Lean: narrow to broad, all of the head."""
    skin: tuple[float, float, float] = (0.63, 0.325, 0.205)
    blush: float = 1.0
    """How red cheeks, nose and ears are."""
    stubble: float = 0.0
    """Share of a shaven beard's shadow."""
    lip_colour: tuple[float, float, float] = (0.40, 0.105, 0.095)
    iris: tuple[float, float, float] = (0.10, 0.20, 0.24)
    hair: tuple[float, float, float] = (0.052, 0.022, 0.011)
    hair_style: str = "swept"
    """One of `hair_styles.STYLES`."""
    shirt: tuple[float, float, float] = (0.035, 0.07, 0.115)


DEFAULT = HeadStyle()

VARIANTS = {
    "swept": DEFAULT,
    "cropped": HeadStyle(
        name="cropped",
        age=0.85, build=0.75, jaw=0.7, chin=0.4, nose_width=1.0, nose_length=0.5, nose_bridge=0.3, lips=0.45,
        brow=1.0, brow_hair=0.9, eye_size=-0.55, face_length=0.35, head_width=0.5,
        skin=(0.150, 0.062, 0.034), blush=0.6, stubble=0.8, lip_colour=(0.145, 0.050, 0.044),
        iris=(0.075, 0.032, 0.014), hair=(0.155, 0.148, 0.142), hair_style="cropped",
        shirt=(0.115, 0.085, 0.055),
    ),
    "pixie": HeadStyle(
        name="pixie",
        age=0.0, build=-0.8, jaw=-0.9, chin=-0.6, nose_width=-0.55, nose_length=-0.7, nose_bridge=-0.7,
        lips=0.8, brow=-0.9, brow_hair=0.25, eye_size=0.7, face_length=-0.55, head_width=-0.1,
        skin=(0.68, 0.40, 0.265), blush=1.15, lip_colour=(0.46, 0.085, 0.095),
        iris=(0.095, 0.17, 0.06), hair=(0.012, 0.008, 0.009), hair_style="pixie",
        shirt=(0.33, 0.055, 0.045),
    ),
}  # fmt: skip
"""Three people by the names of their hair, to show and to test what the numbers do."""
