"""What the renderer is given: warps, maps of the mouth, the hole; and who may open a renderer."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).resolve().parents[1]))

import actor_helpers as tiny
from soliloquy.inference.actor.crop import fit_crop, hole, layout, to_crop, upright
from soliloquy.inference.actor.landmarks import LIPS_INNER, LIPS_OUTER, MOUTH_REGION
from soliloquy.inference.actor.painting.conditioning import (
    NODES,
    Conditioner,
    Conditions,
    mouth_points,
    signed_distance,
    thin_plate,
)
from soliloquy.inference.actor.painting.renderer import load_renderer, memory_id
from soliloquy.inference.actor.types import MemoryBank
from soliloquy.inference.errors import ModelError

SIZE = 64
FRAMES = 6


def shapes(count: int = FRAMES) -> np.ndarray:
    """float32 [count, L, 2] crop pixels of a mouth that opens and closes."""
    face = tiny.tiny_face()
    landmarks = tiny.project(face, tiny.tiny_expressions(count), tiny.tiny_heads(count))
    crop = fit_crop(landmarks, layout(upright(face.identity), SIZE), SIZE)
    return to_crop(landmarks[:, list(MOUTH_REGION)], crop)


def bank_of(points: np.ndarray) -> MemoryBank:
    count = len(points)
    random = np.random.default_rng(3)
    patches = random.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
    rows = np.arange(count)
    ones = np.ones(count, np.float32)
    return MemoryBank("somebody", random.random((count, 5), np.float32), patches, points,
                      np.zeros(count, np.uint16), rows.astype(np.int32), ones, ("one",))  # fmt: skip


def conditions(points: np.ndarray, seen: np.ndarray, count: int = 3) -> Conditions:
    """Of one wanted mouth [L, 2] and patches with these points [M, L, 2]."""
    crops = np.random.default_rng(5).random((1, SIZE, SIZE, 3), np.float32)
    indices = np.arange(count, dtype=np.int32)[None]
    return Conditioner(bank_of(seen)).conditions(
        crops, points[None], indices, np.ones((1, count), np.float32)
    )


def nodes() -> np.ndarray:
    """[NODES, NODES, 2] where the grid's nodes lie in the crop, -1..1."""
    line = np.linspace(0.5, SIZE - 0.5, NODES) * 2 / SIZE - 1
    return np.stack(np.meshgrid(line, line), 2)


def test_a_patch_of_the_same_shape_stays_where_it_is():
    mouth = shapes()[2]
    placed = conditions(mouth, np.repeat(mouth[None], 3, 0)).places
    np.testing.assert_allclose(placed[0, 1], nodes(), atol=1e-5)


def test_a_patch_seen_elsewhere_is_fetched_from_there():
    mouth = shapes()[2]
    shift = np.array([3.0, -2.0], np.float32)
    placed = conditions(mouth, np.repeat(mouth[None] + shift, 3, 0)).places
    np.testing.assert_allclose(
        placed[0, 0] - nodes(), np.broadcast_to(shift * 2 / SIZE, (NODES, NODES, 2)), atol=1e-4
    )


def test_the_lips_of_a_patch_come_to_lie_on_the_wanted_lips():
    wanted, seen = shapes()[0], shapes()[3]
    assert np.abs(wanted - seen).max() > 2
    placed = conditions(wanted, np.repeat(seen[None], 3, 0)).places[0, 0]
    corner = MOUTH_REGION.index(61)
    lip = MOUTH_REGION.index(17)
    for point in (corner, lip):
        across, down = ((wanted[point] - 0.5) / (SIZE - 1) * (NODES - 1)).round().astype(int)
        found = (placed[down, across] + 1) * SIZE / 2
        spot = np.array([across, down]) / (NODES - 1) * (SIZE - 1) + 0.5
        np.testing.assert_allclose(found - seen[point], spot - wanted[point], atol=0.6)


@given(st.integers(0, 10_000))
def test_a_thin_plate_keeps_straight_fields_and_meets_its_anchors(seed):
    random = np.random.default_rng(seed)
    anchors = random.random((12, 2)).astype(np.float32) * SIZE
    matrix, shift = random.normal(size=(2, 3)), random.normal(size=3)
    places = random.random((50, 2)).astype(np.float32) * SIZE
    straight = thin_plate(anchors, anchors @ matrix + shift, places, SIZE)
    np.testing.assert_allclose(straight, places @ matrix + shift, atol=1e-2)
    grid = np.stack(np.meshgrid(*[np.linspace(0, SIZE, 4)] * 2), 2).reshape(-1, 2).astype(np.float32)
    values = random.normal(size=(16, 2))
    assert np.abs(thin_plate(grid, values, grid, SIZE) - values).max() < 0.25 * np.abs(values).max()


def test_points_that_coincide_do_not_tear_a_patch():
    mouth = shapes()[0].copy()
    upper = [MOUTH_REGION.index(p) for p in (13, 82, 312)]
    lower = [MOUTH_REGION.index(p) for p in (14, 87, 317)]
    mouth[lower] = mouth[upper]
    placed = conditions(mouth, shapes()[3:6]).places
    assert np.isfinite(placed).all()
    assert np.abs(placed - nodes()).max() < 0.5


def test_signed_distance_of_a_square():
    square = np.array([[10, 10], [30, 10], [30, 30], [10, 30]], np.float32)
    places = np.array([[20, 20], [12, 20], [5, 20], [33, 34], [20, 30]], np.float32)
    np.testing.assert_allclose(signed_distance(places, square), [10, 2, -5, -5, 0], atol=1e-4)


