"""Nothing goes over the network, and nothing is left in the user's folder, while a line is animated."""

import ast
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import no_network
import pytest

from build_tools.common import ROOT, manifest

SAMPLE = ROOT / "blender_addon" / "assets" / "sample.flac"
GUARD = Path(no_network.__file__)
OPENS_A_SOCKET = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"


def guarded(folder, *arguments):
    """Run Python behind the guard, with a home of its own and none of the variables that mute onnxruntime."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    environment = {**kept, "HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(GUARD), *map(str, arguments)],
        capture_output=True, text=True, check=False, env=environment, cwd=folder, timeout=300,
    )  # fmt: skip
    if done.returncode == no_network.REFUSED:
        pytest.skip("this kernel accepts no seccomp filter")
    return done, sorted(str(path.relative_to(home)) for path in home.rglob("*"))


watched = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the guard is made for Linux on x86_64",
)


@watched
def test_guard_kills_what_opens_a_socket_and_its_children(tmp_path):
    script = tmp_path / "opens.py"
    script.write_text(OPENS_A_SOCKET)
    done, _ = guarded(tmp_path, script)
    assert done.returncode == -signal.SIGSYS
    script.write_text(
        f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {OPENS_A_SOCKET!r}]))"
    )
    done, _ = guarded(tmp_path, script)
    assert done.returncode == (-signal.SIGSYS) % 256


@watched
def test_animating_a_line_opens_no_socket_and_leaves_nothing_at_home(tmp_path):
    done, left = guarded(tmp_path, "-m", "soliloquy", "animate", SAMPLE, "--out", tmp_path / "a.csv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.csv").stat().st_size > 10_000
    assert left == []


@watched
def test_a_batch_and_its_workers_open_no_socket_and_leave_nothing_at_home(tmp_path):
    shots = tmp_path / "shots.csv"
    shots.write_text(f"audio,out\n{SAMPLE},one.csv\n{SAMPLE},two.csv\n")
    done, left = guarded(
        tmp_path, "-m", "soliloquy", "batch", shots, "--out", tmp_path / "out", "--workers", "2", "--quiet"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert all((tmp_path / "out" / name).stat().st_size > 10_000 for name in ("one.csv", "two.csv"))
    assert left == []


def test_what_tracks_faces_has_no_way_out(monkeypatch):
    """MediaPipe asks for play.googleapis.com through the proxy of the environment, and there is none."""
    pytest.importorskip("mediapipe")
    from soliloquy.inference.actor.capture import tracking

    monkeypatch.setenv("https_proxy", "http://proxy.example.org:3128")
    tracking._load_packages()
    address, _, port = os.environ["https_proxy"].removeprefix("http://").partition(":")
    with pytest.raises(OSError, match=r"refused|timed out"):
        socket.create_connection((address, int(port)), timeout=5)
    assert address == "127.0.0.1"


NETWORK_MODULES = {
    "asyncio", "c2pa", "ftplib", "grpc", "http", "httpx", "multiprocessing.connection", "ray", "requests",
    "smtplib", "socket", "socketserver", "ssl", "telnetlib", "urllib.request", "websockets", "xmlrpc",
}  # fmt: skip
"""Whose import in the extension has to be explained in `REACH_OUT`."""
REACH_OUT = {
    "inference/instruction/language_model.py": "the language model whose address the user set",
    "inference/commands/live.py": "Live Link, to the address that was given",
    "inference/batch/lock.py": "the name of this machine; connects to nothing",
    "inference/batch/ray_engine.py": "the Ray cluster whose address was given",
    "inference/actor/trust/provenance.py": "content credentials; no time stamp is asked for",
}
SENSES = {
    "camera": {"cv2.VideoCapture"},
    "microphone": {"sounddevice", "pyaudio"},
    "clipboard": {"clipboard"},
}


def reads_network(file):
    """Whether a file imports, anywhere, what can open a connection."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = {".".join(name.split(".")[:n]) for name in names for n in (1, 2)}
    return bool(parts & NETWORK_MODULES)


def test_only_named_files_can_reach_the_network():
    files = [file for part in ("inference", "blender_addon") for file in (ROOT / part).rglob("*.py")]
    assert len(files) > 100
    found = {file.relative_to(ROOT).as_posix() for file in files if reads_network(file)}
    assert found - set(REACH_OUT) == set()


def test_manifest_asks_for_what_the_code_uses():
    allowed = manifest()["permissions"]
    assert set(allowed) == {"network", "files"}
    assert all(0 < len(reason) <= 64 and reason[-1] not in ".!" for reason in allowed.values())
    for word in ("language model", "Live Link", "farm"):
        assert word in allowed["network"]
    source = "".join(
        file.read_text("utf-8")
        for part in ("inference", "blender_addon")
        for file in (ROOT / part).rglob("*.py")
    )
    for sense, words in SENSES.items():
        assert not [word for word in words if word in source], f"the manifest does not ask for the {sense}"
