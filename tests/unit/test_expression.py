"""Expressions over time: they come and go softly, differ between takes, and may be made in pieces."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52, BROWS
from soliloquy.inference.instruction.values import (
    ACTIONS,
    BLEND_S,
    EMOTIONS,
    NEUTRAL,
    Instruction,
    InstructionTrack,
)
from soliloquy.inference.performance.emotions import action_tables, emotions
from soliloquy.inference.performance.expression import REACH_S, expression
from soliloquy.inference.performance.style import VALUES, Style, instruction_of, style_of
from soliloquy.inference.performance.wander import wander

TIMES = np.arange(500) / 50
STILL = Style(idle=(0.0, 0.0), seed=3)
MOUTH = [i for i, name in enumerate(ARKIT_52) if name.startswith(("mouth", "jaw"))]
OF_THE_FACE = [
    action for action, *ways in zip(ACTIONS, *action_tables(), strict=True) if any(way.any() for way in ways)
]


def constant(values, intensity=1.0):
    return InstructionTrack.constant(Instruction.of(values, intensity))


def column(values, name):
    return values[:, ARKIT_52.index(name)]


def test_without_an_instruction_the_mouth_is_still_and_the_rest_lives_a_little():
    values = expression(NEUTRAL, Style(seed=5), TIMES)
    assert not values[:, MOUTH].any()
    brows = values[:, [ARKIT_52.index(name) for name in BROWS]]
    assert 0.005 < brows.std(axis=0).max() < 0.1
    assert values.max() < 0.3


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_emotion_shows_what_its_variants_share(emotion):
    values = expression(constant({emotion: 1.0}), STILL, TIMES)[100:].mean(axis=0)
    shared = emotions()[EMOTIONS.index(emotion)].table.min(axis=0)
    assert (values >= 0.6 * shared - 0.02).all()
    assert values.max() > 0.25


def test_half_an_emotion_is_about_half_the_expression():
    whole, half = (expression(constant({"joy": v}), STILL, TIMES)[100:].mean(axis=0) for v in (1.0, 0.5))
    assert half.sum() == pytest.approx(0.5 * whole.sum(), rel=0.1)
    scaled = expression(constant({"joy": 1.0}, intensity=0.5), STILL, TIMES)[100:].mean(axis=0)
    np.testing.assert_allclose(scaled, half, atol=1e-6)


def test_an_expression_comes_in_over_the_blend():
    smile = column(expression(constant({"anger": 1.0}), STILL, TIMES), "browDownLeft")
    full = smile[100:].mean()
    assert smile[0] == 0.0
    assert smile[round(BLEND_S / 2 * 50)] == pytest.approx(0.5 * full, rel=0.3)
    assert smile[round(BLEND_S * 50)] > 0.8 * full


@given(st.lists(st.sampled_from(EMOTIONS), min_size=2, max_size=4), st.integers(0, 1000))
def test_nothing_pops_where_the_instruction_changes(names, seed):
    spans = [(2.0 * i, Instruction.of({name: 1.0})) for i, name in enumerate(names)]
    values = expression(InstructionTrack.steps(spans), Style(seed=seed), TIMES)
    assert np.abs(np.diff(values, axis=0)).max() < 0.12


def test_keys_that_jump_do_not_make_the_face_jump():
    happy, calm = Instruction.of({"joy": 1.0}), Instruction()
    track = InstructionTrack((0.0, 4.0, 4.001, 9.0), (calm, calm, happy, happy))
    assert np.abs(np.diff(expression(track, STILL, TIMES), axis=0)).max() < 0.4


@pytest.mark.parametrize("action", OF_THE_FACE, ids=lambda action: action.name)
def test_every_action_of_the_face_is_seen_and_has_its_opposite(action):
    plain = Instruction.of({"joy": 0.4, "amazement": 0.4, "sadness": 0.3})

    def mean(value):
        both = Instruction(plain.emotions, Instruction.of({action.name: value}).actions)
        return expression(InstructionTrack.constant(both), STILL, TIMES)[100:].mean(axis=0)

    before, more = mean(0.0), mean(1.0)
    assert np.abs(more - before).max() > 0.2
    if action.low < 0:
        less = mean(-1.0)
        assert np.abs(less - before).max() > 0.1
        assert np.dot(less - before, more - before) < 0.25 * np.linalg.norm(more - before) ** 2


def test_loud_speech_strengthens_an_expression_a_little():
    quiet, loud = (np.full((500, 3), db, np.float32) for db in (-40.0, -14.0))
    track = constant({"anger": 0.6})
    a, b = (
        column(expression(track, STILL, TIMES, voice), "browDownLeft")[100:].mean() for voice in (quiet, loud)
    )
    assert 1.1 < b / a < 1.5
    unknown = np.full((500, 3), np.nan, np.float32)
    plain = expression(track, STILL, TIMES)
    np.testing.assert_allclose(expression(track, STILL, TIMES, unknown), plain, atol=1e-6)


@given(st.integers(0, 2**63), st.lists(st.integers(1, 499), min_size=1, max_size=4, unique=True))
def test_pieces_are_the_whole(seed, cuts):
    rng = np.random.default_rng(seed)
    voice = rng.normal(-24, 10, (500, 3)).astype(np.float32)
    spans = [(0.0, Instruction.of({"joy": 1.0})), (4.0, Instruction.of({"outofbreath": 0.8}))]
    track, style, reach = InstructionTrack.steps(spans), Style(seed=seed), round(REACH_S * 50)
    whole = expression(track, style, TIMES, voice)
    edges = [0, *sorted(cuts), 500]
    for start, stop in pairwise(edges):
        outer = slice(max(0, start - reach), stop + reach)
        made = expression(track, style, TIMES[outer], voice[outer])
        np.testing.assert_allclose(made[start - outer.start :][: stop - start], whole[start:stop], atol=1e-6)


@given(st.integers(0, 2**32), st.floats(0.0, 2.0))
def test_any_instruction_and_style_stays_in_range(seed, strength):
    rng = np.random.default_rng(seed)
    emotion = tuple(rng.random(len(EMOTIONS)))
    action = tuple(rng.uniform(a.low, 1.0) for a in ACTIONS)
    track = InstructionTrack.constant(Instruction(emotion, action))
    style = style_of(rng.normal(0, 3, VALUES).astype(np.float32), seed)
    values = expression(track, style, TIMES[:100], strength=strength)
    assert values.dtype == np.float32
    assert values.min() >= 0.0
    assert values.max() <= 1.0


def test_another_seed_is_another_take_and_the_same_seed_the_same():
    track = constant({"sadness": 1.0})
    one, again, other = (expression(track, Style(seed=s), TIMES) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.05


def test_a_style_keeps_within_what_looks_human():
    for sign in (-1.0, 1.0):
        style = style_of(np.full(VALUES, 50.0 * sign, np.float32))
        assert all(sum(weights) == pytest.approx(1.0) for weights in style.variants)
        assert all(0.7 <= gain <= 1.3 for gain in style.gains)
        assert all(0.0 <= lag <= 0.2 for lag in style.lags_s)
        assert all(abs(side) <= 0.3 for side in style.sides)
        assert all(0.3 <= a <= 2.5 for a in style.head.amplitude)


def test_the_mean_person_has_no_habits():
    style = style_of(np.zeros(VALUES, np.float32))
    assert style.gains == (1.0, 1.0, 1.0, 1.0)
    assert style.head.amplitude == (1.0, 1.0, 1.0)
    assert style.accents == style.blinks == style.gaze == 1.0
    assert len(style.variants) == len(EMOTIONS)


def test_a_style_is_drawn_for_the_mean_of_a_track():
    track = InstructionTrack((0.0, 10.0), (Instruction.of({"joy": 1.0}), Instruction.of({"joy": 0.0})))
    assert instruction_of(track).emotions[EMOTIONS.index("joy")] == pytest.approx(0.5)
    assert instruction_of(NEUTRAL) == Instruction()


def test_wandering_is_centred_slow_and_of_spread_one():
    curve = wander(7, 4, np.arange(60 * 50 * 20) / 50)
    assert np.abs(curve.mean(axis=0)).max() < 0.15
    assert np.abs(curve.std(axis=0) - 1.0).max() < 0.15
    assert np.abs(np.diff(curve, axis=0)).max() < 0.25
    assert abs(np.corrcoef(curve.T)[0, 1]) < 0.2
    np.testing.assert_allclose(wander(7, 4, np.array([1234.5]))[0], wander(7, 4, np.array([3.0, 1234.5]))[1])
