"""Actor folders: `actor.json`, takes, faces, memories; provenance of passes; headers of EXR frames."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from mutate import Bytes, json_value, zip_member
from target import JSON, JSON_WORDS, Target, folder, laid, unlaid

_CONSENT = "The speaker agrees to tests of this program"


@lru_cache(maxsize=1)
def _actor() -> object:
    """An actor with a face, a take of three frames and a memory of six patches."""
    from guard import unguarded
    from small_actor import make_small_actor  # not sooner: the package is instrumented first

    with unguarded():
        return make_small_actor(folder() / "actor")


def actor(data: bytes) -> bool:
    """`open_actor`: names of takes stay inside."""
    from soliloquy.inference.actor.folder import ActorError, open_actor

    path = laid(data, "opened/actor.json")
    try:
        found = open_actor(path.parent)
    except ActorError:
        return False
    assert found.consent.statement
    assert found.crop_size % 16 == 0
    for name in found.takes:
        place = found.take(name)
        assert place.parent == path.parent / "takes"
        assert Path(place).name == f"{name}.npz"
    return True


def _documents() -> Iterator[bytes]:
    _actor()
    yield (folder() / "actor" / "actor.json").read_bytes()


def _archive(kind: str) -> object:
    def check(data: bytes) -> bool:
        from dataclasses import replace

        from soliloquy.inference.actor.folder import ActorError
        from soliloquy.inference.actor.memory.bank import load_memory
        from soliloquy.inference.actor.take import load_face, load_take

        whole = _actor()
        other = replace(whole, folder=folder() / "other")
        laid(data, f"other/{'takes/one' if kind == 'take' else kind}.npz")
        if kind == "memory":
            laid((whole.folder / "face.npz").read_bytes(), "other/face.npz")
        load = {"take": lambda a: load_take(a, "one"), "face": load_face, "memory": load_memory}[kind]
        try:
            _in_order(load(other))
        except ActorError:
            return False
        return True

    def seeds() -> Iterator[bytes]:
        _actor()
        place = folder() / "actor"
        yield (place / ("takes/one.npz" if kind == "take" else f"{kind}.npz")).read_bytes()

    modules = ("soliloquy.inference.actor", "zipfile")
    return Target(
        check, seeds, modules, (zip_member,), (b"PK\3\4", b"PK\1\2", b"\x93NUMPY", b"<f8", b"|O"), 2**19
    )


def _in_order(loaded: object) -> None:
    from soliloquy.inference.actor.types import POINTS, MemoryBank, Take

    if isinstance(loaded, MemoryBank):
        assert [loaded.takes[take] for take in loaded.take]
        assert np.isfinite(loaded.keys).all()
        assert np.isfinite(loaded.points).all()
        assert np.isfinite(loaded.sharpness).all()
        assert loaded.keys.dtype == np.float32
    elif isinstance(loaded, Take):
        rows = len(loaded)
        used = loaded.gaps == 0
        for array in (loaded.landmarks, loaded.head, loaded.expression, loaded.crop, loaded.confidence):
            assert len(array) == rows
            assert np.isfinite(array[used]).all()
        assert all(0 <= cut <= rows for cut in loaded.cuts)
        assert 0 < loaded.focal_px < np.inf
        assert 0 < loaded.motion.rate_hz <= 1000
        assert np.isfinite(loaded.motion.start_s)
        assert loaded.sound_offset_s is None or np.isfinite(loaded.sound_offset_s)
    else:
        assert ((loaded.triangles >= 0) & (loaded.triangles < POINTS)).all()
        assert np.isfinite(loaded.identity).all()
        assert np.isfinite(loaded.basis).all()


def provenance(data: bytes) -> bool:
    """`verify` of a folder whose list and signature are any bytes (split at a NUL), and what it says."""
    from soliloquy.inference.actor.trust.verification import State, verify
    from soliloquy.inference.commands.verify import _line, _text
    from soliloquy.inference.errors import SoliloquyError

    listed, _, signature = data.partition(b"\0")
    path = laid(listed, "pass/provenance.json")
    laid(signature, "pass/provenance.json.sig") if signature else unlaid("pass/provenance.json.sig")
    laid(b"frame", "pass/face_0001.exr")
    try:
        (verdict,) = verify(path.parent)
    except SoliloquyError:
        return False
    assert verdict.findings
    assert all(isinstance(sentence, str) for sentence in verdict.findings)
    assert json.loads(_line(verdict))
    assert all(line.isprintable() for line in _text(verdict).split("\n"))
    return verdict.state is State.INTACT


def _passes() -> Iterator[bytes]:
    from hashlib import sha256

    files = {"face_0001.exr": sha256(b"frame").hexdigest()}
    whole = {"format": 1, "tool": "Soliloquy", "files": files, "consent": {"statement": _CONSENT}}
    yield (
        json.dumps(whole).encode()
        + b"\0"
        + json.dumps({"algorithm": "es256", "signature": "", "chain": []}).encode()
    )
    yield from _signed(json.dumps({**whole, "version": "0"}).encode())
    yield json.dumps({**whole, "actor": {"name": "A"}, "sources": {"x.wav": "0" * 64}}).encode()
    yield json.dumps({**whole, "files": {"../x": "0" * 64, "NUL": "1"}}).encode()


def _signed(content: bytes) -> Iterator[bytes]:
    """The same with a real signature, of a certificate made for this."""
    from soliloquy.inference.actor.trust.credentials import DATA_VARIABLE, find_credentials, sign_bytes

    before = os.environ.get(DATA_VARIABLE)
    os.environ[DATA_VARIABLE] = str(folder() / "data")
    try:
        credentials = find_credentials()
    finally:
        os.environ.pop(DATA_VARIABLE)
        if before is not None:
            os.environ[DATA_VARIABLE] = before
    yield content + b"\0" + json.dumps(sign_bytes(credentials, content)).encode()


def _either(data: bytes, chance: random.Random, change: Bytes) -> bytes | None:
    """A value of the list or of the signature changed."""
    listed, mark, signature = data.partition(b"\0")
    if mark and chance.random() < 0.5:
        new = json_value(signature, chance, change)
        return None if new is None else listed + mark + new
    new = json_value(listed, chance, change)
    return None if new is None else new + mark + signature


def picture(data: bytes) -> bool:
    """`verify` of a picture, and its pixels: the first byte chooses what its name says it is."""
    from soliloquy.inference.actor.media.images import ImageError, read_channels
    from soliloquy.inference.actor.trust.verification import verify
    from soliloquy.inference.commands.verify import _text
    from soliloquy.inference.errors import SoliloquyError

    path = laid(data[1:], f"picture/one.{('exr', 'png', 'jpg', 'tif')[data[0] % 4] if data else 'exr'}")
    try:
        (verdict,) = verify(path)
        assert all(line.isprintable() for line in _text(verdict).split("\n"))
        channels, texts = read_channels(path)
    except ImageError:
        return False
    except SoliloquyError:
        return False
    assert len({array.shape for array in channels.values()}) == 1
    assert all(isinstance(text, str) for text in texts.values())
    return True


def _pictures() -> Iterator[bytes]:
    yield b"\0" + next(iter(_frames()))
    from guard import unguarded
    from soliloquy.inference.actor.media.images import write_png

    path = folder() / "seed.png"
    with unguarded():
        write_png(path, np.full((4, 4, 3), 99, np.uint8), {"soliloquy:synthetic": "true"})
    yield b"\1" + path.read_bytes()


def face_model(data: bytes) -> bool:
    """`load_mesh`: the canonical face in MediaPipe's bundle."""
    from soliloquy.inference.actor.capture.tracking import TrackingError, load_mesh

    try:
        mesh = load_mesh(laid(data, "face.task"))
    except TrackingError:
        return False
    assert np.isfinite(mesh.vertices).all()
    assert ((mesh.triangles >= 0) & (mesh.triangles < len(mesh.vertices))).all()
    return True


