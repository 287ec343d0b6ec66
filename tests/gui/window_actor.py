"""Steps of the windowed test: an actor's panel, a running program and Esc, the pass in the compositor."""

from __future__ import annotations

import shutil
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from window_line import add_head
from window_stage import Stage, wait_for

sys.path.append(str(Path(__file__).resolve().parents[1] / "blender"))
from exr_files import write_exr

_CONSENT = "A drawn face of these tests, nobody's: consents to everything"
_ANSWER_S = 60.0
_WIDTH, _HEIGHT, _FRAMES = 360, 288, 12


def open_panel(stage: Stage) -> None:
    """The panel without an actor: Capture is grey, and the panel says why."""
    stage.new_file()
    add_head(stage)
    stage.scroll(30)
    stage.point_text("Actor")
    stage.click()
    stage.scroll(30)
    stage.scan()
    assert "folder" in stage.panel, sorted(stage.panel)
    assert "consent" in stage.panel
    assert "capture_actor" in stage.panel
    assert any("No actor folder" in _text(line) for line in stage.words())
    stage.over_view()
    stage.shot("actor_new")


def consent(stage: Stage) -> None:
    """The panel of an actor shows whose face it is and the consent, and the next step."""
    stage.call("use_actor", who="Drawn Face", consent=_CONSENT)
    stage.over_view()
    stage.scroll(30)
    text = " ".join(map(_text, stage.words()))
    assert "Drawn Face" in text, text
    assert "consents to" in text, text
    stage.scan()
    assert "build_memory" in stage.panel, sorted(stage.panel)
    stage.over_view()
    stage.shot("actor_consent")
    stage.picture("actor_panel")


def escape(stage: Stage) -> None:
    """A program that runs shows its progress, Blender stays usable, and Esc ends it."""
    stage.point("build_memory")
    stage.click()
    wait_for(lambda: (stage.call("status")["progress"] or 0.0) >= 0.4, _ANSWER_S, "progress")
    stage.over_view()
    stage.scroll(30)
    stage.over_view()
    stage.shot("actor_running")
    stage.key("Escape")
    wait_for(lambda: stage.call("status")["progress"] is None, _ANSWER_S, "the end")
    assert "Stopped" in str(stage.call("status")["summary"])
    stage.shot("actor_stopped")


def composite(stage: Stage) -> None:
    """One click composes a pass: nodes stand in labelled frames; undo takes them back."""
    folder, plate = _painted(stage)
    stage.call("finish_actor")
    stage.call("use_pass", folder=folder, plate=plate)
    stage.over_view()
    stage.scroll(60)
    stage.point_text("Composite")
    stage.click()
    stage.scroll(60)
    stage.panel = {}
    stage.point("build_composite")
    stage.click()
    wait_for(lambda: stage.call("composite"), _ANSWER_S, "the nodes")
    assert stage.call("composite")["view"] == "Standard"
    stage.over_view()
    stage.shot("actor_composed")
    stage.over_view()
    stage.key("ctrl+z")
    wait_for(lambda: stage.call("composite") is None, _ANSWER_S, "undo")
    stage.scroll(60)
    stage.panel = {}
    stage.point("build_composite")
    stage.click()
    wait_for(lambda: stage.call("composite"), _ANSWER_S, "the nodes again")


def nodes(stage: Stage) -> None:
    """The compositor with the group and its panel, and what is inside the group."""
    stage.call("large_compositor", inside=False)
    stage.settle(2.0)
    stage.call("show_panel")
    stage.call("show_all_nodes")
    stage.settle(2.0)
    stage.shot("compositor")
    stage.picture("compositor", "screen")
    stage.call("large_compositor", inside=True)
    stage.settle(2.0)
    stage.call("show_all_nodes")
    stage.settle(2.0)
    stage.shot("compositor_group")
    stage.picture("compositor_group", "screen")


def _text(line: list[tuple[str, int, int]]) -> str:
    return " ".join(word for word, _, _ in line)


def _painted(stage: Stage) -> tuple[str, str]:
    """Folder of a pass and its plate, as Blender sees them: the real one, or a drawn one."""
    folder = stage.folder / "pass"
    folder.mkdir()
    inside = stage.inside
    if stage.painted is not None:
        for file in stage.painted.glob("*.exr"):
            shutil.copy(file, folder)
        shutil.copy(stage.painted / "plate.mp4", stage.folder)
        return str(inside / "pass"), str(inside / "plate.mp4")
    down, across = np.mgrid[:_HEIGHT, :_WIDTH]
    matte = np.clip(1.5 - np.hypot(across - 180, down - 200) / 40, 0, 1)
    layers = {
        name: np.full((_HEIGHT, _WIDTH), value) for name, value in (("R", 0.4), ("G", 0.2), ("B", 0.15))
    }
    layers |= {"matte.V": matte, "confidence.V": np.ones((_HEIGHT, _WIDTH))}
    shots = stage.folder / "plate"
    shots.mkdir()
    for number in range(1, _FRAMES + 1):
        write_exr(folder / f"pass.{number:04d}.exr", layers)
        _write_png(shots / f"plate.{number:04d}.png", np.stack([across % 256, down % 256, matte * 255], 2))
    return str(inside / "pass"), str(inside / "plate" / "plate.0001.png")


def _write_png(path: Path, pixels: np.ndarray) -> None:
    """[H, W, 3] 0..255 without a library."""
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(np.uint8))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 0))]
    parts += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    made = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + made)


STEPS: tuple[Callable[[Stage], None], ...] = (open_panel, consent, escape, composite, nodes)
