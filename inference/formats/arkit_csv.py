"""ARKit curves as a table: a header `time_s,eyeBlinkLeft,...`, then one row per frame.

Seconds with six decimals, weights 0..1 with four; head channels, where present, in radians with four.
Reading also understands the tables of Live Link Face (time codes, capitalised names) and of tools that
write `blendShapes.EyeBlinkLeft` and the like.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..channels import HEAD
from ..curves import RATE_MAX_HZ
from ..errors import UsageError
from ..files import atomic_write
from ..names import match_channels
from ..types import FaceMotion

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from numpy.typing import NDArray

_STEPS = 10_000  # four decimals
_TIME_TITLES = ("time_s", "time", "times", "timecode", "seconds", "t")
_TIMECODE = re.compile(r"(\d+):(\d+):(\d+)[:;](\d+(?:\.\d+)?)")
_TIMECODE_RATES_HZ = (24, 25, 30, 48, 50, 60, 100, 120)
_LIVE_LINK_HZ = 60
_LONE_ROW_RATE_HZ = 60.0
_MOST_BYTES = 2**29
_MOST_ROWS = 5_000_000
_LATEST_S = 1e6
_ROWS_ADDED = 100_000
"""Rows that a table may gain when its times are made even: a gap of half an hour at 60 Hz."""
_TIME_NOISE_S = 1.5e-3
"""Times written with three decimals are off by up to half of this at either end."""


def write_csv(path: str | os.PathLike[str], pieces: Iterable[FaceMotion]) -> None:
    """Write consecutive pieces of one motion; the file appears when all of them are written.

    Args:
        path: the file; its folder must exist.
        pieces: at least one; all with the same channels. Face channels are clipped to 0..1.

    Raises:
        OutputError: the file cannot be written.
    """
    pieces = iter(pieces)
    first = next(pieces, None)
    if first is None:
        raise ValueError("a table needs at least one piece of motion")
    with atomic_write(path, "wb") as stream:
        stream.write(",".join(("time_s", *first.channels)).encode() + b"\n")
        for piece in chain([first], pieces):
            if piece.channels != first.channels:
                raise ValueError(f"pieces must have the channels of the first one, got {piece.channels}")
            stream.write(_rows(piece))


def _rows(motion: FaceMotion) -> bytes:
    if not np.isfinite(motion.values).all():
        raise ValueError("motion must be finite")
    weights = [i for i, channel in enumerate(motion.channels) if channel not in HEAD]
    lines = [b"%.6f" % time for time in motion.times_s.tolist()]
    if weights == list(range(len(weights))):
        lines = _with_weights(lines, motion.values[:, weights])
        for i in range(len(weights), len(motion.channels)):
            lines = [line + b",%.4f" % x for line, x in zip(lines, motion.values[:, i].tolist(), strict=True)]
    else:
        for i in range(len(motion.channels)):
            column = motion.values[:, i].tolist()
            column = [min(max(x, 0.0), 1.0) for x in column] if i in weights else column
            lines = [line + b",%.4f" % x for line, x in zip(lines, column, strict=True)]
    return b"".join(line + b"\n" for line in lines)


def _with_weights(lines: list[bytes], values: NDArray[np.float32]) -> list[bytes]:
    """Append float32 [T, C] to T lines. All cells are equally wide, so one table look-up writes all."""
    steps = np.rint(np.clip(values, 0.0, 1.0) * _STEPS).astype(np.intp)
    cells = _cells()
    text = cells[steps].tobytes()
    width = values.shape[1] * cells.shape[1]
    return [line + text[i * width : (i + 1) * width] for i, line in enumerate(lines)]


@lru_cache(maxsize=1)
def _cells() -> NDArray[np.uint8]:
    """uint8 [10001, 7]: the texts ",0.0000" to ",1.0000"."""
    text = b"".join(b",%d.%04d" % divmod(i, _STEPS) for i in range(_STEPS + 1))
    return np.frombuffer(text, np.uint8).reshape(_STEPS + 1, -1)


def read_csv(path: str | os.PathLike[str]) -> FaceMotion:
    """Read a table of ARKit curves.

    Names may be spelled in any of the ways that `names.match_channels` knows; other columns are ignored, and
    so are the head columns of Live Link Face, whose signs are not ours. Rows at uneven times are resampled to
    an even rate.

    Raises:
        UsageError: not a table of curves, or a cell that is not a number.
    """
    shown = Path(path)
    lines = _read_lines(shown)
    separator = max(",;\t", key=lines[0].count)
    titles = [title.strip() for title in lines[0].split(separator)]
    time_column = next((i for i, title in enumerate(titles) if title.lower() in _TIME_TITLES), None)
    columns = {channel: titles.index(names[0]) for channel, names in match_channels(titles).items()}
    if "time_s" in titles:
        columns |= {channel: titles.index(channel) for channel in HEAD if channel in titles}
    if time_column is None or not columns:
        raise UsageError(
            f"'{shown}' is not a table of ARKit curves: its first line names no "
            + ("time column" if time_column is None else "ARKit channel"),
            "Its first line must read like 'time_s,jawOpen,mouthClose'",
        )
    times_s, values = _read_cells(shown, lines[1:], separator, time_column, list(columns.values()))
    return _even(shown, times_s, values, tuple(columns))


def _read_lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"'{path}' is larger than {_MOST_BYTES >> 20} MB", "Split it")
        with path.open(encoding="utf-8-sig") as stream:
            rows = (line.replace('"', "") for line in stream if line.strip())  # no cell holds a separator
            lines = list(islice(rows, _MOST_ROWS + 1))
    except FileNotFoundError:
        raise UsageError(f"'{path}' does not exist", "Check the path") from None
    except UnicodeDecodeError:
        raise UsageError(f"'{path}' is not a text file", "Give a CSV file of ARKit curves") from None
    except OSError as error:
        raise UsageError(
            f"'{path}' cannot be read ({error.strerror})", "Check the path and its permissions"
        ) from None
    if len(lines) > _MOST_ROWS:
        raise UsageError(f"'{path}' has more than {_MOST_ROWS} rows", "Split it")
    if len(lines) < 2:
        raise UsageError(f"'{path}' has no rows", "Give a CSV file of ARKit curves with a header and rows")
    return lines


def _read_cells(
    path: Path, lines: list[str], separator: str, time_column: int, columns: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """float64 [T] seconds, strictly ascending, and float64 [T, C]."""
    try:
        times = [line.split(separator)[time_column].strip() for line in lines]
        times_s = _seconds(times)
        values = np.loadtxt(lines, delimiter=separator, usecols=columns, ndmin=2, comments=None)
    except (ValueError, IndexError):
        raise UsageError(
            f"'{path}' has a cell that is missing or not a number: {_bad_cell(lines, separator, columns)}",
            "Mend or remove that row",
        ) from None
    if not (np.abs(values) <= np.finfo(np.float32).max).all() or not np.isfinite(times_s).all():
        raise UsageError(f"'{path}' has cells that are infinite or not numbers", "Mend or remove those rows")
    if (np.diff(times_s) <= 0.0).any():
        row = int(np.argmax(np.diff(times_s) <= 0.0)) + 3
        raise UsageError(
            f"The times in '{path}' do not rise at row {row}", "Sort the rows, and remove doubles"
        )
    if np.abs(times_s[[0, -1]]).max() > _LATEST_S:
        raise UsageError(f"'{path}' has times beyond {_LATEST_S:.0f} seconds", "Write times in seconds")
    return times_s, values


def _bad_cell(lines: list[str], separator: str, columns: list[int]) -> str:
    for row, line in enumerate(lines, start=2):
        cells = line.split(separator)
        for column in columns:
            try:
                float(cells[column].strip())
            except ValueError:
                return f"row {row}, column {column + 1} holds '{cells[column].strip()[:30]}'"
            except IndexError:
                return f"row {row} has {len(cells)} cells"
    return "a time"


def _seconds(times: list[str]) -> NDArray[np.float64]:
    """Seconds from numbers, or from time codes HH:MM:SS:FF[.fff], which count from the first row."""
    if ":" not in times[0]:
        return np.array([float(time) for time in times])
    fields = np.array([_timecode(time) for time in times])
    highest = fields[:, 3].max()
    # The file does not name its rate; the frame numbers of a second of it show which one it must be. A take
    # that ends within its first second shows nothing: the app's own rate is the best guess.
    is_short = bool((fields[:, :3] == fields[0, :3]).all()) and highest < _LIVE_LINK_HZ
    rates = (_LIVE_LINK_HZ,) if is_short else _TIMECODE_RATES_HZ
    rate_hz = next((rate for rate in rates if highest < rate), _TIMECODE_RATES_HZ[-1])
    seconds: NDArray[np.float64] = fields @ np.array([3600.0, 60.0, 1.0, 1.0 / rate_hz])
    return np.asarray(seconds - seconds[0])


def _timecode(text: str) -> tuple[float, ...]:
    found = _TIMECODE.fullmatch(text)
    if found is None:
        raise ValueError(f"not a time code: {text}")
    return tuple(float(part) for part in found.groups())


def _even(
    path: Path, times_s: NDArray[np.float64], values: NDArray[np.float64], channels: tuple[str, ...]
) -> FaceMotion:
    count, start_s = len(times_s), float(times_s[0])
    if count == 1:
        return FaceMotion(values.astype(np.float32), channels, _LONE_ROW_RATE_HZ, start_s)
    span_s = float(times_s[-1]) - start_s
    closest_s = float(np.median(np.diff(times_s)))
    if (
        closest_s * RATE_MAX_HZ < 0.999
        or (count - 1) > 1.001 * RATE_MAX_HZ * span_s
        or span_s / closest_s > count + _ROWS_ADDED
    ):
        raise UsageError(
            f"The times in '{path}' are too uneven, or too close to one another, for a curve",
            f"Write at most {RATE_MAX_HZ:.0f} rows per second, without gaps of hours",
        )
    rate_hz = _usual_rate((count - 1) / span_s, span_s)
    straight = start_s + np.arange(count) / rate_hz
    if np.abs(times_s - straight).max() > 0.25 / rate_hz:
        rate_hz = _usual_rate(1.0 / closest_s, span_s)
        even_s = start_s + np.arange(int(span_s * rate_hz + 0.5) + 1) / rate_hz
        values = np.stack([np.interp(even_s, times_s, column) for column in values.T], axis=1)
    return FaceMotion(values.astype(np.float32), channels, min(rate_hz, RATE_MAX_HZ), start_s)


def _usual_rate(rate_hz: float, span_s: float) -> float:
    """The whole or NTSC rate (24000 / 1001 ...) that the times mean, if one is as close as their rounding."""
    usual = min((float(round(rate_hz)), round(rate_hz * 1.001) / 1.001), key=lambda rate: abs(rate - rate_hz))
    return usual if usual > 0.0 and abs(usual - rate_hz) <= rate_hz * _TIME_NOISE_S / span_s else rate_hz
