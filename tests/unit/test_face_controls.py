"""Strengths of parts, the lip close offset and the lids: each moves what it names and nothing else."""

import numpy as np
import pytest
from motion_helpers import random_motion
from soliloquy.inference.channels import (
    ARKIT_52,
    BLINK,
    BROWS,
    HEAD,
    JAW,
    LIPS,
    UPPER_FACE,
    WIDE,
    channels_named,
)
from soliloquy.inference.curves import MotionControls, apply_controls
from soliloquy.inference.errors import UsageError
from soliloquy.inference.performance.blinks import add_blinks, set_lids
from soliloquy.inference.pipeline import AnimateSettings
from soliloquy.inference.types import FaceMotion


def _motion():
    """Random values; lips that are closed no further than the jaw is open, as of a model."""
    motion = random_motion(60, channels=(*ARKIT_52, *HEAD))
    close, jaw = (motion.channel(name) for name in ("mouthClose", "jawOpen"))
    np.minimum(close, jaw, out=close)
    return motion


MOTION = _motion()


def _changed(**controls):
    after = apply_controls(MOTION, MotionControls(**controls))
    return {c for c in MOTION.channels if not np.allclose(after.channel(c), MOTION.channel(c))}, after


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("lower_face", {*JAW, *LIPS}),
        ("brows", {*BROWS}),
        ("upper_face", {c for c in UPPER_FACE if not c.startswith("eyeLook")}),
        ("head", {*HEAD}),
    ],
)
def test_a_strength_moves_its_part_alone(name, channels):
    assert _changed(**{name: 0.5})[0] == channels


def test_lower_face_multiplies_jaw_and_lips():
    _, both = _changed(lower_face=0.5, jaw=0.5)
    assert np.allclose(both.channel("jawOpen"), MOTION.channel("jawOpen") / 4, atol=1e-6)
    assert np.allclose(both.channel("mouthFunnel"), MOTION.channel("mouthFunnel") / 2, atol=1e-6)


@pytest.mark.parametrize("offset", [-1.0, -0.2, 0.2, 1.0])
def test_lips_close_by_the_offset_and_never_cross(offset):
    changed, after = _changed(lip_close_offset=offset)
    assert changed == {"mouthClose"}
    close, jaw = after.channel("mouthClose"), after.channel("jawOpen")
    assert ((close >= 0.0) & (close <= jaw + 1e-6)).all()
    before = np.minimum(MOTION.channel("mouthClose"), MOTION.channel("jawOpen"))
    assert ((close - before) * np.sign(offset) >= -1e-6).all()


def test_lids_hang_or_open_and_a_blink_closes_them():
    rest = FaceMotion(np.zeros((600, 52), np.float32), ARKIT_52, 50.0)
    blinking = add_blinks(rest, 3)
    hanging, wide = set_lids(blinking, -0.4), set_lids(blinking, 0.4)
    assert hanging.channel(BLINK[0]).min() == pytest.approx(0.4)
    assert hanging.channel(BLINK[0]).max() == pytest.approx(1.0, abs=0.02)
    closed = blinking.channel(BLINK[0]).argmax()
    assert wide.channel(WIDE[0])[closed] < 0.05
    assert wide.channel(WIDE[0]).max() == pytest.approx(0.4)
    assert add_blinks(rest, 3, 0.5).channel(BLINK[1]).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "wrong", [{"blink_strength": 1.2}, {"eyelid_offset": -1.5}, {"blink_strength": float("nan")}]
)
def test_impossible_eyes_are_refused(wrong):
    with pytest.raises(UsageError, match="Choose"):
        AnimateSettings(**wrong)


def test_channels_are_named_by_themselves_or_by_their_part():
    assert channels_named("jawOpen") == {"jawOpen"}
    assert channels_named("Brows, jawOpen,") == {*BROWS, "jawOpen"}
    assert channels_named("nose hair") == frozenset()
