"""The crop: it follows the head without shaking or lagging, and there and back is the same picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.crop import (
    LIP_WIDTH,
    bounds,
    fit_crop,
    hole,
    invert,
    layout,
    paste,
    sample,
    shots,
    smooth,
    to_crop,
)
from soliloquy.inference.actor.landmarks import LIPS_OUTER, MOUTH_REGION, RIGID
from soliloquy.inference.actor.types import POINTS

SIZE = 64


def face(seed=0):
    """Points that lie like a face's where the crop looks: eyes level, lips below, y down, 100 pixels wide."""
    random = np.random.default_rng(seed)
    points = random.uniform(-50, 50, (POINTS, 2))
    points[list(MOUTH_REGION)] = random.uniform((-12, 13), (12, 37), (len(MOUTH_REGION), 2))
    turn = np.linspace(0, 2 * np.pi, len(LIPS_OUTER), endpoint=False)
    points[list(LIPS_OUTER)] = np.stack([20 * np.cos(turn), 25 + 8 * np.sin(turn)], 1)
    for number, place in {33: (-45, -20), 133: (-15, -20), 362: (15, -20), 263: (45, -20)}.items():
        points[number] = place
    return points.astype(np.float32)


def moved(points, turn=0.0, scale=1.0, shift=(0.0, 0.0)):
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (points @ matrix.T + shift).astype(np.float32)


def smooth_picture(height=96, width=120, seed=1):
    """float32 [H, W, 3] 0..255 without frequencies that sampling could lose."""
    random = np.random.default_rng(seed)
    down, across = np.mgrid[:height, :width]
    waves = sum(
        random.uniform(5, 25)
        * np.sin(random.uniform(-0.5, 0.5) * across + random.uniform(-0.5, 0.5) * down + random.uniform(0, 6))
        for _ in range(6)
    )
    return (128 + np.repeat(waves[..., None], 3, 2) * (1.0, 0.8, 0.6)).astype(np.float32)


@given(turn=st.floats(-1.0, 1.0), scale=st.floats(0.4, 3.0), x=st.floats(-200, 200), y=st.floats(-200, 200))
def test_a_face_that_is_turned_moved_and_scaled_comes_to_lie_in_the_same_place(turn, scale, x, y):
    reference = layout(face(), SIZE)
    seen = moved(face(), turn, scale, (x, y))
    transform = fit_crop(seen[None], reference, SIZE)[0]
    np.testing.assert_allclose(to_crop(seen, transform), reference, atol=2e-2)


def test_the_layout_centres_level_lips_of_the_usual_width():
    placed = layout(moved(face(), turn=0.3, scale=2.2, shift=(300, 80)), 112)
    lips = placed[list(LIPS_OUTER)]
    np.testing.assert_allclose((lips.min(0) + lips.max(0)) / 2, 56, atol=1e-3)
    assert np.ptp(lips[:, 0]) == pytest.approx(LIP_WIDTH * 112, rel=1e-4)
    eyes = placed[[362, 263]].mean(0) - placed[[33, 133]].mean(0)
    assert abs(eyes[1]) < 1e-3 < eyes[0]


def test_a_head_in_steady_motion_is_followed_without_lag():
    frames = np.arange(40)
    still = face()
    seen = np.stack([moved(still, 0.004 * t, 1 + 0.002 * t, (3.0 * t, 100 - 2.0 * t)) for t in frames])
    placed = to_crop(seen, fit_crop(seen, layout(still, SIZE), SIZE))
    assert np.abs(placed[:, RIGID] - layout(still, SIZE)[list(RIGID)]).max() < 0.05


def test_noise_of_the_points_shakes_the_crop_less_than_without_smoothing():
    random = np.random.default_rng(3)
    still = face()
    seen = np.stack([still + random.normal(0, 0.5, still.shape) for _ in range(60)]).astype(np.float32)
    reference = layout(still, SIZE)
    together = invert(fit_crop(seen, reference, SIZE))
    alone = np.concatenate([invert(fit_crop(one[None], reference, SIZE)) for one in seen])
    middle = np.array([SIZE / 2, SIZE / 2, 1])
    shake = [np.diff(transforms @ middle, n=2, axis=0).std() for transforms in (together, alone)]
    assert shake[0] < 0.6 * shake[1]


