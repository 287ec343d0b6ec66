"""`soliloquy verify FILE|FOLDER...`: what a painted file says of itself, and whether it is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import printable

if TYPE_CHECKING:
    import argparse

    from ..actor.trust.verification import Verdict
    from ..console import Console

_VERIFY = """Read where a picture, a movie or a painted pass comes from: whether it is synthetic, by which
tool, of which actor and with what consent; and check hashes and signatures. A folder stands for its pass, or
for the pictures and movies in it. Nothing is asked over a network.
Exit code: 0 all have credentials and are intact, 1 something was changed or is broken, 2 something has none.
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "verify", help="read and check where a picture, movie or pass comes from", description=_VERIFY
    )
    parser.set_defaults(run=run, quiet=False)
    parser.add_argument("inputs", nargs="+", type=Path, metavar="FILE", help="files, or folders")
    parser.add_argument("--json", action="store_true", help="one JSON object per line on stdout")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Judge every input and print what was found."""
    from ..actor.trust.verification import State, verify

    verdicts = [verdict for path in arguments.inputs for verdict in verify(path)]
    for verdict in verdicts:
        print(_line(verdict) if arguments.json else _text(verdict), flush=True)
    states = {verdict.state for verdict in verdicts}
    return int(next(state for state in (State.CHANGED, State.NONE, State.INTACT) if state in states))


def _line(verdict: Verdict) -> str:
    return json.dumps(
        {
            "event": "verdict",
            "input": str(verdict.path),
            "state": verdict.state.name.lower(),
            "statement": verdict.statement,
            "findings": verdict.findings,
        }
    )


def _text(verdict: Verdict) -> str:
    heads = {0: "synthetic, credentials intact", 1: "CHANGED or broken", 2: "no credentials found"}
    if verdict.state == 0 and not verdict.statement.get("synthetic"):
        heads[0] = "credentials intact"
    lines = [f"{verdict.path}: {heads[verdict.state]}"]
    lines += [f"  {name:<9} {value}" for name, value in _facts(verdict.statement) if value]
    lines += [f"  - {finding}" for finding in verdict.findings]
    return "\n".join(printable(" ".join(line.splitlines())) for line in lines)


def _facts(statement: dict[str, Any]) -> list[tuple[str, str]]:
    actor, consent = _table(statement, "actor"), _table(statement, "consent")
    recorded = f" (recorded {consent['recorded']})" if consent.get("recorded") else ""
    sources = _table(statement, "sources")
    return [
        ("what", str(statement.get("kind", ""))),
        ("tool", f"{statement.get('tool', '')} {statement.get('version', '')}".strip()),
        ("actor", f"{actor.get('name', '')} {actor.get('identifier', '')}".strip()),
        ("consent", f"{consent.get('statement', '')}{recorded}"),
        ("made", str(statement.get("created", ""))),
        ("of", ", ".join(f"{name} {str(value)[:12]}" for name, value in sources.items())),
    ]


def _table(statement: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a statement that anyone may have written."""
    part = statement.get(name)
    return part if isinstance(part, dict) else {}
