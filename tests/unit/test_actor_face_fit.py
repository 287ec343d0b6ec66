"""The fit of a 3D face: what was posed and projected is recovered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.actor.capture import face_fit
from soliloquy.inference.actor.capture.face_fit import View
from soliloquy.inference.actor.landmarks import LIPS_INNER, MOUTH_REGION, RIGID
from soliloquy.inference.actor.types import POINTS

SIZE = (720, 576)
FOCAL_PX = 1000.0
FRAMES = 40


def shape(seed=0):
    """A shell like a face, float64 [478, 3] centimetres; the mouth's points lie in its lower half."""
    random = np.random.default_rng(seed)
    across, up = random.uniform(-6, 6, POINTS), random.uniform(-8, 8, POINTS)
    out = 5.0 - across**2 / 15 - up**2 / 30
    points = np.stack([across, up, out], 1)
    points[list(RIGID), 1] = random.uniform(0, 8, len(RIGID))
    points[list(MOUTH_REGION), 1] = random.uniform(-8, -2, len(MOUTH_REGION))
    return points


def movements(count=FRAMES, seed=0):
    """float64 [T, 478, 3]: two movements of the mouth, none of the rigid points."""
    random = np.random.default_rng(seed + 1)
    moved = np.zeros((count, POINTS, 3))
    region = np.setdiff1d(MOUTH_REGION, RIGID)
    for scale in (1.0, 0.4):
        direction = random.normal(0, 0.5, (len(region), 3)) * (1, 1, 0.2)
        moved[:, region] += (
            scale * np.sin(np.arange(count) * random.uniform(0.2, 0.9))[:, None, None] * direction
        )
    return moved


def poses(count=FRAMES, seed=0, turn=0.3, near=60.0):
    random = np.random.default_rng(seed + 2)
    out = np.tile(np.eye(4), (count, 1, 1))
    out[:, :3, :3] = face_fit.rotations(random.uniform(-turn, turn, (count, 3)))
    out[:, :3, 3] = random.uniform((-5, -5, -near - 10), (5, 5, -near), (count, 3))
    return out


def seen(vertices, head, focal_px=FOCAL_PX, noise=0.0):
    """Tracked points as MediaPipe gives them, depths relative and scaled as x."""
    flat = face_fit.project(vertices, head, focal_px, SIZE)
    depth = -((vertices @ np.swapaxes(head[:, :3, :3], 1, 2)) + head[:, None, :3, 3])[..., 2]
    near = depth[:, list(RIGID)].mean(1, keepdims=True)
    points = np.concatenate([flat, ((depth / near - 1) * focal_px)[..., None]], 2)
    points[..., :2] += np.random.default_rng(9).normal(0, noise, points[..., :2].shape)
    return View(points, SIZE)


@given(seed=st.integers(0, 1000), turn=st.floats(0, 0.5), near=st.floats(30, 200))
def test_the_pose_of_a_known_face_is_recovered(seed, turn, near):
    identity, head = shape(seed), poses(8, seed, turn, near)
    found = face_fit.fit_pose(seen(identity[None], head), FOCAL_PX, identity)
    np.testing.assert_allclose(found, head, atol=1e-4 * near)


def test_movements_of_the_mouth_do_not_move_the_head():
    identity, head = shape(), poses()
    still = face_fit.fit_pose(seen(identity[None], head), FOCAL_PX, identity)
    talking = face_fit.fit_pose(seen(identity + movements(), head), FOCAL_PX, identity)
    np.testing.assert_allclose(talking, still, atol=1e-6)


def test_offsets_are_what_moved_in_head_space():
    identity, head, moved = shape(), poses(), movements()
    view = seen(identity + moved, head)
    found = face_fit.offsets(view, FOCAL_PX, identity, head)
    np.testing.assert_allclose(found, moved, atol=1e-6)


def test_noise_of_the_points_hardly_moves_the_head():
    identity, head = shape(), poses()
    found = face_fit.fit_pose(seen(identity[None], head, noise=0.3), FOCAL_PX, identity)
    corner = np.einsum("tij,tkj->tik", found[:, :3, :3], head[:, :3, :3])
    assert np.degrees(np.linalg.norm(face_fit.rotation_vectors(corner), axis=1)).max() < 2.0


@given(seed=st.integers(0, 200), size=st.floats(0.5, 2.0))
def test_the_identity_takes_size_and_axes_of_the_canonical_face(seed, size):
    identity, head = shape(seed), poses(12, seed)
    canonical = identity[:468]
    view = seen(identity[None] * size, head)
    found = face_fit.mean_shape([view], [FOCAL_PX], canonical)
    np.testing.assert_allclose(found, identity, atol=1e-3)


def test_basis_and_expression_give_the_movements_back():
    moved = movements()
    mean, basis = face_fit.fit_basis([moved[:20], moved[20:]], 6)
    expression = face_fit.express(moved - mean, basis)
    again = np.tensordot(expression, basis, 1) + mean
    assert np.abs(again - moved).max() < 0.02 * np.abs(moved).max()
    np.testing.assert_allclose(expression[:, :2].std(0), 1.0, rtol=0.1)
    assert np.abs(expression[:, 2:]).max() < 0.2  # there are two movements, and no third
    assert face_fit.residual(moved - mean, expression, basis).max() < 0.02


def test_a_hand_in_the_picture_makes_no_huge_expression():
    moved = movements()
    mean, basis = face_fit.fit_basis([moved], 6)
    strange = moved[:1] - mean
    strange[:, list(LIPS_INNER)] += 8.0
    assert np.abs(face_fit.express(strange, basis)).max() < 60
    assert face_fit.residual(strange, face_fit.express(strange, basis), basis)[0] > 0.5


def test_a_turning_and_nearing_head_tells_the_focal_length():
    identity = shape()
    head = poses(FRAMES, turn=0.6, near=25.0)
    view = seen(identity[None], head, focal_px=face_fit.equivalent_px(85.0, SIZE), noise=0.05)
    usual = face_fit.equivalent_px(face_fit.EQUIVALENT_MM, SIZE)
    found, told = face_fit.find_focal([view], identity[:468], usual, identity)
    assert told
    assert face_fit.equivalent_mm(found, SIZE) == pytest.approx(85.0)


def test_a_still_head_does_not_tell_it_and_the_expected_one_is_kept():
    identity = shape()
    head = poses(FRAMES, turn=0.01, near=70.0)
    view = seen(identity[None], head, focal_px=1500.0, noise=0.3)
    found, told = face_fit.find_focal([view], identity[:468], 1234.0)
    assert not told
    assert found == 1234.0


@given(vectors=st.lists(st.tuples(*[st.floats(-1.7, 1.7)] * 3), min_size=1, max_size=5))
def test_rotation_vectors_and_matrices_turn_into_each_other(vectors):
    turns = face_fit.rotations(np.array(vectors))
    np.testing.assert_allclose(
        turns @ np.swapaxes(turns, 1, 2), np.tile(np.eye(3), (len(turns), 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(face_fit.rotation_vectors(turns), vectors, atol=1e-7)
