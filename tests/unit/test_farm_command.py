"""`soliloquy farm export`: what is checked, where the job goes, and which options travel with it."""

import argparse
import json

import pytest
from batch_helpers import listed, sounds, table
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference import cli
from soliloquy.inference.commands import batch, farm
from soliloquy.inference.farm.job import as_ranges, row_ranges

ENGINES = ("openjd", "flamenco")


def export(shots, *arguments, engine="openjd"):
    return cli.main(["farm", "export", str(shots), "--engine", engine, *map(str, arguments)])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_list_is_checked_before_anything_is_written(tmp_path, capsys, engine):
    shots = table(tmp_path / "shots.csv", [{"audio": "missing.wav"}])
    assert export(shots, "--out", tmp_path / "out", "--to", tmp_path / "job", engine=engine) == 2
    assert "row 1" in capsys.readouterr().err
    assert not (tmp_path / "job").exists()


def test_nothing_is_made_and_the_batchs_folder_stays_untouched(tmp_path):
    assert export(listed(tmp_path, 2), "--out", tmp_path / "out", "--to", tmp_path / "job") == 0
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("engine", "to", "written"),
    [
        ("openjd", "job", "job/template.json"),
        ("openjd", "job.d/", "job.d/template.json"),
        ("openjd", "job/night.yaml", "job/night.yaml"),
        ("flamenco", "job", "job/soliloquy_batch.js"),
        ("flamenco", "job/night_one.js", "job/night_one.json"),
    ],
)
def test_a_folder_or_a_file(tmp_path, engine, to, written, capsys):
    shots = listed(tmp_path, 1)
    assert export(shots, "--out", tmp_path / "out", "--to", f"{tmp_path}/{to}", "--json", engine=engine) == 0
    told = [json.loads(line)["output"] for line in capsys.readouterr().out.splitlines()]
    assert str(tmp_path / written) in told
    assert all((tmp_path / name).is_file() for name in told)


def test_another_ending_is_refused(tmp_path, capsys):
    shots = listed(tmp_path, 1)
    assert export(shots, "--out", tmp_path, "--to", tmp_path / "job.txt", engine="flamenco") == 2
    assert ".js" in capsys.readouterr().err


def test_an_unwritable_place_is_a_sentence(tmp_path, capsys):
    shots = listed(tmp_path, 1)
    (tmp_path / "file").write_text("")
    assert export(shots, "--out", tmp_path / "out", "--to", tmp_path / "file" / "job") == 2
    assert "a file stands where a folder is needed" in capsys.readouterr().err


def test_kinds_that_no_row_asks_for_are_refused(tmp_path, capsys):
    shots = listed(tmp_path, 1)
    assert export(shots, "--out", tmp_path / "out", "--to", tmp_path / "job", "--kinds", "scene") == 2
    assert "--kinds" in capsys.readouterr().err


def parsed(add, arguments):
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args(arguments)


def of_export(arguments):
    parser = argparse.ArgumentParser()
    farm.add(parser.add_subparsers())
    return parser.parse_args(["farm", "export", *arguments, "--engine", "openjd", "--to", "x"])


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--delay", "-0.1", "--no-lips-meet", "--still", "--lips-only", "--fps", "30000/1001"],
        ["--instruction", "-- a 'sad' \"speaker\", {0} $HOME", "--emotion", "1.5", "--format", "a2f"],
        [
            "--overwrite",
            "--workers",
            "3",
            "--timeout",
            "1e3",
            "--no-blinks",
            "--teeth-on-f",
            "--language",
            "de",
        ],
        ["--model", "some where/other.onnx", "--device", "cpu"],
    ],
)
def test_options_mean_the_same_to_the_batch_that_the_farm_runs(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exported = of_export(["shots.csv", "--out", "out", *options])
    handed = list(map(str, farm._given(exported)))
    wanted = vars(parsed(batch.add_options, ["shots.csv", "--out", "out", *options]))
    found = vars(parsed(batch.add_options, ["shots.csv", "--out", "out", *handed]))
    if wanted["model"]:
        wanted["model"] = tmp_path / wanted["model"]
    assert found == wanted
    assert (handed == []) == (options == [])


def test_rows_and_kinds_that_were_chosen(tmp_path):
    names = sounds(tmp_path, 5)
    rows = [{"audio": name, "action": f"a{i}.blend" if i % 2 else ""} for i, name in enumerate(names)]
    shots = table(tmp_path / "shots.csv", rows)
    chosen = ("--only", "2-4", "--kinds", "scene,curves")
    assert export(shots, "--out", tmp_path / "out", "--to", tmp_path, *chosen) == 0
    steps = json.loads((tmp_path / "template.json").read_text())["steps"]
    ranges = {
        step["name"]: step["parameterSpace"]["taskParameterDefinitions"][0]["range"] for step in steps[:-1]
    }
    assert ranges == {"Curves": ["2-4"], "Scenes": ["2", "4"]}
    last = steps[-1]["script"]["actions"]["onRun"]["args"]
    assert {"--only=2-4", "--kinds=curves,scene"} <= set(last)


@given(st.sets(st.integers(1, 60), min_size=1), st.integers(1, 70))
def test_ranges_name_every_row_once(rows, chunk):
    ranges = row_ranges(sorted(rows), chunk)
    back = []
    for text in ranges:
        ends = [list(map(int, part.split("-"))) for part in text.split(",")]
        piece = [row for first, *last in ends for row in range(first, (last or [first])[0] + 1)]
        assert len(piece) <= chunk
        back += piece
    assert back == sorted(rows)


def test_ranges_are_short():
    assert as_ranges([1, 2, 3, 7, 9, 10]) == "1-3,7,9-10"
    assert as_ranges([]) == ""
