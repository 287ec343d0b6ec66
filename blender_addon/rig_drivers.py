"""Shape keys that follow a driver: which custom property to animate instead, and by how much.

What the driver makes of the property is measured: the property is set to both ends of its range and the key
is read. Any expression, curve or chain of drivers is covered as far as it is linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bpy

from ..inference.rig_source import Property

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..inference.types import RigTarget

_CUSTOM = re.compile(r'(.*)\["((?:[^"\\]|\\.)+)"\]$', re.DOTALL)
_RNA_LIMIT = 1e6
"""A custom property without a range of its own has the limits of a 32 bit number."""
_HALF_LINEAR = 0.05
"""So far, as a share of the range, may the key be off at half of it."""
_FEW_STEPS = 10


@dataclass(frozen=True)
class Handle:
    """A property that moves a driven key: `key = at_zero + slope * property`."""

    property: Property
    at_default: float
    """The key's value where the property has its default."""
    slope: float
    """What the key gains when the property grows by 1; not 0."""

    def follow(self, target: RigTarget) -> RigTarget:
        """The target that makes the key do what a target on the key itself would do."""
        start = self.property.default - self.at_default / self.slope
        return replace(
            target,
            object=self.property.object,
            data_path=self.property.data_path,
            kind="PROPERTY",
            gain=target.gain / self.slope,
            offset=start + target.offset / self.slope,
        )


@dataclass(frozen=True)
class Input:
    """A custom property that a driver reads."""

    owner: bpy.types.Object
    holder: bpy.types.bpy_struct
    """The object, or the pose bone that has it."""
    name: str
    limits: Property

    @property
    def value(self) -> float:
        """What it is set to."""
        return float(self.holder[self.name])

    def set(self, value: float) -> None:
        """Set it, as the kind of number that it is."""
        kind = type(self.holder[self.name])
        self.holder[self.name] = kind(value)


def custom_property(
    owner: bpy.types.Object, holder: bpy.types.bpy_struct, path: str, name: str
) -> Property | None:
    """A number on an object or one of its bones; None where it has no range of its own or no sense of one.

    Args:
        holder: what has the property: the object, or a pose bone of it.
        path: RNA path of the holder below the object.
    """
    try:
        ui = holder.id_properties_ui(name).as_dict()
    except TypeError:
        return None  # no number, or a property that an add-on defines
    low, high = (float(ui.get(f"soft_{end}", ui.get(end, value))) for end, value in (("min", 0), ("max", 1)))
    if not -_RNA_LIMIT < low < high < _RNA_LIMIT:
        low, high = 0.0, 1.0
    default = min(max(float(ui.get("default", 0.0)), low), high)
    escaped = bpy.utils.escape_identifier(name)
    bone = getattr(holder, "name", "") if path else ""
    also = tuple(text for text in (f"{bone} {name}" if bone else "", str(ui.get("description", ""))) if text)
    return Property(owner.name, f'{path}["{escaped}"]', name, low, high, default, also)


def handles(part: bpy.types.Object) -> Mapping[str, Handle]:
    """Handles of the driven shape keys of a mesh, by key name; none for those that no single property moves.

    The scene is updated a few times, and is as it was afterwards.
    """
    keys = part.data.shape_keys
    drivers = keys.animation_data.drivers if keys.animation_data is not None else ()
    by_path = {b.path_from_id("value"): b.name for b in keys.key_blocks} if len(drivers) else {}
    moved_by = {}
    for curve in drivers:
        name = by_path.get(curve.data_path)
        inputs = list(_inputs(curve.driver)) if name is not None else []
        if len(inputs) == 1:
            moved_by[name] = inputs[0]
    if not moved_by:
        return {}
    samples = _samples(keys, moved_by)
    found = {name: _handle(moved_by[name], rows) for name, rows in samples.items()}
    return {name: handle for name, handle in found.items() if handle is not None}


def _inputs(driver: bpy.types.Driver) -> Iterator[Input]:
    """Custom properties of objects and bones that a driver reads, each once."""
    seen = set()
    for variable in driver.variables:
        for target in variable.targets if variable.type == "SINGLE_PROP" else ():
            owner, matched = target.id, _CUSTOM.fullmatch(target.data_path)
            if not isinstance(owner, bpy.types.Object) or matched is None or target.data_path in seen:
                continue
            seen.add(target.data_path)
            path, name = matched[1], bpy.utils.unescape_identifier(matched[2])
            try:
                holder = owner.path_resolve(path) if path else owner
                found = custom_property(owner, holder, path, name) if name in holder else None
            except ValueError:
                continue
            if found is not None and _is_continuous(holder[name], found):
                yield Input(owner, holder, name, found)


def _is_continuous(value: object, prop: Property) -> bool:
    """A switch or a number of few steps cannot follow speech."""
    return isinstance(value, float) or prop.maximum - prop.minimum >= _FEW_STEPS


def _samples(keys: bpy.types.Key, moved_by: Mapping[str, Input]) -> dict[str, list[tuple[float, float]]]:
    """(property, key) at both ends and in the middle of the property's range, by key name."""
    before = [(one, one.value) for one in moved_by.values()]
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in moved_by}
    try:
        for share in (0.0, 0.5, 1.0):
            for one in moved_by.values():
                one.set(one.limits.minimum + share * (one.limits.maximum - one.limits.minimum))
            evaluated = _evaluated(keys, moved_by.values())
            for name, one in moved_by.items():
                rows[name].append((one.value, float(evaluated.key_blocks[name].value)))
    finally:
        for one, value in before:
            one.set(value)
        _evaluated(keys, moved_by.values())
    return rows


def _evaluated(keys: bpy.types.Key, inputs: Iterable[Input]) -> bpy.types.Key:
    """The keys, with what their drivers make of the properties as they are now."""
    for one in inputs:
        one.owner.update_tag()
    layer = bpy.context.view_layer
    layer.update()
    return keys.evaluated_get(layer.depsgraph)


def _handle(one: Input, rows: list[tuple[float, float]]) -> Handle | None:
    (x0, y0), (x1, y1), (x2, y2) = rows
    slope = (y2 - y0) / (x2 - x0) if x2 != x0 else 0.0
    straight = abs(y0 + slope * (x1 - x0) - y1) <= _HALF_LINEAR * abs(y2 - y0)
    if slope == 0.0 or not straight:
        return None
    return Handle(one.limits, y0 + slope * (one.limits.default - x0), slope)
