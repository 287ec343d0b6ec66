"""The memory: what it keeps of the plates, what it leaves out, and which it refuses."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference import cli
from soliloquy.inference.actor.crop import sample
from soliloquy.inference.actor.folder import ActorError, make_actor, open_actor, write_actor
from soliloquy.inference.actor.landmarks import LIPS_INNER, MOUTH_REGION
from soliloquy.inference.actor.memory import coverage
from soliloquy.inference.actor.memory.bank import (
    aperture_and_width,
    build_memory,
    keys_of,
    load_memory,
    save_memory,
)
from soliloquy.inference.actor.memory.sheet import lines, survey
from soliloquy.inference.actor.take import load_take, save_face, save_take
from soliloquy.inference.actor.types import Gap
from soliloquy.inference.errors import Cancelled

pytest.importorskip("OpenImageIO", reason="plates of images need OpenImageIO")
sys.path.append(str(Path(__file__).resolve().parents[1]))

import actor_helpers as tiny

FRAMES = 12


@pytest.fixture
def made(tmp_path):
    return tiny.make_tiny_actor(tmp_path, FRAMES, renderer=False)


# Keys


@given(st.integers(0, 100))
def test_distances_of_keys_are_those_of_the_mouths_vertices(seed):
    face = tiny.tiny_face()
    random = np.random.default_rng(seed)
    expression = random.normal(size=(2, tiny.COMPONENTS)).astype(np.float32)
    head = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    keys = keys_of(face, expression, head)
    eyes = np.linalg.norm(face.identity[263] - face.identity[33])
    apart = np.diff(face.vertices(expression)[:, list(MOUTH_REGION)], axis=0)[0] / eyes
    distance = np.linalg.norm(keys[1] - keys[0])
    lengths = np.linalg.norm(apart, axis=1)
    assert distance <= lengths.max() + 1e-6
    assert distance >= 0.2 * np.linalg.norm(apart[:, :2], axis=1).min()
    assert distance >= 0.03 * np.linalg.norm(apart[:, :2], axis=1).max()


def test_keys_do_not_depend_on_the_size_of_the_face_and_hardly_on_a_turn():
    face, expression = tiny.tiny_face(), tiny.tiny_expressions(6)
    head = tiny.tiny_heads(6)
    keys = keys_of(face, expression, head)
    larger = replace(face, identity=face.identity * 1.3, basis=face.basis * 1.3)
    np.testing.assert_allclose(keys_of(larger, expression, head), keys, atol=1e-5)
    turned = head.copy()
    turned[:, :3, :3] = turned[:, :3, :3] @ np.array(
        [[0.995, 0, 0.0998], [0, 1, 0], [-0.0998, 0, 0.995]], np.float32
    )
    by_turn = np.linalg.norm(keys_of(face, expression, turned) - keys, axis=1)
    by_jaw = np.linalg.norm(keys.max(0) - keys.min(0))
    assert 0 < by_turn.max() < 0.5 * by_jaw


def test_aperture_and_width_are_those_of_the_lips():
    face = tiny.tiny_face()
    found = aperture_and_width(face, np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0]], np.float32))
    assert found[1, 0] > found[0, 0] + 0.05
    assert found[2, 1] == pytest.approx(1.1, abs=0.01)


# Building


def test_a_built_memory_holds_the_plates_own_pixels(made):
    bank = build_memory(made.actor)
    assert len(bank) == FRAMES
    assert bank.actor == made.actor.identifier
    assert bank.takes == ("one",)
    np.testing.assert_array_equal(bank.frame, made.take.numbers)
    np.testing.assert_array_equal(bank.patches, made.bank.patches)
    np.testing.assert_allclose(bank.keys, made.bank.keys, atol=1e-6)
    np.testing.assert_allclose(bank.points, made.bank.points, atol=0.2)


def test_gaps_unsure_and_damaged_frames_are_left_out(made):
    gaps, confidence = made.take.gaps.copy(), made.take.confidence.copy()
    gaps[2], confidence[5] = Gap.BLURRED, 0.1
    save_take(made.actor, "one", replace(made.take, gaps=gaps, confidence=confidence))
    assert {*range(1, FRAMES + 1)} - {*build_memory(made.actor).frame.tolist()} == {3, 6}


def test_a_frame_that_a_film_lost_to_grey_is_left_out(made):
    from soliloquy.inference.actor.media.images import write_png
    from soliloquy.inference.actor.media.plate import open_plate

    write_png(made.plate / "plate.0004.png", np.full((tiny.HEIGHT, tiny.WIDTH, 3), (90, 140, 150), np.uint8))
    with open_plate(made.plate) as plate:
        save_take(made.actor, "one", replace(made.take, plate_sha256=plate.info.sha256))
    frames = build_memory(made.actor).frame.tolist()
    assert 4 not in frames
    assert len(frames) == FRAMES - 1


def test_fewer_entries_are_a_part_of_all_and_cover_them(made):
    every, few = build_memory(made.actor), build_memory(made.actor, entries=4)
    assert len(few) == 4
    assert {*few.frame.tolist()} < {*every.frame.tolist()}
    reach = np.linalg.norm(every.keys[:, None] - few.keys[None], axis=2).min(1).max()
    spread = np.linalg.norm(every.keys - every.keys.mean(0), axis=1).max()
    assert reach < spread


def test_takes_can_be_left_out_and_unknown_ones_are_refused(made, tmp_path):
    save_take(made.actor, "two", made.take, made.plate)
    actor = open_actor(made.actor.folder)
    assert build_memory(actor, without=["one"]).takes == ("two",)
    assert {*build_memory(actor).take.tolist()} == {0, 1}
    with pytest.raises(ActorError, match="no take 'three'"):
        build_memory(actor, without=["three"])
    with pytest.raises(ActorError, match="No take"):
        build_memory(actor, without=["one", "two"])


def test_a_plate_that_moved_is_found_in_a_folder_that_is_named(made, tmp_path):
    there = tmp_path / "elsewhere"
    there.mkdir()
    made.plate.rename(there / made.plate.name)
    with pytest.raises(ActorError, match=r"is not where it was captured.*--plates"):
        build_memory(made.actor)
    assert len(build_memory(made.actor, [there])) == FRAMES
    assert len(build_memory(made.actor, [there / made.plate.name])) == FRAMES


def test_a_plate_that_changed_is_refused(made):
    (made.plate / "plate.0003.png").write_bytes((made.plate / "plate.0004.png").read_bytes())
    with pytest.raises(ActorError, match="its content has changed"):
        build_memory(made.actor)


def test_a_plates_name_does_not_lead_out_of_the_named_folder(made, tmp_path):
    save_take(made.actor, "one", replace(made.take, plate="../plate"))
    made.plate.rename(tmp_path / "moved")
    with pytest.raises(ActorError, match="is not where"):
        build_memory(made.actor, [tmp_path / "actor"])


def test_building_tells_how_far_it_is_and_can_be_stopped(made):
    told = []
    build_memory(made.actor, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    asked = iter(range(100))
    with pytest.raises(Cancelled):
        build_memory(made.actor, cancelled=lambda: next(asked) >= 3)
    assert build_memory(made.actor, entries=1).patches.shape == (1, tiny.SIZE, tiny.SIZE, 3)


@pytest.mark.parametrize("entries", [0, -3, 10**9])
def test_impossible_sizes_are_refused(made, entries):
    with pytest.raises(ActorError, match="can't be built"):
        build_memory(made.actor, entries=entries)


# Keeping


def test_what_is_saved_is_loaded(made):
    bank = build_memory(made.actor)
    save_memory(made.actor, bank)
    loaded = load_memory(made.actor)
    for name in ("keys", "patches", "points", "take", "frame", "sharpness"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(bank, name))
    assert (loaded.actor, loaded.takes) == (bank.actor, bank.takes)


def test_memories_of_other_actors_faces_and_sizes_are_refused(made, tmp_path):
    other = make_actor(tmp_path / "other", "Other", tiny.CONSENT, tiny.SIZE)
    save_face(other, made.face)
    other.memory.write_bytes(made.actor.memory.read_bytes())
    with pytest.raises(ActorError, match="another actor than Other"):
        load_memory(other)
    write_actor(replace(made.actor, crop_size=64))
    with pytest.raises(ActorError, match="fitted anew"):
        load_memory(open_actor(made.actor.folder))
    write_actor(made.actor)
    save_face(made.actor, replace(made.face, basis=made.face.basis * 1.01))
    with pytest.raises(ActorError, match="fitted anew"):
        load_memory(made.actor)
    save_face(made.actor, replace(made.face, arkit=made.face.arkit + 1))
    assert len(load_memory(made.actor)) == FRAMES, "another way to drive the face is no other face"


# What is kept


@given(seed=st.integers(0, 200), entries=st.integers(1, 60), counts=st.tuples(*[st.integers(0, 40)] * 3))
def test_choosing_keeps_the_number_and_shares_it_among_kinds(seed, entries, counts):
    kind = np.repeat(np.arange(3, dtype=np.uint8), counts)
    random = np.random.default_rng(seed)
    keys = random.normal(size=(len(kind), 5)).astype(np.float32)
    chosen = coverage.choose(keys, np.ones(len(kind), np.float32), kind, entries)
    assert len(chosen) == len({*chosen.tolist()}) == min(entries, len(kind))
    assert (np.diff(chosen) > 0).all()
    seen = np.bincount(kind[chosen], minlength=3)
    for have, got in zip(counts, seen, strict=True):
        assert got == have or got >= min(have, entries // 9)


def test_the_sharper_of_two_alike_is_kept():
    keys = np.repeat(np.eye(8, dtype=np.float32), 2, axis=0) + np.random.default_rng(0).normal(
        0, 1e-3, (16, 8)
    ).astype(np.float32)
    sharp = np.tile([0.7, 1.2], 8).astype(np.float32)
    chosen = coverage.choose(keys, sharp, np.zeros(16, np.uint8), 8)
    assert (sharp[chosen] > 1).sum() >= 7


def test_the_extremes_of_a_line_are_kept():
    keys = np.linspace(0, 1, 50, dtype=np.float32)[:, None]
    chosen = coverage.choose(keys, np.ones(50, np.float32), np.zeros(50, np.uint8), 5)
    assert {0, 49} <= {*chosen.tolist()}
    assert np.diff(chosen).max() <= 25


def test_sharpness_falls_with_blur_and_is_compared_among_alike():
    random = np.random.default_rng(0)
    crop = random.uniform(size=(32, 32, 3)).astype(np.float32)
    blurred = (crop + np.roll(crop, 1, 0) + np.roll(crop, 1, 1) + np.roll(crop, (1, 1), (0, 1))) / 4
    mask = np.ones((32, 32), np.float32)
    assert coverage.sharpness(blurred, mask) < 0.8 * coverage.sharpness(crop, mask)
    keys = np.repeat([[0.0], [1.0]], 20, 0).astype(np.float32) + random.normal(0, 1e-3, (40, 1)).astype(
        np.float32
    )
    relative = coverage.relative_sharpness(keys, np.repeat([1.0, 4.0], 20).astype(np.float32))
    np.testing.assert_allclose(relative, 1, atol=1e-6)


def _mouth(colour):
    """A crop of skin with a dark or coloured opening, and its points."""
    points = np.full((len(MOUTH_REGION), 2), 32, np.float32)
    turn = np.linspace(0, 2 * np.pi, len(LIPS_INNER), endpoint=False)
    ring = [MOUTH_REGION.index(point) for point in LIPS_INNER]
    points[ring] = np.stack([32 + 12 * np.cos(turn), 30 + 6 * np.sin(turn)], 1)
    points[0], points[1] = (10, 45), (54, 45)
    crop = np.full((64, 64, 3), (0.75, 0.55, 0.42), np.float32)
    crop[24:36, 20:44] = colour
    return crop, points


@pytest.mark.parametrize(
    ("colour", "low", "high"),
    [((0.62, 0.55, 0.42), 0.95, 1), ((0.15, 0.08, 0.07), 0, 0), ((0.7, 0.32, 0.33), 0, 0)],
    ids=["teeth", "hollow", "tongue"],
)
def test_teeth_are_told_from_the_hollow_and_the_tongue(colour, low, high):
    assert low <= coverage.teeth(*_mouth(colour)) <= high


def test_an_outline_contains_what_is_inside():
    square = np.array([[1, 1], [5, 1], [5, 4], [1, 4]], np.float32)
    inside = coverage.within(square, np.arange(7) + 0.5, np.arange(6) + 0.5)
    assert inside.sum() == 12
    assert inside[1:4, 1:5].all()


# For a person


def test_the_survey_names_what_was_not_seen(made):
    found = survey(build_memory(made.actor))
    assert found.grid().sum() == FRAMES
    assert any("no teeth seen" in gap for gap in found.gaps)
    assert any("turned left, right, up or down" in gap for gap in found.gaps)
    closed = found.kind == coverage.CLOSED
    assert closed.any()
    assert not closed.all()
    assert "12 patches of 32 x 32 pixels from 1 takes" in lines(made.actor, made.bank, found)[0]


def test_memory_build_and_show(made, capsys, tmp_path):
    made.actor.memory.unlink()
    assert cli.main(["memory", "show", str(made.actor.folder)]) == 2
    assert "There is no memory" in capsys.readouterr().err
    assert cli.main(["memory", "build", str(made.actor.folder), "--entries", "6", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {event["event"] for event in events} == {"progress", "done"}
    assert events[-1]["entries"] == 6
    assert cli.main(["memory", "show", str(made.actor.folder), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert np.sum(shown["coverage"]) == sum(shown["kinds"].values()) == 6
    assert cli.main(["memory", "show", str(made.actor.folder)]) == 0
    assert "Gap: no teeth seen" in capsys.readouterr().out


def test_the_sheet_is_a_picture(made, capsys, tmp_path):
    pytest.importorskip("matplotlib", reason="the sheet needs matplotlib")
    sheet = tmp_path / "sheet.png"
    assert cli.main(["memory", "show", str(made.actor.folder), "--out", str(sheet)]) == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert cli.main(["memory", "show", str(made.actor.folder), "--out", str(tmp_path / "sheet.exe")]) == 2
    assert "is no picture" in capsys.readouterr().err


def test_footage_is_the_crop_in_reference_colours(made):
    from soliloquy.inference.actor.footage import crops, open_footage

    with open_footage(made.actor, "one", load_take(made.actor, "one")) as plate:
        found = dict(crops(plate, made.take, {3, 7}, tiny.SIZE))
        assert [*found] == [3, 7]
        frame = next(iter(plate.frames(4, 5)))
    wanted = sample(frame.rgb, made.take.crop[3], tiny.SIZE) / 255 * made.take.colour[3, :, 0]
    np.testing.assert_allclose(found[3], np.clip(wanted, 0, 1), atol=1e-5)
