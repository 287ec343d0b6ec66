"""What a command tells its user, and the exit codes that all commands share."""

from __future__ import annotations

import json
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OK, SOME_FAILED, REFUSED, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


class Console:
    """What a run tells: sentences for a person, or one JSON object per line on stdout for a machine."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self._live = sys.stderr.isatty() and not quiet and not as_json
        self._shown = ""

    @property
    def is_live(self) -> bool:
        """Whether a person watches a terminal, where a line can be drawn over."""
        return self._live

    def say(self, sentence: str) -> None:
        """A line on stderr."""
        self._clear()
        print(f"soliloquy: {printable(sentence)}", file=sys.stderr, flush=True)

    def progress(self, source: Path, share: float) -> None:
        """How far one input is, 0..1."""
        if self._as_json:
            self.event("progress", input=str(source), progress=round(share, 4))
        else:
            self.status(f"{source.name}  {share:4.0%}")

    def status(self, line: str) -> None:
        """Draw a line over the last one, where a person watches."""
        if self._live:
            self._clear()
            self._shown = line
            print(line, end="", file=sys.stderr, flush=True)

    def inform(self, sentence: str) -> None:
        """A line on stderr for a person who did not ask for quiet."""
        if not self._quiet and not self._as_json:
            self.say(sentence)

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table on stdout for a person: the first column to the left, numbers to the right."""
        if self._quiet or self._as_json:
            return
        self._clear()
        widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
        for row in (titles, *rows):
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            print("  ".join(cells).rstrip(), flush=True)

    def notice(self, source: Path | None, sentence: str) -> None:
        """Something worth knowing about one input, or with None about the whole run."""
        if self._as_json:
            self.event("notice", input=str(source) if source else None, message=sentence)
        elif not self._quiet:
            self.say(sentence)

    def done(self, source: Path, output: Path, frames: int, rate_hz: float) -> None:
        """One input is finished."""
        if self._as_json:
            self.event("done", input=str(source), output=str(output), frames=frames, rate_hz=rate_hz)
        elif not self._quiet:
            self._clear()
            print(f"{source} -> {output}  ({frames} frames at {rate_hz:g} fps)", flush=True)

    def failed(self, source: Path | None, error: Exception) -> None:
        """One input, or with None the whole run, failed."""
        if self._as_json:
            self.event("error", input=str(source) if source else None, message=str(error))
        self.say(str(error))

    def summary(self, done: int, failed: int) -> None:
        """The end of a run over several inputs."""
        if self._as_json:
            self.event("summary", done=done, failed=failed)
        elif not self._quiet:
            self.say(f"{done} animated, {failed} failed")

    def event(self, event: str, **values: Any) -> None:
        """A line of JSON on stdout, where a machine listens."""
        if self._as_json:
            print(json.dumps({"event": event, **values}), flush=True)

    def _clear(self) -> None:
        if self._shown:
            print("\r" + " " * len(self._shown) + "\r", end="", file=sys.stderr)
            self._shown = ""


@contextmanager
def signals_unwind(*, ctrl_c: bool = False) -> Iterator[None]:
    """Within the block a polite kill raises `SystemExit`, so that it removes temporary files as Ctrl-C does.

    Only the main thread may set signals; in others everything stays as it is.

    Args:
        ctrl_c: give Ctrl-C its usual meaning too, inside a program that takes it for something else.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise SystemExit(TERMINATED)

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, stop)}
    if ctrl_c:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():  # None: one that Python did not set and cannot name
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
