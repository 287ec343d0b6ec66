"""Every reader of files against thousands of damaged ones; `tests/fuzz/fuzz.py` does the same for hours.

Guided by coverage where atheris is installed, blind elsewhere. What a reader may answer: see its target.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
RUNS = {
    "audio": 400, "gltf": 800, "face": 600, "memory": 400, "take": 400, "provenance": 500, "record": 600,
    "shots_json": 600, "shots_table": 600, "speech_weights": 500, "other_weights": 150, "rig_basis": 800,
    "actor": 800, "head_track": 800, "curve_table": 800, "a2f_json": 1000, "exr_header": 1000,
    "rig_map": 1000, "cues": 1500, "instruction": 1500,
}  # fmt: skip
"""Inputs for those that are slow; for all others: `USUAL`."""
USUAL = 2500


def targets() -> list[str]:
    """Names of all targets, read by the fuzzer itself."""
    done = subprocess.run(
        [sys.executable, "-c", "from targets import all_targets; print(*sorted(all_targets()))"],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(FUZZ)},
    )  # fmt: skip
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("target", targets())
def test_damaged_files_are_read_or_refused(target, tmp_path):
    said = tmp_path / "said.json"
    runs = RUNS.get(target, USUAL)
    done = subprocess.run(
        [sys.executable, str(FUZZ / "fuzz.py"), target, f"--runs={runs}", "--seed=7", f"--work={tmp_path}",
         f"--json={said}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.is_file(), done.stderr
    (outcome,) = json.loads(said.read_text("utf-8"))
    if outcome["skipped"]:
        pytest.skip(outcome["skipped"])
    kept = Path(outcome["kept"]).read_bytes()[:300] if outcome["kept"] else b""
    assert not outcome["fault"], f"{outcome['fault']} for {kept!r}: see tests/fuzz/fuzz.py"
    assert done.returncode == 0
    assert outcome["accepted"] + outcome["refused"] >= runs
    assert outcome["accepted"] > 0, "not even the seeds are read"
    assert outcome["refused"] > 0, "nothing is refused"
    if find_spec("atheris") is not None:
        assert outcome["guided"]
        assert outcome["features"] > outcome["features_of_seeds"] > 0, "nothing new was reached"


def test_a_reader_that_breaks_is_found(tmp_path):
    """The fuzzer itself: writes, hangs, memory, other errors and other files are faults, each kept."""
    for fault, body in {
        "Trespass: writes": "open('{0}/made', 'w')",
        "Trespass: reads": "open('{0}/other')",
        "Trespass: os.remove": "import os; os.remove('{0}/nothing')",
        "Trespass: subprocess.Popen": "import subprocess; subprocess.run(['true'])",
        "_TooLong": "while True: pass",
        "MemoryError": "bytes(2**31)",
        "KeyError": "{{}}['x']",
    }.items():
        if fault == "_TooLong" and not hasattr(signal, "SIGALRM"):
            continue
        if fault == "MemoryError" and not sys.platform.startswith("linux"):
            continue
        code = _BREAKS.format(fuzz=str(FUZZ), body=body.format(tmp_path), work=str(tmp_path / "work"))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode != 0, fault
        assert fault in done.stderr, done.stderr
        kept = sorted((tmp_path / "work" / "found").glob("crash-*"))
        assert [path.read_bytes() for path in kept] == [b"seed"]
        kept[0].unlink()


_BREAKS = """
import sys
sys.path.insert(0, {fuzz!r})
import argparse, child, target
from pathlib import Path

calls = []

def check(data):
    calls.append(data)
    if len(calls) > 1:  # the first call is the one that loads what is loaded on demand
        {body}
    return True

work = Path({work!r})
arguments = argparse.Namespace(
    target="breaks", corpus=work / "corpus", found=work / "found", seed=1, runs=5, seconds=0, limit=1
)
child._Attack(target.Target(check, lambda: [b"seed"], ()), arguments).blindly()
"""
