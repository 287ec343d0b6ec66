"""Lists of shots, records of what was made, tasks and replies between processes, and who holds the lock."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

from mutate import json_value, lines
from target import JSON, JSON_WORDS, Target, folder, laid


def _shots(data: bytes, name: str) -> bool:
    """Rows in order whose outputs lie inside and belong to one row each."""
    from soliloquy.inference.batch.shots import outputs_of, read_shots
    from soliloquy.inference.errors import UsageError
    from soliloquy.inference.safe_names import safe_relative

    laid(b"sound", "list/line.wav")
    laid(b"blend", "list/set.blend")
    try:
        shots, notices = read_shots(laid(data, f"list/{name}"))
    except UsageError as error:
        _is_sentence(error)
        return False
    assert [shot.row for shot in shots] == list(range(1, len(shots) + 1)) != []
    owners = [name for shot in shots for name in outputs_of(shot)]
    assert len({name.casefold() for name in owners}) == len(owners)
    for output in owners:
        assert safe_relative(output, "x").as_posix() == output
        assert not output.startswith(".soliloquy/")
    assert all(shot.audio.is_file() and shot.out for shot in shots)
    assert all(0 <= shot.seed < 2**31 for shot in shots)
    assert all(isinstance(notice, str) for notice in notices)
    return True


def _is_sentence(error: Exception) -> None:
    assert 10 < len(str(error)) < 50_000


def shots_table(data: bytes) -> bool:
    """A table."""
    return _shots(data, "shots.csv")


def shots_json(data: bytes) -> bool:
    """JSON."""
    return _shots(data, "shots.json")


_ROWS = (
    {
        "audio": "line.wav",
        "out": "a/one.csv",
        "instruction": "sad, then happy",
        "seed": 7,
        "text": "hello, you",
    },
    {
        "audio": "line.wav",
        "out": "two.csv",
        "action": "two.blend",
        "render": "two.mp4",
        "scene": "set.blend",
        "character": "Head",
    },
)


def _tables() -> Iterator[bytes]:
    yield b"audio\nline.wav\n"
    yield b'audio,out,instruction,seed\nline.wav,a/one.csv,"sad, then happy",3\nline.wav,two.csv,,\n'
    yield b"\xef\xbb\xbfaudio;scene;action;render;character\r\nline.wav;set.blend;x.blend;x.mp4;Head\r\n"
    yield b"audio\tout\textra\nline.wav\t..\\x.csv\ty\nline.wav\tNUL\ty\nline.wav\t/x\tz\n"


def _lists() -> Iterator[bytes]:
    yield json.dumps(_ROWS).encode()
    yield json.dumps({"shots": [{"audio": "line.wav"}]}).encode()


def select(data: bytes) -> bool:
    """`--only` of any text chooses rows of the list, in its order."""
    from pathlib import Path

    from soliloquy.inference.batch.plan import select as chosen
    from soliloquy.inference.batch.types import BatchError, Shot

    shots = [Shot(row, Path(f"/x/anna_{row}.wav"), f"anna/{row}.csv") for row in range(1, 9)]
    try:
        found = chosen(shots, data.decode("utf-8", "replace"))
    except BatchError:
        return False
    assert found
    assert [shot for shot in shots if shot in found] == found
    return True


def names(data: bytes) -> bool:
    """`safe_relative` of any text is one path on every system."""
    from pathlib import PureWindowsPath

    from soliloquy.inference.errors import UsageError
    from soliloquy.inference.safe_names import inside, safe_relative

    try:
        path = safe_relative(data.decode("utf-8", "surrogatepass"), "A name")
    except (UsageError, UnicodeDecodeError):
        return False
    windows = PureWindowsPath(str(path))
    assert not (windows.drive)
    assert not (windows.root)
    assert not (path.is_absolute())
    assert windows.parts == path.parts
    assert ".." not in path.parts
    assert inside(folder(), path) == folder() / path
    return True


def _names() -> Iterator[bytes]:
    for text in ("a/b.csv", "..\\x", "C:\\x", "con.txt", "a./b ", "été/名前.wav", "//host/share", "nul"):
        yield text.encode()


def record(data: bytes) -> bool:
    """A record of any content: made again, or what it says is there and lies inside."""
    from soliloquy.inference.batch.records import STATE, is_unchanged, made_by
    from soliloquy.inference.batch.types import Task

    task = Task("curves", 1, ("a/one.csv",), "0" * 64, "/x.wav")
    laid(b"curves", "batch/a/one.csv")
    laid(b"secret", "secret.csv")
    laid(data, f"batch/{STATE}/records/a/one.csv.json")
    place = folder() / "batch"
    made = made_by(place, task)
    unchanged = is_unchanged(place, task)
    if unchanged:
        assert made
        for one in made:
            assert (place / one.path).resolve().is_relative_to(place)
    return unchanged


def _records() -> Iterator[bytes]:
    from hashlib import sha256

    made = {"path": "a/one.csv", "size": 6, "mtime_ns": 0, "sha256": sha256(b"curves").hexdigest()}
    away = {**made, "path": "../secret.csv", "sha256": sha256(b"secret").hexdigest()}
    yield json.dumps({"format": 1, "key": "0" * 64, "made": [made]}).encode()
    yield json.dumps({"format": 1, "key": "0" * 64, "made": [made, away]}).encode()


def task(data: bytes) -> bool:
    """`Task.from_json` gives a task whose fields are what they must be, or says ValueError."""
    from soliloquy.inference.batch.types import KINDS, Task
    from soliloquy.inference.safe_names import safe_relative

    try:
        text = data.decode("utf-8", "replace")
        found = Task.from_json(text)
    except ValueError:
        return False
    assert found.kind in KINDS
    assert type(found.row) is int
    assert found.row >= 1
    assert found.outputs
    assert all(safe_relative(output, "x").as_posix() == output for output in found.outputs)
    assert found.name == found.outputs[0]
    texts = (found.key, found.audio, found.scene, found.character, found.actor, found.plate)
    assert all(isinstance(text, str) for text in texts)
    assert isinstance(found.options, dict)
    assert Task.from_json(found.as_json()) == found
    return True


def _tasks() -> Iterator[bytes]:
    from soliloquy.inference.batch.types import Task

    options = {"seed": 3, "instruction": "sad", "strength": 0.5}
    yield Task("curves", 1, ("a/one.csv",), "0" * 64, "/sound/line.wav", options).as_json().encode()
    made = Task("scene", 2, ("x.blend", "x.mp4"), "1" * 64, "/line.wav", {}, "/set.blend", "Head")
    yield made.as_json().encode()


def reply(data: bytes) -> bool:
    """`from_reply` of whatever a worker answers."""
    import math

    from soliloquy.inference.batch.types import Task
    from soliloquy.inference.batch.worker import from_reply

    asked = Task("curves", 1, ("a/one.csv",), "0" * 64, "/x.wav")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return False
    if not isinstance(message, dict):
        return False
    try:
        result = from_reply(asked, message)
    except ValueError:
        return False
    assert result.state in ("done", "failed")
    assert math.isfinite(result.seconds)
    assert math.isfinite(result.audio_s)
    assert all(isinstance(notice, str) for notice in result.notices)
    return True


def _replies() -> Iterator[bytes]:
    from soliloquy.inference.batch.types import Result, Task
    from soliloquy.inference.batch.worker import as_reply

    asked = Task("curves", 1, ("a/one.csv",), "0" * 64, "/x.wav")
    for result in (Result(asked, "done", "", 1.5, 4.0, ("quiet",)), Result(asked, "failed", "x")):
        yield json.dumps({"event": "result", **as_reply(result)}).encode()


def lock(data: bytes) -> bool:
    """What the lock says of its holder, shown in a sentence."""
    from soliloquy.inference.batch.lock import _refusal

    sentence = str(_refusal(folder(), io.BytesIO(data)))
    assert len(sentence) < 2_000
    return "another process" not in sentence


def _locks() -> Iterator[bytes]:
    from soliloquy.inference.batch.lock import _sign

    for shared in (False, True):
        stream = io.BytesIO()
        _sign(stream, shared=shared)
        yield stream.getvalue()


_PLACES = (
    b"..",
    b"../x",
    b"C:\\x",
    b"NUL",
    b".soliloquy",
    b"manifest.json",
    b"audio",
    b"out",
    b'"',
    b"'",
    b"\r\n",
)
TARGETS = {
    "shots_table": Target(
        shots_table,
        _tables,
        ("soliloquy.inference.batch.shots", "soliloquy.inference.safe_names"),
        (lines,),
        _PLACES,
    ),
    "shots_json": Target(
        shots_json,
        _lists,
        ("soliloquy.inference.batch.shots", "soliloquy.inference.safe_names"),
        JSON,
        JSON_WORDS + _PLACES,
    ),
    "select": Target(
        select, lambda: [b"1-3,7", b"anna_*", b"*/2", b"[1-3]"], ("soliloquy.inference.batch.plan", "fnmatch")
    ),
    "names": Target(names, _names, ("soliloquy.inference.safe_names",), (), _PLACES, 2048),
    "record": Target(
        record, _records, ("soliloquy.inference.batch.records",), (json_value,), JSON_WORDS + _PLACES
    ),
    "task": Target(task, _tasks, ("soliloquy.inference.batch.types",), JSON, JSON_WORDS + _PLACES),
    "reply": Target(reply, _replies, ("soliloquy.inference.batch.worker",), JSON, JSON_WORDS),
    "lock": Target(lock, _locks, ("soliloquy.inference.batch.lock",), JSON, JSON_WORDS),
}
