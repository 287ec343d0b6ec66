"""Materials of the head, for Cycles and EEVEE (nodes) and for the solid viewport (plain colours)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import bpy

from . import paint
from .hair_styles import STYLES
from .style import DEFAULT, HeadStyle
from .unwrap import EYE_ARC_MM, EYE_BOX

TINT = "Tint"
"""Colour attribute: linear colour; in the fourth channel the roughness of skin, the density of hair."""
LINES = "Lines"
"""Attribute of an aged skin: the phase of its wrinkles, and how deep they are."""
_LINE_DEPTH = 6.0
"""Of the deepest wrinkle, in depths of a pore."""
_CLEAR: dict[str, float | None] = {"Cornea": None, "Tears": 0.05}
"""Films, and how much light they mirror (see `_clear`)."""
_CLEAR_IN_SOLID_VIEW = (0.0, 0.0, 0.0, 0.04)
_TINTED = ("Skin", "Lips", "Lid rim")


@dataclass(frozen=True)
class _Look:
    colour: tuple[float, float, float]
    """Base colour, linear."""
    roughness: float
    coat: float = 0.0
    coat_roughness: float = 0.03
    scatter_m: float = 0.0
    """Subsurface scale in metres, 0 for none."""


_LOOKS = {
    "Skin": _Look((0.62, 0.33, 0.225), 0.50, scatter_m=0.005),
    "Lips": _Look((0.43, 0.135, 0.115), 0.42, coat=0.08, coat_roughness=0.28, scatter_m=0.004),
    "Lid rim": _Look((0.55, 0.22, 0.17), 0.30, coat=0.3, scatter_m=0.003),
    "Mouth": _Look((0.34, 0.075, 0.07), 0.35, coat=0.3),
    "Nostril": _Look((0.07, 0.02, 0.015), 0.6),
    "Gums": _Look((0.48, 0.13, 0.13), 0.25, coat=0.5, scatter_m=0.002),
    "Tongue": _Look((0.66, 0.23, 0.215), 0.38, coat=0.35, scatter_m=0.003),
    "Teeth": _Look((0.80, 0.75, 0.64), 0.16, coat=0.5, scatter_m=0.0015),
    "Sclera": _Look((0.66, 0.63, 0.61), 0.28, scatter_m=0.002),
    "Iris": _Look((0.10, 0.20, 0.24), 0.45),
    "Iris edge": _Look((0.02, 0.035, 0.04), 0.45),
    "Cornea": _Look((0.25, 0.25, 0.25), 0.02),
    "Tears": _Look((0.25, 0.25, 0.25), 0.12),
    "Pupil": _Look((0.003, 0.003, 0.003), 0.5),
    "Lashes": _Look((0.012, 0.008, 0.007), 0.5),
    "Hair": _Look((0.052, 0.022, 0.011), 0.40),
    "Brows": _Look((0.06, 0.03, 0.02), 0.6),
    "Shirt": _Look((0.035, 0.07, 0.115), 0.85),
}


def _in_solid_view(colour: tuple[float, ...]) -> tuple[float, ...]:
    """A linear colour [3], lighter, with alpha [4]: the solid view's light is dim and scatters nothing."""
    return (*(min(1.0, 1.2 * share**0.8) for share in colour), 1.0)


