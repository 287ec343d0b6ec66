"""Expressions of a VRM: several keys under one name."""

from dataclasses import replace

import numpy as np
import rig_helpers as faces
from soliloquy.inference.retarget import retarget, shape_key_path
from soliloquy.inference.rig_json import from_json, to_json
from soliloquy.inference.rig_match import map_rig
from soliloquy.inference.rig_source import KeyGroup, KeySet, RigSource
from soliloquy.inference.types import FaceMotion, FrameRate

HALVES = {"a": ("jawOpen",), "i": ("mouthStretchLeft", "mouthStretchRight"), "u": ("mouthPucker",),
          "e": ("mouthSmileLeft", "mouthSmileRight"), "o": ("mouthFunnel", "jawOpen")}  # fmt: skip
SINGLE = {"blink": ("eyeBlinkLeft", "eyeBlinkRight"), "joy": ("mouthSmileLeft", "cheekPuff")}


def anime_face(name_of):
    """The built-in head with a few keys whose names say nothing, and groups of them as in a VRM."""
    head = faces.built_in_head()
    channels = sorted({c for group in (*HALVES.values(), *SINGLE.values()) for c in group})
    chosen = [head.names.index(c) for c in channels]
    keys = replace(head, names=tuple(map(name_of, channels)), deltas=tuple(head.deltas[i] for i in chosen))
    groups = tuple(
        KeyGroup(name, tuple((head.object, name_of(c), 0.5 if name == "o" else 1.0) for c in members))
        for name, members in (HALVES | SINGLE).items()
    )
    return RigSource((keys,), groups=groups)


def driven(found, **channels):
    """Values of all keys by name, with these channels at some weight."""
    values = np.array([list(channels.values())], np.float32)
    curves = retarget(FaceMotion(values, tuple(channels), 25.0), found, FrameRate(25), 0.0)
    assert len({(c.object, c.data_path) for c in curves}) == len(curves), "two curves of one key"
    return {curve.data_path: float(curve.values[0]) for curve in curves}


def names(channel):
    return f"face.Blend_{sorted(faces.built_in_head().names).index(channel) * 37 % 101}x"


def test_a_group_drives_all_its_keys_by_their_shares():
    found = map_rig(anime_face(names))
    (solved,) = found.solved
    keyed = {(path, share) for _, path, _, share in solved.mixed}
    assert (shape_key_path(names("mouthFunnel")), 0.5) in keyed
    open_jaw = driven(found, jawOpen=0.7, mouthLowerDownLeft=0.2, mouthLowerDownRight=0.2)
    assert open_jaw[shape_key_path(names("jawOpen"))] > 0.5
    rounded = driven(found, mouthFunnel=0.7, mouthPucker=0.4, jawOpen=0.4)
    assert rounded[shape_key_path(names("mouthFunnel"))] > 0.1
    shut = driven(found, eyeBlinkLeft=1.0, eyeBlinkRight=1.0)
    for side in ("Left", "Right"):
        assert shut[shape_key_path(names(f"eyeBlink{side}"))] == 1.0
    assert not any(path == shape_key_path("a") for path in keyed)


def test_a_map_with_groups_survives_its_file():
    found = map_rig(anime_face(names))
    again = from_json(to_json(found))
    assert again.solved[0].mixed == found.solved[0].mixed
    for channels in ({"jawOpen": 0.6}, {"mouthPucker": 0.8, "jawOpen": 0.2}):
        for path, value in driven(found, **channels).items():
            assert abs(driven(again, **channels)[path] - value) < 1e-3


def test_keys_with_arkit_names_are_not_given_up_for_a_group():
    """A "perfect sync" character: A, I, U, E, O are made of its ARKit keys."""
    source = anime_face(lambda channel: channel)
    found = map_rig(source)
    assert not found.solved
    assert {t.channel for t in found.targets} == {n for keys in source.key_sets for n in keys.names}
    assert {(t.data_path, t.gain) for t in found.targets if t.channel == "jawOpen"} == {
        (shape_key_path("jawOpen"), 1.0)
    }


def test_groups_that_only_repeat_the_names_of_keys_change_nothing():
    flat = np.zeros((40, 3), np.float32)
    keys = ("blink_left", "ah", "ih", "uu", "ee", "oh")
    deltas = tuple((np.arange(3, dtype=np.int32), np.ones((3, 3), np.float32)) for _ in keys)
    plain = RigSource((KeySet("Face", keys, flat, deltas),))
    presets = ("a", "i", "u", "e", "o")
    groups = tuple(KeyGroup(name, (("Face", key, 1.0),)) for name, key in zip(presets, keys[1:], strict=True))
    one, other = map_rig(plain), map_rig(replace(plain, groups=groups))
    assert to_json(one) == to_json(other)


def test_binds_to_keys_that_are_gone_are_passed_over():
    source = anime_face(names)
    gone = replace(source, groups=(*source.groups, KeyGroup("lookup", (("Face", "no such key", 1.0),))))
    assert to_json(map_rig(gone)) == to_json(map_rig(source))
