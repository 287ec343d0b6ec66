"""Whatever the files of an actor folder hold: either a sound value or one clear error, in little memory."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor import archive
from soliloquy.inference.actor.folder import ActorError, open_actor
from soliloquy.inference.actor.memory.bank import load_memory
from soliloquy.inference.actor.take import load_face, load_take
from soliloquy.inference.actor.types import POINTS, ActorFace, MemoryBank, Take

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the makers belong to no package
from small_actor import make_small_actor

CASES = 60
OPTIONAL = {"tracked"}
"""What a file may lack."""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("format", "name", "consent", "crop_size", "identifier", "takes")


@pytest.fixture(scope="module")
def actor(tmp_path_factory):
    return make_small_actor(tmp_path_factory.mktemp("fuzz") / "actor")


LOADERS = {
    "take": lambda actor: load_take(actor, "one"),
    "face": load_face,
    "memory": load_memory,
}
KINDS = {"take": Take, "face": ActorFace, "memory": MemoryBank}


def file_of(actor, kind):
    return actor.take("one") if kind == "take" else actor.folder / f"{kind}.npz"


@pytest.fixture
def written(actor):
    """Gives `actor.json` as a document and writes another in its place; restored afterwards."""
    path = actor.folder / "actor.json"
    kept = path.read_bytes()
    yield json.loads(kept), path
    path.write_bytes(kept)


def opened_or_refused(folder):
    try:
        actor = open_actor(folder)
    except ActorError:
        return None
    assert actor.consent.statement
    assert actor.crop_size % 16 == 0
    assert all("/" not in name and "\\" not in name for name in actor.takes)
    return actor


@given(field=st.sampled_from(FIELDS), value=ANYTHING)
def test_any_value_in_any_field_of_the_actor_file(actor, field, value):
    path = actor.folder / "actor.json"
    kept = path.read_bytes()
    try:
        path.write_text(json.dumps({**json.loads(kept), field: value}), "utf-8")
        opened_or_refused(actor.folder)
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "7", '"actor"', "[" * 100_000, '{"format": 1}', "{" * 5, "\x00", '{"format": NaN}'],
)
def test_text_that_is_no_actor(written, text):
    _, path = written
    path.write_text(text, "utf-8")
    assert opened_or_refused(path.parent) is None


@pytest.mark.parametrize(
    "size", ["Infinity", "NaN", "-16", "0", "1e300", "113", "true", "99999999999999999999"]
)
def test_an_impossible_crop_size(written, size):
    kept, path = written
    path.write_text(json.dumps({**kept, "crop_size": "SIZE"}).replace('"SIZE"', size), "utf-8")
    assert opened_or_refused(path.parent) is None


@pytest.mark.parametrize(
    "name",
    [
        "../one",
        "a/b",
        "..",
        ".",
        "",
        "/etc/passwd",
        "a\\b",
        "..\\one",
        "C:x",
        "a\x00b",
        "NUL",
        "com1.x",
        "a.",
        "a ",
        "a" * 300,
    ],
)
def test_a_take_outside_the_folder(written, name):
    kept, path = written
    path.write_text(json.dumps({**kept, "takes": [name]}), "utf-8")
    assert opened_or_refused(path.parent) is None


@pytest.mark.parametrize("statement", ["", "   ", "yes", None, [], 7])
def test_an_actor_without_consent_is_not_opened(written, statement):
    kept, path = written
    consent = {**kept["consent"], "statement": statement}
    path.write_text(json.dumps({**kept, "consent": consent}), "utf-8")
    assert opened_or_refused(path.parent) is None


@given(st.binary(max_size=200))
def test_bytes_in_place_of_the_actor_file(actor, data):
    path = actor.folder / "actor.json"
    kept = path.read_bytes()
    try:
        path.write_bytes(data)
        assert opened_or_refused(actor.folder) is None
    finally:
        path.write_bytes(kept)


def mutated(data: bytes, random: np.random.Generator) -> bytes:
    """Some bytes changed, or a piece cut out, or the end missing."""
    kind, out = random.integers(3), bytearray(data)
    if kind == 0:
        for _ in range(int(random.integers(1, 30))):
            out[random.integers(len(out))] = random.integers(256)
    elif kind == 1:
        at = int(random.integers(len(out)))
        del out[at : at + int(random.integers(1, 400))]
    else:
        del out[int(random.integers(len(out))) :]
    return bytes(out)


def places(data: bytes) -> list[int]:
    """Where headers lie: of members, arrays and the zip's own list, so that damage is not only in numbers."""
    marks = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x93NUMPY", b"about.json")
    return [at for mark in marks for at in range(len(data)) if data.startswith(mark, at)]


@pytest.mark.parametrize("kind", LOADERS)
def test_damaged_archives(actor, kind):
    path = file_of(actor, kind)
    kept, random = path.read_bytes(), np.random.default_rng(0)
    heads = places(kept)
    try:
        for case in range(CASES):
            data = bytearray(mutated(kept, random)) if case % 2 else bytearray(kept)
            if case % 2 == 0:
                at = min(int(random.choice(heads)) + int(random.integers(120)), len(data) - 1)
                data[at] = random.integers(256)
            path.write_bytes(data)
            try:
                loaded = LOADERS[kind](actor)
            except ActorError:
                continue
            assert isinstance(loaded, KINDS[kind]), case
    finally:
        path.write_bytes(kept)


