"""The map from channels to expressions: learnt from what was heard and seen, sane where nothing was."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.landmarks import MOUTH_REGION
from soliloquy.inference.actor.speech_map import (
    driven,
    fit_speech_map,
    hear,
    lead_s,
    learn_speech,
    posture,
    sound_offset,
    with_map,
)
from soliloquy.inference.actor.take import load_face, load_take, save_take
from soliloquy.inference.actor.types import Take
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.curves import sample_motion
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.types import FaceMotion

sys.path.append(str(Path(__file__).resolve().parents[1]))
pytest.importorskip("OpenImageIO", reason="the tiny actor's helpers need OpenImageIO")
import actor_helpers as tiny

RATE_HZ, HEARD_HZ, FRAMES = 25.0, 50.0, 300
SPOKEN = ("jawOpen", "mouthFunnel", "mouthStretchLeft")


def face():
    """The tiny face, its cheeks moving nothing that is measured."""
    made = tiny.tiny_face()
    return replace(made, arkit=np.zeros_like(made.arkit))


def line(seed=0, seconds=FRAMES / RATE_HZ, rate_hz=HEARD_HZ):
    """Channels that open and close as in speech, at `rate_hz`."""
    random = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate_hz) + 1) / rate_hz
    values = np.zeros((len(times), 52), np.float32)
    for name in SPOKEN:
        waves = sum(
            np.sin(2 * np.pi * random.uniform(0.5, 4) * times + random.uniform(0, 6)) for _ in range(4)
        )
        values[:, ARKIT_52.index(name)] = np.clip(0.12 + 0.1 * waves, 0, 1)
    return FaceMotion(values, ARKIT_52, rate_hz)


def take_of(heard, offset_s=0.0, noise=0.0, tracked_gain=0.7, seed=0):
    """A take of an actor whose expression follows what is heard linearly, `offset_s` earlier."""
    random = np.random.default_rng(seed + 100)
    values = sample_motion(heard, np.arange(FRAMES) / RATE_HZ + offset_s)
    truth = np.zeros((52, tiny.COMPONENTS))
    truth[[ARKIT_52.index(name) for name in SPOKEN]] = [(5, 0.2, 0), (1, -1, 0.5), (0, 1.2, 0)]
    expression = values @ truth + random.normal(0, noise, (FRAMES, tiny.COMPONENTS)) + (0.1, 0, 0)
    zeros = np.zeros((FRAMES, 1), np.float32)
    return Take(
        plate="plate.mp4",
        plate_sha256=f"{seed * 4099:064x}",
        size=(160, 120),
        numbers=np.arange(1, FRAMES + 1, dtype=np.int32),
        motion=FaceMotion((values * tracked_gain).astype(np.float32), ARKIT_52, RATE_HZ),
        landmarks=np.zeros((FRAMES, 478, 3), np.float32),
        head=np.tile(np.eye(4, dtype=np.float32), (FRAMES, 1, 1)),
        focal_px=300.0,
        expression=expression.astype(np.float32),
        crop=np.zeros((FRAMES, 2, 3), np.float32),
        colour=np.zeros((FRAMES, 3, 2), np.float32),
        confidence=zeros[:, 0] + 1,
        gaps=np.zeros(FRAMES, np.uint8),
    )


def gap(made, expression):
    lips = made.vertices(np.asarray(expression, np.float32))
    return lips[:, 13, 1] - lips[:, 14, 1]


def fitted(noise=0.05, offset_s=0.0, heard=True):
    lines = [line(seed) for seed in range(4)]
    takes = [take_of(one, offset_s, noise, seed=seed) for seed, one in enumerate(lines)]
    return fit_speech_map(face(), takes, lines if heard else [None] * 4), takes


def test_what_was_heard_drives_a_new_line_as_the_actor_would_move():
    found, _ = fitted()
    assert found.heard
    assert found.aperture_r > 0.9
    made, new = with_map(face(), found), line(99)
    wanted = take_of(new)
    motion = FaceMotion(sample_motion(new, np.arange(FRAMES) / RATE_HZ), ARKIT_52, RATE_HZ)
    got = made.expression_of(motion)
    assert np.corrcoef(gap(made, got), gap(made, wanted.expression))[0, 1] > 0.97
    assert 0.85 < got[:, 0].std() / wanted.expression[:, 0].std() < 1.1


def test_without_sound_the_tracked_channels_are_mapped():
    found, takes = fitted(heard=False)
    assert not found.heard
    assert found.offsets_s == (None,) * 4
    np.testing.assert_array_equal(found.arkit, found.tracked)
    made = with_map(face(), found)
    np.testing.assert_allclose(made.expression_of(takes[0].motion)[:, 0], takes[0].expression[:, 0], atol=0.4)


def test_channels_that_the_actor_never_moved_do_as_on_any_face():
    made = with_map(face(), fitted()[0])
    rest = np.zeros((4, 52), np.float32)
    for row, name in enumerate(("jawOpen", "mouthClose", "mouthPucker"), 1):
        rest[row, ARKIT_52.index(name)] = 1
    smile = rest[:1].copy()
    smile[:, [ARKIT_52.index(f"mouthSmile{side}") for side in ("Left", "Right")]] = 1
    vertices = made.vertices(made.expression_of(FaceMotion(np.concatenate([rest, smile]), ARKIT_52, RATE_HZ)))
    apertures = vertices[:, 13, 1] - vertices[:, 14, 1]
    widths = vertices[:, 291, 0] - vertices[:, 61, 0]
    assert apertures[1] > apertures[0] + 0.5, "jawOpen opens"
    assert apertures[2] < apertures[0] - 0.2, "mouthClose closes"
    assert widths[3] < widths[0] - 0.2, "mouthPucker narrows"
    assert widths[4] > widths[0] + 0.2, "smiles widen"


@pytest.mark.parametrize("offset_s", [-0.12, 0.0, 0.08])
def test_the_offset_of_the_sound_is_found(offset_s):
    found, takes = fitted(offset_s=offset_s)
    np.testing.assert_allclose(found.offsets_s, offset_s, atol=0.012)
    offset, sure = sound_offset(gap(face(), takes[0].expression), RATE_HZ, line(0))
    assert offset == pytest.approx(offset_s, abs=0.011)
    assert sure > 0.8


def test_a_sound_that_is_not_the_actors_is_not_learnt_from():
    lines = [line(seed) for seed in range(3)]
    takes = [take_of(one, seed=seed) for seed, one in enumerate(lines)]
    still = FaceMotion(np.zeros((600, 52), np.float32), ARKIT_52, HEARD_HZ)
    found = fit_speech_map(face(), takes, [still] * 3)
    assert found.offsets_s == (None, None, None)
    assert not found.heard


def test_a_take_that_is_left_out_gets_an_offset_only():
    lines = [line(seed) for seed in range(3)]
    takes = [take_of(one, seed=seed) for seed, one in enumerate(lines)]
    broken = replace(takes[2], expression=takes[2].expression * np.array([1, 50, 1], np.float32))
    left_out = fit_speech_map(face(), [*takes[:2], broken], lines, left_out=[False, False, True])
    without = fit_speech_map(face(), takes[:2], lines[:2])
    np.testing.assert_allclose(left_out.tracked, without.tracked, atol=1e-5)
    assert left_out.offsets_s[2] is not None


def test_frames_that_are_gaps_are_not_learnt_from():
    take = take_of(line())
    gaps = np.zeros(FRAMES, np.uint8)
    gaps[50:150] = 3
    wild = take.expression.copy()
    wild[50:150] = 40
    found = fit_speech_map(face(), [replace(take, expression=wild, gaps=gaps)], [line()])
    assert np.abs(with_map(face(), found).expression_of(take.motion)).max() < 15
    with pytest.raises(ValueError, match="at least one take"):
        fit_speech_map(face(), [replace(take, gaps=np.ones(FRAMES, np.uint8))], [None])


@given(st.dictionaries(st.sampled_from(ARKIT_52), st.floats(0, 1), max_size=12), st.floats(-2, 2))
def test_lips_that_the_channels_close_meet_and_nothing_is_torn(channels, bias):
    made = with_map(face(), _MAP)
    values = np.zeros((1, 52), np.float32)
    for name, value in channels.items():
        values[0, ARKIT_52.index(name)] = value
    held = np.full((1, tiny.COMPONENTS), bias, np.float32)
    expression = driven(made, FaceMotion(values, ARKIT_52, RATE_HZ), held)
    assert np.isfinite(expression).all()
    assert np.linalg.norm(expression) <= 15.001
    plain = made.expression_of(FaceMotion(values, ARKIT_52, RATE_HZ)) + held
    if lip_curves(values, ARKIT_52)[0][0] <= 0 and np.linalg.norm(plain) < 9:
        assert gap(made, expression)[0] < 0.05
    if lip_curves(values, ARKIT_52)[0][0] > 0.5 and np.linalg.norm(plain) < 9:
        np.testing.assert_allclose(expression, plain, atol=1e-4)


_MAP = fitted()[0]


def test_posture_is_what_the_channels_do_not_explain_and_slow():
    found, takes = fitted(noise=0.0)
    made = with_map(face(), found)
    slow = np.linspace(0, 1.5, FRAMES)[:, None] * np.array([0, 0, 1.0])
    held = posture(made, replace(takes[0], expression=(takes[0].expression + slow).astype(np.float32)))
    middle = posture(made, takes[0])
    np.testing.assert_allclose(held - middle, slow, atol=0.1)
    fast = np.sin(np.arange(FRAMES) * 1.5)[:, None] * np.array([0, 0, 1.0])
    quick = posture(made, replace(takes[0], expression=(takes[0].expression + fast).astype(np.float32)))
    assert np.abs(quick - middle)[50:-50].max() < 0.15
    assert not posture(face(), takes[0]).any(), "without a map of tracked channels there is none"


def test_a_line_leads_by_what_lips_can_and_not_by_a_fault_of_the_recording():
    take = take_of(line())
    assert lead_s(take) == 0
    assert lead_s(replace(take, sound_offset_s=0.025)) == 0.025
    assert lead_s(replace(take, sound_offset_s=0.2)) == 0


def test_a_folder_of_pictures_has_nothing_to_hear(tmp_path):
    from soliloquy.inference.session import load_speech_model

    assert (
        hear(tiny.write_plate(tmp_path / "plate", np.zeros((2, 20, 20, 3), np.uint8)), load_speech_model())
        is None
    )


def test_learning_writes_the_face_and_keeps_its_shapes(tmp_path):
    made = tiny.make_tiny_actor(tmp_path, 30, renderer=False)
    told = []
    found = learn_speech(made.actor, progress=told.append)
    assert told == [1.0]
    assert not found.heard
    kept = load_face(made.actor)
    np.testing.assert_array_equal(kept.arkit, found.arkit)
    np.testing.assert_array_equal(kept.tracked, found.tracked)
    np.testing.assert_array_equal(kept.basis[:, list(MOUTH_REGION)], made.face.basis[:, list(MOUTH_REGION)])
    assert load_take(made.actor, "one").sound_offset_s is None


def test_learning_from_takes_without_a_mouth_is_refused(tmp_path):
    from soliloquy.inference.actor.folder import ActorError

    made = tiny.make_tiny_actor(tmp_path, 10, renderer=False)
    save_take(made.actor, "one", replace(made.take, gaps=np.ones(10, np.uint8)))
    with pytest.raises(ActorError, match="No take of Tiny shows the mouth"):
        learn_speech(made.actor)
