"""Colours: a plate's light is found from its skin, and can be put back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from soliloquy.inference.actor.colour import (
    SITES,
    apply,
    fit_colour,
    from_linear,
    reference,
    skin,
    to_linear,
    undo,
)
from soliloquy.inference.actor.types import POINTS

GAIN = st.floats(0.2, 5.0)
OFFSET = st.floats(-0.3, 0.3)


def skin_colours(seed=0, frames=50, noise=0.004):
    """float32 [T, K, 3]: brighter and darker skin, and dark brows, with a camera's noise."""
    random = np.random.default_rng(seed)
    tone = random.uniform(0.5, 1.0, (len(SITES), 1))
    tone[-6:] *= 0.4
    colours = tone * (0.78, 0.56, 0.44)
    return (colours + random.normal(0, noise, (frames, len(SITES), 3))).astype(np.float32)


@given(
    arrays(np.float32, (5, 3), elements=st.floats(0, 1, width=32)),
    st.tuples(GAIN, GAIN, GAIN),
    st.tuples(OFFSET, OFFSET, OFFSET),
)
def test_undo_undoes_apply(rgb, gain, offset):
    colour = np.stack([gain, offset], 1).astype(np.float32)
    np.testing.assert_allclose(undo(apply(rgb, colour), colour), rgb, atol=1e-5)


@given(arrays(np.float32, (8, 3), elements=st.floats(-2, 8, width=32)))
def test_linear_light_and_back(rgb):
    np.testing.assert_allclose(from_linear(to_linear(rgb)), rgb, rtol=1e-4, atol=1e-5)


def test_srgb_knows_its_known_values():
    np.testing.assert_allclose(
        to_linear(np.array([0, 0.04045, 0.5, 1], np.float32)), [0, 0.0031308, 0.21404, 1], atol=1e-5
    )


@given(st.tuples(st.floats(0.6, 1.7), st.floats(0.6, 1.7), st.floats(0.6, 1.7)))
def test_a_coloured_light_is_taken_away(light):
    wanted = reference(skin_colours())
    plate = skin_colours(seed=0) / np.array(light, np.float32)
    colour = fit_colour(plate, wanted, 25.0)
    np.testing.assert_allclose(apply(plate.mean(0), colour[0]), wanted, atol=0.02)
    assert (colour == colour[0]).all(), "a still light gives one colour for the whole shot"


def test_a_hand_on_a_cheek_hardly_changes_the_colours():
    plate = skin_colours()
    covered = plate.copy()
    covered[:, 10:20] = (0.1, 0.3, 0.9)
    wanted = reference(plate)
    np.testing.assert_allclose(apply(plate.mean(0), fit_colour(covered, wanted, 25.0)[0]), wanted, atol=0.02)


def test_a_light_that_fades_is_followed_smoothly():
    frames = 100
    fade = np.linspace(1.0, 0.6, frames)
    plate = (skin_colours(frames=frames) * fade[:, None, None]).astype(np.float32)
    wanted = reference(skin_colours())
    colour = fit_colour(plate, wanted, 25.0)
    seen = np.stack([apply(row, one) for row, one in zip(plate, colour, strict=True)])
    assert np.abs(seen.mean((1, 2)) - wanted.mean()).max() < 0.02
    assert np.abs(np.diff(colour[:, :, 0], n=2, axis=0)).max() < 0.01


def test_shots_have_their_own_light():
    plate = skin_colours(frames=60)
    plate[30:] *= 0.7
    colour = fit_colour(plate, reference(plate[:30]), 25.0, cuts=[30])
    assert (colour[:30] == colour[0]).all()
    assert (colour[30:] == colour[30]).all()
    assert colour[30, 0, 0] / colour[0, 0, 0] == pytest.approx(1 / 0.7, rel=0.03)


def test_without_a_face_colours_stay():
    colour = fit_colour(np.full((4, len(SITES), 3), np.nan, np.float32), reference(skin_colours()), 25.0)
    np.testing.assert_array_equal(colour, np.tile(np.array([1, 0], np.float32), (4, 3, 1)))
    with pytest.raises(ValueError, match="at least one row"):
        reference(np.full((4, len(SITES), 3), np.nan, np.float32))


def test_skin_is_read_where_the_points_are():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, 50:] = (200, 100, 50)
    landmarks = np.full((POINTS, 3), 75, np.float32)
    landmarks[33, 0], landmarks[263, 0] = 60, 90
    landmarks[SITES[0]] = (25, 50, 0)
    landmarks[SITES[1]] = (-5, 50, 0)
    seen = skin(picture, landmarks)
    np.testing.assert_allclose(seen[0], 0)
    assert np.isnan(seen[1]).all()
    np.testing.assert_allclose(seen[2], np.array([200, 100, 50]) / 255, atol=1e-6)
