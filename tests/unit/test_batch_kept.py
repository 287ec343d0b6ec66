"""What a batch keeps and what it makes again: an existing animation is never overwritten unasked."""

import csv
import json
import os
import sys

import pytest
from batch_helpers import listed, sound, sounds, table
from batch_runs import begun, ended, hashes, litter, names, rows, run, slow_list, start, until
from soliloquy.inference.batch import records
from soliloquy.inference.batch.types import Task
from soliloquy.inference.batch.worker import run_task
from soliloquy.inference.files import atomic_write

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def edit(path):
    with path.open("a") as stream:
        stream.write("0.5\n")


@pytest.mark.parametrize("damage", ["edited", "truncated", "emptied", "replaced"])
def test_a_file_that_was_changed_is_kept(tmp_path, damage):
    shots, out = listed(tmp_path, 4, 0.1), tmp_path / "out"
    run(shots, out, "--quiet")
    path, before = out / "line_01.csv", hashes(out)
    {
        "edited": lambda: edit(path),
        "truncated": lambda: os.truncate(path, 100),
        "emptied": lambda: os.truncate(path, 0),
        "replaced": lambda: path.write_bytes((out / "line_02.csv").read_bytes()),
    }[damage]()
    changed = path.read_bytes()
    done = rows(shots, out, code=1)
    assert set(done) == {2}
    assert str(path) in done[2]["problem"]
    assert "--overwrite" in done[2]["problem"]
    assert path.read_bytes() == changed
    assert "is kept" in (out / ".soliloquy" / "logs" / "line_01.csv.log").read_text()
    assert set(rows(shots, out, "--overwrite")) == {2}
    assert hashes(out) == before


def test_a_changed_file_is_kept_when_its_sound_changes_too(tmp_path):
    shots, out = listed(tmp_path, 3, 0.1), tmp_path / "out"
    run(shots, out, "--quiet")
    edit(out / "line_01.csv")
    for name in ("line_01.wav", "line_02.wav"):
        sound(tmp_path / name, 0.2, seed=9)
    done = rows(shots, out, code=1)
    assert {row: event["state"] for row, event in done.items()} == {2: "failed", 3: "done"}
    (out / "line_01.csv").rename(tmp_path / "by hand.csv")
    assert {row: event["state"] for row, event in rows(shots, out).items()} == {2: "done"}


def test_files_that_were_there_before_are_kept(tmp_path):
    shots, out = listed(tmp_path, 3, 0.1), tmp_path / "out"
    out.mkdir()
    (out / "line_02.csv").write_text("an animator's week")
    stdout, _ = run(shots, out, "--dry-run", "--json")
    assert [json.loads(line)["state"] for line in stdout.splitlines()] == ["to do", "to do", "kept"]
    done = rows(shots, out, code=1)
    assert {row: event["state"] for row, event in done.items()} == {1: "done", 2: "done", 3: "failed"}
    assert (out / "line_02.csv").read_text() == "an animator's week"
    (out / "line_00.csv").unlink()
    assert rows(shots, out, "--fail-fast", code=1).keys() == {3}, "with --fail-fast nothing is begun"
    assert set(rows(shots, out, "--overwrite")) == {1, 3}


def test_a_file_made_by_hand_for_a_row_that_failed_is_kept(tmp_path):
    pytest.importorskip("onnxruntime")
    shots, out = listed(tmp_path, 1, 0.1), tmp_path / "out"
    (tmp_path / "line_00.wav").write_bytes(b"no sound" * 100)
    run(shots, out, code=1, real=True)
    (out / "line_00.csv").write_text("made by hand")
    sound(tmp_path / "line_00.wav")
    run(shots, out, code=1, real=True)
    assert (out / "line_00.csv").read_text() == "made by hand"


def test_a_pass_is_kept_where_a_frame_was_changed(tmp_path):
    def paint(task, folder, told):
        (folder / task.outputs[0]).mkdir(exist_ok=True)
        for number in range(3):
            with atomic_write(folder / task.outputs[0] / f"pass.{number:04d}.exr") as stream:
                stream.write(task.key)
        return 1.0

    records.prepare(tmp_path)
    task = Task("pass", 1, ("shot/pass",), "key", "a.wav")
    assert run_task(task, tmp_path, {"pass": paint}).state == "done"
    folder = tmp_path / "shot" / "pass"
    (folder / ".DS_Store").touch()
    assert records.is_unchanged(tmp_path, task)
    assert records.in_the_way(tmp_path, task) is None
    (folder / "pass.0001.exr").write_text("retouched")
    assert not records.is_unchanged(tmp_path, task)
    assert records.in_the_way(tmp_path, task) == folder / "pass.0001.exr"
    (folder / "pass.0001.exr").unlink()
    assert records.in_the_way(tmp_path, task) is None
    (folder / "notes.txt").touch()
    assert records.in_the_way(tmp_path, task) == folder / "notes.txt"


# What changes while it runs, and between runs


@linux
def test_a_list_and_a_sound_that_change_while_it_runs(tmp_path):
    shots, out = slow_list(tmp_path, 2, 1), tmp_path / "out"
    driver = start(shots, out, "--workers", 1)
    until(lambda: begun(out, 1))
    sound(tmp_path / "line_1.wav", 0.1, seed=99)
    sound(tmp_path / "new.wav", 0.1, seed=5)
    shots.write_text(shots.read_text() + "new.wav\n")
    (tmp_path / "go").touch()
    ended(driver)
    assert names(out) == ["line_0.csv", "line_1.csv", "slow_0.csv"]
    assert set(rows(shots, out)) == {2, 4}
    run(shots, tmp_path / "undisturbed", "--quiet")
    assert hashes(out) == hashes(tmp_path / "undisturbed")


def test_one_cell_is_one_row(tmp_path):
    given = sounds(tmp_path, 4, 0.1)
    cells = [{"audio": name, "seed": 0, "text": "", "instruction": ""} for name in given]
    shots, out = table(tmp_path / "shots.csv", cells), tmp_path / "out"
    run(shots, out, "--quiet")
    for row, change in ((2, {"seed": 3}), (4, {"text": "hello"}), (1, {"instruction": "sad"})):
        cells[row - 1].update(change)
        table(shots, cells)
        assert set(rows(shots, out)) == {row}
    table(shots, list(reversed(cells)))
    assert rows(shots, out) == {}, "the order of the rows is no setting"
    with shots.open(newline="") as stream:
        assert len(list(csv.reader(stream))) == 5


def test_what_is_missing_is_made_and_nothing_else(tmp_path):
    shots, out = listed(tmp_path, 4, 0.1), tmp_path / "out"
    run(shots, out, "--quiet")
    before = hashes(out)
    (out / "line_00.csv").unlink()
    (out / ".soliloquy" / "records" / "line_01.csv.json").write_text("[")
    (out / "line_01.csv").unlink()
    (out / ".soliloquy" / "records" / ".line_02.csv.json.0123abcd.tmp").write_text("half")
    (out / ".line_02.csv.0123abcd.tmp").write_text("half")
    assert set(rows(shots, out)) == {1, 2}
    assert hashes(out) == before
    assert litter(out) == []
