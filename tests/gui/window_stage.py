"""A screen without a monitor, a Blender on it, and hands: mouse, keys and screenshots through X."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

HERE = Path(__file__).resolve().parent
SCREEN = (1400, 960)
_REPLY_S = 300.0
_START_S = 600.0
_READING_SCALE = 3
"""Enlargement of the screen before its text is read."""
_READ_SURELY = 40.0
_SETTLE_S = 0.5
"""Time for Blender to take in an event and draw with a software renderer."""


class Stage:
    """Xvfb, openbox and a Blender with the extension installed, natively or inside another root.

    Args:
        zip_path: the extension zip.
        root: root folder of the system that has Blender (entered with chroot, needs root); None for this one.
        out: folder of the screenshots.
        pictures: folder for pictures of the manual; None to make none.
        rig: a foreign character (.glb, .vrm); None where there is none.
        shot: a folder with plate.mp4 and the EXR files of a pass over it; None where there is none.
    """

    def __init__(
        self,
        zip_path: Path,
        root: Path | None,
        out: Path,
        pictures: Path | None = None,
        rig: Path | None = None,
        shot: Path | None = None,
    ) -> None:
        self.out = out
        self._pictures = pictures
        self._rig = rig
        self.painted = shot
        """A pass that was painted for real; None where there is none."""
        self.rig: str | None = None
        """Path of the foreign character, as Blender sees it."""
        self._root = root
        self._inside = Path("/tmp") / f"soliloquy_gui_{uuid.uuid4().hex[:8]}"
        self.folder = (root or Path("/")) / self._inside.relative_to("/")
        self._zip = zip_path
        self._processes: list[subprocess.Popen[bytes]] = []
        self._display = ""
        self._id = 0
        self._shots = 0
        self._window = (0, 0)
        self._height = SCREEN[1]
        self._mouse = (0, 0)
        self.panel: dict[str, tuple[int, int]] = {}
        """Places of the panel's buttons, by property or operator: filled by `scan`."""
        self.sounds: dict[str, str] = {}
        """Paths of the recordings, as Blender sees them."""

    def __enter__(self) -> Stage:
        self.out.mkdir(parents=True, exist_ok=True)
        for old in self.out.glob("[0-9][0-9]_*.png"):
            old.unlink()
        self.folder.mkdir(parents=True)
        try:
            self._prepare()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._close()

    @property
    def inside(self) -> Path:
        """The stage's folder, as Blender sees it."""
        return self._inside

    def log(self) -> str:
        """What Blender wrote to the terminal."""
        return (self.folder / "blender.log").read_text("utf-8", errors="replace")

    def _prepare(self) -> None:
        shutil.copy(self._zip, self.folder / "extension.zip")
        for file in (HERE / "window_driver.py", *HERE.glob("driver_*.py")):
            shutil.copy(file, self.folder)
        if self._rig is not None:
            shutil.copy(self._rig, self.folder / self._rig.name)
            self.rig = str(self._inside / self._rig.name)
        zip_inside = str(self._inside / "extension.zip")
        self._run("blender", "--command", "extension", "install-file", "-r", "user_default", "--enable",
                  zip_inside, timeout_s=_START_S)  # fmt: skip
        numbers = self.folder / "display"
        with numbers.open("wb") as file:
            self._start(
                ["Xvfb", "-displayfd", "1", "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24"], stdout=file
            )
        wait_for(lambda: numbers.read_text().strip(), _START_S, "the X server")
        self._display = ":" + numbers.read_text().strip()
        self._start(["openbox"])
        with (self.folder / "blender.log").open("wb") as file:
            self._start(
                ["blender", "-p", "0", "0", str(SCREEN[0]), str(SCREEN[1]),
                 "--python", str(self._inside / "window_driver.py")],
                stdout=file,
            )  # fmt: skip
        self._open_sidebar()
        self.key("Escape")  # closes a splash screen that was already there
        self._window = self._window_corner()

    def _window_corner(self) -> tuple[int, int]:
        found = self._run("xdotool", "search", "--onlyvisible", "--class", "blender").split()
        text = self._run("xwininfo", "-id", found[-1])  # xdotool counts a title bar twice
        places = re.findall(r"Absolute upper-left [XY]:\s+(-?\d+)", text)
        return int(places[0]), int(places[1])

    def _command(self, arguments: Sequence[str]) -> list[str]:
        environment = {
            "HOME": str(self._inside),
            "BLENDER_USER_RESOURCES": str(self._inside / "profile"),
            "SOLILOQUY_GUI_FOLDER": str(self._inside),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "PATH": "/usr/local/bin:/usr/bin:/bin" if self._root else os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "DISPLAY": self._display,
        }
        pairs = [f"{name}={value}" for name, value in environment.items() if value]
        enter = ["chroot", str(self._root)] if self._root else []
        return [*enter, "env", "-u", "PYTHONPATH", *pairs, *arguments]

    def _start(self, arguments: Sequence[str], stdout: object = subprocess.DEVNULL) -> None:
        self._processes.append(
            subprocess.Popen(
                self._command(arguments),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.STDOUT if arguments[0] == "blender" else subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    def _run(self, *arguments: str, timeout_s: float = 60.0) -> str:
        done = subprocess.run(
            self._command(arguments), capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _close(self) -> None:
        for process in reversed(self._processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, name: str, timeout_s: float = _REPLY_S, **arguments: object) -> object:
        """Ask the driver inside Blender.

        Raises:
            RuntimeError: the call failed there; the traceback is the message.
            TimeoutError: no answer.
        """
        self._id += 1
        temporary = self.folder / "request.json.tmp"
        temporary.write_text(json.dumps({"id": self._id, "call": name, "arguments": arguments}), "utf-8")
        temporary.replace(self.folder / "request.json")
        reply = wait_for(self._reply, timeout_s, f"Blender's answer to {name}")
        if "error" in reply:
            raise RuntimeError(f"{name}: {reply['error']}")
        return reply["result"]

    def new_file(self) -> None:
        """Begin an empty file, with the sidebar open."""
        self.call("new_file")
        self.settle(3 * _SETTLE_S)
        self._open_sidebar()

    def _open_sidebar(self) -> None:
        self.call("show_sidebar", timeout_s=_START_S)
        self.settle(3 * _SETTLE_S)
        self.call("show_panel")
        self._height = self.call("rectangles")["screen"][3]

    def _reply(self) -> dict[str, object] | None:
        if self._processes[-1].poll() is not None:
            raise RuntimeError(f"Blender has ended: {self.log()[-2000:]}")
        try:
            reply = json.loads((self.folder / "reply.json").read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return reply if reply["id"] == self._id else None

    def shot(self, name: str) -> Path:
        """Save the screen as `NN_name.png`, after everything that happened was drawn."""
        self.settle()
        self._shots += 1
        file = f"{self._shots:02d}_{name}.png"
        self._run("import", "-window", "root", str(self._inside / file))
        return Path(shutil.move(self.folder / file, self.out / file))

    def picture(self, name: str, region: str = "UI") -> None:
        """Save a region of the 3D view (`UI`: the sidebar) or the whole `screen` for the manual."""
        if self._pictures is None:
            return
        self.settle()
        x, y, width, height = self.call("rectangles")[region]
        left, top = self._window[0] + x, self._window[1] + self._height - y - height
        if region == "screen":
            left, top, width, height = 0, 0, *SCREEN
        file = f"{name}.png"
        taken, trim = str(self._inside / file), ["-fuzz", "3%", "-trim", "+repage"] if region == "UI" else []
        self._run("import", "-window", "root", "-crop", f"{width}x{height}+{left}+{top}", "+repage", taken)
        self._run("convert", taken, *trim, "-colors", "256", taken)
        self._pictures.mkdir(parents=True, exist_ok=True)
        shutil.move(self.folder / file, self._pictures / file)

    def settle(self, seconds: float = _SETTLE_S) -> None:
        """Let Blender take in events and draw: a time, and then a whole turn of its event loop."""
        time.sleep(seconds)
        self.call("ping")
        self.call("ping")

    def key(self, *names: str) -> None:
        """Press keys (xdotool's names: Escape, ctrl+z, shift+a)."""
        for name in names:
            self._run("xdotool", "key", "--clearmodifiers", name)
            self.settle()

    def type(self, text: str) -> None:
        """Type text."""
        self._run("xdotool", "type", "--delay", "40", text)
        self.settle()

    def move(self, x: int, y: int, settle_s: float = _SETTLE_S) -> None:
        """Move the mouse to a place in Blender's window, pixels from its lower left corner."""
        self._mouse = (x, y)
        left, top = self._window
        top += self._height - 1
        # Two events: Blender highlights a button only when the mouse moves over it.
        self._run("xdotool", "mousemove", str(left + x - 1), str(top - y), "sleep", "0.05",
                  "mousemove", str(left + x), str(top - y))  # fmt: skip
        self.settle(settle_s)

    def click(self, repeat: int = 1) -> None:
        """Click the left button where the mouse is."""
        self._run("xdotool", "click", "--repeat", str(repeat), "--delay", "80", "1")
        self.settle()

    def drag(self, right: int, steps: int, watch: Callable[[], object]) -> list[object]:
        """Drag with the left button from where the mouse is, in pixels; `watch` is asked after every step."""
        self._run("xdotool", "mousedown", "1")
        seen = []
        for step in range(1, steps + 1):
            pixels = round(right * step / steps) - round(right * (step - 1) / steps)
            self._run("xdotool", "mousemove_relative", "--", str(pixels), "0")
            self.settle(0.1)
            seen.append(watch())
        self._run("xdotool", "mouseup", "1")
        self.settle()
        return seen

    def drag_to(self, x: int, y: int) -> None:
        """Drag with the left button from where the mouse is to a place in Blender's window."""
        from_x, from_y = self._mouse
        self._run("xdotool", "mousedown", "1")
        for share in (0.005, 0.01, 0.02, 0.05, 0.25, 0.5, 0.75, 0.99, 1.0):  # slow at first: a drag
            self.move(round(from_x + (x - from_x) * share), round(from_y + (y - from_y) * share))
        self._run("xdotool", "mouseup", "1")
        self.settle()

    def over_view(self) -> None:
        """Put the mouse over the 3D view, so that keys go there."""
        x, y, width, height = self.call("rectangles")["WINDOW"]
        self.move(x + width // 3, y + height // 4)

    def words(self, region: str = "UI") -> list[list[tuple[str, int, int]]]:
        """What stands written in a region of the 3D view, read from the screen.

        Returns:
            Lines of words with their places, pixels from the window's lower left corner.
        """
        x, y, width, height = self.call("rectangles")[region]
        self.settle()
        left, top = self._window[0] + x, self._window[1] + self._height - y - height
        picture = str(self._inside / "words.png")
        self._run("import", "-window", "root", "-crop", f"{width}x{height}+{left}+{top}", "+repage",
                  "-colorspace", "gray", "-negate", "-resize", f"{100 * _READING_SCALE}%",
                  picture)  # fmt: skip
        table = self._run("tesseract", picture, "-", "--psm", "6", "tsv").splitlines()
        lines: dict[str, list[tuple[str, int, int]]] = {}
        for row in (line.split("\t") for line in table[1:]):
            if len(row) == 12 and float(row[10]) > _READ_SURELY and row[11].strip():
                right, down = (int(row[i]) + int(row[i + 2]) // 2 for i in (6, 7))
                place = (row[11], x + right // _READING_SCALE, y + height - down // _READING_SCALE)
                lines.setdefault(" ".join(row[2:5]), []).append(place)
        return list(lines.values())

    def point_text(self, text: str, region: str = "UI") -> None:
        """Move the mouse onto a text in the sidebar.

        Raises:
            KeyError: it is not to be read there.
        """
        wanted = text.split()
        lines = self.words(region)
        for line in lines:
            read = [word for word, _, _ in line]
            for i in range(len(read)):
                if read[i : i + len(wanted)] == wanted:
                    self.move(*line[i][1:])
                    return
        raise KeyError(
            f"{text!r} is not to be read among {[' '.join(w for w, _, _ in line) for line in lines]}"
        )

    def point_beside(self, row: int, name: str) -> None:
        """Move the mouse onto a small button at the right end of a row of the sidebar.

        Raises:
            KeyError: there is no such button.
        """
        x, _, width, _ = self.call("rectangles")["UI"]
        for right in range(20, 100, 6):
            self.move(x + width - right, row, settle_s=0.12)
            if name in str(self.call("hovered")):
                return
        raise KeyError(f"{name} is not in the row at {row}")

    def place_of(self, text: str) -> tuple[int, int]:
        """Where a text stands in the sidebar; the mouse is there then."""
        self.point_text(text)
        return self._mouse

    def scroll(self, steps: int) -> None:
        """Turn the wheel over the sidebar: positive shows what is further down."""
        x, y, width, height = self.call("rectangles")["UI"]
        self.move(x + width // 4, y + height // 2)
        button = "5" if steps > 0 else "4"
        self._run("xdotool", "click", "--repeat", str(abs(steps)), "--delay", "60", button)
        self.settle()

    def scan(self) -> None:
        """Find the panel's buttons by moving down the sidebar and asking Blender what is under the mouse."""
        self.over_view()
        rectangles = self.call("rectangles")
        x, y, width, height = rectangles["UI"]
        self.panel = {}
        for row in range(y + height - 30, y + 10, -12):
            self.move(x + int(width * 0.6), row, settle_s=0.06)
            found = str(self.call("hovered"))
            name = found.partition("(")[0].rpartition(".")[2]
            if name:
                self.panel.setdefault(name, (x + int(width * 0.6), row))

    def point(self, name: str) -> None:
        """Move the mouse onto a button of the panel.

        Raises:
            KeyError: the panel has no such button.
        """
        for _attempt in range(2):
            if name in self.panel:
                x, y = self.panel[name]
                self.move(x, y - 4)
                if name in str(self.call("hovered")):
                    return
            self.scan()
        raise KeyError(f"{name} is not among the panel's buttons {sorted(self.panel)}")


def wait_for(ask: Callable[[], object], timeout_s: float, what: str) -> object:
    """Ask until the answer is true.

    Raises:
        TimeoutError: it never was.
    """
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    raise TimeoutError(f"Waited {timeout_s:.0f} s for {what}")
