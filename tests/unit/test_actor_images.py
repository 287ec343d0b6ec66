"""Image files of the actor's pass: colours, windows, orientation, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.media import images
from soliloquy.inference.actor.media.exr import Window, write_exr
from soliloquy.inference.errors import OutputError, SoliloquyError

oiio = pytest.importorskip("OpenImageIO")


def _picture(height: int = 6, width: int = 9) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_png_comes_back_with_its_texts(tmp_path):
    picture = _picture()
    images.write_png(tmp_path / "a.png", picture, {"soliloquy:synthetic": "true", "Description": "Grüße"})
    assert np.array_equal(images.read_image(tmp_path / "a.png"), picture)
    texts = images.read_attributes(tmp_path / "a.png")
    assert texts["soliloquy:synthetic"] == "true"
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


@given(st.integers(0, 255))
def test_linear_light_is_encoded_as_srgb(value):
    code = value / 255.0
    light = code / 12.92 if code <= 0.04045 else ((code + 0.055) / 1.055) ** 2.4
    assert images.encoded(np.array([light], np.float32))[0] == value


def test_exr_is_read_as_srgb_without_what_is_no_number(tmp_path):
    pixels = np.full((2, 3, 3), 0.2140411, np.float16)  # middle grey of sRGB, code 127.5
    pixels[0, 0] = np.nan, np.inf, -1.0
    write_exr(tmp_path / "x.exr", Window(pixels, 0, 0, 3, 2), ("R", "G", "B"))
    read = images.read_image(tmp_path / "x.exr")
    assert read[0, 0].tolist() == [0, 255, 0]
    assert abs(int(read[1, 1, 0]) - 127) <= 1


def test_exr_with_a_window_of_its_own_is_placed_in_the_picture(tmp_path):
    spec = oiio.ImageSpec(4, 3, 3, oiio.HALF)
    spec.x, spec.y, spec.full_width, spec.full_height = 7, -1, 10, 5
    out = oiio.ImageOutput.create("w.exr")
    assert out.open(str(tmp_path / "w.exr"), spec)
    out.write_image(np.ones((3, 4, 3), np.float16))
    out.close()
    read = images.read_image(tmp_path / "w.exr")
    assert read.shape == (5, 10, 3)
    assert np.array_equal(read[:, :, 0] > 0, np.pad(np.ones((2, 3), bool), ((0, 3), (7, 0))))


# TIFF 6.0: on which side of the shown picture the stored row 0 and column 0 lie.
SIDES = ("top left", "top right", "bottom right", "bottom left")
TURNED_SIDES = ("left top", "right top", "right bottom", "left bottom")


@pytest.mark.parametrize(("orientation", "sides"), list(enumerate(SIDES + TURNED_SIDES, start=1)))
def test_turned_images_are_turned_upright(tmp_path, orientation, sides):
    picture = np.zeros((6, 9, 3), np.uint8)
    picture[0, :, 0] = 255  # row 0 is red
    picture[:, 0, 1] = 255  # column 0 is green
    spec = oiio.ImageSpec(9, 6, 3, oiio.UINT8)
    spec.attribute("Orientation", orientation)
    out = oiio.ImageOutput.create("o.tif")
    assert out.open(str(tmp_path / "o.tif"), spec)
    out.write_image(picture)
    out.close()
    upright = images.read_image(tmp_path / "o.tif")
    side = {"top": np.s_[0], "bottom": np.s_[-1], "left": np.s_[:, 0], "right": np.s_[:, -1]}
    row, column = sides.split()
    assert upright.shape == ((6, 9, 3) if orientation < 5 else (9, 6, 3))
    assert (upright[side[row]][:, 0] == 255).all()
    assert (upright[side[column]][:, 1] == 255).all()


def test_grey_and_sixteen_bits_are_read(tmp_path):
    spec = oiio.ImageSpec(4, 2, 1, oiio.UINT16)
    out = oiio.ImageOutput.create("g.png")
    out.open(str(tmp_path / "g.png"), spec)
    out.write_image(np.full((2, 4, 1), 257 * 40, np.uint16))
    out.close()
    assert (images.read_image(tmp_path / "g.png") == 40).all()
    assert images.read_image(tmp_path / "g.png").shape == (2, 4, 3)


def test_what_is_no_image_is_refused_by_name(tmp_path):
    (tmp_path / "t.png").write_text("no picture")
    images.write_png(tmp_path / "cut.png", _picture(200, 200))
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    for name in ("t.png", "cut.png", "missing.png"):
        with pytest.raises(images.ImageError, match=name):
            images.read_image(tmp_path / name)


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match=r"picture\.nothing"):
        images.write_png(tmp_path / "picture.nothing", _picture())
    with pytest.raises(OutputError, match="does not exist"):
        images.write_png(tmp_path / "no" / "a.png", _picture())
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenImageIO", None)
    with pytest.raises(SoliloquyError, match=r"soliloquy\[actor\]"):
        images.read_image(tmp_path / "a.png")
