"""What is above and below an object in the scene, also where objects are each other's parents.

Blender refuses to make such a circle, but its FBX importer does where a skeleton hangs below its own mesh,
and `children_recursive` then never ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    from collections.abc import Iterator


def below(top: bpy.types.Object) -> list[bpy.types.Object]:
    """Children of an object, each followed by its own, without the object itself; each once."""
    children: dict[bpy.types.Object, list[bpy.types.Object]] = {}
    for one in bpy.data.objects:
        if one.parent is not None:
            children.setdefault(one.parent, []).append(one)
    found: dict[bpy.types.Object, None] = {}
    waiting = children.get(top, [])[::-1]
    while waiting:
        one = waiting.pop()
        if one != top and one not in found:
            found[one] = None
            waiting += children.get(one, [])[::-1]
    return list(found)


def above(bottom: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Parents of an object, the nearest first, without the object itself; each once."""
    seen, holder = {bottom}, bottom.parent
    while holder is not None and holder not in seen:
        yield holder
        seen.add(holder)
        holder = holder.parent
