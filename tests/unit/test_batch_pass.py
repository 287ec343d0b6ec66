"""Rows that ask for a photoreal pass: painted by a worker, kept, and painted again when something changed."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))
pytest.importorskip("onnxruntime")
pytest.importorskip("OpenImageIO")
pytest.importorskip("onnx")

import actor_helpers as tiny
from batch_helpers import manifest, sound, table
from soliloquy.inference.batch.shots import ShotsError, read_shots
from test_batch_command import batch, rows_of


@pytest.fixture
def actor(tmp_path):
    return tiny.make_tiny_actor(tmp_path)


def test_a_pass_is_painted_and_kept(actor, tmp_path):
    sound(tmp_path / "line.wav", 0.3)
    row = {"audio": "line.wav", "actor": actor.actor.folder, "plate": actor.plate, "pass": "passes/line/"}
    shots, out = table(tmp_path / "shots.csv", [row]), tmp_path / "out"
    rows, events = rows_of(batch(shots, out, "--json"))
    assert rows[1]["state"] == "done"
    assert events[-1]["counts"] == {"curves": {"done": 1}, "pass": {"done": 1}}
    painted = sorted((out / "passes" / "line").glob("*.exr"))
    assert painted
    told = json.loads((out / "passes" / "line" / "provenance.json").read_text())
    assert "synthetic" in json.dumps(told)
    files = [one["path"] for one in manifest(out)["tasks"][1]["files"]]
    assert files == sorted(f"passes/line/{p.name}" for p in (out / "passes" / "line").iterdir())
    rows, _ = rows_of(batch(shots, out, "--json"))
    assert rows == {}
    painted[0].unlink()
    rows, _ = rows_of(batch(shots, out, "--json"))
    assert [row["kind"] for row in rows.values()] == ["pass"]
    assert painted[0].exists()


@pytest.mark.parametrize("above", [0, 1])
def test_a_pass_never_takes_the_place_of_its_actor(actor, tmp_path, above):
    sound(tmp_path / "line.wav")
    folder = (actor.actor.folder, *actor.actor.folder.parents)[above]
    row = {"audio": "line.wav", "actor": actor.actor.folder, "plate": actor.plate, "pass": folder.name}
    done = batch(table(tmp_path / "shots.csv", [row]), folder.parent, "--overwrite", code=2)
    assert "would replace an input" in done.stderr


def test_an_actor_that_is_not_finished_is_named(actor, tmp_path):
    sound(tmp_path / "line.wav", 0.3)
    actor.actor.renderer.unlink()
    row = {"audio": "line.wav", "actor": actor.actor.folder, "plate": "nowhere.####.png", "pass": "x"}
    with pytest.raises(ShotsError) as refused:
        read_shots(table(tmp_path / "shots.csv", [row]))
    said = " ".join(sentence for _, sentence in refused.value.problems)
    assert "renderer.onnx" in said
    assert "nowhere.####.png" in said
