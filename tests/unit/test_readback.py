"""Channels read back from what a character shows."""

import numpy as np
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.readback import places, read_back
from soliloquy.inference.retarget import map_by_name, retarget
from soliloquy.inference.types import FaceMotion, FrameRate, RigMap, RigTarget


def _motion(channels=ARKIT_52, frames=20, seed=3):
    values = np.random.default_rng(seed).uniform(0.1, 0.9, (frames, len(channels))).astype(np.float32)
    return FaceMotion(values, tuple(channels), 24.0)


def _shown(rig_map, motion):
    curves = retarget(motion, rig_map, FrameRate(24), 0.0)
    return {(c.object, c.data_path, c.index): c.values for c in curves}


def test_what_was_keyed_comes_back():
    rig_map, motion = map_by_name("Face", ARKIT_52), _motion()
    still = FaceMotion(np.zeros_like(motion.values), motion.channels, 24.0)
    shown = _shown(rig_map, motion)
    assert set(shown) == set(places(rig_map))
    assert np.allclose(read_back(rig_map, shown, still).values, motion.values, atol=1e-5)


def test_a_change_by_hand_is_told_apart_and_the_rest_stays():
    rig_map, motion = map_by_name("Face", ARKIT_52), _motion()
    shown = _shown(rig_map, motion)
    place = next(p for p in shown if "jawOpen" in p[1])
    shown[place] = np.minimum(shown[place] + 0.05, 1.0)
    found = read_back(rig_map, shown, motion)
    jaw = ARKIT_52.index("jawOpen")
    assert np.allclose(found.values[:, jaw], np.minimum(motion.values[:, jaw] + 0.05, 1.0), atol=1e-5)
    others = [i for i in range(52) if i != jaw]
    assert np.allclose(found.values[:, others], motion.values[:, others], atol=1e-5)


def test_gains_offsets_and_shared_keys_are_undone():
    targets = (
        RigTarget("eyeBlinkLeft", "Face", "blink", gain=0.5),
        RigTarget("eyeBlinkRight", "Face", "blink", gain=0.5),
        RigTarget("jawOpen", "Face", "jaw", gain=2.0, offset=0.25),
        RigTarget("jawOpen", "Teeth", "jaw"),
    )
    rig_map = RigMap(targets)
    motion = _motion(("eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthClose"))
    shown = _shown(rig_map, motion)
    same = read_back(rig_map, shown, motion)
    assert np.allclose(same.values, motion.values, atol=1e-5)
    shown["Face", "blink", 0] = shown["Face", "blink", 0] * 0.5
    found = read_back(rig_map, shown, motion)
    lids = found.values[:, :2]
    change = motion.values[:, :2] - lids
    free = (lids > 0.0).all(1)
    assert free.sum() > 5
    assert np.allclose(lids[free].sum(1), motion.values[free, :2].sum(1) * 0.5, atol=1e-5)
    assert np.allclose(change[free, 0], change[free, 1], atol=1e-5), "both lids take half of the change"
    assert np.allclose(found.values[:, 3], motion.values[:, 3])


def test_weights_beyond_the_range_are_cut_and_unknown_properties_ignored():
    rig_map = RigMap((RigTarget("jawOpen", "Face", "jaw"), RigTarget("tongueOut", "Face", "tongue")))
    motion = _motion(("jawOpen", "mouthClose"), frames=3)
    shown = {("Face", "jaw", 0): np.array([1.5, -0.5, 0.5], np.float32)}
    assert np.allclose(read_back(rig_map, shown, motion).values[:, 0], [1.0, 0.0, 0.5])
    assert read_back(rig_map, {}, motion) is motion
