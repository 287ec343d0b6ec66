"""What a pass does where line and plate differ in length. No numpy: every command line lists these."""

from __future__ import annotations

from typing import Final, Literal

Fit = Literal["pingpong", "hold", "cut"]
FITS: Final[tuple[Fit, ...]] = ("pingpong", "hold", "cut")
"""The plate runs back and forth; its last frame stays; or the pass ends with the shorter of the two."""
