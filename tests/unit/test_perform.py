"""The whole performance: the same in pieces as in one, drawn from seeds, within human ranges."""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52, HEAD
from soliloquy.inference.errors import UsageError
from soliloquy.inference.instruction.values import ACTION_NAMES, EMOTIONS, Instruction, InstructionTrack
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.motion import Spoken, join
from soliloquy.inference.motion_pack import pack, unpack
from soliloquy.inference.performance.blinks import KNOWN_S, BlinkFeed, blink_times
from soliloquy.inference.performance.direction import Direction, Draw, Gaze
from soliloquy.inference.performance.perform import (
    CHANNELS,
    load_performance_models,
    perform,
    perform_line,
    perform_pieces,
)
from soliloquy.inference.types import FaceMotion
from soliloquy.inference.visemes import VISEMES

LIMIT_RAD = 1.0


def speech(seconds, seed=0):
    """Phrases of vowels and closed lips with pauses between them, as the speech model would hear them."""
    random = np.random.default_rng(seed)
    rows = round(seconds * 50)
    visemes = np.zeros((rows, 15), np.float32)
    values = np.zeros((rows, 52), np.float32)
    voice = np.full((rows, 3), (-75.0, -85.0, np.nan), np.float32)
    row = 0
    while row < rows:
        for _ in range(int(random.integers(3, 14))):
            long = int(random.integers(4, 9))
            span = slice(row, min(row + long, rows))
            level, pitch = -24.0 + 6.0 * random.normal(), np.log2(130.0) + 0.2 * random.normal()
            visemes[span, VISEMES.index("aa")] = 1.0
            values[span, ARKIT_52.index("jawOpen")] = 0.1 + 0.3 * random.random()
            voice[span] = (level, level - 20.0, pitch)
            row += long
            visemes[row : row + 3, VISEMES.index("PP")] = 1.0
            row += 3
        pause = int(random.integers(8, 70))
        visemes[row : row + pause, VISEMES.index("sil")] = 1.0
        row += pause
    visemes /= visemes.sum(axis=1, keepdims=True)
    motion = FaceMotion(values, ARKIT_52, 50.0)
    return Spoken(motion, visemes, np.zeros((rows, 0), np.float32), voice)


@lru_cache(maxsize=4)
def long_speech():
    return speech(75.0, 3)


def rows_of(spoken, first, stop):
    motion = spoken.motion
    part = replace(motion, values=motion.values[first:stop], start_s=motion.start_s + first / 50)
    voice = None if spoken.prosody is None else spoken.prosody[first:stop]
    return Spoken(part, spoken.visemes[first:stop], spoken.memory[first:stop], voice)


instructions = st.builds(
    lambda emotions, actions: Instruction(tuple(emotions), tuple(actions)),
    st.lists(st.floats(0, 1), min_size=len(EMOTIONS), max_size=len(EMOTIONS)),
    st.lists(st.floats(0, 1), min_size=len(ACTION_NAMES), max_size=len(ACTION_NAMES)),
)
directions = st.builds(
    lambda first, second, seed, head, gaze, target: Direction(
        InstructionTrack.steps([(0.0, first), (20.0, second)]),
        Draw.of(seed),
        head=head,
        gaze=gaze,
        target=target,
    ),
    instructions,
    instructions,
    st.integers(-(2**40), 2**70),
    st.floats(0, 2),
    st.floats(0, 2),
    st.none() | st.just(Gaze((0.0, 30.0), (-0.6, 0.6), (0.3, -0.3))),
)


@settings(deadline=None, max_examples=12)
@given(directions, st.lists(st.integers(0, 75 * 50), max_size=8))
def test_pieces_are_performed_as_the_whole(direction, cuts):
    whole_line = long_speech()
    edges = [0, *sorted(cuts), len(whole_line.motion.values)]
    pieces = [rows_of(whole_line, a, b) for a, b in pairwise(edges)]
    models = load_performance_models()
    whole = perform_line(whole_line, direction, models)
    feed = BlinkFeed()
    made = join(perform_pieces(pieces, direction, models, feed))
    np.testing.assert_allclose(made.motion.values, whole.motion.values, rtol=0, atol=1e-6)
    assert made.motion.start_s == 0.0
    np.testing.assert_array_equal(feed.cues(-np.inf).moments_s, whole.blinks.moments_s)


@settings(deadline=None, max_examples=12)
@given(directions)
def test_weights_and_angles_stay_in_range(direction):
    motion = perform(speech(12.0, 5), direction, load_performance_models())
    assert motion.channels == CHANNELS == (*ARKIT_52, *HEAD)
    weights, angles = motion.values[:, :52], motion.values[:, 52:]
    assert np.isfinite(motion.values).all()
    assert weights.min() >= 0.0
    assert weights.max() <= 1.0
    assert np.abs(angles).max() <= LIMIT_RAD * max(1.0, direction.head)


def test_moments_to_blink_at_are_known_before_a_piece_leaves():
    feed, spoken = BlinkFeed(), long_speech()
    whole = perform_line(spoken, Direction(), load_performance_models()).blinks.moments_s
    pieces = (rows_of(spoken, a, a + 50) for a in range(0, len(spoken.motion.values), 50))
    left = 0
    for piece in perform_pieces(pieces, Direction(), load_performance_models(), feed):
        end_s = piece.motion.times_s[-1]
        known = feed.cues(piece.motion.start_s).moments_s
        wanted = whole[(whole >= piece.motion.start_s) & (whole <= end_s + KNOWN_S)]
        assert np.isin(wanted, known).all()
        left += len(piece.motion.values)
    assert left == len(spoken.motion.values)


