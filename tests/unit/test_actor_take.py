"""Archives, takes and faces: what is written is read, and what is damaged is refused."""

import dataclasses
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.archive import load_arrays, save_arrays
from soliloquy.inference.actor.folder import ActorError, make_actor, open_actor
from soliloquy.inference.actor.take import load_face, load_take, save_face, save_take
from soliloquy.inference.actor.types import POINTS, ActorFace, Take
from soliloquy.inference.channels import ARKIT_52, HEAD
from soliloquy.inference.types import FaceMotion

CONSENT = "The person in these test arrays does not exist"


def take(rows=3, offset=None):
    random = np.random.default_rng(rows)

    def values(*shape):
        return random.normal(size=(rows, *shape)).astype(np.float32)

    return Take(
        plate="line 1.mov",
        plate_sha256="ab" * 32,
        size=(360, 288),
        numbers=np.arange(1, rows + 1, dtype=np.int32),
        motion=FaceMotion(values(55), (*ARKIT_52, *HEAD), 25.0),
        landmarks=values(POINTS, 3),
        head=values(4, 4),
        focal_px=700.0,
        expression=values(5),
        crop=values(2, 3),
        colour=values(3, 2),
        confidence=values(),
        gaps=np.arange(rows, dtype=np.uint8) % 7,
        cuts=(0, 2),
        sound_offset_s=offset,
        notices=("the plate is dark", "é"),
    )


def face():
    random = np.random.default_rng(0)
    return ActorFace(
        random.normal(size=(POINTS, 3)).astype(np.float32),
        random.normal(size=(5, POINTS, 3)).astype(np.float32),
        np.arange(12, dtype=np.int32).reshape(4, 3),
        random.normal(size=(53, 5)).astype(np.float32),
    )


@pytest.fixture
def actor(tmp_path):
    return make_actor(tmp_path / "actor", "Test", CONSENT, 112)


def same(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, FaceMotion):
            same(a, b)
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)


@pytest.mark.parametrize("offset", [None, -0.04])
def test_a_take_and_a_face_come_back_as_they_were(actor, offset):
    actor = save_take(actor, "line_1", take(offset=offset))
    save_face(actor, face())
    again = open_actor(actor.folder)
    assert again.takes == ("line_1",)
    same(load_take(again, "line_1"), take(offset=offset))
    same(load_face(again), face())


def test_the_same_take_gives_the_same_bytes(actor):
    save_take(actor, "a", take())
    save_take(actor, "b", take())
    assert actor.take("a").read_bytes() == actor.take("b").read_bytes()


def test_what_is_not_there_or_of_another_kind_is_refused(actor):
    with pytest.raises(ActorError, match="no take 'other'"):
        load_take(actor, "other")
    with pytest.raises(ActorError, match="There is no face"):
        load_face(actor)
    actor = save_take(actor, "a", take())
    actor.face.write_bytes(actor.take("a").read_bytes())
    with pytest.raises(ActorError, match="is a take, not a face"):
        load_face(actor)


@pytest.mark.parametrize(("saved", "said"), [(2, "newer"), (0, "older")])
def test_other_versions_are_refused(tmp_path, saved, said):
    save_arrays(tmp_path / "x.npz", "take", saved, a=np.zeros(3))
    with pytest.raises(ActorError, match=said):
        load_arrays(tmp_path / "x.npz", "take", 1)


def test_a_header_that_promises_more_than_there_is_allocates_nothing(tmp_path):
    huge = np.lib.format.magic(1, 0) + b"\x76\x00"
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }"
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("about.json", '{"kind": "take", "version": 1}')
        archive.writestr("a.npy", huge + text.ljust(117).encode() + b"\n" + bytes(64))
    with pytest.raises(ActorError, match="cut off"):
        load_arrays(tmp_path / "x.npz", "take", 1)


def test_pickled_objects_are_neither_written_nor_read(tmp_path):
    with pytest.raises(ValueError, match="cannot be kept"):
        save_arrays(tmp_path / "x.npz", "take", 1, a=np.array([{}], object))
    np.savez(tmp_path / "x.npz", a=np.array([{}], object))
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive:
        archive.writestr("about.json", '{"kind": "take", "version": 1}')
    with pytest.raises(ActorError, match="no plain numbers"):
        load_arrays(tmp_path / "x.npz", "take", 1)


@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_damaged_bytes_are_refused_or_harmless(tmp_path_factory, at, bit, cut):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    values = np.arange(50.0)
    save_arrays(path, "take", 1, a=values)
    content = bytearray(path.read_bytes())
    where = int(at * len(content))
    content = content[:where] if cut else content
    if not cut:
        content[where] ^= 1 << bit
    path.write_bytes(bytes(content))
    try:
        kept = load_arrays(path, "take", 1)
    except ActorError:
        return
    assert all(array.dtype == np.float64 for array in kept.values())
    if "a" in kept:
        np.testing.assert_array_equal(kept["a"], values)
