"""The reference head's file, rasters and their placement, the best assignment."""

from itertools import permutations

import numpy as np
import rig_helpers as faces
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from soliloquy.inference import rig_align, rig_geometry
from soliloquy.inference.channels import ARKIT_52, mirror
from soliloquy.inference.rig_assign import best_pairs
from soliloquy.inference.rig_geometry import Placement, reference


def test_the_file_shows_the_built_in_head():
    """Make it anew with build_tools/make_rig_reference.py when the head's shapes change."""
    head = faces.built_in_head()
    raster = rig_geometry.rasterise([(head, range(52))], 52)
    fields = rig_geometry.place(raster, Placement(0, 1, 0, 1))
    step = np.abs(fields.values).max(axis=(1, 2, 3)) / 127
    off = np.abs(fields.values - reference().fields.values).max(axis=(1, 2, 3))
    assert (off <= 0.51 * step + 1e-6).all()
    np.testing.assert_allclose(fields.covered, reference().fields.covered, atol=1 / 255)
    np.testing.assert_allclose(raster.peaks, reference().peaks, rtol=1e-5)


def test_the_reference_is_as_left_as_right():
    values = reference().fields.values
    flipped = values[..., ::-1] * np.array([-1, 1, 1], np.float32)[:, None, None]
    for i, channel in enumerate(ARKIT_52):
        other = values[ARKIT_52.index(mirror(channel))]
        assert np.abs(flipped[i] - other).max() < 0.06 * np.abs(other).max(), channel


def test_keys_spread_over_several_meshes_are_one():
    head = faces.built_in_head()
    half = head.points[:, 0] > 0
    parts = []
    for chosen in (half, ~half):
        index = np.cumsum(chosen) - 1
        deltas = []
        for indices, offsets in head.deltas:
            inside = chosen[indices]
            deltas.append((index[indices[inside]].astype(np.int32), offsets[inside]))
        part = faces.KeySet("Part", head.names, head.points[chosen], tuple(deltas))
        parts.append((part, range(52)))
    whole = rig_geometry.rasterise([(head, range(52))], 52)
    halves = rig_geometry.rasterise(parts, 52)
    np.testing.assert_allclose(halves.sums, whole.sums, atol=1e-3)
    np.testing.assert_allclose(halves.count, whole.count)
    np.testing.assert_allclose(halves.peaks, whole.peaks)


def test_a_face_elsewhere_is_placed_where_it_belongs():
    """Without names: eyes and mouth of a face in metres, 1.6 m up, come to lie on those of the reference."""
    head = faces.built_in_head()
    points = head.points * 0.001 + np.float32([0, 0.2, 1.6])
    deltas = tuple((indices, offsets * np.float32(0.001)) for indices, offsets in head.deltas)
    moved = faces.KeySet("Head", head.names, points, deltas)
    at = rig_align.align(rig_geometry.rasterise([(moved, range(52))], 52), {})
    for height_mm in (51.5, 118.0):
        assert abs(at.z_shift + at.z_scale * (1.6 + height_mm * 0.001) - height_mm) < 5
    assert abs(at.x_shift + at.x_scale * 0.033 - 33.0) < 4


scores = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    elements=st.floats(-1, 1).map(lambda value: round(value, 2)),
)


@given(scores)
def test_no_assignment_is_better(table):
    pairs = best_pairs(table)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(table[pair] > 0 for pair in pairs)
    wide = np.maximum(table if len(table) <= len(table.T) else table.T, 0)
    best = max(
        sum(wide[row, column] for row, column in enumerate(order))
        for order in permutations(range(wide.shape[1]), len(wide))
    )
    np.testing.assert_allclose(sum(table[pair] for pair in pairs), best, atol=1e-9)
