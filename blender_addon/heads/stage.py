"""Lights, world and camera for a portrait of the head."""

from __future__ import annotations

import bpy
from mathutils import Vector

# Name, place relative to the face (metres), power (watts), size (metres), colour; the last shows the mouth
_LIGHTS = (
    ("Key", (-0.74, -0.92, 0.50), 18.5, 0.60, (1.0, 0.93, 0.84)),
    ("Fill", (1.05, -0.80, 0.22), 6.0, 1.3, (0.86, 0.92, 1.0)),
    ("Rim", (0.50, 0.80, 0.62), 18.0, 0.55, (0.92, 0.96, 1.0)),
    ("Reflector", (-0.08, -1.00, -0.30), 3.0, 0.55, (1.0, 0.96, 0.92)),
)
_FACE = Vector((0.0, -0.02, 0.095))
_FRAMED_HEIGHT_M = 0.37
_FOCAL_MM, _SENSOR_MM = 85.0, 36.0
_WORLD = (0.075, 0.080, 0.090)
_BACKDROP = ((0.03, (0.215, 0.225, 0.235)), (0.78, (0.036, 0.044, 0.056)))
"""Distance from the middle of the picture (its width is 1) and colour."""


def build(head: bpy.types.Object) -> None:
    """See `build_stage`."""
    scene = bpy.context.scene
    collection = head.users_collection[0] if head.users_collection else scene.collection
    place = head.matrix_world
    size = head.matrix_world.median_scale
    target = place @ _FACE
    for name, offset, power_w, size_m, colour in _LIGHTS:
        light = bpy.data.lights.new(f"{head.name} {name}", "AREA")
        light.energy, light.size, light.color = power_w * size**2, size_m * size, colour
        made = _place(light, place @ (_FACE + Vector(offset)), target, collection)
        if name == "Reflector":  # not to be seen in the pupils: Cycles goes by the first, EEVEE by the second
            made.visible_glossy, light.specular_factor = False, 0.0
    camera = bpy.data.cameras.new(f"{head.name} Camera")
    camera.lens, camera.sensor_width = _FOCAL_MM, _SENSOR_MM
    camera.clip_start, camera.clip_end = 0.01 * size, 100.0 * size
    distance = _FRAMED_HEIGHT_M * _FOCAL_MM / _SENSOR_MM
    middle = _FACE - Vector((0, 0, 0.010))
    scene.camera = _place(camera, place @ (middle + Vector((0, -distance, 0.02))), place @ middle, collection)
    scene.world = _world()


def _place(
    data: bpy.types.Light | bpy.types.Camera, at: Vector, target: Vector, collection: bpy.types.Collection
) -> bpy.types.Object:
    made = bpy.data.objects.new(data.name, data)
    made.location = at
    made.rotation_euler = (target - at).to_track_quat("-Z", "Y").to_euler()
    collection.objects.link(made)
    return made


def _world() -> bpy.types.World:
    """Even, dim light; the camera alone sees a backdrop that is lighter behind the head."""
    world = bpy.data.worlds.new("Soliloquy World")
    world.color = _WORLD
    if world.node_tree is None:
        world.use_nodes = True
    tree = world.node_tree
    background = next(node for node in tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*_WORLD, 1.0)
    background.inputs["Strength"].default_value = 1.0
    window = tree.nodes.new("ShaderNodeTexCoord")
    away = tree.nodes.new("ShaderNodeVectorMath")
    away.operation, away.inputs[1].default_value = "DISTANCE", (0.5, 0.48, 0.0)
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    for element, (at, colour) in zip(ramp.color_ramp.elements, _BACKDROP, strict=True):
        element.position, element.color = at, (*colour, 1.0)
    seen = tree.nodes.new("ShaderNodeLightPath")
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    colours = [place for place in mix.inputs if place.type == "RGBA"]
    colours[0].default_value = (*_WORLD, 1.0)
    result = next(place for place in mix.outputs if place.type == "RGBA")
    for source, place in (
        (window.outputs["Window"], away.inputs[0]),
        (away.outputs["Value"], ramp.inputs["Fac"]),
        (seen.outputs["Is Camera Ray"], mix.inputs[0]),
        (ramp.outputs["Color"], colours[1]),
        (result, background.inputs["Color"]),
    ):
        tree.links.new(source, place)
    return world
