"""What all tests share: the data folder, reproducible property tests, and build.py's parts on the path."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY))  # build_tools belongs to no installed package

# A shell lets what it starts with & ignore Ctrl-C, and programs that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every run, and no time limit for one of them: a busy machine is not a defect.
settings.register_profile("soliloquy", derandomize=True, deadline=None, database=None)
settings.load_profile("soliloquy")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and rigs beside the repository."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the data folder ../shared is not there")
    return folder
