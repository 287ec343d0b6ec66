"""The node group *Soliloquy Pass*: background, pass, matte and confidence in, the composed picture out.

Built from nodes that Blender 4.5 and 5.x share. Whoever opens it finds its parts in labelled frames, from
left to right: the pass is brought to the look of the background, the matte gets its edge, both are joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from . import compat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NAME = "Soliloquy Pass"
VERSION = 1
"""Of what is inside; an older group stays for whoever uses it, and a new one is built beside it."""
_MARK = "soliloquy_pass"
_COLUMN = 190.0
"""Width of a column of nodes."""
_ROW = 190.0
_LABEL_SIZE = 64
"""Of the frames' labels: read where all of the group is seen."""
_DEVIATION = 12.0**0.5
"""Numbers spread evenly over 0..1 have a deviation of one over this."""
_FAINT, _MOST_MATCH = 2e-5, 4.0
"""What is added to the light along the edge, so that it fades where there is none; largest factor of a
match."""
_STRICT = 12.0
"""With no tint, hues do not count that are further than one over this from the pass's, as directions of
length 1."""
_LUMINANCE = (0.2126, 0.7152, 0.0722)
"""Share of each colour in the brightness (BT.709)."""
_NUMBERS = ("LENGTH", "DISTANCE", "DOT_PRODUCT")
"""Operations on vectors that return a number."""
_FIRST_FRAME, _LAST_FRAME = -1_048_574, 1_048_574
"""What Blender's scenes allow."""

SOCKETS = (
    # panel, name, kind, default, lowest, highest, tooltip
    ("", "Background", "Color", (0.0, 0.0, 0.0, 1.0), None, None, "The plate, or the 3D render"),
    ("", "Pass", "Color", (0.0, 0.0, 0.0, 1.0), None, None, "What was painted, not multiplied by its matte"),
    ("", "Matte", "Float", 0.0, 0.0, 1.0, "Where it was painted"),
    ("", "Confidence", "Float", 1.0, 0.0, 1.0, "How sure the painter is, 0 to 1"),
    ("Pass", "Show Pass", "Bool", True, None, None, "Off shows the background untouched"),
    ("Pass", "Mix", "Float", 1.0, 0.0, 1.0, "How much of the pass is shown"),
    ("Pass", "First Frame", "Int", _FIRST_FRAME, _FIRST_FRAME, _LAST_FRAME, "No pass before it"),
    ("Pass", "Last Frame", "Int", _LAST_FRAME, _FIRST_FRAME, _LAST_FRAME, "No pass after it"),
    ("Edge", "Grow", "Int", 0, -200, 200, "Pixels by which the matte grows; below 0 it shrinks"),
    ("Edge", "Feather", "Float", 0.0, 0.0, 500.0, "Pixels over which the matte's edge is softened"),
    ("Look", "Colour Match", "Float", 0.0, 0.0, 1.0,
     "How far the pass takes on the colours that the background has along the matte's edge"),
    ("Look", "Match Reach", "Float", 40.0, 1.0, 2000.0, "Pixels that the colours of the edge reach inwards"),
    ("Look", "Match Tint", "Float", 1.0, 0.0, 1.0,
     "How far the match changes hues too; at 0 only how bright the pass is, so that lips keep their red"),
    ("Look", "Gain", "Color", (1.0, 1.0, 1.0, 1.0), None, None, "The pass is multiplied by it"),
    ("Look", "Offset", "Color", (0.0, 0.0, 0.0, 1.0), None, None, "Added to the pass"),
    ("Look", "Blur", "Float", 0.0, 0.0, 100.0, "Pixels by which the pass is blurred, for a softer plate"),
    ("Look", "Grain", "Float", 0.0, 0.0, 1.0,
     "Noise that is added to the pass, anew on each frame: its deviation as a share of the brightness"),
    ("Confidence", "Confidence Fade", "Float", 1.0, 0.0, 1.0,
     "How far the pass gives way to the background where confidence is low"),
    ("Confidence", "Hidden Below", "Float", 0.1, 0.0, 1.0, "At this confidence the pass has gone"),
    ("Confidence", "Full From", "Float", 0.5, 0.0, 1.0, "From this confidence on the pass is whole"),
)  # fmt: skip
"""What the group takes in, in the order in which Blender shows it."""
_PANELS = ("Pass", "Edge", "Look", "Confidence")