def test_maps_know_an_open_mouth_from_a_closed_one():
    seen = shapes()
    gaps = seen[:, MOUTH_REGION.index(14), 1] - seen[:, MOUTH_REGION.index(13), 1]
    maps = [conditions(seen[row], seen).geometry[0] for row in (int(gaps.argmax()), int(gaps.argmin()))]
    opened, closed = maps
    assert opened.shape == (4, SIZE // 2, SIZE // 2)
    assert (opened[1] > 0).sum() > 1.5 * (closed[1] > 0).sum()
    assert opened[1].max() > closed[1].max() + 0.1
    assert (opened[0] >= opened[1] - 1e-6).all()
    for map_ in maps:
        assert (map_ >= -1).all()
        assert (map_ <= 1).all()
        lips = map_[0] > 0
        rows, columns = np.nonzero(lips)
        assert abs(columns.mean() - SIZE / 4) < 3
        assert rows.size > 20


def test_distance_maps_reach_as_far_as_they_say():
    """What is skipped as too far away would have been -1 anyway."""
    mouth = shapes()[2]
    half = SIZE // 2
    line = np.linspace(1, SIZE - 1, half, dtype=np.float32)
    places = np.stack([np.tile(line, half), np.repeat(line, half)], 1)
    for channel, ring in ((0, LIPS_OUTER), (1, LIPS_INNER)):
        outline = mouth[[MOUTH_REGION.index(p) for p in ring]]
        whole = np.clip(signed_distance(places, outline) / (SIZE / 14), -1, 1).reshape(half, half)
        np.testing.assert_allclose(conditions(mouth, shapes()).geometry[0, channel], whole, atol=1e-5)


def test_the_hole_is_blank_and_the_rest_untouched():
    crops = np.random.default_rng(5).random((2, SIZE, SIZE, 3), np.float32)
    plate = Conditioner(bank_of(shapes())).blanked(crops)
    mask = hole(SIZE)
    np.testing.assert_array_equal(plate[:, 3], np.stack([mask, mask]))
    assert not plate[:, :3, mask == 1].any()
    np.testing.assert_array_equal(plate[0, :, mask == 0][:, :3], crops[0, mask == 0])


def test_points_of_the_face_lie_where_the_tracker_saw_them():
    face = tiny.tiny_face()
    expression, head = tiny.tiny_expressions(FRAMES), tiny.tiny_heads(FRAMES)
    landmarks = tiny.project(face, expression, head)
    crop = fit_crop(landmarks, layout(upright(face.identity), SIZE), SIZE)
    found = mouth_points(face, expression, head, tiny.FOCAL_PX, (tiny.WIDTH, tiny.HEIGHT), crop)
    np.testing.assert_allclose(found, to_crop(landmarks[:, list(MOUTH_REGION)], crop), atol=1e-3)


def test_what_does_not_fit_is_refused():
    good = conditions(shapes()[0], shapes())
    with pytest.raises(ValueError, match="geometry"):
        replace(good, geometry=good.geometry[:, :2])
    with pytest.raises(ValueError, match="patches"):
        replace(good, patches=good.patches[:, :1])
    with pytest.raises(ValueError, match="points"):
        Conditioner(bank_of(shapes())).conditions(
            np.zeros((1, SIZE, SIZE, 3), np.float32), np.zeros((1, 4, 2), np.float32),
            np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32),
        )  # fmt: skip


class TestRenderer:
    @pytest.fixture
    def bank(self):
        return bank_of(shapes())

    @pytest.fixture
    def weights(self, tmp_path):
        pytest.importorskip("onnx")

        def write(**card):
            about = {"actor": "somebody", "size": SIZE, "keys": 5, **card}
            tiny.write_renderer(tmp_path / "renderer.onnx", about.pop("actor"), **about)
            return tmp_path / "renderer.onnx"

        return write

    def test_paints_with_any_number_of_patches(self, weights, bank):
        renderer = load_renderer(weights(patches=3), bank)
        assert renderer.patches == 3
        for count in (1, 5):
            painted = renderer.paint(conditions(shapes()[0], bank.points, count))
            assert painted.shape == (1, SIZE, SIZE, 3)
            assert painted.min() >= 0
            assert painted.max() <= 1

    @pytest.mark.parametrize(
        ("card", "said"),
        [
            ({"actor": "another"}, "another actor"),
            ({"keys": 6}, "another version of the memory"),
            ({"size": 96}, "another version of the memory"),
            ({"patches": 0}, "damaged"),
            ({"contract": "renderer-99"}, "renderer-99"),
        ],
    )
    def test_one_that_does_not_belong_is_refused(self, weights, bank, card, said):
        with pytest.raises(ModelError, match=said):
            load_renderer(weights(**card), bank)

    def test_none_at_all_says_how_to_train_it(self, tmp_path, bank):
        with pytest.raises(ModelError) as refused:
            load_renderer(tmp_path / "renderer.onnx", bank)
        assert "renderer.onnx" in str(refused.value)
        assert "soliloquy actor train" in str(refused.value)

    def test_a_damaged_one_is_refused(self, weights, bank):
        file = weights()
        file.write_bytes(file.read_bytes()[:200])
        with pytest.raises(ModelError, match="damaged") as refused:
            load_renderer(file, bank)
        assert "soliloquy actor train" in refused.value.remedy

    def test_a_memory_is_known_by_its_content(self, bank):
        other = replace(bank, patches=bank.patches ^ 1)
        assert memory_id(bank) == memory_id(replace(bank))
        assert memory_id(bank) != memory_id(other)
