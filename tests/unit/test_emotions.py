"""The table of emotions: complete, sourced, within range, and true to the units that it names."""

import json

import numpy as np
import pytest
from soliloquy.inference.channels import ARKIT_52, mirror
from soliloquy.inference.instruction.values import ACTION_NAMES, ACTIONS, EMOTIONS
from soliloquy.inference.performance.emotions import FILE, action_tables, emotions, unit_weights

DATA = json.loads(FILE.read_text("utf-8"))
NOT_OF_THE_FACE = {
    "head_pitch", "head_turn", "head_tilt", "nods", "shakes", "head_motion", "pace", "gaze_height",
    "gaze_side", "gaze_motion", "blinking",
}  # fmt: skip


def column(weights, name):
    return float(weights[ARKIT_52.index(name)])


def test_every_emotion_has_three_variants_or_more_whose_shares_sum_to_one():
    assert tuple(e.name for e in emotions()) == EMOTIONS
    for emotion in emotions():
        assert 3 <= len(emotion.variants) <= 5
        assert sum(v.share for v in emotion.variants) == pytest.approx(1.0)
        assert emotion.table.min() >= 0.0
        assert 0.3 < emotion.table.max() <= 1.0


def test_every_variant_names_sources_that_the_file_describes():
    for emotion in emotions():
        for variant in emotion.variants:
            known = [name for name in DATA["sources"] if name in variant.source]
            assert known, f"{emotion.name}, {variant.name}: {variant.source}"


@pytest.mark.parametrize(("emotion", "units"), [
    ("amazement", {"1", "2"}), ("anger", {"4", "7"}), ("fear", {"1", "2", "4", "5"}), ("pain", {"4", "43"}),
    ("grief", {"1", "4", "6"}), ("sadness", {"1", "4", "15"}), ("joy", {"12"}),
])  # fmt: skip
def test_variants_share_what_their_source_asks_for(emotion, units):
    for variant in emotions()[EMOTIONS.index(emotion)].variants:
        assert units <= set(variant.units), variant.name


def test_a_unit_on_one_side_moves_only_that_side():
    left, both = unit_weights({"L12": 0.6}), unit_weights({"12": 0.6})
    assert column(left, "mouthSmileLeft") == pytest.approx(0.6)
    assert column(left, "mouthSmileRight") == 0.0
    assert column(both, "mouthSmileRight") == pytest.approx(0.6)


def test_units_without_side_are_even():
    for unit in DATA["units"]:
        weights = unit_weights({unit: 1.0})
        for name in ARKIT_52:
            assert column(weights, name) == column(weights, mirror(name))


def test_an_unknown_unit_is_refused():
    with pytest.raises(KeyError):
        unit_weights({"99": 1.0})


def test_every_action_of_the_face_moves_it_and_no_other_does():
    plus, minus = action_tables()
    for i, action in enumerate(ACTIONS):
        moves = action.name not in NOT_OF_THE_FACE
        assert bool(np.abs(plus[i]).any()) == moves, action.name
        assert bool(np.abs(minus[i]).any()) == (moves and action.low < 0), action.name
    assert len(ACTION_NAMES) == len(plus)
