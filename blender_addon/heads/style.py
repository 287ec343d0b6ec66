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
    skin: tuple[float, float, float] = (0.62, 0.33, 0.225)
    blush: float = 1.0
    """How red cheeks, nose and ears are."""
    stubble: float = 0.0
    """Share of a shaven beard's shadow."""
    lip_colour: tuple[float, float, float] = (0.43, 0.135, 0.115)
    iris: tuple[float, float, float] = (0.10, 0.20, 0.24)
    hair: tuple[float, float, float] = (0.052, 0.022, 0.011)
    hair_style: str = "swept"
    """One of hair.STYLES."""
    shirt: tuple[float, float, float] = (0.035, 0.07, 0.115)


DEFAULT = HeadStyle()