def group() -> bpy.types.NodeTree:
    """The group of this version; built where the file has none yet."""
    for tree in bpy.data.node_groups:
        if tree.bl_idname == "CompositorNodeTree" and tree.get(_MARK) == VERSION and tree.library is None:
            return tree
    tree = bpy.data.node_groups.new(NAME, "CompositorNodeTree")
    tree[_MARK] = VERSION
    tree.description = "Lays a photoreal pass over a plate or a 3D render"
    _add_sockets(tree)
    _Builder(tree).build()
    return tree


def is_ours(tree: bpy.types.NodeTree | None) -> bool:
    """Whether a node group is a Soliloquy Pass of any version."""
    return tree is not None and _MARK in tree


def _add_sockets(tree: bpy.types.NodeTree) -> None:
    interface = tree.interface
    interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    shown = interface.new_socket("Alpha", in_out="OUTPUT", socket_type="NodeSocketFloat")
    shown.description = "How much of the pass is in the picture, 0 to 1"
    panels = {name: interface.new_panel(name) for name in _PANELS}
    for panel, name, kind, default, lowest, highest, tooltip in SOCKETS:
        made = interface.new_socket(
            name, in_out="INPUT", socket_type=f"NodeSocket{kind}", parent=panels.get(panel)
        )
        made.default_value, made.description = default, tooltip
        if lowest is not None:
            made.min_value, made.max_value = lowest, highest
            if (lowest, highest) == (0.0, 1.0):
                made.subtype = "FACTOR"


