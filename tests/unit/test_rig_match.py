"""Whole faces to rig maps: names, and what keys move alone."""

import time
from dataclasses import replace

import numpy as np
import pytest
import rig_helpers as faces
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52, HEAD, mirror
from soliloquy.inference.names import match_channels
from soliloquy.inference.retarget import shape_key_path
from soliloquy.inference.rig_match import map_rig
from soliloquy.inference.rig_source import KeySet, Property, RigSource


def mapped(rig_map):
    """{(channel, key name)} of the targets on shape keys."""
    return {
        (t.channel, t.data_path.removeprefix('key_blocks["').removesuffix('"].value'))
        for t in rig_map.targets
        if t.kind == "SHAPE_KEY"
    }


def meant(names):
    return {(channel, name) for channel, found in match_channels(names).items() for name in found}


def score_of_foreign(keys):
    """(right, wrong, possible) matches of ARKit keys whose names say nothing."""
    foreign, true_names = faces.in_a_foreign_language(keys)
    rig_map = map_rig(RigSource((foreign,)))
    found = {(channel, true_names[name]) for channel, name in mapped(rig_map)}
    truth = meant(keys.names)
    known = {name for _, name in truth}
    right = len(found & truth)
    return right, len({pair for pair in found if pair[1] in known}) - right, len(truth)


def test_the_built_in_head_maps_completely_by_name():
    rig_map = map_rig(RigSource((faces.built_in_head(),)))
    assert mapped(rig_map) == {(channel, channel) for channel in ARKIT_52}
    assert rig_map.unmatched == ()
    assert rig_map.solved == ()
    assert min(t.confidence for t in rig_map.targets) > 0.95


def test_a_face_with_arkit_names_maps_as_its_names_say():
    keys = faces.ict_face()
    rig_map = map_rig(RigSource((keys,)))
    assert mapped(rig_map) == meant(keys.names)
    assert rig_map.unmatched == ("tongueOut",)


def test_the_reference_knows_itself_without_names():
    assert score_of_foreign(faces.built_in_head()) == (52, 0, 52)


def test_another_face_is_mapped_by_what_its_keys_move():
    right, wrong, possible = score_of_foreign(faces.ict_face())
    assert possible == 53
    assert right >= 42
    assert wrong <= 4


@pytest.mark.parametrize("scale", [0.001, 1.0, 37.0])
def test_unit_place_and_proportions_do_not_matter(scale):
    keys = faces.built_in_head()
    stretch = np.array([1.15, 0.9, 0.85], np.float32) * scale
    points = keys.points * stretch + np.array([0.0, 3.0, 1.6], np.float32) * scale * 100
    deltas = tuple((indices, offsets * stretch) for indices, offsets in keys.deltas)
    right, wrong, _ = score_of_foreign(replace(keys, points=points, deltas=deltas))
    assert right >= 48
    assert wrong <= 3


def test_expression_units_of_a_whole_body_map_without_names():
    foreign, true_names = faces.in_a_foreign_language(faces.makehuman_body())
    by_channel = {}
    for channel, name in mapped(map_rig(RigSource((foreign,)))):
        by_channel.setdefault(channel, set()).add(true_names[name])
    for channel, name in {
        "jawOpen": "mouth-open",
        "eyeBlinkLeft": "eye-left-closure",
        "eyeBlinkRight": "eye-right-closure",
        "mouthSmileLeft": "mouth-corner-puller",
        "mouthPucker": "mouth-pursing",
        "noseSneerLeft": "nose-left-elevation",
        "browOuterUpRight": "eyebrows-right-extern-up",
    }.items():
        assert name in by_channel.get(channel, set()), channel


def test_expression_units_map_by_name():
    keys = faces.makehuman_body()
    found = mapped(map_rig(RigSource((keys,))))
    assert {("jawOpen", "mouth-open"), ("eyeSquintLeft", "eye-left-slit")} <= found
    assert {("browInnerUp", f"eyebrows-{side}-inner-up") for side in ("left", "right")} <= found


