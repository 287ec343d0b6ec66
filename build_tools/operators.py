"""Lists the operators of the add-on for the manual.

    python3 -m build_tools.operators        # writes docs/manual/operators.md

Reads the code (it is not run): names, labels, tooltips and the parameters of every operator.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .common import ROOT
from .messages import MANUAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TARGET: Final = MANUAL / "operators.md"
_FOLDER: Final = ROOT / "blender_addon" / "operators"
_HEAD: Final = """# Operators

Every button, for scripts: `bpy.ops.soliloquy.NAME(...)`. In background Blender an operator does all of its
work before it returns `{'FINISHED'}`; where a button would be grey, the call raises the sentence that its
tooltip shows. `python3 -m build_tools.operators` makes this page from the code.
"""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operator."""

    name: str
    kind: str
    default: str
    description: str


_OF_BASES: Final = {
    "ImportHelper": (Parameter("filepath", "string", "", "The file"),),
    "ExportHelper": (Parameter("filepath", "string", "", "The file"),),
    "AddObjectHelper": (
        Parameter(
            "align", "enum", "WORLD", "Beside `rotation`: WORLD keeps to it, VIEW and CURSOR replace it"
        ),
        Parameter("location", "floatvector", "", "In the scene's units; the 3D cursor where not given"),
        Parameter(
            "rotation", "floatvector", "", "Euler angles, radians; as the preference Align To where not given"
        ),
    ),
}
"""Parameters that Blender's own base classes bring."""


@dataclass(frozen=True)
class Operator:
    """One operator."""

    name: str
    """What follows `bpy.ops.soliloquy.`."""
    label: str
    tooltip: str
    parameters: tuple[Parameter, ...]


def collect() -> list[Operator]:
    """Every operator of the add-on, by name."""
    found = [operator for path in sorted(_FOLDER.glob("*.py")) for operator in _operators(path)]
    return sorted(found, key=lambda operator: operator.name)


def page(operators: list[Operator]) -> str:
    """The page of the manual, in Markdown."""
    lines = [_HEAD]
    for operator in operators:
        lines += [f"## {operator.name}", "", f"*{operator.label}.* {operator.tooltip}.", ""]
        if operator.parameters:
            lines += ["| parameter | | default | |", "|---|---|---|---|"]
            lines += [
                f"| `{p.name}` | {p.kind} | {p.default} | {p.description} |" for p in operator.parameters
            ] + [""]
    return "\n".join(lines).rstrip() + "\n"


def _operators(path: Path) -> Iterator[Operator]:
    tree = ast.parse(path.read_text("utf-8"))
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in classes.values():
        values = {
            target.id: statement.value
            for statement in node.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        if "bl_idname" in values:
            name = ast.literal_eval(values["bl_idname"]).partition(".")[2]
            tooltip = " ".join((ast.get_docstring(node) or "").split()).rstrip(".")
            label = ast.literal_eval(values["bl_label"])
            yield Operator(name, label, tooltip, tuple(_parameters(node, classes)))


def _parameters(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Iterator[Parameter]:
    """Those of a class, after those of its bases in the same file and in Blender."""
    for base in node.bases:
        if ast.unparse(base) in classes:
            yield from _parameters(classes[ast.unparse(base)], classes)
    for base in node.bases:
        yield from _OF_BASES.get(ast.unparse(base).rpartition(".")[2], ())
    for statement in node.body:
        call = statement.annotation if isinstance(statement, ast.AnnAssign) else None
        if not isinstance(call, ast.Call) or not isinstance(statement.target, ast.Name):
            continue
        options = {keyword.arg: keyword.value for keyword in call.keywords}
        kind = ast.unparse(call.func).rpartition(".")[2].removesuffix("Property").lower()
        if statement.target.id == "filter_glob":
            continue  # of the file dialog
        default = ast.unparse(options["default"]) if "default" in options else ""
        yield Parameter(statement.target.id, kind, default, _text(options.get("description")))


def _text(node: ast.expr | None) -> str:
    """The words of an expression; what it takes from elsewhere stands as its name."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return ast.unparse(node) if node is not None else ""


def main() -> None:
    """Write the page."""
    TARGET.write_text(page(collect()), "utf-8")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