class _Builder:
    """Fills the group with nodes; each method is one labelled frame and returns its result."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self._tree = tree
        self._frame: bpy.types.Node | None = None
        self._origin = (0.0, 0.0)
        self._used: dict[int, int] = {}

    def build(self) -> None:
        """All of it."""
        painted, cover = self._softened()
        matched = self._matched(painted)
        grained = self._grained(matched)
        edge = self._edge()
        sure = self._sure()
        alpha = self._alpha(edge, cover, sure)
        self._joined(grained, alpha)

    def _softened(self) -> tuple[Any, Any]:
        """The pass blurred within what was painted, and where that is: unpainted pixels are black."""
        self._begin("Sharpness", (0.0, 900.0))
        length = self._vector(0, "LENGTH", self._in("Pass"))
        cover = self._math(1, "GREATER_THAN", length, 1e-6)
        blurred = self._blur(1, self._in("Pass"), self._in("Blur"))
        covered = self._blur(2, cover, self._in("Blur"))
        share = self._math(3, "MAXIMUM", covered, 1e-3)
        return self._vector(4, "DIVIDE", blurred, share), cover

    def _matched(self, painted: Any) -> Any:
        """The pass with gain and offset, lit as the background is along the matte's soft edge.

        A factor for each colour, as light works: dark stays dark. Far from the edge it fades to 1. With less
        tint the three factors come together, and an edge of another hue (what is behind a head's outline, a
        blue screen beside an ear) does not count, as it says nothing about the light on skin.
        """
        self._begin("Colour Match", (1150.0, 900.0))
        graded = self._vector(0, "MULTIPLY_ADD", painted, self._in("Gain"), self._in("Offset"))
        rest = self._math(0, "SUBTRACT", 1.0, self._in("Matte"))
        soft = self._math(1, "MULTIPLY", self._in("Matte"), rest)
        hues = [self._vector(1, "NORMALIZE", image) for image in (self._in("Background"), graded)]
        strict = self._math(2, "MULTIPLY_ADD", self._in("Match Tint"), _STRICT, -_STRICT)
        alike = self._math(3, "MULTIPLY_ADD", self._vector(2, "DISTANCE", *hues), strict, 1.0, clamp=True)
        edge = self._math(4, "MULTIPLY", soft, alike)
        sums = []
        for image in (self._in("Background"), graded):
            at_edge = self._vector(5, "SCALE", image, scale=edge)
            spread = self._blur(6, at_edge, self._in("Match Reach"), wide=True)
            sums.append(self._vector(7, "ADD", spread, (_FAINT,) * 3))
        factor = self._vector(8, "DIVIDE", *sums)
        factor = self._vector(9, "MAXIMUM", factor, (1.0 / _MOST_MATCH,) * 3)
        factor = self._vector(10, "MINIMUM", factor, (_MOST_MATCH,) * 3)
        light = self._vector(11, "DOT_PRODUCT", factor, _LUMINANCE)
        factor = self._mix(12, self._in("Match Tint"), light, factor)
        gain = self._mix(13, self._in("Colour Match"), (1.0, 1.0, 1.0, 1.0), factor)
        matched = self._vector(14, "MULTIPLY", graded, gain)
        return self._vector(15, "MAXIMUM", matched, (0.0, 0.0, 0.0))

    def _grained(self, matched: Any) -> Any:
        """The pass with noise in proportion to its brightness, another one on each frame."""
        self._begin("Grain", (4420.0, 900.0))
        pixel = self._new("CompositorNodeImageCoordinates", 0)
        self._link(self._in("Pass"), pixel.inputs["Image"])
        noise = self._new("ShaderNodeTexWhiteNoise", 1)
        noise.noise_dimensions = "4D"
        self._link(pixel.outputs["Pixel"], noise.inputs["Vector"])
        self._link(self._frame_number(0), noise.inputs["W"])
        around = self._vector(2, "SUBTRACT", noise.outputs["Color"], (0.5, 0.5, 0.5))
        strength = self._math(2, "MULTIPLY", self._in("Grain"), _DEVIATION)
        scaled = self._vector(3, "SCALE", around, scale=strength)
        factor = self._vector(4, "ADD", scaled, (1.0, 1.0, 1.0))
        return self._vector(5, "MULTIPLY", matched, factor)

    def _edge(self) -> Any:
        """The matte grown or shrunk, then softened."""
        self._begin("Edge", (0.0, 250.0))
        grown = self._new("CompositorNodeDilateErode", 0)
        compat.set_node_choice(grown, "Type", "Distance", ("mode", "DISTANCE"))
        self._link(self._in("Matte"), grown.inputs["Mask"])
        self._link(self._in("Grow"), grown.inputs["Size"])
        return self._blur(1, grown.outputs["Mask"], self._in("Feather"))

    def _sure(self) -> Any:
        """1 where the painter is sure, down to 1 - *Confidence Fade* where not."""
        self._begin("Confidence", (0.0, -200.0))
        above = self._math(0, "ADD", self._in("Hidden Below"), 1e-4)
        top = self._math(1, "MAXIMUM", self._in("Full From"), above)
        ramp = self._new("ShaderNodeMapRange", 2)
        ramp.interpolation_type, ramp.clamp = "SMOOTHSTEP", True
        self._link(self._in("Confidence"), ramp.inputs["Value"])
        self._link(self._in("Hidden Below"), ramp.inputs["From Min"])
        self._link(top, ramp.inputs["From Max"])
        doubt = self._math(3, "SUBTRACT", 1.0, ramp.outputs["Result"])
        faded = self._math(4, "MULTIPLY", doubt, self._in("Confidence Fade"))
        return self._math(5, "SUBTRACT", 1.0, faded)

    def _alpha(self, edge: Any, cover: Any, sure: Any) -> Any:
        """How much of the pass is in the picture: nothing outside of its frames, where the file before or
        after would be shown."""
        self._begin("How Much of the Pass", (1150.0, 250.0))
        frame = self._frame_number(0)
        before = self._math(0, "SUBTRACT", self._in("First Frame"), 0.5)
        after = self._math(0, "ADD", self._in("Last Frame"), 0.5)
        begun = self._math(1, "GREATER_THAN", frame, before)
        not_over = self._math(1, "LESS_THAN", frame, after)
        alpha = self._math(2, "MULTIPLY", begun, not_over)
        for column, factor in enumerate((self._in("Mix"), cover, sure, edge), start=3):
            alpha = self._math(column, "MULTIPLY", alpha, factor, clamp=True)
        return alpha

    def _joined(self, painted: Any, alpha: Any) -> None:
        """Background and pass, and the switch past all of it."""
        self._begin("Over", (5870.0, 700.0))
        mixed = self._mix(0, alpha, self._in("Background"), painted)
        switch = self._new("CompositorNodeSwitch", 1)
        self._link(self._in("Show Pass"), switch.inputs["Switch"])
        self._link(self._in("Background"), switch.inputs["Off"])
        self._link(mixed, switch.inputs["On"])
        shown = self._math(1, "MULTIPLY", alpha, self._in("Show Pass"))
        self._begin("", (6420.0, 700.0))
        output = self._new("NodeGroupOutput", 0)
        self._link(switch.outputs["Image"], output.inputs["Image"])
        self._link(shown, output.inputs["Alpha"])

    def _begin(self, label: str, origin: tuple[float, float]) -> None:
        """Nodes from now on lie in a frame of this label, whose first column begins at `origin`."""
        self._frame, self._origin, self._used = None, origin, {}
        if label:
            self._frame = self._tree.nodes.new("NodeFrame")
            self._frame.label = self._frame.name = label
            self._frame.label_size = _LABEL_SIZE

    def _new(self, kind: str, column: int) -> bpy.types.Node:
        """A node below those that the column of this frame has already."""
        node = self._tree.nodes.new(kind)
        row = self._used.get(column, 0)
        self._used[column] = row + 1
        node.location = (self._origin[0] + column * _COLUMN, self._origin[1] - row * _ROW)
        if self._frame is not None:
            node.parent = self._frame
        return node

    def _in(self, name: str) -> Any:
        """A socket of the group's input: a small input node of its own for each use, so that no link crosses
        the tree."""
        return name, "input"

    def _link(self, origin: Any, to: bpy.types.NodeSocket) -> None:
        """Connect a socket, a value of the group or a number."""
        if isinstance(origin, tuple) and origin[-1] == "input":
            self._tree.links.new(self._input_beside(to.node).outputs[origin[0]], to)
            _hide_unused(self._tree.nodes)
        elif isinstance(origin, bpy.types.NodeSocket):
            self._tree.links.new(origin, to)
        else:
            to.default_value = origin

    def _input_beside(self, node: bpy.types.Node) -> bpy.types.Node:
        """The group's input node of the frame that a node lies in."""
        name = f"Input {node.parent.name if node.parent is not None else ''}"
        found = self._tree.nodes.get(name)
        if found is None:
            found = self._tree.nodes.new("NodeGroupInput")
            found.name = name
            found.location = (self._origin[0] - _COLUMN, self._origin[1])
            found.parent = node.parent
        return found

    def _math(self, column: int, operation: str, *inputs: Any, clamp: bool = False) -> Any:
        node = self._new("ShaderNodeMath", column)
        node.operation, node.use_clamp = operation, clamp
        for origin, to in zip(inputs, node.inputs, strict=False):
            self._link(origin, to)
        return node.outputs["Value"]

    def _vector(self, column: int, operation: str, *inputs: Any, scale: Any = None) -> Any:
        """A node of three numbers, which colours pass through as they are."""
        node = self._new("ShaderNodeVectorMath", column)
        node.operation = operation
        for origin, to in zip(inputs, node.inputs, strict=False):
            self._link(origin, to)
        if scale is not None:
            self._link(scale, node.inputs["Scale"])
        return node.outputs["Value" if operation in _NUMBERS else "Vector"]

    def _mix(self, column: int, factor: Any, a: Any, b: Any) -> Any:
        node = self._new("ShaderNodeMix", column)
        node.data_type, node.clamp_factor = "RGBA", True
        by_name = {socket.identifier: socket for socket in node.inputs}
        for name, origin in (("Factor_Float", factor), ("A_Color", a), ("B_Color", b)):
            self._link(origin, by_name[name])
        return next(s for s in node.outputs if s.identifier == "Result_Color")

    def _blur(self, column: int, image: Any, size: Any, *, wide: bool = False) -> Any:
        node = self._new("CompositorNodeBlur", column)
        kinds = ("Fast Gaussian", "FAST_GAUSS") if wide else ("Gaussian", "GAUSS")
        compat.set_node_choice(node, "Type", kinds[0], ("filter_type", kinds[1]))
        self._link(image, node.inputs["Image"])
        self._link(size, node.inputs["Size"])
        return node.outputs["Image"]

    def _frame_number(self, column: int) -> Any:
        return self._new("CompositorNodeSceneTime", column).outputs["Frame"]


def _hide_unused(nodes: Iterable[bpy.types.Node]) -> None:
    """Let the group's input nodes show only what is taken from them."""
    for node in nodes:
        if node.type == "GROUP_INPUT":
            for socket in node.outputs:
                socket.hide = not socket.is_linked


def parameters() -> Sequence[str]:
    """Names of the sockets that a person sets."""
    return [name for panel, name, *_ in SOCKETS if panel]