def test_a_key_that_moves_both_sides_follows_each_by_half():
    head = faces.dense(faces.built_in_head())
    shapes = {"Lidschluss": head["eyeBlinkLeft"] + head["eyeBlinkRight"], "Kiefer": head["jawOpen"]}
    shapes |= {"Laecheln": head["mouthSmileLeft"] + head["mouthSmileRight"], "Kussmund": head["mouthPucker"]}
    rig_map = map_rig(RigSource((faces.key_set("Kopf", faces.built_in_head().points, shapes),)))
    gains = {t.channel: t.gain for t in rig_map.targets if "Lidschluss" in t.data_path}
    assert gains == {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5}


def test_misspelt_names_are_understood():
    head = faces.built_in_head()
    spelling = {"jawOpen": "jawOpn", "eyeBlinkLeft": "eye_blnk_L", "mouthPucker": "MouthPukcer"}
    names = tuple(spelling.get(name, name) for name in head.names)
    assert map_rig(RigSource((replace(head, names=names),))).unmatched == ()


def test_sides_named_as_seen_from_the_front_follow_what_moves():
    head = faces.built_in_head()
    swapped = replace(head, names=tuple(mirror(name) for name in head.names))
    assert mapped(map_rig(RigSource((swapped,)))) == {(mirror(c), c) for c in map(mirror, ARKIT_52)}


def test_parts_with_the_same_keys_are_driven_together():
    head = faces.built_in_head()
    shapes = faces.dense(head)
    teeth = faces.key_set("Teeth", head.points[:50], {"jawOpen": np.ones((50, 3), np.float32)})
    beard = faces.key_set(
        "Beard", head.points, {name: shapes[name] for name in ("jawOpen", "mouthSmileLeft")}
    )
    rig_map = map_rig(RigSource((head, teeth, beard)))
    assert {t.object for t in rig_map.targets if t.channel == "jawOpen"} == {"Head", "Teeth", "Beard"}
    assert {t.object for t in rig_map.targets if t.channel == "mouthSmileLeft"} == {"Head", "Beard"}


def test_driven_keys_are_left_to_their_drivers():
    head = faces.built_in_head()
    rig_map = map_rig(RigSource((replace(head, driven=frozenset({"jawOpen"})),)))
    assert "jawOpen" in rig_map.unmatched
    assert not any("jawOpen" in t.data_path for t in rig_map.targets)


def test_custom_properties_drive_what_no_key_does():
    properties = (
        Property("Rig", '["jawOpen"]', "jawOpen", 0.0, 100.0),
        Property("Rig", '["Smile_L"]', "Smile_L", -1.0, 1.0, 0.0),
        Property("Rig", '["secret"]', "secret"),
    )
    rig_map = map_rig(RigSource(properties=properties))
    assert {(t.channel, t.data_path, t.gain, t.kind) for t in rig_map.targets} == {
        ("jawOpen", '["jawOpen"]', 100.0, "PROPERTY"),
        ("mouthSmileLeft", '["Smile_L"]', 1.0, "PROPERTY"),
    }


def test_custom_properties_are_known_by_their_bone_or_their_description_too():
    properties = (
        Property("Rig", 'pose.bones["jaw"]["open"]', "open", also=("jaw open",)),
        Property("Rig", 'pose.bones["ctrl"]["p2"]', "p2", also=("ctrl p2", "Mouth smile left")),
        Property("Rig", 'pose.bones["ctrl"]["p3"]', "p3", also=("ctrl p3", "How strong the light is")),
        Property("Rig", '["Mouth_Smile_L"]', "Mouth_Smile_L", also=("blink",)),
    )
    rig_map = map_rig(RigSource(properties=properties))
    assert {(t.channel, t.data_path) for t in rig_map.targets} == {
        ("jawOpen", 'pose.bones["jaw"]["open"]'),
        ("mouthSmileLeft", '["Mouth_Smile_L"]'),
    }


def test_a_character_without_a_face_gives_no_targets():
    empty = KeySet("Box", ("Key 1",), np.zeros((8, 3), np.float32), (faces.sparse(np.zeros((8, 3))),))
    for source in (RigSource(), RigSource((empty,))):
        rig_map = map_rig(source)
        assert rig_map.targets == ()
        assert rig_map.unmatched == ARKIT_52


def test_keys_that_move_nothing_are_hardly_trusted():
    head = faces.built_in_head()
    deltas = dict(zip(head.names, head.deltas, strict=True))
    deltas["tongueOut"] = faces.sparse(np.zeros((1, 3)))
    rig_map = map_rig(RigSource((replace(head, deltas=tuple(deltas.values())),)))
    assert all(t.confidence < 0.4 for t in rig_map.targets if t.channel == "tongueOut")