def material(name: str, style: HeadStyle = DEFAULT) -> bpy.types.Material:
    """The material `name` (Skin, Lips, Sclera, ...), made on first use and shared by heads of one style."""
    full_name = f"Soliloquy {name}" + (f" {style.name}" if style.name else "")
    found = bpy.data.materials.get(full_name)
    if found is not None and found.library is None:
        return found
    look = _LOOKS[name]
    own = {
        "Skin": style.skin,
        "Lips": style.lip_colour,
        "Iris": style.iris,
        "Hair": style.hair,
        "Brows": tuple(0.8 * h + 0.12 * s for h, s in zip(style.hair, style.skin, strict=True)),
        "Shirt": style.shirt,
    }
    colour = own.get(name, look.colour)
    made = bpy.data.materials.new(full_name)
    made.diffuse_color = _CLEAR_IN_SOLID_VIEW if name in _CLEAR else _in_solid_view(colour)
    made.roughness = 1.0 if name in _CLEAR else look.roughness
    if made.node_tree is None:
        made.use_nodes = True
    shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = look.roughness
    shader.inputs["Coat Weight"].default_value = look.coat
    shader.inputs["Coat Roughness"].default_value = look.coat_roughness
    if name == "Skin":
        shader.inputs["Sheen Weight"].default_value = 0.08
        shader.inputs["Sheen Roughness"].default_value = 0.4
    if look.scatter_m:
        shader.inputs["Subsurface Weight"].default_value = 0.55
        shader.inputs["Subsurface Scale"].default_value = look.scatter_m
        shader.inputs["Subsurface Radius"].default_value = (1.0, 0.32, 0.16)
    nodes = _Nodes(made.node_tree, shader)
    if name in _TINTED:
        _skin(nodes, style)
    elif name in ("Iris", "Iris edge"):
        _iris(nodes, style.iris)
    elif name == "Sclera":
        _sclera(nodes)
    elif name in _CLEAR:
        _clear(nodes, made, look.roughness, _CLEAR[name])
    elif name == "Hair":
        _hair(nodes, style)
    elif name in ("Brows", "Lashes", "Pupil"):
        shader.inputs["Specular IOR Level"].default_value = 0.0 if name == "Pupil" else 0.35
    return made


class _Nodes:
    """Shorthand for a tree of nodes that ends in one principled shader."""

    def __init__(self, tree: bpy.types.NodeTree, shader: bpy.types.Node) -> None:
        self.tree, self.shader = tree, shader

    def add(self, kind: str, *sources: object, **settings: object) -> bpy.types.Node:
        """A node with its first inputs linked to sockets, or set to plain values (None leaves one alone)."""
        made = self.tree.nodes.new(kind)
        for name, value in settings.items():
            setattr(made, name, value)
        for place, source in zip(made.inputs, sources, strict=False):
            if isinstance(source, bpy.types.NodeSocket):
                self.tree.links.new(source, place)
            elif source is not None:
                place.default_value = source
        return made

    def sum(self, operation: str, *sources: object) -> bpy.types.NodeSocket:
        return self.add("ShaderNodeMath", *sources, operation=operation).outputs[0]

    def into(self, socket: bpy.types.NodeSocket, name: str) -> None:
        self.tree.links.new(socket, self.shader.inputs[name])

    def ramp(self, share: bpy.types.NodeSocket, stops: list[tuple[float, tuple]]) -> bpy.types.NodeSocket:
        node = self.add("ShaderNodeValToRGB", share)
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (at, colour) in zip(elements, stops, strict=True):
            element.position, element.color = at, (*colour, 1.0)
        return node.outputs["Color"]


def _skin(nodes: _Nodes, style: HeadStyle) -> None:
    """Painted colour with fine mottling and pores, both laid out by UV so that they move with the face."""
    painted = nodes.add("ShaderNodeAttribute", attribute_name=TINT)
    place = nodes.add("ShaderNodeUVMap").outputs["UV"]
    mottle = nodes.add("ShaderNodeTexNoise", place, None, 42.0, 3.0)
    share = nodes.add("ShaderNodeMapRange", mottle.outputs[0], 0.3, 0.7, 0.90, 1.08).outputs[0]
    colour = nodes.add("ShaderNodeVectorMath", painted.outputs["Color"], share, operation="MULTIPLY").outputs[
        0
    ]
    if style.age >= paint.LINED_AGE:
        spots = nodes.add("ShaderNodeTexNoise", place, None, 26.0, 1.0, 0.4).outputs[0]
        pale = nodes.add("ShaderNodeMapRange", spots, 0.64, 0.70, 1.0, 0.72).outputs[0]
        colour = nodes.add("ShaderNodeVectorMath", colour, pale, operation="MULTIPLY").outputs[0]
    nodes.into(colour, "Base Color")
    rough = nodes.sum(
        "MULTIPLY_ADD", mottle.outputs[0], 0.16, nodes.sum("SUBTRACT", painted.outputs["Alpha"], 0.08)
    )
    nodes.into(rough, "Roughness")
    pores = nodes.add("ShaderNodeTexNoise", place, None, 420.0, 2.0)
    height = pores.outputs[0]
    if style.age >= paint.LINED_AGE:
        height = nodes.sum("SUBTRACT", height, _lines(nodes, mottle.outputs[0]))
    bump = nodes.add("ShaderNodeBump")
    bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = 0.12, 0.0006
    nodes.tree.links.new(height, bump.inputs["Height"])
    nodes.into(bump.outputs[0], "Normal")


