"""Head motion as it ships: pieces, seeds, drift, limits, and what an instruction does to it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.audio import read_audio
from soliloquy.inference.errors import ModelError
from soliloquy.inference.instruction.values import ACTION_NAMES
from soliloquy.inference.motion import join, stream_speech
from soliloquy.inference.performance.head import (
    HEAD_WEIGHTS,
    LIMITS_RAD,
    HeadStream,
    HeadStyle,
    head_motion,
    load_head_model,
)
from soliloquy.inference.performance.stress import stresses
from soliloquy.inference.prosody import measure
from soliloquy.inference.session import SPEECH_WEIGHTS, load_speech_model
from soliloquy.inference.visemes import VISEMES

SAMPLE = Path(__file__).resolve().parents[2] / "blender_addon" / "assets" / "sample.flac"
pytestmark = pytest.mark.skipif(not HEAD_WEIGHTS.is_file(), reason="the shipped weights are not there")


@pytest.fixture(scope="module")
def model():
    return load_head_model()


@pytest.fixture(scope="module")
def line():
    """Prosody [T, 3] and visemes [T, 15] of the sample sentence."""
    if not SPEECH_WEIGHTS.is_file():
        pytest.skip("the shipped weights are not there")
    clip = read_audio(SAMPLE)
    heard, spoken = measure([clip]), join(stream_speech([clip], load_speech_model()))
    prosody = np.stack([heard.level_db, heard.high_db, heard.pitch_octaves], axis=1).astype(np.float32)
    rows = min(len(prosody), len(spoken.visemes))
    return prosody[:rows], spoken.visemes[:rows]


def long_line(line, minutes, seed=0):
    """The sentence again and again, louder and softer, with pauses of random length."""
    random, rows = np.random.default_rng(seed), int(minutes * 3000)
    prosody, visemes, count = [], [], 0
    silence = np.eye(len(VISEMES), dtype=np.float32)[[0]]
    while count < rows:
        pause = int(random.integers(5, 100))
        prosody += [line[0] + np.float32([random.normal() * 3.0, 0.0, random.normal() * 0.1])]
        prosody += [np.tile(np.float32([-65.0, -85.0, np.nan]), (pause, 1))]
        visemes += [line[1], np.repeat(silence, pause, axis=0)]
        count += len(line[0]) + pause
    return np.concatenate(prosody)[:rows], np.concatenate(visemes)[:rows]


def actions(rows, **values):
    table = np.zeros((rows, len(ACTION_NAMES)), np.float32)
    for name, value in values.items():
        table[:, ACTION_NAMES.index(name)] = value
    return table


def moved(line, model, seed=1, style=None, **values):
    return head_motion(*line, actions(len(line[0]), **values), seed, model, style)


def speed(motion):
    return np.diff(motion.astype(float), axis=0).std(0) * 50.0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 10_000), max_size=6), st.integers(0, 2**40))
def test_pieces_are_the_whole(line, model, cuts, seed):
    prosody, visemes = line
    asked = actions(len(prosody), nods=0.5, shakes=0.7, pace=0.3)
    asked[:, ACTION_NAMES.index("head_turn")] = np.linspace(-1, 1, len(prosody))
    whole = head_motion(prosody, visemes, asked, seed, model)
    assert whole.shape == (len(prosody), 3)
    assert whole.dtype == np.float32
    stream, events = HeadStream(model, seed), stresses(prosody, visemes)
    at = sorted(cut % (len(prosody) + 1) for cut in cuts)
    parts = zip(np.split(prosody, at), np.split(visemes, at), np.split(asked, at), strict=True)
    pieces = np.concatenate([stream.feed(p, v, a, events) for p, v, a in parts])
    assert np.abs(pieces - whole).max() < 1e-4


def test_a_seed_is_a_take(line, model):
    assert np.array_equal(moved(line, model, 3), moved(line, model, 3))
    takes = [moved(line, model, seed) for seed in range(6)]
    spread = np.mean([take.std(0) for take in takes], axis=0)
    apart = np.std(takes, axis=0).mean(0)
    assert (apart > 0.5 * spread).all()


@pytest.mark.parametrize("minutes", [10, 60])
def test_the_head_does_not_drift(line, model, minutes):
    motion = moved(long_line(line, minutes), model)
    spread = motion.std(0)
    assert (spread > 0.005).all()
    tenths = motion[: len(motion) // 10 * 10].reshape(10, -1, 3).mean(1)
    assert (np.abs(tenths) < np.maximum(0.035, spread)).all()  # 2 degrees
    assert np.abs(tenths[-1] - tenths[0]).max() < 0.035
    assert (motion[-3000:].std(0) > 0.4 * motion[:3000].std(0)).all()
    assert (np.abs(motion) < LIMITS_RAD).all()


def test_limits_hold_whatever_is_asked(line, model):
    style = HeadStyle(amplitude=(9.0, 9.0, 9.0), pace=3.0, rest=(0.3, 0.3, 0.3))
    asked = dict.fromkeys(("head_pitch", "head_turn", "head_tilt", "nods", "shakes", "head_motion"), 1.0)
    motion = moved(line, model, style=style, **asked)
    assert (np.abs(motion) <= np.float32(LIMITS_RAD)).all()
    assert np.abs(motion).max() > 0.39  # they were reached


@pytest.mark.parametrize(
    ("name", "axis"), [("head_pitch", 0), ("head_turn", 1), ("head_tilt", 2)], ids=["pitch", "turn", "tilt"]
)
def test_an_instruction_leads_the_head(line, model, name, axis):
    plain = moved(line, model)
    for value in (-1.0, 0.5, 1.0):
        change = (moved(line, model, **{name: value}) - plain).mean(0)
        assert 0.15 < change[axis] / value < 0.3
        assert np.abs(np.delete(change, axis)).max() < 0.01


def test_a_change_of_the_instruction_does_not_pop(line, model):
    asked = actions(len(line[0]))
    asked[len(asked) // 2 :, ACTION_NAMES.index("head_turn")] = 1.0
    turn = head_motion(*line, asked, 1, model)[:, 1] - moved(line, model)[:, 1]
    assert np.abs(np.diff(turn)).max() < 0.03  # 1.5 rad/s at most


def test_nods_go_down_just_after_the_stress(line, model):
    nodding = moved(line, model, nods=1.0)[:, 0] - moved(line, model, head_motion=0.0)[:, 0]
    strong = [round(50 * t) for t, strength in stresses(*line) if strength > 0.3]
    assert strong
    lowest = [nodding[max(0, row - 5) : row + 15].argmax() - 5 for row in strong]
    assert all(nodding[max(0, row - 5) : row + 15].max() > 0.015 for row in strong)
    assert -2 <= np.median(lowest) <= 10


def test_shakes_turn_the_head_both_ways(line, model):
    shaking = moved(line, model, shakes=1.0)[:, 1] - moved(line, model)[:, 1]
    assert shaking.max() > 0.05
    assert shaking.min() < -0.05
    assert np.abs(moved(line, model, shakes=1.0)[:, [0, 2]] - moved(line, model)[:, [0, 2]]).max() < 1e-6


def test_lively_still_quick_slow(line, model):
    long = long_line(line, 2)
    plain = speed(moved(long, model))
    assert (speed(moved(long, model, head_motion=1.0)) > 1.5 * plain).all()
    assert (speed(moved(long, model, head_motion=-1.0)) < 0.25 * plain).all()
    assert (speed(moved(long, model, pace=1.0)) > 1.2 * plain).all()
    assert (speed(moved(long, model, pace=-1.0)) < 0.85 * plain).all()


def test_style_scales_axes_and_moves_rest(line, model):
    plain = moved(line, model)
    rest = moved(line, model, style=HeadStyle(rest=(0.05, -0.1, 0.02)))
    assert np.allclose((rest - plain).mean(0), (0.05, -0.1, 0.02), atol=2e-3)
    wide = moved(line, model, style=HeadStyle(amplitude=(1.0, 2.0, 1.0)))
    assert wide[:, 1].std() > 1.8 * plain[:, 1].std()
    assert np.allclose(wide[:, 0], plain[:, 0], atol=1e-6)


def test_silence_and_unknown_loudness_are_calm(model, line):
    rows = 1500
    silence = np.tile(np.float32([-70.0, -90.0, np.nan]), (rows, 1))
    visemes = np.eye(len(VISEMES), dtype=np.float32)[[0] * rows]
    motion = moved((silence, visemes), model)
    assert np.isfinite(motion).all()
    assert (speed(motion) < speed(moved(long_line(line, 0.5), model))).all()
    unknown = np.full_like(line[0], np.nan)
    assert np.isfinite(moved((unknown, line[1]), model)).all()
    assert moved((silence[:0], visemes[:0]), model).shape == (0, 3)


def test_what_is_no_head_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"The head model .* does not exist"):
        load_head_model(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("not a graph")
    with pytest.raises(ModelError, match=r"The head model .* is damaged"):
        load_head_model(tmp_path / "text.onnx")
    if SPEECH_WEIGHTS.is_file():
        with pytest.raises(ModelError, match="was made for contract 2, this version reads head-1"):
            load_head_model(SPEECH_WEIGHTS)
