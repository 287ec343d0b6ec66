"""EXR files that are written without a library, read by the one that everybody uses."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from soliloquy.inference.actor.media import exr
from soliloquy.inference.actor.media.exr import Window, read_texts, write_exr
from soliloquy.inference.errors import OutputError

CHANNELS = ("R", "G", "B", "matte.V", "confidence.V")


@st.composite
def windows(draw) -> tuple[Window, np.ndarray]:
    """A window somewhere in a frame, and the frame."""
    width, height = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    left, top = draw(st.integers(0, width)), draw(st.integers(0, height))
    right, bottom = draw(st.integers(left, width)), draw(st.integers(top, height))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    pixels = random.normal(0, 10.0 ** random.integers(-4, 4), (bottom - top, right - left, 5))
    pixels = (pixels * (random.random(pixels.shape) < draw(st.floats(0, 1)))).astype(np.float16)
    frame = np.zeros((height, width, 5), np.float16)
    frame[top:bottom, left:right] = pixels
    return Window(pixels, left, top, width, height), frame


@given(windows())
def test_what_is_written_is_read(tmp_path_factory, drawn):
    oiio = pytest.importorskip("OpenImageIO")
    window, frame = drawn
    path = tmp_path_factory.mktemp("exr") / "a.exr"
    write_exr(path, window, CHANNELS)
    source = oiio.ImageInput.open(str(path))
    spec = source.spec()
    assert (spec.width, spec.height, str(spec.format)) == (window.width, window.height, "half")
    assert spec.getattribute("compression") == "zip"
    read = source.read_image(oiio.HALF)
    assert sorted(spec.channelnames) == sorted(CHANNELS)
    for i, name in enumerate(spec.channelnames):
        wanted = frame[:, :, CHANNELS.index(name)]
        assert np.array_equal(read[:, :, i].view(np.uint16), wanted.view(np.uint16))


@given(windows())
@example((Window(np.zeros((0, 0, 5), np.float16), 0, 0, 3, 3), np.zeros((3, 3, 5), np.float16)))
def test_a_part_and_the_whole_are_the_same_bytes(tmp_path_factory, drawn):
    window, frame = drawn
    folder = tmp_path_factory.mktemp("exr")
    write_exr(folder / "part.exr", window, CHANNELS)
    write_exr(folder / "whole.exr", Window(frame, 0, 0, window.width, window.height), CHANNELS)
    assert (folder / "part.exr").read_bytes() == (folder / "whole.exr").read_bytes()


def test_texts_of_any_kind_come_back(tmp_path):
    texts = {
        "soliloquy:actor": "Grüße 演员",
        "soliloquy:consent": "x" * 70000,
        "empty": "",
        "n" * 60: "long name",
    }
    window = Window(np.ones((2, 2, 1), np.float16), 0, 0, 2, 2)
    write_exr(tmp_path / "a.exr", window, ("Y",), texts)
    assert read_texts(tmp_path / "a.exr") == texts
    images = pytest.importorskip("soliloquy.inference.actor.media.images")
    pytest.importorskip("OpenImageIO")
    read = images.read_attributes(tmp_path / "a.exr")
    assert {name: read[name] for name in ("soliloquy:actor", "n" * 60)} == {
        name: texts[name] for name in ("soliloquy:actor", "n" * 60)
    }


def test_texts_of_other_files_are_read_too(tmp_path):
    oiio = pytest.importorskip("OpenImageIO")
    spec = oiio.ImageSpec(4, 3, 3, oiio.FLOAT)
    spec.attribute("soliloquy:inputs", "abc")
    spec.attribute("compression", "piz")
    out = oiio.ImageOutput.create("a.exr")
    assert out.open(str(tmp_path / "a.exr"), spec)
    out.write_image(np.ones((3, 4, 3), np.float32))
    out.close()
    assert read_texts(tmp_path / "a.exr")["soliloquy:inputs"] == "abc"


@given(st.binary(max_size=300))
def test_what_is_no_exr_has_no_texts(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("exr") / "a.exr"
    path.write_bytes(content)
    assert read_texts(path) is None


@given(st.integers(8, 700), st.integers(0, 255))
def test_a_damaged_header_is_none_or_texts(tmp_path_factory, place, value):
    path = tmp_path_factory.mktemp("exr") / "a.exr"
    window = Window(np.ones((2, 2, 1), np.float16), 0, 0, 2, 2)
    write_exr(path, window, ("Y",), {"one": "1", "two": "2" * 50})
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content)
    found = read_texts(path)
    assert found is None or all(isinstance(text, str) for text in found.values())
    path.write_bytes(content[: place % len(content)])
    read_texts(path)


def test_there_is_no_file_or_no_folder(tmp_path):
    assert read_texts(tmp_path / "none.exr") is None
    window = Window(np.ones((2, 2, 1), np.float16), 0, 0, 2, 2)
    with pytest.raises(OutputError, match="does not exist"):
        write_exr(tmp_path / "no" / "a.exr", window, ("Y",))


def test_pixels_of_another_kind_are_a_bug_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="float16"):
        write_exr(tmp_path / "a.exr", Window(np.ones((2, 2, 1), np.float32), 0, 0, 2, 2), ("Y",))
    with pytest.raises(ValueError, match="5"):
        write_exr(tmp_path / "a.exr", Window(np.ones((2, 2, 1), np.float16), 0, 0, 2, 2), CHANNELS)


def test_empty_lines_are_compressed_once(tmp_path, monkeypatch):
    packed = []
    compress = exr._compressed
    monkeypatch.setattr(exr, "_compressed", lambda values: packed.append(values.any()) or compress(values))
    exr._empty_block.cache_clear()
    for number in range(3):
        window = Window(np.ones((20, 30, 5), np.float16), 100, 300, 641, 1600)
        write_exr(tmp_path / f"{number}.exr", window, CHANNELS)
    assert packed.count(False) == 1
    assert packed.count(True) == 3 * 2
    assert struct.unpack("<i", (tmp_path / "0.exr").read_bytes()[:4])[0] == 20000630