def _lines(nodes: _Nodes, wander: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """Depth of the painted wrinkles: narrow grooves, one to every whole number of the painted phase."""
    painted = nodes.add("ShaderNodeAttribute", attribute_name=LINES).outputs["Vector"]
    phase, deep, _ = nodes.add("ShaderNodeSeparateXYZ", painted).outputs
    phase = nodes.sum("MULTIPLY_ADD", wander, 0.5, phase)
    wave = nodes.sum("MULTIPLY_ADD", nodes.sum("COSINE", nodes.sum("MULTIPLY", phase, 2 * math.pi)), 0.5, 0.5)
    return nodes.sum("MULTIPLY", nodes.sum("POWER", wave, 5.0), nodes.sum("MULTIPLY", deep, _LINE_DEPTH))


def _hair(nodes: _Nodes, style: HeadStyle) -> None:
    """Strands as a noise drawn out along the UVs: they tint, roughen and raise the surface, fray its ends."""
    cut = STYLES[style.hair_style]
    painted = nodes.add("ShaderNodeAttribute", attribute_name=TINT)
    place = nodes.add("ShaderNodeUVMap").outputs["UV"]
    long = nodes.add("ShaderNodeMapping", place)
    long.inputs["Scale"].default_value = (*cut.strands, 1.0)
    fine = nodes.add("ShaderNodeTexNoise", long.outputs[0], None, 1.0, 2.0, 0.6).outputs[0]
    share = nodes.add("ShaderNodeMapRange", fine, 0.3, 0.7, 0.55, 1.45).outputs[0]
    nodes.into(
        nodes.add("ShaderNodeVectorMath", painted.outputs["Color"], share, operation="MULTIPLY").outputs[0],
        "Base Color",
    )
    nodes.into(
        nodes.add("ShaderNodeMapRange", fine, 0.3, 0.7, cut.roughness + 0.1, cut.roughness - 0.06).outputs[0],
        "Roughness",
    )
    bump = nodes.add("ShaderNodeBump")
    bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = 0.5, 0.0012
    nodes.tree.links.new(fine, bump.inputs["Height"])
    nodes.into(bump.outputs[0], "Normal")
    bare = nodes.sum("SUBTRACT", 0.72, nodes.sum("MULTIPLY", painted.outputs["Alpha"], 0.62))
    nodes.into(nodes.sum("GREATER_THAN", fine, bare), "Alpha")
    nodes.shader.inputs["Specular IOR Level"].default_value = 0.32
    nodes.shader.inputs["Anisotropic"].default_value = 0.6
    tangent = nodes.add("ShaderNodeTangent", direction_type="UV_MAP", uv_map="UVMap")
    nodes.into(tangent.outputs[0], "Tangent")


def _eye_polar(nodes: _Nodes) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Distance in mm from the middle of the pupil along the eye, and the angle round it."""
    u0, v0, u1, v1 = EYE_BOX
    place = nodes.add("ShaderNodeUVMap").outputs["UV"]
    centred = nodes.add(
        "ShaderNodeVectorMath", place, ((u0 + u1) / 2, (v0 + v1) / 2, 0.0), operation="SUBTRACT"
    )
    length = nodes.add("ShaderNodeVectorMath", centred.outputs[0], operation="LENGTH").outputs["Value"]
    parts = nodes.add("ShaderNodeSeparateXYZ", centred.outputs[0])
    return nodes.sum("MULTIPLY", length, 2 * EYE_ARC_MM / (u1 - u0)), nodes.sum("ARCTAN2", *parts.outputs[:2])


def _iris(nodes: _Nodes, colour: tuple[float, float, float]) -> None:
    """Fibres that run outwards, lighter round the pupil, a dark ring at the edge."""
    distance, angle = _eye_polar(nodes)
    turned = nodes.add(
        "ShaderNodeCombineXYZ",
        nodes.sum("MULTIPLY", nodes.sum("COSINE", angle), 3.0),
        nodes.sum("MULTIPLY", nodes.sum("SINE", angle), 3.0),
        nodes.sum("MULTIPLY", distance, 0.16),
    )
    fibres = nodes.add("ShaderNodeTexNoise", turned.outputs[0], None, 5.0, 5.0, 0.75)
    c = [min(1.0, v) for v in colour]
    dark = tuple(0.40 * v for v in c)
    light = tuple(min(1.0, 2.1 * v + 0.02) for v in c)
    body = nodes.ramp(fibres.outputs[0], [(0.34, dark), (0.52, tuple(c)), (0.70, light)])
    share = nodes.sum("DIVIDE", distance, 11.0)
    warm = (0.9, 0.62, 0.36)
    shade = nodes.ramp(
        share,
        [
            (0.36, (0.15, 0.13, 0.12)),
            (0.44, warm),
            (0.58, (1.0, 1.0, 1.0)),
            (0.80, (0.8, 0.8, 0.8)),
            (0.93, (0.10, 0.10, 0.12)),
        ],
    )
    painted = nodes.add("ShaderNodeVectorMath", body, shade, operation="MULTIPLY").outputs[0]
    nodes.into(_under_lid(nodes, painted, 0.40, 1.55), "Base Color")


def _under_lid(
    nodes: _Nodes, colour: bpy.types.NodeSocket, above: float, below: float
) -> bpy.types.NodeSocket:
    """`colour` with the upper lid's shade on the upper part of the eye, and the light it gathers below."""
    height = nodes.add("ShaderNodeSeparateXYZ", nodes.add("ShaderNodeUVMap").outputs["UV"]).outputs[1]
    _, v0, _, v1 = EYE_BOX
    middle, per_mm = (v0 + v1) / 2, (v1 - v0) / (2 * EYE_ARC_MM)
    ends = middle - 7.0 * per_mm, middle + 8.0 * per_mm
    shade = nodes.add("ShaderNodeMapRange", height, *ends, below, above).outputs[0]
    return nodes.add("ShaderNodeVectorMath", colour, shade, operation="MULTIPLY").outputs[0]


def _sclera(nodes: _Nodes) -> None:
    """White, warmer and redder towards the corners, shaded at the iris."""
    distance, _ = _eye_polar(nodes)
    share = nodes.sum("DIVIDE", distance, 34.0)
    stops = [
        (0.29, (0.24, 0.24, 0.25)),
        (0.345, (0.66, 0.65, 0.64)),
        (0.50, (0.66, 0.61, 0.585)),
        (0.68, (0.56, 0.34, 0.30)),
    ]
    nodes.into(_under_lid(nodes, nodes.ramp(share, stops), 0.62, 1.0), "Base Color")


def _clear(nodes: _Nodes, made: bpy.types.Material, roughness: float, mirrored: float | None) -> None:
    """A film that only mirrors: glass would darken the iris and cost Cycles its caustics.

    It mirrors a share of the light, or where None as much as a cornea does at each angle.
    """
    gloss = nodes.add("ShaderNodeBsdfGlossy")
    gloss.inputs["Roughness"].default_value = roughness
    through = nodes.add("ShaderNodeBsdfTransparent")
    share: bpy.types.NodeSocket | float | None = mirrored
    if share is None:
        edge = nodes.add("ShaderNodeFresnel")
        edge.inputs["IOR"].default_value = 1.38
        share = edge.outputs[0]
    mixed = nodes.add("ShaderNodeMixShader", share, through.outputs[0], gloss.outputs[0])
    output = next(node for node in nodes.tree.nodes if node.type == "OUTPUT_MATERIAL")
    nodes.tree.links.new(mixed.outputs[0], output.inputs["Surface"])
    nodes.tree.nodes.remove(nodes.shader)
    made.surface_render_method = "BLENDED"
