"""Painters that only show what memory holds: nothing is moved without a reason, and what is moved arrives."""

import numpy as np
import pytest
from soliloquy.inference.actor.painting.conditioning import GEOMETRY, NODES, Conditions
from soliloquy.models.baseline_painters import MeanOfNearest, Nearest

SIZE = 48


def grid(shift=(0.0, 0.0)):
    """Nodes that show a patch as it is, or shifted by pixels."""
    line = np.linspace(0.5, SIZE - 0.5, NODES)
    nodes = np.stack(np.meshgrid(line + shift[0], line + shift[1]), -1)
    return (nodes * 2 / SIZE - 1).astype(np.float32)


def conditions(patches, places):
    count, k = patches.shape[:2]
    return Conditions(
        np.zeros((count, 4, SIZE, SIZE), np.float32),
        np.zeros((count, GEOMETRY, SIZE // 2, SIZE // 2), np.float32),
        patches,
        places,
        np.zeros((count, k), np.float32),
    )


@pytest.fixture
def patches():
    waves = np.sin(np.arange(SIZE) / 4)[:, None] * np.cos(np.arange(SIZE) / 5)[None]
    rows = [np.stack([waves * a, waves.T, waves], -1) for a in (1.0, 0.3, -0.6)]
    return np.stack([128 + 100 * row for row in rows]).astype(np.uint8)[None]


def test_an_unmoved_patch_is_shown_as_it_is(patches):
    still = conditions(patches, np.repeat(grid()[None, None], 3, 1))
    np.testing.assert_array_equal(Nearest(warped=False).paint(still)[0], patches[0, 0] / np.float32(255))
    np.testing.assert_allclose(Nearest(warped=True).paint(still)[0], patches[0, 0] / 255, atol=2e-3)


def test_a_moved_patch_is_looked_up_where_its_nodes_lie(patches):
    moved = conditions(patches, np.repeat(grid((3.0, -2.0))[None, None], 3, 1))
    shown = Nearest(warped=True).paint(moved)[0]
    np.testing.assert_allclose(shown[4:-4, 4:-4], patches[0, 0, 2:-6, 7:-1] / 255, atol=5e-3)


def test_the_mean_is_of_all_patches(patches):
    still = conditions(patches, np.repeat(grid()[None, None], 3, 1))
    np.testing.assert_allclose(MeanOfNearest().paint(still)[0], patches[0].mean(0) / 255, atol=5e-3)
