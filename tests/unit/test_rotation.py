"""Bone rotations against matrices multiplied out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference import rotation

angles = st.floats(-1.4, 1.4)


def matrix(axis, angle):
    """Rodrigues' formula."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def of_quaternion(turn):
    w, vector = turn[0], turn[1:]
    sine = np.linalg.norm(vector)
    return np.eye(3) if sine < 1e-12 else matrix(vector, 2 * np.arctan2(sine, w))


@given(st.lists(st.tuples(st.tuples(*[st.integers(-3, 3)] * 3).filter(any), angles), min_size=1, max_size=4))
def test_the_last_turn_is_applied_first(parts):
    turns = rotation.product([rotation.about_axis(axis, np.array([angle])) for axis, angle in parts])
    expected = np.linalg.multi_dot([np.eye(3), np.eye(3), *(matrix(axis, angle) for axis, angle in parts)])
    np.testing.assert_allclose(of_quaternion(turns[0]), expected, atol=1e-9)


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
@given(values=st.tuples(angles, angles, angles))
def test_euler_angles_multiply_out_to_the_turn(order, values):
    axes = dict(zip("XYZ", np.eye(3), strict=True))
    turn = rotation.product(
        [rotation.about_axis(tuple(axes[a]), np.array([values["XYZ".index(a)]])) for a in reversed(order)]
    )
    name, found = rotation.columns(turn, order)
    assert name == "rotation_euler"
    np.testing.assert_allclose(found[0], values, atol=1e-6)


@given(angle=angles, axis=st.tuples(*[st.integers(-3, 3)] * 3).filter(any))
def test_axis_and_angle_say_the_same_turn(angle, axis):
    name, found = rotation.columns(rotation.about_axis(axis, np.array([angle])), "AXIS_ANGLE")
    assert name == "rotation_axis_angle"
    np.testing.assert_allclose(np.linalg.norm(found[0, 1:]), 1.0)
    np.testing.assert_allclose(matrix(found[0, 1:], found[0, 0]), matrix(axis, angle), atol=1e-6)


def test_euler_angles_do_not_jump_over_time():
    angle = np.linspace(0.0, 6.0, 200)
    _, found = rotation.columns(rotation.about_axis((0, 0, 1), angle), "XYZ")
    np.testing.assert_allclose(found[:, 2], angle, atol=1e-9)


def test_quaternions_are_kept_as_they_are():
    turns = rotation.about_axis((1, 0, 0), np.array([0.0, 1.0]))
    name, found = rotation.columns(turns, "QUATERNION")
    assert name == "rotation_quaternion"
    np.testing.assert_allclose(found, [[1, 0, 0, 0], [np.cos(0.5), np.sin(0.5), 0, 0]])
