"""Bad plates: each ends in a clear refusal or in marked gaps, never in a crash or a torn sequence."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

from soliloquy.inference.actor.folder import ActorError  # noqa: E402
from soliloquy.inference.actor.media.plate import open_plate  # noqa: E402
from soliloquy.inference.types import FrameRate  # noqa: E402

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the makers belong to no package
import plates  # noqa: E402

FRAMES = 24


@pytest.fixture(scope="module")
def footage(shared):
    """uint8 [FRAMES, 288, 360, 3] of a filmed speaker, while he speaks."""
    return plates.read_frames(shared / "data" / "grid_s1" / "video" / "bbie9s.mpg", 20, FRAMES)


@pytest.fixture(scope="module")
def bars():
    return plates.moving_bars(FRAMES)


def read(path):
    """Information, frame numbers, pictures and damage of a whole plate."""
    with open_plate(path) as plate:
        frames = list(plate.frames())
    numbers = [frame.number for frame in frames]
    assert numbers == list(range(plate.info.start_frame, plate.info.start_frame + len(frames)))
    assert all(frame.rgb.shape == (plate.info.height, plate.info.width, 3) for frame in frames)
    assert plate.info.frames in (None, len(frames))
    return plate.info, frames


def damaged(frames):
    return [frame.number for frame in frames if frame.damaged]


def error_db(a, b):
    return 10 * np.log10(255**2 / max(np.mean(np.square(a.astype(float) - b)), 1e-9))


def test_a_good_plate_is_read_as_it_is(tmp_path, bars):
    sound = 0.3 * np.sin(np.arange(16_000) * 0.05).astype(np.float32)
    info, frames = read(plates.write_movie(tmp_path / "good.mp4", bars, sound=sound))
    assert (info.frames, info.width, info.height, info.rate.hz) == (FRAMES, 360, 288, 25.0)
    assert info.has_sound
    assert not info.notices
    assert not damaged(frames)
    assert all(error_db(frame.rgb, bar) > 22 for frame, bar in zip(frames, bars, strict=True))


def test_no_sound_is_told(tmp_path, bars):
    info, _ = read(plates.write_movie(tmp_path / "mute.mp4", bars))
    assert not info.has_sound
    assert any("no sound" in notice for notice in info.notices)


def test_a_varying_frame_rate_becomes_one_and_is_told(tmp_path, bars):
    times = plates.varying_times(FRAMES)
    info, frames = read(plates.write_movie(tmp_path / "phone.mp4", bars, times=times))
    assert any("varies" in notice for notice in info.notices)
    assert len(frames) == round((times[-1] - times[0]) * info.rate.hz) + 1
    # Each picture is the nearest in time, and a pause is marked, not filled with pictures of others.
    for frame in frames:
        nearest = int(np.argmin(np.abs(times - frame.time_s)))
        near = [k for k in (nearest - 1, nearest, nearest + 1) if 0 <= k < FRAMES]
        assert max(error_db(frame.rgb, bars[k]) for k in near) > 22
    assert damaged(frames)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_phone_is_shown_upright(tmp_path, bars, turns):
    lying = np.rot90(bars, turns, axes=(1, 2))  # the file says: turn clockwise by as much
    path = plates.turned(plates.write_movie(tmp_path / "portrait.mp4", lying), turns)
    info, frames = read(path)
    assert (info.width, info.height) == (360, 288)
    assert error_db(frames[0].rgb, bars[0]) > 22


def test_portrait_without_a_turn(tmp_path, bars):
    info, frames = read(plates.write_movie(tmp_path / "tall.mp4", bars[:, :, 100:260]))
    assert (info.width, info.height) == (160, 288)
    assert len(frames) == FRAMES


def test_4k_is_streamed(tmp_path, bars):
    path = plates.write_movie(tmp_path / "uhd.mp4", plates.enlarged(bars[:4], 3840))
    with open_plate(path) as plate:
        assert (plate.info.width, plate.info.height) == (3840, 3072)
        assert sum(1 for _ in plate.frames()) == 4


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "mpg"])
def test_bytes_broken_in_the_middle_are_marked(tmp_path, footage, ending):
    good = plates.write_movie(tmp_path / f"good.{ending}", footage)
    bad = plates.corrupted(good, tmp_path / f"bad.{ending}", share=0.1)
    info, frames = read(bad)
    assert len(frames) >= FRAMES // 3
    marked = set(damaged(frames))
    assert marked or any("damaged or cut off" in notice for notice in info.notices)
    shown = {frame.number: frame.rgb for frame in read(good)[1]}
    smeared = [
        frame.number
        for frame in frames
        if frame.number in shown and error_db(frame.rgb, shown[frame.number]) < 20
    ]
    assert set(smeared) <= marked


def test_a_film_that_is_cut_off_keeps_what_is_there(tmp_path, shared):
    source = shared / "data" / "grid_s1" / "video" / "bbie9s.mpg"
    _, frames = read(plates.truncated(source, tmp_path / "half.mpg"))
    assert 25 <= len(frames) <= 55
    assert len(damaged(frames)) <= 12


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"This is a text.\n" * 50, b"\x89PNG\r\n\x1a\n", b"#EXTM3U\nfile:///etc/passwd\n"],
    ids=["empty", "zeros", "text", "png start", "playlist"],
)
@pytest.mark.parametrize("name", ["film.mp4", "film", "film.mov"])
def test_what_is_no_film_is_refused(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ActorError, match="film") as refused:
        open_plate(tmp_path / name)
    assert refused.value.remedy


def test_a_film_without_its_index_is_refused(tmp_path, bars):
    good = plates.write_movie(tmp_path / "good.mp4", bars)
    with pytest.raises(ActorError, match="no movie"):
        open_plate(plates.truncated(good, tmp_path / "cut.mp4"))


def test_sound_alone_is_refused(shared):
    with pytest.raises(ActorError, match="no movie"):
        open_plate(shared / "data" / "grid_s1" / "audio" / "bbie9s.flac")


def test_nothing_there_and_an_empty_folder(tmp_path):
    with pytest.raises(ActorError, match="does not exist"):
        open_plate(tmp_path / "none.mp4")
    with pytest.raises(ActorError, match="no numbered images"):
        open_plate(tmp_path)


def test_one_frame(tmp_path, bars):
    info, frames = read(plates.write_movie(tmp_path / "one.mp4", bars[:1]))
    assert len(frames) == 1
    assert (info.width, info.height) == (360, 288)


class TestSequences:
    @pytest.fixture(autouse=True)
    def images(self):
        pytest.importorskip("OpenImageIO")

    def test_a_missing_image_is_marked(self, tmp_path, bars):
        made = plates.write_sequence(tmp_path / "plate", bars[:8], without=(1004,))
        info, frames = read(made.folder)
        assert (info.start_frame, info.frames) == (1001, 8)
        assert damaged(frames) == [1004]
        assert any("lacks 1 of its 8" in notice for notice in info.notices)
        np.testing.assert_array_equal(frames[3].rgb, frames[2].rgb)
        np.testing.assert_array_equal(frames[4].rgb, bars[4])

    def test_a_linear_exr_sequence_looks_like_the_film(self, tmp_path, bars):
        made = plates.write_sequence(tmp_path / "plate", bars[:3], ending="exr")
        _, frames = read(made.folder)
        assert np.abs(frames[1].rgb.astype(int) - bars[1]).max() <= 1

    def test_a_broken_image_and_one_of_another_size_are_marked(self, tmp_path, bars):
        made = plates.write_sequence(tmp_path / "plate", bars[:6])
        plates.truncated(made.folder / "plate.1003.png", made.folder / "plate.1003.png", 0.3)
        odd = plates.write_sequence(tmp_path / "odd", bars[:1, :100], start=1005)
        shutil.copy(odd.folder / "plate.1005.png", made.folder / "plate.1005.png")
        _, frames = read(made.folder)
        assert damaged(frames) == [1003, 1005]

    def test_numbers_far_apart_are_no_sequence(self, tmp_path, bars):
        made = plates.write_sequence(tmp_path / "plate", bars[:2])
        (made.folder / "plate.1002.png").rename(made.folder / "plate.900000.png")
        with pytest.raises(ActorError, match="no sequence"):
            open_plate(made.folder)

    def test_the_rate_is_told_as_assumed(self, tmp_path, bars):
        made = plates.write_sequence(tmp_path / "plate", bars[:2])
        with open_plate(made.folder) as plate:
            assert any("no frame rate" in notice for notice in plate.info.notices)
        with open_plate(made.folder, FrameRate(25)) as plate:
            assert plate.info.rate.hz == 25.0
            assert not any("no frame rate" in notice for notice in plate.info.notices)
