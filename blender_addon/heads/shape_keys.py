"""The head's shape keys: the 52 of ARKit, then correctives with their drivers, then the tongue's own."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np

from .correctives import RULES, Corrective, corrective_shapes
from .expressions import head_shapes
from .geometry import METRES_PER_MM
from .tongue_shapes import tongue_shapes


def all_shapes() -> dict[str, np.ndarray]:
    """Displacements [V, 3] mm of every key at 1.0, in the order of the keys; the first 52 are ARKit's."""
    return {**head_shapes(), **corrective_shapes(), **tongue_shapes()}


def add(
    head: bpy.types.Object, points: np.ndarray, bend: Callable[[np.ndarray], np.ndarray] = np.array
) -> None:
    """Give `head` its keys, all at 0.

    `points` [V, 3] mm is its rest shape before `bend`, which puts rest and moved points in their places.
    """
    head.shape_key_add(name="Basis", from_mix=False)
    for name, delta in all_shapes().items():
        key = head.shape_key_add(name=name, from_mix=False)
        moved = (bend(points + delta) * METRES_PER_MM).astype(np.float32)
        key.data.foreach_set("co", moved.ravel())
        key.value = 0.0
    for rule in RULES:
        _drive(head.data.shape_keys, rule)
    head.active_shape_key_index = 0


def _drive(keys: bpy.types.Key, rule: Corrective) -> None:
    """A scripted driver of plain arithmetic runs where scripts of files may not."""
    driver = keys.key_blocks[rule.name].driver_add("value").driver
    driver.type = "SCRIPTED"
    for name, source in zip("ab", rule.of, strict=False):
        variable = driver.variables.new()
        variable.name, variable.type = name, "SINGLE_PROP"
        target = variable.targets[0]
        target.id_type = "KEY"
        target.id = keys
        target.data_path = f'key_blocks["{source}"].value'
    driver.expression = rule.expression
