"""Frame numbers in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def ranges(numbers: Iterable[int]) -> list[str]:
    """Pieces such as "3" and "7 to 12", in order, each number once."""
    ordered = sorted({int(number) for number in numbers})
    starts = [i for i, n in enumerate(ordered) if i == 0 or n != ordered[i - 1] + 1]
    ends = [ordered[end - 1] for end in [*starts[1:], len(ordered)]] if ordered else []
    pairs = zip((ordered[i] for i in starts), ends, strict=True)
    return [str(low) if low == high else f"{low} to {high}" for low, high in pairs]


def listed(pieces: list[str]) -> str:
    """ "3, 7 to 12 and 20"."""
    return " and ".join(filter(None, [", ".join(pieces[:-1]), *pieces[-1:]]))