def test_the_same_seeds_give_the_same_and_each_seed_its_own_part():
    spoken, models = speech(20.0), load_performance_models()
    take = perform(spoken, Direction(draw=Draw(1, 2, 3)), models)
    np.testing.assert_array_equal(take.values, perform(spoken, Direction(draw=Draw(1, 2, 3)), models).values)

    def differing(draw):
        other = perform(spoken, Direction(draw=draw, breath=0.0), models).values
        plain = perform(spoken, Direction(draw=Draw(1, 2, 3), breath=0.0), models).values
        return {CHANNELS[i] for i in np.flatnonzero(np.abs(other - plain).max(axis=0) > 1e-6)}

    eyes = {name for name in ARKIT_52 if name.startswith("eyeLook")}
    assert "browInnerUp" in differing(Draw(9, 2, 3))
    assert not differing(Draw(9, 2, 3)) & {*HEAD, *eyes}
    assert eyes & differing(Draw(1, 2, 9))
    assert not differing(Draw(1, 2, 9)) & {*HEAD, "browInnerUp", "mouthSmileLeft"}
    assert set(HEAD) <= differing(Draw(1, 9, 3))
    assert "browInnerUp" not in differing(Draw(1, 9, 3))


def test_strengths_of_nothing_leave_the_mouth_to_speech_but_for_a_little_life():
    spoken = speech(20.0)
    direction = Direction(emotion=0.0, head=0.0, gaze=0.0, accents=0.0, breath=0.0)
    made = perform(spoken, direction, load_performance_models())
    off = np.abs(made.values[:, :52] - spoken.motion.values).max(axis=0)
    for column, name in enumerate(ARKIT_52):
        if name.startswith(("mouth", "jaw", "tongue")):
            assert off[column] < (0.06 if name.startswith("mouth") else 1e-6), name
    assert not made.values[:, 52:].any()


def test_a_neutral_performance_does_not_part_or_close_the_lips_in_speech():
    spoken = speech(20.0)
    made = perform(spoken, Direction(), load_performance_models())
    speaks = np.flatnonzero(spoken.visemes[:, VISEMES.index("sil")] < 0.5)
    before, _ = lip_curves(spoken.motion.values, ARKIT_52)
    after, _ = lip_curves(made.values[:, :52], ARKIT_52)
    assert np.abs(after - before)[speaks].max() < 0.4  # mm


def test_an_emotion_comes_in_without_a_jump_and_is_seen():
    direction = Direction(InstructionTrack.constant(Instruction.of({"joy": 1.0})))
    motion = perform(speech(10.0), direction, load_performance_models())
    assert motion.channel("cheekSquintLeft")[0] < 0.05
    for channel in ("mouthSmileLeft", "cheekSquintLeft"):
        shown = motion.channel(channel)
        assert shown[100:].mean() > 0.25
        assert np.abs(np.diff(shown[:60])).max() < 0.15


def test_eyes_stay_on_a_target_while_the_head_turns():
    target = Gaze((0.0,), (0.2,), (0.0,))
    nodding = InstructionTrack.constant(Instruction.of({"head_turn": 0.6, "nods": 1.0}))
    direction = Direction(nodding, gaze=0.0, target=target)
    made = perform(speech(20.0), direction, load_performance_models())
    eye = np.radians(29) * (made.channel("eyeLookOutLeft") - made.channel("eyeLookInLeft"))
    np.testing.assert_allclose(eye + made.channel("headYaw"), 0.2, atol=0.02)


@pytest.mark.parametrize(("action", "rate"), [(0.0, (10.0, 21.0)), (1.0, (21.0, 40.0)), (-1.0, (4.0, 11.0))])
def test_people_blink_at_human_rates_and_more_or_less_when_told(action, rate):
    track = InstructionTrack.constant(Instruction.of({"blinking": action}))
    spoken = speech(300.0, 7)
    cues = perform_line(spoken, Direction(track), load_performance_models()).blinks
    counts = [len(blink_times(0.0, 300.0, seed, cues)) for seed in range(10)]
    assert rate[0] < np.mean(counts) / 5.0 < rate[1]


def test_blinks_gather_at_the_ends_of_phrases_and_at_gaze_shifts():
    cues = perform_line(speech(300.0, 8), Direction(), load_performance_models()).blinks
    away = [
        np.abs(cues.moments_s[:, None] - blink_times(0.0, 300.0, seed, cues)).min(axis=0) for seed in range(5)
    ]
    assert np.mean(np.concatenate(away) < 0.05) > 0.4
    assert all(np.diff(blink_times(0.0, 300.0, seed, cues)).min() > 1.19 for seed in range(5))


def test_a_voice_that_nobody_measured_is_performed_calmly():
    spoken = speech(20.0)
    kept, _ = unpack(pack(replace(spoken, prosody=None)))
    assert kept.prosody is None
    made = perform(kept, Direction(), load_performance_models())
    assert np.isfinite(made.values).all()


@pytest.mark.parametrize("rows", [0, 1, 2, 30])
def test_very_short_sounds(rows):
    made = perform(rows_of(speech(2.0), 0, rows), Direction(), load_performance_models())
    assert made.values.shape == (rows, 55)


def test_other_rates_are_refused_with_a_remedy():
    spoken = speech(2.0)
    other = replace(spoken, motion=replace(spoken.motion, rate_hz=25.0))
    with pytest.raises(UsageError, match="50 rows"):
        perform(other, Direction(), load_performance_models())
