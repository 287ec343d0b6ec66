"""Weights as Audio2Face exports them: one JSON object with a name list and a row of weights per frame.

    {"exportFps": 60.0, "trackPath": "line.wav", "numPoses": 52, "numFrames": 120,
     "facsNames": ["eyeBlinkLeft", ...], "weightMat": [[0.0, ...], ...]}

These six fields are the ones that importers of such files read. `read_a2f_json` takes them back.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..channels import ARKIT_52
from ..curves import RATE_MAX_HZ
from ..errors import UsageError
from ..files import atomic_write
from ..names import match_channels
from ..types import FaceMotion

if TYPE_CHECKING:
    import os

_MAX_BYTES = 512 * 2**20


def write_a2f_json(path: str | os.PathLike[str], motion: FaceMotion, sound: str = "") -> None:
    """Write the ARKit channels of a motion, from its first row on.

    Args:
        path: the file; its folder must exist.
        motion: weights are clipped to 0..1; `exportFps` is its rate. Channels beyond ARKit's 52 are left out.
        sound: what stands as `trackPath`.

    Raises:
        OutputError: the file cannot be written.
    """
    columns = [i for i, channel in enumerate(motion.channels) if channel in ARKIT_52]
    weights = np.clip(motion.values[:, columns], 0.0, 1.0).astype(np.float64)
    head = {
        "exportFps": motion.rate_hz,
        "trackPath": sound,
        "numPoses": len(columns),
        "numFrames": len(weights),
        "facsNames": [motion.channels[i] for i in columns],
    }
    with atomic_write(path) as stream:
        stream.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "weightMat": [')
        for i, row in enumerate(weights.round(6).tolist()):
            stream.write((",\n" if i else "\n") + json.dumps(row))
        stream.write("\n]}\n")


def read_a2f_json(path: str | os.PathLike[str]) -> FaceMotion:
    """Read weights that start at time 0; poses that name no ARKit channel are left out.

    Raises:
        UsageError: no such file, damaged, or without an ARKit channel.
    """
    file = Path(path)
    found = _load(file)
    try:
        rate_hz = float(found["exportFps"])
        names = [str(name) for name in found["facsNames"]]
        weights = np.array(found["weightMat"], np.float32)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise _damaged(file, "exportFps, facsNames or weightMat is missing or not what it must be") from None
    if not (math.isfinite(rate_hz) and 0.0 < rate_hz <= RATE_MAX_HZ):
        raise _damaged(file, f"{rate_hz:g} frames per second are not possible")
    if weights.ndim != 2 or len(weights) == 0 or weights.shape[1] != len(names):
        raise _damaged(file, f"the rows of weightMat must hold {len(names)} weights each")
    if not np.isfinite(weights).all():
        raise _damaged(file, "a weight is infinite or not a number")
    matches = match_channels(names)
    if not matches:
        raise UsageError(
            f"'{file}' names no ARKit channel ({', '.join(names[:3])}, ...)",
            "Export the ARKit blend shapes in Audio2Face",
        )
    columns = [names.index(spelt[0]) for spelt in matches.values()]
    return FaceMotion(np.ascontiguousarray(weights[:, columns]), tuple(matches), rate_hz)


def _load(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise UsageError(f"'{file}' is larger than {_MAX_BYTES // 2**20} MB", "Split it")
        found = json.loads(file.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"'{file}' does not exist", "Check the path") from None
    except OSError as error:
        raise UsageError(
            f"'{file}' cannot be read ({error.strerror})", "Check the path and its permissions"
        ) from None
    except (ValueError, RecursionError):
        raise _damaged(file, "it is not JSON") from None
    if not isinstance(found, dict):
        raise _damaged(file, "it is not one JSON object")
    return found


def _damaged(file: Path, why: str) -> UsageError:
    return UsageError(f"'{file}' is not an export of Audio2Face: {why}", "Export it again as JSON")
