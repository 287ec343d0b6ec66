"""A rig map as a JSON file that a person can read and edit, and that moves between scenes and machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

import numpy as np

from .errors import RigError
from .files import atomic_write
from .types import RigKind, RigMap, RigTarget, SolvedKeys

if TYPE_CHECKING:
    import os

Name = TypeVar("Name", bound=str)

FORMAT: Final = "soliloquy rig map"
VERSION: Final = 1
_SIZE_MAX: Final = 32 * 2**20
_KINDS: Final[tuple[RigKind, ...]] = get_args(RigKind)
_MODES: Final = ("QUATERNION", "AXIS_ANGLE", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def write_map(path: str | os.PathLike[str], rig_map: RigMap) -> None:
    """Write a map; the file appears when it is complete.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_write(path) as stream:
        stream.write(to_json(rig_map))


def read_map(path: str | os.PathLike[str]) -> RigMap:
    """Read a map that `write_map` wrote, or that a person edited.

    Raises:
        RigError: the file cannot be read, is no rig map, or a value in it is of the wrong kind.
    """
    file = Path(path)
    try:
        if file.stat().st_size > _SIZE_MAX:
            raise _refusal(str(file), "it is larger than any rig map")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RigError(
            f'"{file}" cannot be opened ({error.strerror})', "Choose a rig map that was saved before"
        ) from error
    except UnicodeDecodeError as error:
        raise _refusal(str(file), "it is not text") from error
    return from_json(text, str(file))


def to_json(rig_map: RigMap) -> str:
    """The text of a map's file."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "targets": [_target_fields(target) for target in rig_map.targets],
        "solved": [_solved_fields(solved) for solved in rig_map.solved],
        "unmatched": list(rig_map.unmatched),
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def from_json(text: str, name: str = "The text") -> RigMap:
    """The map of a file's text; `name` stands for the file in errors.

    Raises:
        RigError: as for `read_map`.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(name, "it is not JSON") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _refusal(name, f'its "format" is not "{FORMAT}"')
    if document.get("version") != VERSION:
        raise RigError(
            f'"{name}" is a rig map of version {document.get("version")}, this is version {VERSION}',
            "Save it again with this version of Soliloquy, or update Soliloquy",
        )
    try:
        return RigMap(
            tuple(_target(fields) for fields in _list(document, "targets")),
            tuple(_solved(fields) for fields in _list(document, "solved")),
            tuple(_text(channel) for channel in _list(document, "unmatched")),
        )
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise _refusal(name, f"a value in it is wrong ({_reason(error)})") from error


def _refusal(name: str, why: str) -> RigError:
    return RigError(f'"{name}" is not a rig map: {why}', "Choose a rig map that was saved before")


def _reason(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _target_fields(target: RigTarget) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "channel": target.channel,
        "kind": target.kind,
        "object": target.object,
        "data_path": target.data_path,
        "index": target.index,
        "gain": target.gain,
        "offset": target.offset,
        "confidence": target.confidence,
    }
    if target.axis is not None:
        fields |= {"axis": list(target.axis), "rotation_mode": target.rotation_mode}
    return fields


def _target(fields: dict[str, Any]) -> RigTarget:
    axis = fields.get("axis")
    index = fields.get("index", 0)
    if not isinstance(index, int) or not 0 <= index < 32:
        raise ValueError(f"index {index}")
    return RigTarget(
        _text(fields["channel"]),
        _text(fields["object"]),
        _text(fields["data_path"]),
        index,
        _number(fields.get("gain", 1.0)),
        _number(fields.get("offset", 0.0)),
        _number(fields.get("confidence", 1.0)),
        _one_of(_KINDS, fields.get("kind", "SHAPE_KEY")),
        None if axis is None else _axis(axis),
        _one_of(_MODES, fields.get("rotation_mode", "QUATERNION")),
    )


def _solved_fields(solved: SolvedKeys) -> dict[str, Any]:
    return {
        "object": solved.object,
        "data_paths": list(solved.data_paths),
        "channels": list(solved.channels),
        "gram": _rounded(solved.gram),
        "cross": _rounded(solved.cross),
        "confidence": solved.confidence,
        "minimum": solved.minimum,
        "maximum": solved.maximum,
        "ridge": solved.ridge,
        "copies": [list(copy) for copy in solved.copies],
        "mixed": [list(mixed) for mixed in solved.mixed],
        "channels_open_mm": [float(f"{way:.6g}") for way in solved.channels_open_mm],
        "keys_open_mm": [float(f"{way:.6g}") for way in solved.keys_open_mm],
    }


def _solved(fields: dict[str, Any]) -> SolvedKeys:
    paths = tuple(_text(path) for path in _list(fields, "data_paths"))
    channels = tuple(_text(channel) for channel in _list(fields, "channels"))
    copies = tuple((_text(o), _text(path), k) for o, path, k in _list(fields, "copies"))
    if not all(isinstance(k, int) and 0 <= k < len(paths) for *_, k in copies):
        raise ValueError("copies of a key that is not there")
    mixed = tuple((_text(o), _text(path), k, _number(s)) for o, path, k, s in _list(fields, "mixed"))
    if not all(isinstance(k, int) and 0 <= k < len(paths) for _, _, k, _ in mixed):
        raise ValueError("shares of a key that is not there")
    gram = _matrix(fields["gram"], len(paths), len(paths))
    if len(gram) == 0 or np.linalg.eigvalsh((gram + gram.T) / 2).min() < -1e-3 * np.abs(gram).max():
        raise ValueError("gram is no Gram matrix")
    return SolvedKeys(
        _text(fields["object"]),
        paths,
        channels,
        (gram + gram.T) / 2,
        _matrix(fields["cross"], len(channels), len(paths)),
        _number(fields.get("confidence", 1.0)),
        _number(fields.get("minimum", 0.0)),
        _number(fields.get("maximum", 1.0)),
        _number(fields.get("ridge", 0.01), above=0.0),
        copies,
        tuple(_number(way) for way in _list(fields, "channels_open_mm")),
        tuple(_number(way) for way in _list(fields, "keys_open_mm")),
        mixed,
    )


def _list(fields: dict[str, Any], name: str) -> list[Any]:
    value = fields.get(name, [])
    if not isinstance(value, list):
        raise TypeError(f"{name} is no list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: object, above: float = -np.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not above < value < np.inf:
        raise ValueError(f"{value!r} is no usable number")
    return float(value)


def _one_of(known: tuple[Name, ...], value: object) -> Name:
    for name in known:
        if name == value:
            return name
    raise ValueError(f"{value!r} is none of {', '.join(known)}")


def _axis(value: Any) -> tuple[float, float, float]:
    x, y, z = (_number(part) for part in value)
    if x * x + y * y + z * z < 1e-12:
        raise ValueError("an axis without a direction")
    return x, y, z


def _matrix(value: Any, rows: int, columns: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    matrix = np.asarray(value, np.float32).reshape(rows, columns)
    if not np.isfinite(matrix).all():
        raise ValueError("a matrix with a value that is no number")
    return matrix


def _rounded(matrix: np.ndarray[Any, np.dtype[np.float32]]) -> list[list[float]]:
    return [[float(f"{value:.6g}") for value in row] for row in matrix.tolist()]
