"""Starting the trainer as a program of its own, and what is said where it cannot be started."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from soliloquy.inference.actor.folder import ActorError, make_actor
from soliloquy.inference.actor.painting import training
from soliloquy.inference.cli import main

CONSENT = "A folder of these tests, nobody's: consents to everything"


def without(monkeypatch, missing: str) -> None:
    """As if a package was not installed."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        training.importlib.util,
        "find_spec",
        lambda name, *rest: None if missing in name else found(name, *rest),
    )


@pytest.mark.parametrize(("missing", "said"), [("torch", "package torch"), ("train_renderer", "no trainer")])
def test_what_is_missing_is_said_with_the_line_that_installs_it(tmp_path, monkeypatch, missing, said):
    without(monkeypatch, missing)
    make_actor(tmp_path / "actor", "Nobody", CONSENT, 64)
    with pytest.raises(ActorError, match=said) as refused:
        training.run_trainer(tmp_path / "actor", [])
    assert 'pip install "soliloquy[actor,train]"' in str(refused.value)


def test_a_folder_without_an_actor_starts_nothing(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(training.subprocess, "Popen", lambda *_: pytest.fail("a child was started"))
    with pytest.raises(ActorError, match="no actor folder"):
        training.run_trainer(tmp_path, [])


def test_the_childs_exit_code_is_ours(tmp_path, monkeypatch):
    """The module that is run is one that ends with the number it is given."""
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(int(sys.argv[2]))\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(training, "trainer_module", lambda: "ends")
    make_actor(tmp_path / "actor", "Nobody", CONSENT, 64)
    assert main(["actor", "train", str(tmp_path / "actor"), "7"]) == 7
    assert main(["actor", "train", str(tmp_path / "actor"), "0"]) == 0


def test_when_we_are_stopped_the_child_may_save_its_state(tmp_path, monkeypatch):
    (tmp_path / "waits.py").write_text(
        "import signal, sys, time\n"
        "from pathlib import Path\n"
        "folder = Path(sys.argv[1])\n"
        "def save(*_):\n"
        "    (folder / 'saved').touch()\n"
        "    sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "(folder / 'ready').touch()\n"
        "time.sleep(60)\n"
    )
    if sys.platform == "win32":
        pytest.skip("Windows has no polite signal")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(training, "trainer_module", lambda: "waits")
    actor = make_actor(tmp_path / "actor", "Nobody", CONSENT, 64)
    start = training.subprocess.Popen

    class Stopped(start):
        def wait(self, timeout=None):
            if timeout is None and not (actor.folder / "saved").exists():
                while not (actor.folder / "ready").exists():
                    training_sleep()
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(training.subprocess, "Popen", Stopped)
    with pytest.raises(KeyboardInterrupt):
        training.run_trainer(actor.folder, [])
    assert (actor.folder / "saved").exists()


def training_sleep() -> None:
    import time

    time.sleep(0.01)


def test_help_is_the_trainers_own(monkeypatch, tmp_path):
    asked = []

    class Child:
        def __init__(self, command):
            asked.append(command)

        def wait(self):
            return 0

    monkeypatch.setattr(training, "trainer_module", lambda: "trainer")
    monkeypatch.setattr(training.subprocess, "Popen", Child)
    assert main(["actor", "train", str(tmp_path / "none"), "--help"]) == 0
    assert asked == [[sys.executable, "-m", "trainer", str(tmp_path / "none"), "--help"]]
