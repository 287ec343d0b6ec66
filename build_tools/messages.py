"""Collects every sentence that the program can say about a problem, for the manual.

    python3 -m build_tools.messages        # writes docs/manual/messages.md

Reads the code (it is not run): errors with cause and remedy, notices beside a result, and the reasons why a
button is grey. What a sentence takes from the moment (a file, a number) stands as a word in capitals.
"""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .common import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANUAL: Final = ROOT / "docs" / "manual"
TARGET: Final = MANUAL / "messages.md"
_PACKAGES: Final = ("inference", "blender_addon")
_GROUPS: Final = (
    ("Sound files", ("inference/audio", "blender_addon/audio")),
    ("Instruction and performance", ("inference/instruction", "commands/instruct", "performance", "takes")),
    ("Text and language", ("inference/transcript", "inference/pipeline", "inference/alignment")),
    (
        "Character and rig",
        ("inference/rig", "inference/retarget", "inference/names", "/rig", "make_override"),
    ),
    ("Dialogue and the sequencer", ("dialogue", "blender_addon/media", "markers", "/cues_", "compose")),
    ("Files of cues and curves", ("inference/formats",)),
    ("Editing", ("edit", "kept_line", "layer", "key_reduction", "keyframes", "motion_pack", "reapply")),
    ("Looks", ("presets", "looks")),
    (
        "Actors and photoreal passes",
        ("actor", "compositor", "pass_files", "commands/capture", "commands/memory"),
    ),
    ("Batches and farms", ("batch", "farm", "commands/blender")),
    (
        "Speech model and computer",
        ("inference/session", "inference/articulation", "inference/memory", "inference/weight_files"),
    ),
    ("Files that are written", ("inference/files", "outputs")),
    ("Command line", ("inference/commands", "inference/jobs", "inference/live", "cli")),
    ("Animate and the panel", ("blender_addon/",)),
    ("Everything else", ("",)),
)
"""Headings of the manual and parts of the file names that belong there; the first that fits counts."""
_KINDS: Final = {
    "error": ("It says", "What to do"),
    "notice": ("Told beside a result", ""),
    "reason": ("Why a button is grey", ""),
}
_NOTICE_CALLS: Final = ("notify", "append", "report")
_NOTICE_LISTS: Final = ("notices", "self")
_REASONS: Final = ("disabled_reason", "busy_reason")
_MOST_VARIANTS: Final = 12

_HEAD: Final = """# Every message, and what to do

What stands in *CAPITALS* is filled in when it is said. An error leaves the scene and your files as they were;
its last sentence is what to do. `python3 -m build_tools.messages` makes this page from the code.
"""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Message:
    """One sentence or two, with words in capitals for what is filled in."""

    module: str
    """Path of the file, e.g. `inference/audio.py`."""
    kind: str
    """`error`, `notice` or `reason`."""
    cause: str
    remedy: str = ""

    @property
    def group(self) -> str:
        """Heading of the manual under which it stands."""
        return next(title for title, parts in _GROUPS if any(part in self.module for part in parts))


