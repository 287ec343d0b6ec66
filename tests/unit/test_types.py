import dataclasses

import numpy as np
import pytest
from soliloquy.inference.types import AudioClip, FaceMotion, RigCurve


def test_times_of_motion_start_where_it_does():
    motion = FaceMotion(np.zeros((3, 1), np.float32), ("jawOpen",), 50.0, 1.5)
    np.testing.assert_allclose(motion.times_s, [1.5, 1.52, 1.54])
    assert motion.times_s.dtype == np.float64


def test_a_channel_is_found_by_name():
    motion = FaceMotion(np.array([[0.1, 0.2]], np.float32), ("jawOpen", "mouthClose"), 50.0)
    assert motion.channel("mouthClose") == np.float32(0.2)
    with pytest.raises(ValueError, match="not in tuple"):
        motion.channel("smile")


def test_a_clip_knows_its_length():
    assert AudioClip(np.zeros(8_000, np.float32), 16_000).duration_s == 0.5


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (
            lambda: FaceMotion(np.zeros((3, 2), np.float32), ("jawOpen",), 50.0),
            r"shape \(any, 1\), got \(3, 2\)",
        ),
        (lambda: FaceMotion(np.zeros((3, 1)), ("jawOpen",), 50.0), "float32, got float64"),
        (lambda: FaceMotion(np.zeros((3, 1), np.float32), ("jawOpen",), 0.0), "rate_hz must be positive"),
        (lambda: AudioClip(np.zeros((2, 2), np.float32), 16_000), "samples must have shape"),
        (lambda: AudioClip(np.zeros(2, np.float32), 0), "rate_hz must be positive"),
        (
            lambda: RigCurve("a", "b", 0, np.zeros(2, np.float32), np.zeros(3, np.float32)),
            "values must have shape",
        ),
    ],
)
def test_wrong_shapes_are_refused_where_they_are_made(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


def test_what_crosses_a_door_cannot_be_changed():
    motion = FaceMotion(np.zeros((3, 1), np.float32), ("jawOpen",), 50.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        motion.rate_hz = 60.0
