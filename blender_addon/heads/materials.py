"""Materials of the head, for Cycles and EEVEE (nodes) and for the solid viewport (plain colours)."""

from __future__ import annotations

from dataclasses import dataclass

import bpy


@dataclass(frozen=True)
class _Look:
    colour: tuple[float, float, float]
    """Base colour, linear."""
    roughness: float
    coat: float = 0.0
    scatter_m: float = 0.0
    """Subsurface scale in metres, 0 for none."""


_LOOKS = {
    "Skin": _Look((0.66, 0.385, 0.275), 0.50, scatter_m=0.004),
    "Lips": _Look((0.47, 0.165, 0.135), 0.38, scatter_m=0.003),
    "Lid rim": _Look((0.60, 0.27, 0.21), 0.35, scatter_m=0.002),
    "Mouth": _Look((0.20, 0.035, 0.035), 0.40),
    "Nostril": _Look((0.11, 0.03, 0.022), 0.6),
    "Gums": _Look((0.52, 0.15, 0.15), 0.25, coat=0.5),
    "Tongue": _Look((0.50, 0.15, 0.145), 0.35, coat=0.3, scatter_m=0.003),
    "Teeth": _Look((0.84, 0.80, 0.70), 0.18, coat=0.5),
    "Sclera": _Look((0.86, 0.85, 0.83), 0.20, coat=1.0),
    "Iris": _Look((0.085, 0.16, 0.20), 0.25, coat=1.0),
    "Iris edge": _Look((0.03, 0.06, 0.08), 0.25, coat=1.0),
    "Cornea": _Look((0.9, 0.9, 0.9), 0.02, coat=1.0),
    "Lashes": _Look((0.02, 0.012, 0.01), 0.5),
    "Pupil": _Look((0.004, 0.004, 0.004), 0.15, coat=1.0),
    "Hair": _Look((0.045, 0.022, 0.014), 0.42),
    "Shirt": _Look((0.035, 0.07, 0.115), 0.85),
}


def material(name: str) -> bpy.types.Material:
    """The head's material `name` (Skin, Lips, Sclera, ...), made on first use and shared by all heads."""
    full_name = f"Soliloquy {name}"
    found = bpy.data.materials.get(full_name)
    if found is not None and found.library is None:
        return found
    look = _LOOKS[name]
    made = bpy.data.materials.new(full_name)
    made.diffuse_color = (*look.colour, 0.12 if name == "Cornea" else 1.0)
    made.roughness = look.roughness
    if made.node_tree is None:
        made.use_nodes = True
    shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*look.colour, 1.0)
    shader.inputs["Roughness"].default_value = look.roughness
    shader.inputs["Coat Weight"].default_value = look.coat
    shader.inputs["Coat Roughness"].default_value = 0.03
    if look.scatter_m:
        shader.inputs["Subsurface Weight"].default_value = 0.6
        shader.inputs["Subsurface Scale"].default_value = look.scatter_m
        shader.inputs["Subsurface Radius"].default_value = (1.0, 0.35, 0.2)
    return made
