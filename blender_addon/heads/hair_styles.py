"""How hairstyles are cut and combed: numbers alone. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """One hairstyle. Lengths in mm."""

    parting: tuple[float, float, float]
    """The parting's x, and the y it runs from and to (front to back)."""
    from_hairline: bool
    """Whether the hair of forehead and temples is combed back, so that the sheet begins there as well."""
    locks: int
    """Locks side by side round the head."""
    top_mm: float
    """How far hair stands off the top of the head."""
    side_mm: float
    quiff_mm: float = 0.0
    """What is added above the forehead, and about which x."""
    quiff_x: float = 0.0
    ramp_mm: float = 26.0
    """The way from the root to the full height."""
    taper_mm: float = 30.0
    """The way from the full height down to the tip."""
    ridge_mm: float = 2.6
    """How far the middle of a lock stands over its borders."""
    layer_mm: float = 0.9
    """How much neighbouring locks differ in height."""
    back: float = 0.0
    """How much hair of the top is combed backwards, as a tangent."""
    fan: float = 0.0
    """How much hair fans out from the middle of the parting to its ends."""
    sweep: float = 0.0
    """How much hair at the front of the parting is combed over to the left, as a tangent."""
    sides_back: float = 0.0
    """How much hair of temples and sides is combed back rather than down."""
    overhang: tuple[float, ...] = (4.0, 4.0, 4.0, 4.0, 4.0, 4.0)
    """How far tips reach below the hairline at 0, 40, 75, 100, 130, 180 degrees round the head."""
    slant: float = 0.0
    """How much longer the fringe is on the left."""
    ragged_mm: float = 5.0
    """How far the tip of a lock reaches beyond its borders."""
    receded: float = 0.0
    """Share of the hairline's retreat."""
    cover: float = 0.96
    """How much of the scalp's own colour is painted over, 0..1."""
    top_locks: int = 56
    """Locks on top of the sheet."""
    lock_mm: tuple[float, float] = (120.0, 17.0)
    """Their length and width."""
    lift_mm: float = 2.4
    """How far they stand over the sheet."""
    strands: tuple[float, float] = (260.0, 4.0)
    """Strands of the material's noise across the head and along the hair."""
    roughness: float = 0.44
    rows: int = 22
    columns: int = 5
    """Rows of the sheet, and columns of each lock in it."""


STYLES = {
    "swept": Cut(
        (27.0, -70.0, 34.0), True, 40, 15.0, 6.5, quiff_mm=8.0, quiff_x=-14.0, back=0.35, fan=0.3,
        sides_back=1.0,
    ),
    "pixie": Cut(
        (-16.0, -56.0, 36.0), False, 38, 13.0, 7.5, fan=0.75, sweep=1.3, ramp_mm=34.0, taper_mm=46.0,
        overhang=(20.0, 18.0, 14.0, 8.0, 10.0, 10.0), ragged_mm=9.0, slant=0.55, lock_mm=(120.0, 18.0),
    ),
    "cropped": Cut(
        (0.0, 34.0, 40.0), False, 62, 5.5, 3.0, ramp_mm=12.0, taper_mm=12.0, ridge_mm=1.3, layer_mm=0.5,
        overhang=(2.0, 2.0, 2.0, 2.0, 2.0, 2.0), ragged_mm=2.5, receded=1.0, cover=0.85, top_locks=76,
        lock_mm=(46.0, 7.0), lift_mm=0.7, strands=(230.0, 30.0), roughness=0.7, columns=4, rows=17,
    ),
}  # fmt: skip
