"""Everything that differs between Blender 4.5 and 5.2. The only place that looks at the version.

Where a difference can be seen on the data itself (a property that exists or not), that is preferred to
comparing version numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bpy


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene | None:
    """The scene whose strips the sequencer shows: from 5.1 on it need not be the window's scene."""
    return getattr(context, "sequencer_scene", None) or context.scene


def strips(editor: bpy.types.SequenceEditor) -> bpy.types.bpy_prop_collection:
    """The strips of a sequence editor (`sequences` before 5.0)."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def all_strips(editor: bpy.types.SequenceEditor) -> list[bpy.types.Strip]:
    """Every strip, those inside meta strips too."""
    return list(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)


def all_strips_property(editor: bpy.types.SequenceEditor) -> str:
    """Name of the property that `all_strips` lists, for lists in panels."""
    return "strips_all" if hasattr(editor, "strips_all") else "sequences_all"


def strip_sound_start(strip: bpy.types.SoundStrip) -> float:
    """Frame on which the first sample of a strip's sound lies, audible or not (renamed in 5.1).

    Without `sound_offset`, which is in seconds.
    """
    if hasattr(strip, "content_start"):
        return float(strip.content_start - strip.content_trim_start)
    return float(strip.frame_start - strip.animation_offset_start)


def strip_visible_range(strip: bpy.types.Strip) -> tuple[float, float]:
    """First frame on which a strip plays, and the first frame on which it no longer does."""
    if hasattr(strip, "left_handle") and hasattr(strip, "right_handle"):
        return float(strip.left_handle), float(strip.right_handle)
    return float(strip.frame_final_start), float(strip.frame_final_end)


def use_video_output(settings: bpy.types.ImageFormatSettings) -> None:
    """Switch a render output to FFmpeg video: 5.0 wants the kind of media before the format."""
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"


def use_eevee(render: bpy.types.RenderSettings) -> None:
    """Render with EEVEE, which has the name of its predecessor from 5.0 on."""
    try:
        render.engine = "BLENDER_EEVEE"
    except TypeError:
        render.engine = "BLENDER_EEVEE_NEXT"


def output_format(settings: bpy.types.ImageFormatSettings) -> tuple[str | None, str]:
    """Kind of media (None before 5.0) and file format of a render output, for `restore_output_format`."""
    return getattr(settings, "media_type", None), settings.file_format


def restore_output_format(settings: bpy.types.ImageFormatSettings, saved: tuple[str | None, str]) -> None:
    """Put back what `output_format` returned."""
    media_type, file_format = saved
    if media_type is not None:
        settings.media_type = media_type
    settings.file_format = file_format


def compositor_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree | None:
    """The nodes that compose a scene's picture; None where there are none, or they are switched off.

    From 5.0 on a scene shows a node group of its own choice; before, it owns its nodes.
    """
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def make_compositor_tree(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """Give a scene nodes that show its render, as Blender's own *New* does; or switch on those it has."""
    import bpy

    if hasattr(scene, "compositing_node_group"):
        tree = scene.compositing_node_group = bpy.data.node_groups.new(
            "Compositor Nodes", "CompositorNodeTree"
        )
    else:
        scene.use_nodes = True  # the first time this makes nodes
        tree = scene.node_tree
    if len(tree.nodes):
        return tree
    output = compositor_output(tree)
    layers = tree.nodes.new("CompositorNodeRLayers")
    layers.scene = scene
    layers.location, output.node.location = (-300.0, 0.0), (300.0, 0.0)
    tree.links.new(layers.outputs["Image"], output)
    return tree


def drop_compositor_tree(scene: bpy.types.Scene) -> None:
    """Take away the nodes that `make_compositor_tree` made."""
    import bpy

    if not hasattr(scene, "compositing_node_group"):
        scene.node_tree.nodes.clear()
        scene.use_nodes = False
        return
    tree, scene.compositing_node_group = scene.compositing_node_group, None
    if tree is not None and not tree.users:
        bpy.data.node_groups.remove(tree)


def compositor_output(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    """The socket that the composed picture goes into; made where there is none.

    Before 5.0 it belongs to the node *Composite*, since then to the group's output.
    """
    import bpy

    if hasattr(bpy.types, "CompositorNodeComposite"):
        found = [node for node in tree.nodes if node.type == "COMPOSITE"]
        return (found[0] if found else tree.nodes.new("CompositorNodeComposite")).inputs["Image"]
    if not any(item.item_type == "SOCKET" and item.in_out == "OUTPUT" for item in tree.interface.items_tree):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    outputs = [node for node in tree.nodes if node.type == "GROUP_OUTPUT"]
    node = next((n for n in outputs if n.is_active_output), outputs[0] if outputs else None)
    return (node or tree.nodes.new("NodeGroupOutput")).inputs[0]


def set_node_choice(node: bpy.types.Node, socket: str, choice: str, before_5: tuple[str, str]) -> None:
    """Set what is chosen in a node: since 5.0 a socket with the choice's name, before a property.

    Args:
        before_5: name of the property and identifier of the choice.
    """
    if hasattr(node, before_5[0]):
        setattr(node, *before_5)
    else:
        node.inputs[socket].default_value = choice


def use_png_output(settings: bpy.types.ImageFormatSettings) -> None:
    """Switch a render output to PNG pictures: 5.0 wants the kind of media before the format."""
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "PNG", "RGB"
