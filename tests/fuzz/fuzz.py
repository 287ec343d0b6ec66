"""Attack readers of files: `python tests/fuzz/fuzz.py [TARGET ...] [--seconds N | --runs N] [--json FILE]`.

Every target runs in a process of its own, guided by coverage where atheris is installed
(`python -m pip install "soliloquy[fuzz]"`) and blindly where it is not. What it has learned stays in
`runs/fuzz/corpus`, what breaks a reader in `runs/fuzz/found`; a file that is laid into
`tests/fuzz/regressions/TARGET` is tried first by every later run. Exit code 1: something was found.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

from target import FOLDER  # noqa: E402 - beside this file

_PULSE = re.compile(r"#\d+\s+(INITED|DONE|NEW|REDUCE|pulse)\s+cov: (\d+) ft: (\d+)(?: corp: (\d+))?")
_ANSWER = re.compile(r"^fuzz-result (.*)$", re.MULTILINE)
_STARTING_S = 120.0


@dataclass
class Outcome:
    """What came of a target: inputs, and edges and features reached by what was known before and by all."""

    target: str
    guided: bool = False
    seconds: float = 0.0
    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    edges_of_seeds: int = 0
    edges: int = 0
    features_of_seeds: int = 0
    features: int = 0
    corpus: int = 0
    skipped: str = ""
    fault: str = ""
    kept: str = ""
    """The file that holds the input at fault."""


def main() -> int:
    """Run the targets that are asked for."""
    from targets import all_targets

    known = sorted(all_targets())
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"some of: {', '.join(known)}; none: all"
    )
    parser.add_argument("--seconds", type=float, default=0.0, help="for each target (default: 60)")
    parser.add_argument("--runs", type=int, default=0, help="inputs for each target")
    parser.add_argument("--limit", type=int, default=20, help="seconds that one input may take (20)")
    parser.add_argument("--seed", type=int, default=0, help="of chance; 0: another one each time")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time (1)")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "fuzz", help="where the corpus is kept")
    parser.add_argument(
        "--blind", action="store_true", help="without coverage, also where atheris is installed"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON too")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.targets) - set(known))
    if unknown:
        parser.error(f"no target '{unknown[0]}'; there are {', '.join(known)}")
    if not arguments.runs and not arguments.seconds:
        arguments.seconds = 60.0
    if find_spec("atheris") is None:
        print(
            'Without coverage: atheris is missing (python -m pip install "soliloquy[fuzz]")', file=sys.stderr
        )
    with ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        outcomes = list(pool.map(lambda name: _attack(name, arguments), arguments.targets or known))
    print(table(outcomes))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(one) for one in outcomes], indent=1) + "\n", "utf-8")
    return 1 if any(one.fault for one in outcomes) else 0


def _attack(name: str, arguments: argparse.Namespace) -> Outcome:
    blind = arguments.blind or find_spec("atheris") is None
    found = arguments.work / "found" / name
    seed = arguments.seed or int.from_bytes(os.urandom(3), "big") + 1
    command = [
        sys.executable,
        "-X",
        "faulthandler",
        str(HERE / "child.py"),
        name,
        str(arguments.work / "corpus" / name),
        str(found),
        f"--limit={arguments.limit}",
        f"--seed={seed}",
        f"--seconds={arguments.seconds}",
        f"--runs={arguments.runs}",
        *(["--blind"] if blind else []),
    ]
    before = set(found.glob("*"))
    started = time.monotonic()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    place = tempfile.TemporaryDirectory(prefix="soliloquy-fuzz-", dir=memory, ignore_cleanup_errors=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    environment[FOLDER] = place.name
    # A run that is counted has no end that is known; every input of it has one.
    longest = arguments.seconds + _STARTING_S if not arguments.runs else _STARTING_S + arguments.runs
    try:
        done = subprocess.run(
            command, capture_output=True, env=environment, timeout=longest + 2 * arguments.limit, check=False
        )
        code, said = done.returncode, done.stdout + b"\n" + done.stderr
    except subprocess.TimeoutExpired as error:
        code, said = -1, (error.stdout or b"") + b"\n" + (error.stderr or b"")
    outcome = Outcome(name, guided=not blind, seconds=round(time.monotonic() - started, 1))
    counts = Path(place.name) / "counts"
    if counts.is_file():
        outcome.accepted, outcome.refused = struct.unpack("<QQ", counts.read_bytes())
    place.cleanup()
    _read(outcome, said.decode("utf-8", "replace"))
    fresh = sorted(set(found.glob("*")) - before) if found.is_dir() else []
    outcome.kept = str(fresh[0]) if fresh else ""
    if code or fresh:
        outcome.fault = _fault(said.decode("utf-8", "replace"), code)
        (arguments.work / "found" / f"{name}.log").write_bytes(said[-200_000:])
    print(f"{name}: {outcome.inputs} inputs{', ' + outcome.fault if outcome.fault else ''}", file=sys.stderr)
    return outcome


def _read(outcome: Outcome, said: str) -> None:
    pulses = _PULSE.findall(said)
    for kind, edges, features, corpus in pulses:
        if kind == "INITED":
            outcome.edges_of_seeds, outcome.features_of_seeds = int(edges), int(features)
        outcome.edges, outcome.features = int(edges), int(features)
        outcome.corpus = int(corpus or 0)
    for answer in _ANSWER.findall(said):
        for key, value in json.loads(answer).items():
            setattr(outcome, key, value)
    outcome.inputs = outcome.accepted + outcome.refused + (1 if outcome.kept else 0)


def _fault(said: str, code: int) -> str:
    """The line that says most."""
    lines = said.splitlines()
    raised = [
        line for line in lines if re.match(r"[\w.]*(Error|Exception|Trespass|Interrupt)\b", line.strip())
    ]
    if raised:
        return raised[-1].strip()[:160]
    alarm = [line for line in lines if "ALARM" in line or "timeout" in line or "deadly signal" in line]
    return (alarm or [f"ended with {code}"])[0].strip()[:160]


def table(outcomes: list[Outcome]) -> str:
    """Markdown."""
    rows = [
        "| target | inputs | accepted | refused | edges: at start, new | features: at start, new "
        "| corpus | s | found |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in outcomes:
        if one.skipped:
            rows.append(f"| {one.target} | - | - | - | - | - | - | - | skipped: {one.skipped} |")
            continue
        edges = f"{one.edges_of_seeds}, +{one.edges - one.edges_of_seeds}" if one.guided else "-"
        features = f"{one.features_of_seeds}, +{one.features - one.features_of_seeds}" if one.guided else "-"
        rows.append(
            f"| {one.target} | {one.inputs} | {one.accepted} | {one.refused} | {edges} | {features} "
            f"| {one.corpus} | {one.seconds:.0f} | {one.fault.replace('|', '/') or 'nothing'} |"
        )
    inputs = sum(one.inputs for one in outcomes)
    rows.append(
        f"| all {len(outcomes)} | {inputs} | | | | | | {sum(one.seconds for one in outcomes):.0f} | |"
    )
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
