"""Files that claim 2**60 samples, unpack to gigabytes, nest a hundred thousand deep or never end: one
sentence each, in bounded memory, within the time of a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ACCEPTED = ("claims: ", "text")
"""What may be read as well: sound that is there behind a header that lies; brackets as a text."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes no sparse files by truncating")
def test_no_file_fills_the_memory(tmp_path):
    script = Path(__file__).with_name("hostile_files.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(results) > 60
    assert "Traceback" not in done.stderr
    for result in results:
        assert not result["error"], f"{result['case']}: {result['error']}"
        if not any(part in result["case"] for part in ACCEPTED):
            assert result["sentence"], f"{result['case']} was read"
        assert len(result["sentence"]) < 1000
        if result["case"].startswith("5 GB") and "sound" not in result["case"]:
            assert "larger" in result["sentence"], result
