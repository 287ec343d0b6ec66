"""A sound of which only parts are heard."""

import numpy as np
import pytest
from fake_model import CARD, fake_model
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.motion import join, stream_speech
from soliloquy.inference.parts import stream_parts
from soliloquy.inference.types import AudioClip

HZ, DURATION_S = CARD.sample_rate_hz, 9.37
SAMPLES = np.random.default_rng(4).normal(0.0, 0.1, round(DURATION_S * HZ)).astype(np.float32)


def blocks(length_s=2.0):
    step = round(length_s * HZ)
    return [AudioClip(SAMPLES[i : i + step], HZ, i / HZ) for i in range(0, len(SAMPLES), step)]


WHOLE = join(stream_speech(blocks(), fake_model()))


def test_nothing_but_the_parts_is_heard_and_they_are_what_one_run_gives():
    parts = [(6.0, 7.5), (1.2, 2.0)]
    heard = stream_parts(blocks(), fake_model(), parts, DURATION_S)
    assert heard.motion.values.shape == WHOLE.motion.values.shape
    inside = np.zeros(len(WHOLE.motion.values), bool)
    for first, end in ((60, 101), (300, 376)):
        inside[first:end] = True
    for name in ("visemes", "memory", "prosody"):
        np.testing.assert_allclose(
            getattr(heard, name)[inside], getattr(WHOLE, name)[inside], atol=1e-6, err_msg=name
        )
    np.testing.assert_allclose(heard.motion.values[inside], WHOLE.motion.values[inside], atol=1e-6)
    assert not heard.motion.values[~inside].any()
    assert not heard.visemes[~inside].any()
    assert np.isnan(heard.prosody[~inside, 2]).all()
    assert (heard.prosody[~inside, 0] < -100).all()


class Counting:
    """Counts the samples that a model is run on."""

    def __init__(self, graph):
        self.graph, self.samples = graph, 0

    def run(self, names, feed):
        self.samples += feed["samples"].shape[-1]
        return self.graph.run(names, feed)


def test_what_does_not_play_costs_nothing():
    model = fake_model()
    counting = model._session = Counting(model._session)
    stream_parts(blocks(), model, [(4.0, 5.0)], DURATION_S)
    assert HZ < counting.samples < 2 * HZ


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-3, 12), st.floats(0, 6)), max_size=4),
    st.floats(0.3, 9.9),
)
def test_any_parts_of_any_sound_in_any_blocks(spans, length_s):
    """Overlapping parts, parts beyond the sound, parts that are empty."""
    parts = [(begin, begin + long) for begin, long in spans]
    heard = stream_parts(blocks(length_s), fake_model(), parts, DURATION_S)
    rows = len(WHOLE.motion.values)
    assert heard.motion.values.shape == (rows, 52)
    times = np.arange(rows) / 50
    for begin, end in parts:
        inside = (times >= begin) & (times <= end)
        np.testing.assert_allclose(heard.motion.values[inside], WHOLE.motion.values[inside], atol=1e-5)


@pytest.mark.parametrize("parts", [[], [(20.0, 30.0)], [(-5.0, -1.0)]])
def test_nothing_that_plays_is_a_face_at_rest(parts):
    heard = stream_parts(blocks(), fake_model(), parts, DURATION_S)
    assert len(heard.motion.values) == len(WHOLE.motion.values)
    assert heard.visemes.shape == WHOLE.visemes.shape
    assert not heard.motion.values.any()
