"""A file that says what the numbers of a 3DMM mean: the same mesh with ARKit shapes, or coefficients.

Accepted are `.npz` files with either
- `neutral` [V, 3], `expression_deltas` [E, V, 3] and `expression_names` [E] (as published for ICT-FaceKit): a
  face with the vertices of the character and ARKit's names, in any unit and orientation; or
- `channels` [C] and `coefficients` [C, K]: those of the K keys, in their order, for every channel at 1
  (as published for FLAME and others). A `.json` file with these two fields is read as well.
"""

from __future__ import annotations

import json
import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .channels import ARKIT_52
from .errors import RigError
from .names import match_channels
from .rig_shapes import KeyShapes, Space

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from .rig_source import KeySet
    from .types import FloatArray

_SIZE_MAX = 2**31
_JSON_MAX = 2**28
_DAMAGED: Final = (
    ValueError, KeyError, TypeError, EOFError, RuntimeError, SyntaxError, OverflowError, MemoryError,
    struct.error, tokenize.TokenError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip
"""What numpy, zipfile and json raise on damaged bytes."""
_FIT_MAX = 0.02
"""Largest mean distance of the vertices from those of the file, as a share of the face's size."""


@dataclass(frozen=True)
class Basis:
    """What channels are in terms of a 3DMM; either `neutral` and `deltas`, or `coefficients`."""

    channels: tuple[str, ...]
    neutral: FloatArray | None = None
    """float32 [V, 3]"""
    deltas: FloatArray | None = None
    """float32 [C, V, 3]"""
    coefficients: FloatArray | None = None
    """float32 [C, K]"""


def read_basis(path: str | os.PathLike[str]) -> Basis:
    """Read a basis file.

    Raises:
        RigError: it cannot be opened, has not the arrays described above, or no ARKit name in them.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > _SIZE_MAX:
            raise _refusal(file, "it is larger than 2 GiB")
        if file.suffix.lower() == ".json":
            if size > _JSON_MAX:
                raise _refusal(file, "as JSON it is larger than 256 MB, save it as npz")
            return _basis(file, json.loads(file.read_text(encoding="utf-8-sig")))
        with zipfile.ZipFile(file) as archive:
            if sum(info.file_size for info in archive.infolist()) > _SIZE_MAX:
                raise _refusal(file, "unpacked it is larger than 2 GiB")
        with np.load(file, allow_pickle=False) as data:
            return _basis(file, data)
    except OSError as error:
        raise RigError(
            f'"{file}" cannot be opened ({error.strerror or error})', "Choose the basis file of the model"
        ) from error
    except _DAMAGED as error:
        raise _refusal(file, "it is damaged or of another kind") from error


def _basis(file: Path, data: Mapping[str, Any]) -> Basis:
    if "coefficients" in data and "channels" in data:
        names = [str(name) for name in data["channels"]]
        table = np.asarray(data["coefficients"], np.float32)
        if table.ndim != 2 or len(table) != len(names):
            raise _refusal(file, f"coefficients must be [{len(names)}, keys], they are {list(table.shape)}")
        channels, table = _by_channel(file, names, table)
        return Basis(channels, coefficients=table)
    if "expression_deltas" in data and "expression_names" in data and "neutral" in data:
        names = [str(name) for name in data["expression_names"]]
        neutral = np.asarray(data["neutral"], np.float32)
        deltas = np.asarray(data["expression_deltas"], np.float32)
        if neutral.ndim != 2 or deltas.shape != (len(names), *neutral.shape):
            raise _refusal(file, "its deltas do not fit its names and vertices")
        if not np.isfinite(neutral).all():
            raise _refusal(file, "it has values that are no numbers")
        channels, deltas = _by_channel(file, names, deltas)
        return Basis(channels, neutral, deltas)
    raise _refusal(file, "it has neither expression_deltas and neutral nor channels and coefficients")


def _by_channel(file: Path, names: Sequence[str], rows: FloatArray) -> tuple[tuple[str, ...], FloatArray]:
    found = match_channels(names)
    if not found:
        raise _refusal(file, "none of its names is an ARKit name")
    if not np.isfinite(rows).all():
        raise _refusal(file, "it has values that are no numbers")
    channels = tuple(channel for channel in ARKIT_52 if channel in found)
    index = {name: i for i, name in enumerate(names)}
    summed = [rows[[index[name] for name in found[channel]]].sum(axis=0) for channel in channels]
    return channels, np.stack(summed).astype(np.float32)


def _refusal(file: Path, why: str) -> RigError:
    return RigError(f'"{file}" is no basis of a face model: {why}', "Choose the basis file of the model")


def basis_shapes(basis: Basis, keys: KeySet, chosen: Sequence[int]) -> KeyShapes:
    """What the chosen keys of a mesh move, in the space of the basis.

    Args:
        chosen: indices of keys of the mesh, in the order of the coefficients.

    Raises:
        RigError: the mesh is not the one of the basis, or the number of keys is not that of the coefficients.
    """
    if basis.coefficients is not None:
        count = basis.coefficients.shape[1]
        if len(chosen) > count:
            raise RigError(
                f'"{keys.object}" has {len(chosen)} numbered keys, the basis has {count} coefficients',
                "Choose the basis file that belongs to this mesh",
            )
        effects = np.eye(len(chosen), dtype=np.float32)
        return KeyShapes(
            tuple(chosen), effects, Space(basis.channels, basis.coefficients[:, : len(chosen)].copy())
        )
    if basis.neutral is None or basis.deltas is None:
        raise ValueError("a basis needs deltas or coefficients")
    turned = basis.deltas @ _fit(basis.neutral, keys).T
    effects = np.zeros((len(chosen), *keys.points.shape), np.float32)
    for row, key in enumerate(chosen):
        indices, offsets = keys.deltas[key]
        effects[row, indices] = offsets
    space = Space(basis.channels, turned.reshape(len(turned), -1).astype(np.float32))
    return KeyShapes(tuple(chosen), effects.reshape(len(effects), -1), space)


def _fit(neutral: FloatArray, keys: KeySet) -> FloatArray:
    """float32 [3, 3], rotation times scale from the basis to the mesh (Umeyama 1991)."""
    if neutral.shape != keys.points.shape:
        raise RigError(
            f'"{keys.object}" has {len(keys.points)} vertices, the basis has {len(neutral)}',
            "Choose the basis file that belongs to this mesh",
        )
    mine, theirs = (p.astype(np.float64) - p.mean(axis=0, dtype=np.float64) for p in (keys.points, neutral))
    left, sizes, right = np.linalg.svd(mine.T @ theirs)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    scale = float((sizes * flip).sum() / max(np.square(theirs).sum(), 1e-30))
    matrix = scale * (left * flip) @ right
    distance = float(np.sqrt(np.square(mine - theirs @ matrix.T).sum(axis=1)).mean())
    if distance > _FIT_MAX * float(np.ptp(mine, axis=0).max()):
        raise RigError(
            f'The vertices of "{keys.object}" do not lie as those of the basis do',
            "Choose the basis file that belongs to this mesh",
        )
    return np.asarray(matrix, np.float32)