def test_nothing_is_smoothed_across_a_cut():
    still = face()
    seen = np.stack([moved(still, shift=(0, 0))] * 10 + [moved(still, shift=(80, 0))] * 10)
    reference = layout(still, SIZE)
    transforms = fit_crop(seen, reference, SIZE, cuts=[10])
    np.testing.assert_allclose(
        to_crop(seen, transforms)[:, RIGID], np.tile(reference[list(RIGID)], (20, 1, 1)), atol=1e-2
    )
    blurred = to_crop(seen, fit_crop(seen, reference, SIZE))[:, RIGID]
    assert np.abs(blurred - reference[list(RIGID)]).max() > 1


def test_frames_without_a_face_are_bridged_and_a_film_without_any_is_refused():
    still = face()
    seen = np.stack([moved(still, shift=(4.0 * t, 0)) for t in range(12)])
    holes = seen.copy()
    holes[[0, 5, 6, 11]] = np.nan
    reference = layout(still, SIZE)
    transforms = fit_crop(holes, reference, SIZE)
    assert np.isfinite(transforms).all()
    np.testing.assert_allclose(transforms[5:7], fit_crop(seen, reference, SIZE)[5:7], atol=0.1)
    with pytest.raises(ValueError, match="at least one row"):
        fit_crop(np.full((4, POINTS, 2), np.nan, np.float32), None, SIZE)


@given(turn=st.floats(-0.5, 0.5), scale=st.floats(0.9, 2.0), x=st.floats(30, 60), y=st.floats(30, 50))
def test_there_and_back_is_the_same_picture(turn, scale, x, y):
    picture = smooth_picture()
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    transform = np.c_[matrix, np.array([SIZE / 2, SIZE / 2]) - matrix @ (x, y)].astype(np.float32)
    box = bounds(transform, SIZE, picture.shape[1], picture.shape[0])
    left, top, right, bottom = box
    back = paste(sample(picture, transform, SIZE), transform, box)
    weight = paste(hole(SIZE)[..., None], transform, box)[..., 0]
    assert back.shape[:2] == weight.shape == (bottom - top, right - left)
    difference = np.abs(back - picture[top:bottom, left:right])[weight > 0.5]
    assert len(difference) > 100
    assert difference.max() < 4


def test_a_shift_by_whole_pixels_copies_them():
    picture = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    transform = np.array([[1, 0, -12], [0, 1, -7]], np.float32)
    np.testing.assert_allclose(sample(picture, transform, 32), picture[7:39, 12:44], atol=1e-3)


def test_beyond_the_plate_its_last_pixels_go_on():
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    transform = np.array([[1, 0, 20], [0, 1, 5]], np.float32)
    crop = sample(picture, transform, 32)
    np.testing.assert_allclose(crop[5:, :18], np.broadcast_to(picture[:27, :1], (27, 18, 3)), atol=1e-2)


def test_a_crop_much_smaller_than_what_it_shows_averages():
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (640, 640, 1)).astype(np.float32)
    transform = np.array([[0.1, 0, 0], [0, 0.1, 0]], np.float32)
    assert sample(picture, transform, 64).std() < 0.25 * picture.std()


@given(
    st.lists(st.floats(-500, 500), min_size=2, max_size=2),
    st.floats(0.2, 4),
    st.integers(1, 200),
    st.integers(1, 200),
)
def test_the_box_lies_in_the_plate_wherever_the_crop_lies(shift, scale, width, height):
    transform = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    left, top, right, bottom = bounds(transform, SIZE, width, height)
    assert 0 <= left <= right <= width
    assert 0 <= top <= bottom <= height
    assert paste(np.ones((SIZE, SIZE, 3)), transform, (left, top, right, bottom)).shape == (
        bottom - top,
        right - left,
        3,
    )


def test_the_hole_holds_the_mouth_and_not_the_edge():
    for size in (64, 112, 256):
        mask = hole(size)
        assert mask.dtype == np.float32
        assert mask.min() == 0
        assert mask.max() == 1
        assert mask[size // 2, round(0.3 * size) : round(0.7 * size)].min() == 1
        assert mask[: round(0.3 * size)].max() == 0
        assert max(mask[:, 0].max(), mask[:, -1].max(), mask[-1].max()) == 0
        assert np.abs(np.diff(mask, axis=1)).max() < 40 / size, "the edge is soft"


@given(st.lists(st.integers(-5, 30)), st.integers(1, 20))
def test_shots_cover_all_rows_once(cuts, count):
    found = shots(cuts, count)
    assert [row for first, stop in found for row in range(first, stop)] == list(range(count))


@given(st.integers(1, 40), st.integers(1, 15))
def test_smoothing_leaves_straight_lines(count, frames):
    line = np.stack([3.0 + 0.5 * np.arange(count), np.full(count, 7.0)], 1)
    np.testing.assert_allclose(smooth(line, 2 * frames + 1), line, atol=1e-9)
