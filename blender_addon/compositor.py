"""Composes a pass over a plate or the 3D render: puts the node group before the scene's output, and takes it
away again. Nodes of the user stay as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..inference.errors import UsageError
from . import compat, compositor_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .pass_files import PassFiles, PlateFiles

_ROLE = "soliloquy"
"""Custom property of nodes that are ours: what they are for."""
_GROUP, _PASS, _PLATE, _BEFORE, _FRAME = "group", "pass", "plate", "before", "frame"
_COLOURS, _MATTE, _CONFIDENCE = ("combined", "rgb", "image"), "matte", "confidence"
_STREAMS = frozenset((".mpg", ".mpeg", ".vob", ".ts", ".m2ts", ".mts"))
_WIDTH, _GAP = 260.0, 80.0
_REACH_SHARE = 1 / 12
"""*Match Reach* to begin with, as a share of the picture's width."""


def group_node(scene: bpy.types.Scene) -> bpy.types.Node | None:
    """The node of our group in the scene's compositor, or None."""
    return _own(compat.compositor_tree(scene), _GROUP)


def build(
    scene: bpy.types.Scene,
    files: PassFiles,
    plate: PlateFiles | None = None,
    settings: Mapping[str, Any] | None = None,
) -> tuple[bpy.types.Node, tuple[str, ...]]:
    """Put the group before the scene's output; a second time only the files are changed.

    Args:
        plate: what lies behind the pass; None for what the scene shows without it.
        settings: values of the group's sockets for a group that is new.

    Returns:
        The group's node, and what the user should know.

    Raises:
        UsageError: the files are no pass, or the scene's nodes can't be changed.
    """
    _check(scene)
    image = _pass_image(files)
    tree = compat.compositor_tree(scene)
    was_empty = tree is None
    tree = tree or compat.make_compositor_tree(scene)
    made = [other.name for other in tree.nodes] if was_empty else []
    node, is_new = _own(tree, _GROUP), False
    if node is None:
        node, is_new = _insert(tree), True
        node["made"] = json.dumps(made)
        for name, value in (settings or {}).items():
            node.inputs[name].default_value = value
    elif node.node_tree is not compositor_group.group():
        _renew(tree, node)
    try:
        _connect_pass(tree, node, image, files)
    except UsageError:
        if is_new:
            remove(scene)
        raise
    notices = [*_connect_plate(scene, tree, node, plate), *_missing_notice(files)]
    if is_new and "Match Reach" not in (settings or {}):
        node.inputs["Match Reach"].default_value = max(1.0, scene.render.resolution_x * _REACH_SHARE)
    _tidy(tree, node)
    scene.render.use_compositing = True
    return node, tuple(notices)


def remove(scene: bpy.types.Scene) -> bool:
    """Take the group away; what the scene showed before goes to its output again.

    Returns:
        Whether there was one.
    """
    tree = compat.compositor_tree(scene)
    node = _own(tree, _GROUP)
    if node is None:
        return False
    origin, moved = _origin(tree, node), node.get("moved", 0.0)
    made = json.loads(node.get("made", "[]"))
    for link in list(node.outputs["Image"].links):
        to = link.to_socket
        tree.links.remove(link)
        if origin is not None:
            tree.links.new(origin, to)
    output = compat.compositor_output(tree)
    output.node.location.x -= moved
    restore_scene(scene, node)
    images = [own.image for own in tree.nodes if own.get(_ROLE) in (_PASS, _PLATE) and own.image is not None]
    group = node.node_tree
    for own in [own for own in tree.nodes if own.get(_ROLE)]:
        _release(own)
    for own in [own for own in tree.nodes if own.get(_ROLE)]:
        tree.nodes.remove(own)
    for data, collection in ((group, bpy.data.node_groups), *((i, bpy.data.images) for i in set(images))):
        if data is not None and not data.users:
            collection.remove(data)
    if made and all(other.name in made for other in tree.nodes):
        compat.drop_compositor_tree(scene)
    return True


def _release(own: bpy.types.Node) -> None:
    """Nodes that a person put into our frame stay where they are."""
    if own.type == "FRAME":
        for other in own.id_data.nodes:
            if other.parent == own:
                place = tuple(other.location_absolute)
                other.parent = None
                other.location = place


def _check(scene: bpy.types.Scene) -> None:
    tree = compat.compositor_tree(scene)
    if scene.library is not None or (tree is not None and not tree.is_editable):
        raise UsageError(
            f'The compositor nodes of "{scene.name}" are linked and cannot be changed here',
            "Make them local first",
        )


def _own(tree: bpy.types.NodeTree | None, role: str) -> bpy.types.Node | None:
    """Our node of a role."""
    return next((node for node in _owned(tree) if node.get(_ROLE) == role), None)


def _owned(tree: bpy.types.NodeTree | None) -> Iterator[bpy.types.Node]:
    if tree is not None:
        yield from (node for node in tree.nodes if node.get(_ROLE))