WRONG = {
    "nothing": lambda array: np.zeros(0, array.dtype),
    "one value": lambda array: np.zeros((), array.dtype),
    "a row less": lambda array: array[:-1] if array.ndim else array,
    "an axis more": lambda array: array[None],
    "an axis less": lambda array: array.reshape(-1),
    "doubles": lambda array: array.astype(np.float64) if array.dtype.kind in "iuf" else array,
    "text": lambda array: np.full(array.shape, "text"),
    "text of digits": lambda array: np.full(array.shape, "7"),
    "not numbers": lambda array: np.full(array.shape, np.nan, np.float32),
    "huge": lambda array: np.full(array.shape, 1e30, np.float32),
    "far below": lambda array: np.full(array.shape, -(2**31), np.int64),
    "far above": lambda array: np.full(array.shape, 2**31, np.int64),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("kind", LOADERS)
def test_archives_with_one_wrong_array(actor, kind, wrong):
    path = file_of(actor, kind)
    kept = path.read_bytes()
    arrays = archive.load_arrays(path, kind, 1)
    try:
        for name, array in arrays.items():
            archive.save_arrays(path, kind, 1, **{**arrays, name: WRONG[wrong](array)})
            try:
                loaded = LOADERS[kind](actor)
            except ActorError:
                continue
            assert isinstance(loaded, KINDS[kind]), name
            in_order(loaded)
        for name in set(arrays) - OPTIONAL:
            archive.save_arrays(path, kind, 1, **{key: arrays[key] for key in arrays if key != name})
            with pytest.raises(ActorError):
                LOADERS[kind](actor)
    finally:
        path.write_bytes(kept)


def in_order(loaded):
    """What everything that uses it relies on."""
    if isinstance(loaded, MemoryBank):
        assert [loaded.takes[take] for take in loaded.take]
        assert loaded.patches[..., 0].dtype == np.uint8
        assert np.isfinite(loaded.keys).all()
    elif isinstance(loaded, Take):
        assert loaded.gaps.shape == loaded.numbers.shape
        assert all(0 <= cut <= len(loaded) for cut in loaded.cuts)
        assert np.issubdtype(loaded.numbers.dtype, np.integer)
        assert loaded.focal_px > 0
        assert loaded.size[0] > 0
    else:
        assert loaded.triangles.ndim == 2
        assert (loaded.triangles >= 0).all()
        assert (loaded.triangles < POINTS).all()


def zipped(members: dict[str, bytes], packed=zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return buffer.getvalue()


def npy(array, **options) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


ABOUT = json.dumps({"kind": "face", "version": 1}).encode()
HUGE = header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }\n")
CODE = header("{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os').getpid(),), }\n")
BOMB = bytes(50_000_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        zipped({}),
        zipped({"about.json": b"[" * 60_000}),
        zipped({"about.json": b"[]"}),
        zipped({"about.json": b'{"kind": "face"}'}),
        zipped({"about.json": b'{"kind": "face", "version": "1"}'}),
        zipped({"about.json": b'{"kind": "memory", "version": 1}'}),
        zipped({"about.json": b'{"kind": "face", "version": 2}'}),
        zipped({"about.json": ABOUT, "identity.npy": npy(np.array([{}]), allow_pickle=True)}),
        zipped({"about.json": ABOUT, "identity.npy": HUGE}),
        zipped({"about.json": ABOUT, "identity.npy": CODE}),
        zipped({"about.json": ABOUT, "identity.npy": npy(np.zeros((POINTS, 3)))}),
        zipped({"about.json": ABOUT, **{f"{i}.npy": npy(np.zeros(1)) for i in range(100)}}),
        zipped({"about.json": ABOUT, "identity.npy": BOMB}, zipfile.ZIP_DEFLATED),
    ],
    ids=lambda data: f"{len(data)} bytes",
)
def test_archives_that_are_no_face(actor, data):
    kept = actor.face.read_bytes()
    try:
        actor.face.write_bytes(data)
        with pytest.raises(ActorError) as refused:
            load_face(actor)
        assert refused.value.remedy
    finally:
        actor.face.write_bytes(kept)


def test_packed_members_cannot_swell(tmp_path):
    """A small file must not ask for much memory: what is kept is kept as it is."""
    path = tmp_path / "bomb.npz"
    array = npy(np.zeros(20_000_000, np.uint8))
    path.write_bytes(zipped({"about.json": ABOUT, "identity.npy": array}, zipfile.ZIP_DEFLATED))
    with pytest.raises(ActorError, match="damaged"):
        archive.load_arrays(path, "face", 1)


def test_a_take_that_the_actor_file_names_and_nobody_made(actor):
    ghost = replace(actor, takes=(*actor.takes, "two"))
    with pytest.raises(ActorError, match="There is no take"):
        load_take(ghost, "two")
    with pytest.raises(ActorError, match="has no take 'three'"):
        load_take(ghost, "three")
