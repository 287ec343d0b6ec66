"""Runs of `soliloquy batch` as processes, for tests that disturb them, and looks at what they left."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import batch_doubles
from batch_helpers import sound, table
from soliloquy.inference.files import file_sha256


def start(shots, out, *arguments, real=False, **environment):
    """The command in a process of its own; with `real` its workers have the model."""
    program = ["-m", "soliloquy"] if real else [batch_doubles.__file__]
    return subprocess.Popen(
        [sys.executable, *program, "batch", str(shots), "--out", str(out), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def ended(driver, code=0):
    """What a run told, when it has come to its end."""
    stdout, stderr = driver.communicate(timeout=600)  # a run that hangs is a failure, not a long test
    assert driver.returncode == code, stderr
    assert "Traceback" not in stderr
    return stdout, stderr


def run(shots, out, *arguments, code=0, **more):
    return ended(start(shots, out, *arguments, **more), code)


def rows(shots, out, *arguments, code=0, **more):
    """What became of the rows that a run did not leave as they were."""
    stdout, _ = run(shots, out, "--json", *arguments, code=code, **more)
    events = [json.loads(line) for line in stdout.splitlines()]
    return {event["row"]: event for event in events if event["event"] == "row"}


def names(folder):
    """All files of a batch but its own, hidden ones too."""
    found = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(path.as_posix() for path in found if path.parts[0] not in (".soliloquy", "manifest.json"))


def litter(out):
    """Temporary files and marks."""
    return [path for path in out.rglob("*") if ".tmp" in path.name or path.name.endswith(".begun")]


def hashes(out):
    return {name: file_sha256(out / name) for name in names(out)}


def until(condition):
    """Wait for what must come; a test that never gets it ends with the time limit of CI."""
    while not condition():
        time.sleep(0.02)


def children(pid):
    return [
        int(one) for task in Path(f"/proc/{pid}/task").glob("*/children") for one in task.read_text().split()
    ]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def slow_list(folder, quick=2, slow=2):
    """Rows that are done at once, and longer ones, begun first, that wait for a file `go`."""
    given = [f"line_{i}.wav" for i in range(quick)] + [f"slow_{i}.wav" for i in range(slow)]
    for seed, name in enumerate(given):
        sound(folder / name, 0.3 if name.startswith("slow") else 0.1, seed)
    return table(folder / "shots.csv", [{"audio": name} for name in given])


def is_writing(out):
    return any(path.name.startswith(".slow_") for path in litter(out))


def begun(out, count):
    return len(list(out.glob(".soliloquy/records/*.begun"))) >= count
