"""Which key makes which movement: the assignment of highest total score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def best_pairs(scores: Array) -> list[tuple[int, int]]:
    """Pairs (row, column) of the highest total score, each row and column at most once.

    Args:
        scores: float [N, M]; pairs at 0 or less are never made.

    The Hungarian method with potentials (Kuhn 1955, Munkres 1957), in O(N^2 M).
    """
    gains = np.maximum(np.asarray(scores, float), 0.0)
    if gains.shape[0] > gains.shape[1]:
        return sorted((row, column) for column, row in best_pairs(gains.T))
    owner = _assign(-gains)
    return sorted((row, column) for column, row in owner.items() if gains[row, column] > 0.0)


def _assign(costs: Array) -> dict[int, int]:
    """Row by column for the lowest total cost; no more rows than columns."""
    rows, columns = costs.shape
    row_price, column_price = np.zeros(rows + 1), np.zeros(columns + 1)
    owner = np.full(columns + 1, -1)  # the last column is the start of every path
    for row in range(rows):
        owner[columns] = row
        column = columns
        shortest = np.full(columns, np.inf)
        before = np.full(columns, columns)
        seen = np.zeros(columns + 1, bool)
        while owner[column] >= 0:
            seen[column] = True
            here = owner[column]
            reach = costs[here] - row_price[here] - column_price[:columns]
            closer = ~seen[:columns] & (reach < shortest)
            shortest[closer] = reach[closer]
            before[closer] = column
            free = np.where(seen[:columns], np.inf, shortest)
            nearest = int(free.argmin())
            step = free[nearest]
            row_price[owner[seen]] += step
            column_price[seen] -= step
            shortest[~seen[:columns]] -= step
            column = nearest
        while column != columns:
            previous = before[column]
            owner[column] = owner[previous]
            column = previous
        owner[columns] = -1
    return {column: int(row) for column, row in enumerate(owner[:columns]) if row >= 0}