def test_keys_of_the_body_do_not_disturb_the_face():
    keys = faces.makehuman_body()
    shapes = faces.dense(keys)
    shapes["Fat"] = np.ones_like(keys.points) * 0.5
    shapes["Long legs"] = np.where(keys.points[:, 2:] < 0, np.float32([0, 0, -1.0]), np.float32(0.0))
    with_body = mapped(map_rig(RigSource((faces.key_set("Human", keys.points, shapes),))))
    assert not any(name in ("Fat", "Long legs") for _, name in with_body)
    assert {("jawOpen", "mouth-open"), ("eyeBlinkLeft", "eye-left-closure")} <= with_body


def test_lost_names_are_found_by_what_numbered_keys_move():
    head = faces.built_in_head()
    rig_map = map_rig(RigSource((replace(head, names=tuple(f"Key {i + 1}" for i in range(52))),)))
    assert {(t.channel, t.data_path) for t in rig_map.targets} == {
        (channel, shape_key_path(f"Key {i + 1}")) for i, channel in enumerate(ARKIT_52)
    }


def test_head_and_eye_bones_join_the_keys():
    bones = (faces.bone("head", (0, 0, 1.5)), faces.bone("eye.L", (0.03, -0.1, 1.6)))
    rig_map = map_rig(RigSource((faces.built_in_head(),), bones))
    assert set(HEAD) <= {t.channel for t in rig_map.targets if t.kind == "BONE"}
    assert not any(t.channel == "jawOpen" and t.kind == "BONE" for t in rig_map.targets)


def test_a_large_rig_is_mapped_in_the_time_of_a_few_looks_at_its_points():
    head = faces.built_in_head()
    generator = np.random.default_rng(1)
    pick = np.concatenate([np.arange(len(head.points)), generator.integers(0, len(head.points), 50_000)])[
        :50_000
    ]
    shapes = {name: delta[pick] for name, delta in faces.dense(head).items()}
    channels = list(shapes)
    for i in range(48):
        first, second = generator.choice(channels[:52], 2)
        shapes[f"Corrective {i} mix"] = (shapes[first] + shapes[second]) / 2
    source = RigSource((faces.key_set("Large", head.points[pick], shapes, 1e-4),))
    map_rig(RigSource((head,)))  # the reference is read once
    began_s = time.process_time()
    for delta in shapes.values():
        np.linalg.norm(delta, axis=1).max()
    looked_s = time.process_time() - began_s
    rig_map = map_rig(source)
    spent_s = time.process_time() - began_s - looked_s
    print(f"mapping takes {spent_s / looked_s:.1f} looks")
    assert spent_s < 15.0 * looked_s
    assert rig_map.unmatched == ()


@given(data=st.data(), count=st.integers(1, 12), keys=st.integers(0, 6), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_any_mesh_gives_a_map(data, count, keys, seed):
    """Points on one spot, on a line, far away, not numbers; keys that move nothing or one point."""
    generator = np.random.default_rng(seed)
    spread = data.draw(st.sampled_from([0.0, 1e-12, 1.0, 1e12]))
    points = (generator.normal(size=(count, 3)) * spread * generator.integers(0, 2, 3)).astype(np.float32)
    if data.draw(st.booleans()):
        points[0] = np.nan
    deltas = []
    for _ in range(keys):
        size = data.draw(st.sampled_from([0.0, 1e-30, 1.0, 1e30, np.nan, np.inf]))
        chosen = np.flatnonzero(generator.random(count) < 0.5).astype(np.int32)
        with np.errstate(invalid="ignore"):
            offsets = np.float32(size) * generator.normal(size=(len(chosen), 3)).astype(np.float32)
        deltas.append((chosen, offsets))
    names = data.draw(
        st.lists(
            st.sampled_from([*ARKIT_52, "A", "E", "Exp1", "x", ""]), min_size=keys, max_size=keys, unique=True
        )
    )
    rig_map = map_rig(RigSource((KeySet("Mesh", tuple(names), points, tuple(deltas)),)))
    assert all(0.0 <= t.confidence <= 1.0 for t in rig_map.targets)
    assert {t.channel for t in rig_map.targets}.isdisjoint(rig_map.unmatched)
