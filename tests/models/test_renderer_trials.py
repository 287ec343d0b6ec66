"""Trials of the renderer: the mouth region, scores of known pictures, the frames chosen for the sheet."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from soliloquy.inference.actor.crop import HOLE
from soliloquy.inference.actor.landmarks import LIPS_INNER, LIPS_OUTER
from soliloquy.inference.actor.types import POINTS, Gap, Take
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.types import FaceMotion
from soliloquy.models import renderer_trials as trials

ROWS, HIGH, WIDE, CROP = 6, 120, 140, 96
CORNER = (22.0, 14.0)
"""Left and top of the crop in the plate, which it meets pixel by pixel."""


def made_take():
    landmarks = np.zeros((ROWS, POINTS, 3), np.float32)
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    centre = np.array(CORNER) + CROP / 2
    landmarks[:, LIPS_OUTER, :2] = centre + np.stack([19 * np.cos(angle), 8 * np.sin(angle)], 1)
    landmarks[:, LIPS_INNER, :2] = centre + np.stack([14 * np.cos(angle), 3 * np.sin(angle)], 1)
    landmarks[:, 33, :2], landmarks[:, 263, :2] = centre - (30, 50), centre - (-30, 50)
    crop = np.array([[1, 0, -CORNER[0]], [0, 1, -CORNER[1]]], np.float32)
    return Take(
        plate="plate.mpg",
        plate_sha256="0" * 64,
        size=(WIDE, HIGH),
        numbers=np.arange(1, ROWS + 1, dtype=np.int32),
        motion=FaceMotion(np.zeros((ROWS, 52), np.float32), ARKIT_52, 25.0, 0.0),
        landmarks=landmarks,
        head=np.repeat(np.eye(4, dtype=np.float32)[None], ROWS, 0),
        focal_px=500.0,
        expression=np.zeros((ROWS, 4), np.float32),
        crop=np.repeat(crop[None], ROWS, 0),
        colour=np.zeros((ROWS, 3, 2), np.float32),
        confidence=np.ones(ROWS, np.float32),
        gaps=np.zeros(ROWS, np.uint8),
    )


@pytest.fixture
def trial():
    random = np.random.default_rng(0)
    still = gaussian_filter(random.uniform(0, 255, (HIGH, WIDE, 3)), (1, 1, 0))
    grain = random.normal(0, 2, (ROWS, HIGH, WIDE, 3))
    frames = (still + grain).clip(0, 255).astype(np.uint8)
    return trials.Trial("made", frames, made_take(), CROP)


def test_the_region_is_the_box_of_the_hole(trial):
    down, across = trial.box(0)
    low, high = (np.array(CORNER) + CROP * np.array(HOLE[i : i + 2]) for i in (0, 2))
    assert (across.start, down.start) == tuple(np.floor(low).astype(int))
    assert (across.stop, down.stop) == tuple(np.ceil(high).astype(int))
    lips_down, lips_across = trial.lip_box(0)
    assert across.start < lips_across.start < lips_across.stop < across.stop
    assert down.start < lips_down.start < lips_down.stop < down.stop


def test_the_plate_itself_is_perfect(trial):
    score = trials.score(trial, trial.frames)
    assert score.psnr == score.psnr_lips == 99.0
    assert score.ssim == pytest.approx(1.0)
    assert score.sharpness == score.flicker == 1.0


def test_what_is_changed_outside_of_the_region_does_not_count(trial):
    painted = trial.frames.copy()
    painted[:, :30] = 0
    assert trials.score(trial, painted) == trials.score(trial, trial.frames)


def test_noise_flickers_and_a_still_picture_does_not(trial):
    noisy = trial.frames + np.random.default_rng(1).normal(0, 6, trial.frames.shape)
    frozen = np.repeat(trial.frames[:1], ROWS, 0)
    assert trials.score(trial, noisy).flicker > 2
    assert trials.score(trial, frozen).flicker == 0


def test_gaps_are_not_judged(trial):
    gaps = trial.take.gaps.copy()
    gaps[2] = Gap.COVERED_MOUTH
    gapped = replace(trial, take=replace(trial.take, gaps=gaps))
    painted = trial.frames.copy()
    painted[2] = 0
    assert 2 not in gapped.rows
    assert trials.score(gapped, painted).psnr == 99.0
    assert trials.score(gapped, painted).flicker == 1.0


def test_painted_parts_lie_inside_the_region(trial):
    parts = trial.painted_parts
    down, across = trial.box(0)
    assert parts[down, across].mean() > 0.6
    outside = parts.copy()
    outside[down, across] = False
    assert not outside.any()


def test_means_leave_out_what_is_unknown():
    one = trials.Score(30.0, 0.9, 1.0, 1.1, 28.0)
    mean = trials.mean_score([one, replace(one, psnr=32.0, flicker=float("nan"))])
    assert astuple(mean) == pytest.approx((31.0, 0.9, 1.0, 1.1, 28.0))


def test_lip_error_is_in_shares_of_the_eyes(trial):
    landmarks = trial.take.landmarks
    moved = landmarks.copy()
    moved[:, :, 0] += 6
    assert trials.lip_error(moved, landmarks) == pytest.approx(10.0)
    assert trials.lip_error(landmarks, landmarks) == 0.0


def test_aperture_is_the_gap_of_the_inner_lips(trial):
    landmarks = trial.take.landmarks.copy()
    closed = trials.aperture(landmarks)
    landmarks[2, [14, 87, 317], 1] += 6
    assert trials.aperture(landmarks)[2] - closed[2] == pytest.approx(0.1, abs=0.01)


def test_closures_are_found_at_the_beginning_of_p_b_m(trial):
    landmarks = trial.take.landmarks.copy()
    landmarks[:, [13, 82, 312], 1] -= np.array([9, 9, 2, 9, 1, 9])[:, None]
    moved = replace(trial, take=replace(trial.take, landmarks=landmarks))
    words = [(0.04, 0.12, "bin"), (0.14, 0.24, "green")]
    found = trials.frames_with_closures(moved, words)
    assert [row for _, row in found] == [2]
    assert not trials.frames_with_closures(moved, [(0.0, 0.2, "green")])


def test_teeth_come_first(trial):
    skin = np.broadcast_to(np.array([0.7, 0.45, 0.35], np.float32), (CROP, CROP, 3))
    dark, pale = skin.copy(), skin.copy()
    dark[40:56, 30:66], pale[40:56, 30:66] = 0.05, 0.7
    found = trials.frames_with_teeth(trial, {1: dark, 4: pale})
    assert [row for _, row in found] == [4, 1]
    assert found[0][0] > found[1][0] == 0.0