def _bundles() -> Iterator[bytes]:
    import io
    import zipfile

    vertices = np.zeros((468, 5), "<f4").tobytes()
    size = len(vertices)
    mesh = b"\x1a" + bytes([size & 127 | 128, size >> 7]) + vertices + b"\x20\x00\x20\x01\x20\x02"
    size = len(mesh)
    content = b"\x0a" + bytes([size & 127 | 128, size >> 7]) + mesh
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr(zipfile.ZipInfo("geometry_pipeline_metadata_landmarks.binarypb"), content)
    yield buffer.getvalue()


def exr_header(data: bytes) -> bool:
    """`read_texts`."""
    from soliloquy.inference.actor.media.exr import read_texts

    found = read_texts(laid(data, "frame.exr"))
    if found is None:
        return False
    assert all(isinstance(name, str) and isinstance(text, str) for name, text in found.items())
    return True


def _frames() -> Iterator[bytes]:
    from guard import unguarded
    from soliloquy.inference.actor.media.exr import Window, write_exr

    path = folder() / "seed.exr"
    with unguarded():
        write_exr(
            path, Window(np.ones((2, 3, 4), np.float16), 1, 1, 8, 8), ("R", "G", "B", "matte.V"), {"a": "b"}
        )
    yield path.read_bytes()


TARGETS = {
    "actor": Target(
        actor,
        _documents,
        ("soliloquy.inference.actor.folder", "soliloquy.inference.safe_names"),
        JSON,
        JSON_WORDS,
    ),
    "take": _archive("take"),
    "face": _archive("face"),
    "memory": _archive("memory"),
    "provenance": Target(
        provenance,
        _passes,
        ("soliloquy.inference.actor.trust",),
        (_either,),
        JSON_WORDS,
        needs=("OpenImageIO", "c2pa", "cryptography"),
    ),
    "face_model": Target(
        face_model, _bundles, ("soliloquy.inference.actor.capture.tracking", "zipfile"), (zip_member,)
    ),
    "picture": Target(
        picture,
        _pictures,
        ("soliloquy.inference.actor.trust", "soliloquy.inference.actor.media.images"),
        needs=("OpenImageIO", "c2pa", "cryptography"),
        words=(b"IHDR", b"iTXt", b"caBX", b"\x76\x2f\x31\x01", b"dataWindow\0", b"\xff\xff\xff\x7f"),
    ),
    "exr_header": Target(exr_header, _frames, ("soliloquy.inference.actor.media.exr",)),
}
