"""What a checkout weighs."""

import shutil
import subprocess
from pathlib import PurePosixPath

import pytest

from build_tools.common import ROOT

MOST_BYTES = 120e6
MOST_WEIGHTS = 25e6


@pytest.fixture(scope="module")
def tracked():
    """Path -> bytes of every file that git keeps."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = [name for name in done.stdout.decode().split("\0") if name]
    return {name: (ROOT / name).stat().st_size for name in names if (ROOT / name).is_file()}


def test_repository_is_small(tracked):
    assert len(tracked) > 300
    assert sum(tracked.values()) < MOST_BYTES


def test_weights_are_small(tracked):
    weights = {
        name: size for name, size in tracked.items() if PurePosixPath(name).suffix in (".onnx", ".pt", ".npz")
    }
    assert any(name.startswith("inference/weights/") for name in weights)
    assert sum(weights.values()) < MOST_WEIGHTS


def test_no_build_product_is_tracked(tracked):
    unwanted = (".whl", ".zip", ".pyc", ".blend", ".blend1", ".so", ".exe")
    found = {name for name in tracked if name.endswith(unwanted) and not name.startswith("tests/")}
    assert found == set()