def collect() -> list[Message]:
    """Every message of the code, each once, by file."""
    paths = [path for package in _PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    trees = {path: ast.parse(path.read_text("utf-8")) for path in paths}
    shared: dict[str, list[ast.expr]] = {}
    for tree in trees.values():
        shared |= _assignments(tree.body)
    return sorted(
        {message for path, tree in trees.items() for message in _Reader(path, tree, shared).messages()}
    )


def page(messages: list[Message]) -> str:
    """The page of the manual, in Markdown: a table for each heading and kind of message."""
    lines = [_HEAD]
    for title, _ in _GROUPS:
        of_group = [message for message in messages if message.group == title]
        lines += [f"## {title}", ""] if of_group else []
        for kind, (left, right) in _KINDS.items():
            rows = sorted({(m.cause, m.remedy) for m in of_group if m.kind == kind})
            if rows:
                lines += [f"| {left} | {right} |", "|---|---|"] if right else [f"| {left} |", "|---|"]
                lines += [_row(cause, remedy, bool(right)) for cause, remedy in rows] + [""]
    return "\n".join(lines).rstrip() + "\n"


def _row(cause: str, remedy: str, with_remedy: bool) -> str:
    cells = [cause, remedy + "."] if with_remedy else [cause]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


class _Reader:
    """The messages of one file."""

    def __init__(self, path: Path, tree: ast.Module, shared: dict[str, list[ast.expr]]) -> None:
        self._module = path.relative_to(ROOT).as_posix()
        self._tree = tree
        self._constants = {**shared, **_assignments(tree.body)}

    def messages(self) -> Iterator[Message]:
        """All of them, in the order of the file."""
        for function in ast.walk(self._tree):
            if isinstance(function, Function):
                yield from self._of_function(function)

    def _of_function(self, function: Function) -> Iterator[Message]:
        names = {**self._constants, **_assignments(list(ast.walk(function)))}
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                yield from self._of_call(node, names)
            elif isinstance(node, ast.Return) and function.name in _REASONS and node.value:
                for text in _texts(node.value, names):
                    if text and not _is_placeholder(text):
                        yield Message(self._module, "reason", text)

    def _of_call(self, call: ast.Call, names: dict[str, list[ast.expr]]) -> Iterator[Message]:
        called = _called(call)
        if len(call.args) == 2 and (called.endswith("Error") or called == "PhonesUnavailable"):
            causes, remedies = (_texts(argument, names) for argument in call.args)
            for cause, remedy in itertools.product(causes, remedies):
                yield Message(self._module, "error", cause, remedy)
        elif call.args and called in _NOTICE_CALLS and _receiver(call) in ("", *_NOTICE_LISTS):
            for text in _texts(call.args[-1], names):
                if " " in text:
                    yield Message(self._module, "notice", text)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _receiver(call: ast.Call) -> str:
    function = call.func
    return getattr(function.value, "id", "?") if isinstance(function, ast.Attribute) else ""


def _assignments(nodes: list[ast.AST] | list[ast.stmt]) -> dict[str, list[ast.expr]]:
    """What each name is set to, in any branch; pairs are taken apart."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if not isinstance(node, ast.Assign | ast.AnnAssign) or value is None:
            continue
        for target in targets:
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            for name, text in pairs:
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).append(text)
    return found


def _texts(node: ast.expr, names: dict[str, list[ast.expr]], depth: int = 0) -> list[str]:
    """What an expression can say; a word in capitals for what the code alone does not tell."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [_placeholder(node)]
    if isinstance(node, ast.JoinedStr):
        parts = [
            [_filled(part.value, names)] if isinstance(part, ast.FormattedValue) else _texts(part, names)
            for part in node.values
        ]
        return ["".join(chosen) for chosen in itertools.product(*parts)]
    if isinstance(node, ast.IfExp):
        return _texts(node.body, names, depth) + _texts(node.orelse, names, depth)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in _texts(value, names, depth)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        pairs = itertools.product(_texts(node.left, names, depth), _texts(node.right, names, depth))
        return [left + right for left, right in pairs]
    if isinstance(node, ast.Name) and node.id in names and depth < 3:
        values = names[node.id][:_MOST_VARIANTS]
        return [text for value in values for text in _texts(value, names, depth + 1)]
    return [_placeholder(node)]


def _filled(node: ast.expr, names: dict[str, list[ast.expr]]) -> str:
    """What stands in the braces of a sentence: a number that never changes, or a word in capitals."""
    values = names.get(node.id, []) if isinstance(node, ast.Name) else []
    if len(values) == 1 and isinstance(values[0], ast.Constant):
        return str(values[0].value)
    return f"*{_placeholder(node)}*"


def _placeholder(node: ast.expr) -> str:
    """`strip.name` -> NAME, `_first_line(error)` -> REASON, `rate / 2` -> ..."""
    if isinstance(node, ast.Call):
        inner = node.args[0] if node.args else node.func
        return _placeholder(inner)
    if isinstance(node, ast.Attribute):
        return "REASON" if node.attr == "strerror" else node.attr.strip("_").upper()
    if isinstance(node, ast.Name):
        return "REASON" if node.id in ("error", "problem", "reason") else node.id.strip("_").upper()
    if isinstance(node, ast.Subscript):
        return _placeholder(node.value)
    return "..."


def _is_placeholder(text: str) -> bool:
    return text == "..." or text.isupper()


def main() -> None:
    """Write the page."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page(collect()), "utf-8")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
