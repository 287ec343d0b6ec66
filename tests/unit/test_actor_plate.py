"""Plates of every kind: what is read, at which rate, with which frames damaged."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.media.movies import PlateError, is_even
from soliloquy.inference.actor.media.plate import ahead, open_plate, plate_sha256
from soliloquy.inference.types import FrameRate

pytest.importorskip("av")
sys.path.append(str(Path(__file__).resolve().parents[1]))  # the makers belong to no package
import plates

HEIGHT, WIDTH = 48, 64


def counted(count=30):
    """Frames uint8 [T, 48, 64, 3] whose brightness tells their place: 4, 12, 20, ..."""
    levels = (4 + 8 * np.arange(count)).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, HEIGHT, WIDTH, 3)).copy()


def places(frames):
    """The places that the brightness of frames tells."""
    return [round((float(frame.rgb.mean()) - 4) / 8) for frame in frames]


def read(path, *span, **options):
    with open_plate(path, **options) as plate:
        return plate.info, list(plate.frames(*span))


def test_a_movie_is_read_frame_by_frame(tmp_path):
    path = plates.write_movie(tmp_path / "a.mp4", counted(), sound=np.zeros(16_000, np.float32))
    info, frames = read(path)
    assert (info.width, info.height, info.frames, info.start_frame) == (WIDTH, HEIGHT, 30, 1)
    assert info.rate == FrameRate(25)
    assert info.has_sound
    assert not info.notices
    assert places(frames) == list(range(30))
    assert [frame.number for frame in frames] == list(range(1, 31))
    assert frames[10].time_s == pytest.approx(0.4)
    assert not any(frame.damaged for frame in frames)


@pytest.mark.parametrize("codec", ["mpeg4", "libx264", "mpeg2video"])
def test_any_part_can_be_read_alone(tmp_path, codec):
    frames = np.tile(counted(), (5, 1, 1, 1))
    path = plates.write_movie(tmp_path / "long.mkv", frames, codec=codec)
    info, part = read(path, 121, 131)
    assert info.frames == 150
    assert [frame.number for frame in part] == list(range(121, 131))
    assert places(part) == list(range(10))
    assert read(path, 149)[1][-1].number == 150
    assert read(path, 200)[1] == []


def test_the_same_content_has_the_same_hash(tmp_path):
    path = plates.write_movie(tmp_path / "a.mp4", counted(5))
    other = tmp_path / "b.mp4"
    other.write_bytes(path.read_bytes())
    assert read(path)[0].sha256 == read(other)[0].sha256
    assert read(path)[0].sha256 != read(plates.write_movie(tmp_path / "c.mp4", counted(6)))[0].sha256


def test_a_sequence_has_the_hash_of_all_its_images(tmp_path):
    pytest.importorskip("OpenImageIO")
    folder = plates.write_sequence(tmp_path / "shot", counted(3)).folder
    before = plate_sha256(folder)
    assert before == plate_sha256(folder / "plate.####.png") == read(folder, rate=FrameRate(24))[0].sha256
    plates.write_sequence(tmp_path / "shot", np.concatenate([counted(2), counted(1)]))
    assert plate_sha256(folder) != before


def test_a_varying_rate_is_resampled_to_the_nearest_frames(tmp_path):
    times = plates.varying_times(30)
    info, frames = read(plates.write_movie(tmp_path / "phone.mp4", counted(), times=times))
    assert any("varies" in notice for notice in info.notices)
    wanted = np.abs(times[None] - np.arange(len(frames))[:, None] / info.rate.hz).argmin(1)
    assert np.abs(np.array(places(frames)) - wanted).max() <= 1  # ties may go either way
    assert len(frames) == round(times[-1] * info.rate.hz) + 1
    assert any(frame.damaged for frame in frames)  # in the pause of 0.4 s


def test_a_turned_phone_is_shown_upright(tmp_path):
    frames = counted(5)
    frames[:, : HEIGHT // 2] = 250
    path = plates.turned(plates.write_movie(tmp_path / "phone.mp4", frames), 1)
    info, shown = read(path)
    assert (info.width, info.height) == (HEIGHT, WIDTH)
    assert shown[0].rgb.shape == (WIDTH, HEIGHT, 3)
    bright = shown[0].rgb.mean((0, 2))  # what was the top is at the right
    assert bright[-5:].min() > 200
    assert bright[:5].max() < 60


def test_bytes_that_are_broken_are_marked_and_nothing_is_missing(tmp_path):
    random = np.random.default_rng(0)
    noisy = random.integers(0, 255, (60, HEIGHT, WIDTH, 3)).astype(np.uint8)
    good = plates.write_movie(tmp_path / "good.avi", noisy)
    _, frames = read(plates.corrupted(good, tmp_path / "bad.avi"))
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))
    assert any(frame.damaged for frame in frames)
    assert not frames[0].damaged
    assert len(frames) >= 40


def test_half_a_film_is_read_as_far_as_it_goes(tmp_path):
    good = plates.write_movie(tmp_path / "good.avi", counted(30))
    _, frames = read(plates.truncated(good, tmp_path / "half.avi", 0.8))
    assert 0 < len(frames) < 30
    assert all(
        place == i
        for i, (place, frame) in enumerate(zip(places(frames), frames, strict=True))
        if not frame.damaged
    )
    assert not any(frame.damaged for frame in frames[:-1])


@pytest.mark.parametrize("content", [b"", b"no movie", bytes(4096), b"\x00\x00\x00\x18ftypmp42" + bytes(100)])
def test_what_is_no_movie_is_refused(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(PlateError, match="is no movie"):
        open_plate(tmp_path / "a.mp4")


def test_what_is_not_there_is_refused(tmp_path):
    for name in ("a.mp4", "a.0001.png", "a.####.png", "a.%04d.exr"):
        with pytest.raises(PlateError):
            open_plate(tmp_path / name)
    with pytest.raises(PlateError, match="no numbered images"):
        open_plate(tmp_path)


@pytest.mark.parametrize("name", ["", "plate.####.png", "plate.%04d.png", "plate.1003.png"])
def test_a_sequence_is_found_by_folder_pattern_or_image(tmp_path, name):
    pytest.importorskip("OpenImageIO")
    made = plates.write_sequence(tmp_path / "shot", counted(8), without=(1004,))
    info, frames = read(made.folder / name, rate=FrameRate(24))
    assert (info.width, info.height, info.frames, info.start_frame) == (WIDTH, HEIGHT, 8, 1001)
    assert [frame.number for frame in frames] == list(range(1001, 1009))
    assert places(frames) == [0, 1, 2, 2, 4, 5, 6, 7]
    assert [frame.damaged for frame in frames] == [False] * 3 + [True] + [False] * 4
    assert places(read(made.folder / name, 1005, 1007)[1]) == [4, 5]


def test_frames_ahead_are_the_same_and_errors_arrive(tmp_path):
    path = plates.write_movie(tmp_path / "a.mp4", counted(12))
    with open_plate(path) as plate:
        assert places(ahead(plate.frames())) == list(range(12))
        first = ahead(plate.frames(), 1)
        next(first)
        first.close()  # must not wait for a thread that waits for us

    def broken():
        yield from frames
        raise PlateError("gone", "Plug it in")

    frames = read(path)[1][:2]
    with pytest.raises(PlateError, match="gone"):
        list(ahead(broken()))


@given(
    hz=st.sampled_from([24 / 1.001, 25.0, 30 / 1.001, 60.0]),
    count=st.integers(3, 400),
    seed=st.integers(0, 9),
)
def test_rounded_times_and_single_losses_are_still_even(hz, count, seed):
    times = np.round(np.arange(count) / hz, 3)  # as Matroska keeps them
    assert is_even(times, hz)
    lost = np.random.default_rng(seed).random(count) > 0.05
    lost[0] = True
    assert is_even(times[lost], hz) or lost.mean() < 0.8
    wild = np.cumsum(np.random.default_rng(seed).uniform(0.3, 1.7, count)) / hz
    assert count < 12 or not is_even(wild, hz)