def _insert(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """The group's node, between the output and what it showed."""
    output = compat.compositor_output(tree)
    origin = output.links[0].from_socket if output.is_linked else None
    node = _new(tree, "CompositorNodeGroup", _GROUP)
    node.node_tree = compositor_group.group()
    node.label, node.width = compositor_group.NAME, _WIDTH
    node.location = output.node.location_absolute
    node["moved"] = _WIDTH + 2 * _GAP
    output.node.location.x += node["moved"]
    if origin is not None:
        tree.links.new(origin, node.inputs["Background"])
    tree.links.new(node.outputs["Image"], output)
    return node


def _renew(tree: bpy.types.NodeTree, node: bpy.types.Node) -> None:
    """Give a node of an older version today's group, with its values and links."""
    values = {s.name: s.default_value for s in node.inputs if hasattr(s, "default_value")}
    values = {name: tuple(v) if hasattr(v, "__len__") else v for name, v in values.items()}
    ends = [(link.from_socket, link.to_socket.name) for s in node.inputs for link in s.links]
    goes = [(link.from_socket.name, link.to_socket) for s in node.outputs for link in s.links]
    node.node_tree = compositor_group.group()
    for name, value in values.items():
        if name in node.inputs:
            node.inputs[name].default_value = value
    for origin, name in ends:
        if name in node.inputs:
            tree.links.new(origin, node.inputs[name])
    for name, to in goes:
        if name in node.outputs:
            tree.links.new(node.outputs[name], to)


def _pass_image(files: PassFiles) -> bpy.types.Image:
    """The sequence as an image, which is shared by whoever shows the same files."""
    path = str(files.first_file)
    for image in bpy.data.images:
        if image.get(_ROLE) == _PASS and bpy.path.abspath(image.filepath) == path:
            image.reload()
            return image
    try:
        image = bpy.data.images.load(path)
    except RuntimeError as error:
        raise UsageError(f"'{path}' can't be read as an image", "Render the pass again") from error
    width = image.size[0]  # asked first: it reads the file, and only then the type is known
    if not width and image.type != "MULTILAYER":
        bpy.data.images.remove(image)
        raise UsageError(f"'{path}' can't be read as an image", "Render the pass again")
    image.name = compositor_group.NAME
    image[_ROLE] = _PASS
    image.source = "SEQUENCE"
    return image


def _connect_pass(
    tree: bpy.types.NodeTree, node: bpy.types.Node, image: bpy.types.Image, files: PassFiles
) -> None:
    shown = _own(tree, _PASS) or _new(tree, "CompositorNodeImage", _PASS)
    old, shown.image = shown.image, image
    if old is not None and old is not image and not old.users:
        bpy.data.images.remove(old)
    shown.label = "Pass"
    _play(shown, files.first, files.first, files.last - files.first + 1)
    layers = {output.name.lower(): output for output in shown.outputs if output.enabled}
    colour = next((layers[name] for name in _COLOURS if name in layers), None)
    if colour is None or _MATTE not in layers:
        raise UsageError(
            f"'{files.first_file.name}' is no pass of Soliloquy: it has the layers {', '.join(layers)}",
            "Choose the folder that a pass was rendered to",
        )
    for origin, name in (
        (colour, "Pass"),
        (layers[_MATTE], "Matte"),
        (layers.get(_CONFIDENCE), "Confidence"),
    ):
        if origin is not None:
            tree.links.new(origin, node.inputs[name])
    node.inputs["First Frame"].default_value = files.first
    node.inputs["Last Frame"].default_value = files.last


def _play(node: bpy.types.Node, start_frame: int, first_number: int, frames: int) -> None:
    """Let an image node show picture `first_number` on frame `start_frame`, and the next ones after it."""
    node.frame_duration = max(1, frames)
    node.frame_start, node.frame_offset = start_frame, first_number - 1
    node.use_cyclic, node.use_auto_refresh = False, True


def _connect_plate(
    scene: bpy.types.Scene, tree: bpy.types.NodeTree, node: bpy.types.Node, plate: PlateFiles | None
) -> list[str]:
    """Show a plate behind the pass, or again what the scene showed."""
    background, shown, before = node.inputs["Background"], _own(tree, _PLATE), _own(tree, _BEFORE)
    if plate is None:
        if shown is not None:
            origin = _origin(tree, node)
            tree.nodes.remove(shown)
            if origin is not None:
                tree.links.new(origin, background)
            if before is not None:
                tree.nodes.remove(before)
            restore_scene(scene, node)
        return []
    if shown is None:
        shown = _new(tree, "CompositorNodeImage", _PLATE)
        shown.label = "Plate"
        if background.is_linked:
            before = _new(tree, "NodeReroute", _BEFORE)
            before.label = "Before the Plate"
            tree.links.new(background.links[0].from_socket, before.inputs[0])
        if node.get("made", "[]") != "[]":
            _drop_render_layers(tree)  # Blender would render the 3D scene for it
    shown.image = _plate_image(plate)
    length = plate.frames or shown.image.frame_duration
    _play(shown, plate.start_frame, plate.first_number, length)
    tree.links.new(shown.outputs["Image"], background)
    return [*_show_as_filmed(scene, node, shown.image), *_seek_notice(plate)]


def _seek_notice(plate: PlateFiles) -> list[str]:
    """Tried in Blender 4.5 and 5.0: of a GRID clip (MPEG-1) frame 13 is shown on frames 1 to 12."""
    path = Path(plate.path)
    if path.suffix.lower() not in _STREAMS:
        return []
    return [f"Blender shows wrong pictures at the start of {path.suffix} films: convert {path.name} to mp4."]


def _drop_render_layers(tree: bpy.types.NodeTree) -> None:
    for layers in [node for node in tree.nodes if node.type == "R_LAYERS"]:
        tree.nodes.remove(layers)


def _plate_image(plate: PlateFiles) -> bpy.types.Image:
    kind = "SEQUENCE" if plate.is_sequence else "MOVIE"
    for image in bpy.data.images:  # a still of the same file is somebody else's
        if image.source == kind and bpy.path.abspath(image.filepath) == plate.path:
            return image
    try:
        image = bpy.data.images.load(plate.path)
    except RuntimeError as error:
        raise UsageError(f"The plate '{plate.path}' can't be read", "Choose another film") from error
    if not image.size[0]:
        bpy.data.images.remove(image)
        raise UsageError(f"The plate '{plate.path}' can't be read", "Choose another film")
    image.source = kind
    return image


def _origin(tree: bpy.types.NodeTree, node: bpy.types.Node) -> bpy.types.NodeSocket | None:
    """What the scene showed before the group, or shows behind it."""
    before = _own(tree, _BEFORE)
    if before is not None:
        return before.inputs[0].links[0].from_socket if before.inputs[0].is_linked else None
    if _own(tree, _PLATE) is not None and not node.inputs["Background"].is_linked:
        return None
    links = node.inputs["Background"].links
    origin = links[0].from_socket if links else None
    return None if origin is not None and origin.node.get(_ROLE) == _PLATE else origin


def _show_as_filmed(scene: bpy.types.Scene, node: bpy.types.Node, plate: bpy.types.Image) -> list[str]:
    """Give the scene the plate's size and a view transform that leaves its colours alone."""
    view, render = scene.view_settings, scene.render
    wanted = [
        (view, "view_transform", "Standard"),
        (view, "look", "None"),
        (view, "exposure", 0.0),
        (view, "gamma", 1.0),
        (render, "resolution_x", plate.size[0]),
        (render, "resolution_y", plate.size[1]),
        (render, "resolution_percentage", 100),
    ]
    kept = json.loads(node.get("kept", "{}"))
    changed = [(o, n, v) for o, n, v in wanted if getattr(o, n) != v and not (n[:3] == "res" and v == 0)]
    for owner, name, value in changed:
        kept.setdefault(name, [getattr(owner, name), value])
        kept[name][1] = value
        setattr(owner, name, value)
    node["kept"] = json.dumps(kept)
    names = {name for _, name, _ in changed}
    notices = []
    if names & {"view_transform", "look", "exposure", "gamma"}:
        was = kept.get("view_transform", [view.view_transform])[0]
        notices.append(
            f"The view transform is Standard now, without a look (it was {was}): a plate is shown as filmed."
        )
    if names & {"resolution_x", "resolution_y", "resolution_percentage"}:
        notices.append(f"The scene has the size of the plate now: {plate.size[0]} x {plate.size[1]}.")
    return notices


def restore_scene(scene: bpy.types.Scene, node: bpy.types.Node) -> None:
    """Put back what a plate changed in the scene, as far as nobody changed it since."""
    kept = json.loads(node.get("kept", "{}"))
    for name, (before, ours) in kept.items():
        owner = scene.render if name.startswith("resolution") else scene.view_settings
        if getattr(owner, name) == ours:
            setattr(owner, name, before)
    node["kept"] = "{}"


def _missing_notice(files: PassFiles) -> list[str]:
    if not files.missing:
        return []
    count, first = len(files.missing), files.missing[0]
    return [f"{count} frames of the pass are missing, the first is {first}: there the background is shown."]


def _new(tree: bpy.types.NodeTree, kind: str, role: str) -> bpy.types.Node:
    node = tree.nodes.new(kind)
    node[_ROLE] = role
    return node


def _tidy(tree: bpy.types.NodeTree, node: bpy.types.Node) -> None:
    """Our nodes in a labelled frame, below the user's; images left of the group."""
    frame = _own(tree, _FRAME)
    if frame is None:
        frame = _new(tree, "NodeFrame", _FRAME)
        frame.label = "Soliloquy"
    x, y = node.location_absolute
    others = [o for o in tree.nodes if not o.get(_ROLE) and o.type != "FRAME"]
    near = [o for o in others if x - _WIDTH - 4 * _GAP < o.location_absolute.x + o.width and
            o.location_absolute.x < x - _GAP / 2]  # fmt: skip
    below = min((o.location_absolute.y - 420.0 for o in near), default=y) if near else y
    for role in (_PLATE, _PASS, _BEFORE):
        own = _own(tree, role)
        if own is not None:
            if own.parent is None:
                own.location = (x - _WIDTH - 2 * _GAP, below)
                own.parent = frame
            below = own.location_absolute.y - (60.0 if role == _BEFORE else 380.0)
    if node.parent is None:
        node.parent = frame
