"""What a crop loses on the way there and back is given back before it is pasted."""

import numpy as np
import pytest
from soliloquy.inference.actor.crop import bounds, crisp, paste, sample


def filmed():
    """uint8 [90, 100, 3] with as much fine detail as film has: noise that two pixels share."""
    noise = np.random.default_rng(3).normal(0, 1, (91, 101, 3))
    soft = noise[:-1, :-1] + noise[1:, :-1] + noise[:-1, 1:] + noise[1:, 1:]
    return np.clip(128 + 16 * soft, 0, 255).astype(np.uint8)


def laplacian_variance(picture):
    return np.var(
        4 * picture[1:-1, 1:-1]
        - picture[:-2, 1:-1]
        - picture[2:, 1:-1]
        - picture[1:-1, :-2]
        - picture[1:-1, 2:]
    )


@pytest.mark.parametrize("scale", [1.0, 1.13, 1.3])
def test_there_and_back_is_nearer_and_sharper(scale):
    plate = filmed()
    transform = np.array([[scale, 0.02, -20.4], [-0.02, scale, -11.7]], np.float32)
    crop = sample(plate, transform, 64)
    left, top, right, bottom = bounds(transform, 64, 100, 90)
    box = left + 6, top + 6, right - 6, bottom - 6
    film = plate[box[1] : box[3], box[0] : box[2]].astype(np.float32)
    plain, sharp = paste(crop, transform, box), paste(crisp(crop), transform, box)
    assert np.square(sharp - film).mean() < np.square(plain - film).mean()
    before, after = (laplacian_variance(one) / laplacian_variance(film) for one in (plain, sharp))
    assert before < after < 1.1


def test_what_is_even_stays_as_it_is():
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32)[None, :, None], (20, 20, 3))
    np.testing.assert_allclose(crisp(np.full((8, 8, 3), 0.4, np.float32)), 0.4, rtol=1e-6)
    np.testing.assert_allclose(crisp(ramp)[:, 1:-1], ramp[:, 1:-1], atol=1e-5)
