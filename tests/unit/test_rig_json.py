"""Rig maps as files: what is written comes back, what is damaged or foreign is refused with a sentence."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.errors import RigError
from soliloquy.inference.rig_json import from_json, read_map, to_json, write_map
from soliloquy.inference.types import RigMap, RigTarget, SolvedKeys

numbers = st.floats(-1e6, 1e6, allow_nan=False).map(float)
names = st.text(min_size=1, max_size=12)
axes = st.tuples(numbers, numbers, numbers).filter(lambda axis: sum(a * a for a in axis) > 1e-6)
targets = st.builds(
    RigTarget,
    st.sampled_from(ARKIT_52),
    names,
    names,
    st.integers(0, 3),
    numbers,
    numbers,
    st.floats(0, 1),
    st.sampled_from(["SHAPE_KEY", "PROPERTY"]),
) | st.builds(
    RigTarget,
    st.sampled_from(ARKIT_52),
    names,
    names,
    kind=st.just("BONE"),
    axis=axes,
    rotation_mode=st.sampled_from(["QUATERNION", "AXIS_ANGLE", "XYZ", "ZYX"]),
)


def solved_keys(seed=0):
    generator = np.random.default_rng(seed)
    moved = generator.normal(size=(3, 8)).astype(np.float32)
    wanted = generator.normal(size=(2, 8)).astype(np.float32)
    return SolvedKeys(
        "Kopf",
        ('key_blocks["ä"].value', 'key_blocks["b"].value', 'key_blocks["c"].value'),
        ("jawOpen", "mouthPucker"),
        moved @ moved.T,
        wanted @ moved.T,
        0.75,
        -1.0,
        2.0,
        0.02,
        (("Zähne", 'key_blocks["b"].value', 1),),
        (32.75, -0.52),
        (4.0, -1.5, 0.0),
    )


@given(st.lists(targets, max_size=5), st.lists(st.sampled_from(ARKIT_52), max_size=5))
def test_targets_come_back_as_they_were(listed, unmatched):
    rig_map = RigMap(tuple(listed), unmatched=tuple(unmatched))
    assert from_json(to_json(rig_map)) == rig_map


def test_solved_keys_come_back(tmp_path):
    path = tmp_path / "map.json"
    write_map(path, RigMap((), (solved_keys(),)))
    (found,) = read_map(path).solved
    expected = solved_keys()
    np.testing.assert_allclose(found.gram, expected.gram, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.cross, expected.cross, rtol=1e-4, atol=1e-5)
    for field in (
        "object",
        "data_paths",
        "channels",
        "confidence",
        "minimum",
        "maximum",
        "ridge",
        "copies",
        "keys_open_mm",
        "mixed",
    ):
        assert getattr(found, field) == getattr(expected, field)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "map.json"
    path.write_text(to_json(RigMap(())), encoding="utf-8-sig")
    assert read_map(path) == RigMap(())


def changed(path, value):
    """The text of a map with one value replaced; a path of keys and indices."""
    document = json.loads(to_json(RigMap((RigTarget("jawOpen", "Head", "x"),), (solved_keys(),))))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("targets", 0, "channel"), None),
        (("targets", 0, "gain"), "much"),
        (("targets", 0, "gain"), float("nan")),
        (("targets", 0, "gain"), True),
        (("targets", 0, "index"), -1),
        (("targets", 0, "index"), 1.5),
        (("targets", 0, "kind"), "MAGIC"),
        (("targets", 0, "axis"), [0, 0]),
        (("targets", 0, "axis"), [0, 0, 0]),
        (("targets", 0, "rotation_mode"), "XXZ"),
        (("targets", 0), 5),
        (("targets",), {"a": 1}),
        (("unmatched",), "jawOpen"),
        (("solved", 0, "gram"), [[1.0]]),
        (("solved", 0, "gram"), [[1, 5, 5], [5, 1, 5], [5, 5, 1]]),
        (("solved", 0, "cross"), [[1.0, 2.0, float("inf")], [1.0, 2.0, 3.0]]),
        (("solved", 0, "minimum"), 3.0),
        (("solved", 0, "ridge"), 0.0),
        (("solved", 0, "copies"), [["Zähne", "x", 7]]),
        (("solved", 0, "mixed"), [["Zähne", "x", 7, 1.0]]),
        (("solved", 0, "mixed"), [["Zähne", "x", 0]]),
        (("solved", 0, "data_paths"), []),
        (("solved", 0, "keys_open_mm"), [1.0]),
        (("format",), "another program"),
        (("version",), 99),
    ],
)
def test_wrong_values_are_refused_with_one_sentence(path, value):
    with pytest.raises(RigError) as refused:
        from_json(changed(path, value), "map.json")
    assert "map.json" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b"[" * 100_000, b"12", b'"x"'])
def test_what_is_no_map_is_refused(tmp_path, data):
    path = tmp_path / "map.json"
    path.write_bytes(data)
    with pytest.raises(RigError, match="is not a rig map"):
        read_map(path)


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_it(text):
    with pytest.raises(RigError):
        from_json(text)


@given(position=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(position, byte):
    data = bytearray(to_json(RigMap((RigTarget("jawOpen", "Head", "x"),), (solved_keys(),))).encode())
    data[position % len(data)] = byte
    with suppress(RigError):
        assert isinstance(from_json(data.decode(errors="replace")), RigMap)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(RigError, match="cannot be opened"):
        read_map(tmp_path / "none.json")
