"""`soliloquy batch` with real workers: what is made, what is kept, what is told, and the exit codes."""

import json
import subprocess
import sys

import pytest
from batch_helpers import listed, manifest, sound, sounds, table
from soliloquy.inference import cli
from soliloquy.inference.batch import plan
from soliloquy.inference.formats.arkit_csv import read_csv

pytest.importorskip("onnxruntime")


def batch(path, out, *arguments, code=0):
    """Run the command in a process of its own; its output and errors."""
    done = subprocess.run(
        [sys.executable, "-m", "soliloquy", "batch", str(path), "--out", str(out), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def rows_of(done):
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return {event["row"]: event for event in events if event["event"] == "row"}, events


def test_curves_are_those_of_animate_and_kept_afterwards(tmp_path):
    shots, out = listed(tmp_path, 3), tmp_path / "out"
    done = batch(shots, out, "--workers", 2)
    assert "3 " in done.stdout
    assert cli.main(["animate", str(tmp_path), "--out", str(tmp_path / "alone"), "--quiet"]) == 0
    for name in ("line_00", "line_01", "line_02"):
        assert (out / f"{name}.csv").read_bytes() == (tmp_path / "alone" / f"{name}.csv").read_bytes()
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.csv")}
    rows, events = rows_of(batch(shots, out, "--json"))
    assert rows == {}
    assert events[-1]["counts"] == {"curves": {"unchanged": 3}}
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.csv")} == before
    assert [task["state"] for task in manifest(out)["tasks"]] == ["done"] * 3


def test_columns_count(tmp_path):
    name = sounds(tmp_path, 1, 2.0)[0]
    wide = "mouth wide open, brows up"
    rows = [
        {"audio": name, "out": "a.csv"},
        {"audio": name, "out": "seed.csv", "seed": 5},
        {"audio": name, "out": "told.csv", "instruction": wide},
    ]
    batch(table(tmp_path / "shots.csv", rows), tmp_path / "out", "--fps", 30, "--no-blinks")
    plain, seeded, told = (read_csv(tmp_path / "out" / f"{one}.csv") for one in ("a", "seed", "told"))
    assert plain.rate_hz == seeded.rate_hz == told.rate_hz == 30
    assert (plain.values != seeded.values).any()
    brows = plain.channels.index("browInnerUp")
    assert told.values[:, brows].mean() > plain.values[:, brows].mean() + 0.1


def test_only_what_changed_is_made_again(tmp_path):
    shots, out = listed(tmp_path, 4), tmp_path / "out"
    batch(shots, out, "--quiet")
    sound(tmp_path / "line_01.wav", seed=77)
    text = shots.read_text().splitlines()
    text[0], text[4] = text[0] + ",seed", text[4] + ",9"
    shots.write_text("\n".join([text[0], *[line + "," for line in text[1:4]], text[4]]) + "\n")
    rows, _ = rows_of(batch(shots, out, "--json"))
    assert set(rows) == {2, 4}
    (out / "line_02.csv").unlink()
    rows, _ = rows_of(batch(shots, out, "--json"))
    assert set(rows) == {3}
    rows, _ = rows_of(batch(shots, out, "--json", "--smoothing", 0.02, "--only", "1-2"))
    assert set(rows) == {1, 2}


def test_one_row_that_fails_does_not_stop_the_others(tmp_path):
    shots, out = listed(tmp_path, 4), tmp_path / "out"
    (tmp_path / "line_02.wav").write_bytes(b"no sound" * 100)
    done = batch(shots, out, code=1)
    assert "Row 3: " in done.stderr
    assert "line_02.wav" in done.stderr
    assert "--only 3 runs them again" in done.stderr
    assert sorted(path.name for path in out.glob("*.csv")) == ["line_00.csv", "line_01.csv", "line_03.csv"]
    assert "line_02.wav" in (out / ".soliloquy" / "logs" / "line_02.csv.log").read_text()
    sound(tmp_path / "line_02.wav")
    rows, _ = rows_of(batch(shots, out, "--json"))
    assert set(rows) == {3}


def test_fail_fast_begins_nothing_new(tmp_path):
    shots, out = listed(tmp_path, 12), tmp_path / "out"
    sound(tmp_path / "line_00.wav", 3.0)  # the longest is begun first
    data = (tmp_path / "line_00.wav").read_bytes()
    (tmp_path / "line_00.wav").write_bytes(b"x" * len(data))
    _, events = rows_of(batch(shots, out, "--json", "--workers", 1, "--fail-fast", code=1))
    assert events[-1]["waiting"] == 11
    assert list(out.glob("*.csv")) == []


def test_a_dry_run_makes_nothing(tmp_path):
    shots, out = listed(tmp_path, 2), tmp_path / "out"
    done = batch(shots, out, "--dry-run")
    assert not out.exists()
    assert "to do" in done.stdout
    batch(shots, out, "--quiet", "--only", 1)
    _, events = rows_of(batch(shots, out, "--dry-run", "--json"))
    assert [event["state"] for event in events] == ["unchanged", "to do"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--only", "9"], "no row"),
        (["--instruction", "sad", "--lips-only"], "Lips alone"),
        (["--jaw", "9"], "jaw"),
        (["--timeout", "0"], "above 0"),
        (["--kinds", "curves,films"], "some of"),
        (["--model", "nowhere.onnx"], "nowhere.onnx"),
    ],
)
def test_usage_is_refused_before_the_work(tmp_path, arguments, part):
    done = batch(listed(tmp_path, 2), tmp_path / "out", *arguments, code=2)
    assert part in done.stderr
    assert not list((tmp_path / "out").glob("*.csv")) if (tmp_path / "out").exists() else True


def test_an_output_never_takes_the_place_of_an_input(tmp_path):
    shots = table(tmp_path / "shots.csv", [{"audio": "a.csv"}])
    sound(tmp_path / "x.wav").rename(tmp_path / "a.csv")
    assert "would replace an input" in batch(shots, tmp_path, code=2).stderr


def test_an_output_never_takes_the_place_of_the_list(tmp_path):
    shots = table(tmp_path / "shots.csv", [{"audio": sounds(tmp_path, 1)[0], "out": "shots.csv"}])
    before = shots.read_bytes()
    assert "would replace an input" in batch(shots, tmp_path, "--overwrite", code=2).stderr
    assert shots.read_bytes() == before


def test_a_shared_run_of_one_row_spares_what_the_others_read(tmp_path):
    sound(tmp_path / "x.wav").rename(tmp_path / "second.csv")
    rows = [{"audio": sounds(tmp_path, 1)[0], "out": "second.csv"}, {"audio": "second.csv", "out": "b.csv"}]
    shots = table(tmp_path / "shots.csv", rows)
    done = batch(shots, tmp_path, "--shared", "--only", "1", "--overwrite", code=2)
    assert "would replace an input" in done.stderr


def test_a_link_in_the_folder_does_not_lead_out(tmp_path):
    shots = table(tmp_path / "shots.csv", [{"audio": sounds(tmp_path, 1)[0], "out": "link/x.csv"}])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")
    assert "leads out of its folder" in batch(shots, tmp_path / "out", code=2).stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_scenes_need_blender(tmp_path):
    shots = table(tmp_path / "shots.csv", [{"audio": sounds(tmp_path, 1)[0], "action": "x.blend"}])
    done = batch(shots, tmp_path / "out", "--blender", "no_such_blender", code=2)
    assert "no program 'no_such_blender'" in done.stderr
    batch(shots, tmp_path / "out", "--blender", "no_such_blender", "--kinds", "curves", "--quiet")
    assert (tmp_path / "out" / "line_00.csv").exists()


def test_the_manifest_does_not_depend_on_when_or_by_how_many(tmp_path):
    shots = listed(tmp_path, 5)
    batch(shots, tmp_path / "a", "--workers", 1, "--quiet")
    batch(shots, tmp_path / "b", "--workers", 3, "--quiet", "--only", "2,4")
    batch(shots, tmp_path / "b", "--workers", 2, "--quiet")
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()


def test_another_format(tmp_path):
    shots = listed(tmp_path, 1)
    batch(shots, tmp_path / "out", "--format", "a2f", "--quiet")
    assert "facsNames" in json.loads((tmp_path / "out" / "line_00.json").read_text())


@pytest.mark.parametrize(("how", "is_read"), [(["--shared"], False), ([], True)])
def test_a_farms_task_reads_no_inputs_of_other_kinds(tmp_path, monkeypatch, how, is_read):
    (tmp_path / "bar.blend").write_bytes(b"BLENDER")
    row = {"audio": sounds(tmp_path, 1)[0], "scene": "bar.blend", "action": "a.blend"}
    shots, read = table(tmp_path / "shots.csv", [row]), []
    hashed = plan.file_sha256
    monkeypatch.setattr(plan, "file_sha256", lambda path: [read.append(path.name), hashed(path)][1])
    asked = ["batch", str(shots), "--out", str(tmp_path / "out"), "--kinds", "curves", "--dry-run", *how]
    assert cli.main(asked) == 0
    assert "line_00.wav" in read
    assert ("bar.blend" in read) == is_read
