"""A batch as a job of Open Job Description: checked by its own tools, and really run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from batch_helpers import listed, manifest, sounds, table
from soliloquy.inference import cli
from soliloquy.inference.batch.types import KINDS
from soliloquy.inference.errors import UsageError
from soliloquy.inference.farm.job import FarmJob
from soliloquy.inference.farm.openjd import template, write_template

PROGRAM = Path(sys.executable).with_name("soliloquy.exe" if sys.platform == "win32" else "soliloquy")


def export(shots, out, to, *arguments):
    command = ["farm", "export", shots, "--out", out, "--engine", "openjd", "--to", to, *arguments]
    assert cli.main(list(map(str, command))) == 0


def openjd(*arguments):
    pytest.importorskip("openjd.cli")
    command = [sys.executable, "-m", "openjd", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def checked(file):
    """The template, which `openjd check` would pass: it asks the same function."""
    model = pytest.importorskip("openjd.model")
    content = json.loads(Path(file).read_text("utf-8"))
    model.decode_job_template(template=content)
    return content


def job(tmp_path, **values):
    return FarmJob(
        **{"shots": tmp_path / "shots.csv", "out": tmp_path / "out", "rows": {"curves": (1,)}, **values}
    )


def test_all_kinds_are_steps_and_pass_the_check(tmp_path):
    rows = {"curves": range(1, 121), "scene": (3, 7), "pass": (5,)}
    write_template(job(tmp_path, rows=rows, options=("--lips=1.2",)), tmp_path / "template.json")
    steps = checked(tmp_path / "template.json")["steps"]
    assert [step["name"] for step in steps] == ["Curves", "Scenes", "Passes", "Manifest"]
    ranges = [step["parameterSpace"]["taskParameterDefinitions"][0]["range"] for step in steps[:-1]]
    assert ranges == [["1-50", "51-100", "101-120"], ["3", "7"], ["5"]]
    for step, kind in zip(steps, KINDS, strict=False):
        args = step["script"]["actions"]["onRun"]["args"]
        assert args[args.index("--kinds") + 1] == kind
        assert "--shared" in args
        assert ("--blender" in args) == (kind == "scene")
    assert [one["dependsOn"] for one in steps[-1]["dependencies"]] == ["Curves", "Scenes", "Passes"]
    assert "--shared" not in steps[-1]["script"]["actions"]["onRun"]["args"]


def test_the_longest_list_fits_the_specification(tmp_path):
    rows = {"curves": range(1, 200_001), "scene": range(1, 200_001)}
    write_template(job(tmp_path, rows=rows, chunk=1), tmp_path / "template.json")
    steps = checked(tmp_path / "template.json")["steps"]
    for step in steps[:-1]:
        assert len(step["parameterSpace"]["taskParameterDefinitions"][0]["range"]) <= 1024


def test_paths_below_the_template_are_defaults_and_others_stand_beside_it(tmp_path):
    elsewhere = tmp_path / "elsewhere" / "model.onnx"
    content = job(tmp_path, options=("--model", elsewhere))
    assert write_template(content, tmp_path / "template.json") == [tmp_path / "template.json"]
    parameters = {one["name"]: one for one in checked(tmp_path / "template.json")["parameterDefinitions"]}
    assert parameters["Shots"]["default"] == "shots.csv"
    assert parameters["Out"]["default"] == "out"
    assert parameters["Model"]["default"] == "elsewhere/model.onnx"

    (tmp_path / "jobs").mkdir()
    written = write_template(content, tmp_path / "jobs" / "template.json")
    assert [path.name for path in written] == ["template.json", "parameters.json", "parameter_values.json"]
    values = {"Shots": tmp_path / "shots.csv", "Out": tmp_path / "out", "Model": elsewhere}
    values = {name: str(path) for name, path in values.items()}
    assert json.loads(written[1].read_text("utf-8")) == values
    listed_values = json.loads(written[2].read_text("utf-8"))["parameterValues"]
    assert {one["name"]: one["value"] for one in listed_values} == values


@pytest.mark.parametrize("stem", ["{{Param.Shots}}", "{{{a", "b}}", "a\tb\x01", "ü" * 300, "quiet"])
def test_any_name_of_a_list(tmp_path, stem):
    write_template(job(tmp_path, shots=tmp_path / f"{stem}.csv"), tmp_path / "template.json")
    checked(tmp_path / "template.json")


@pytest.mark.parametrize("text", ["{{a}}", "}}"])
def test_an_option_that_a_template_would_read_as_its_own_is_refused(tmp_path, text):
    with pytest.raises(UsageError, match="list of shots"):
        template(job(tmp_path, options=(f"--instruction={text}",)), tmp_path)


@pytest.mark.slow
def test_a_run_makes_the_same_files_as_the_local_pool(tmp_path):
    shots = listed(tmp_path, 7)
    options = ("--delay", "-0.04", "--instruction", "a sad speaker")
    assert cli.main(["batch", str(shots), "--out", str(tmp_path / "local"), *options]) == 0
    export(shots, tmp_path / "farm", tmp_path / "jobs", "--chunk", 3, *options)
    values = ("-p", f"file://{tmp_path / 'jobs' / 'parameters.json'}", "-p", f"Program={PROGRAM}")
    done = openjd(
        "run", tmp_path / "jobs" / "template.json", "--step", "Manifest", "--run-dependencies", *values
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Chunks run: 4" in done.stdout
    assert manifest(tmp_path / "farm") == manifest(tmp_path / "local")
    for path in sorted((tmp_path / "local").glob("*.csv")):
        assert path.read_bytes() == (tmp_path / "farm" / path.name).read_bytes()


@pytest.mark.slow
def test_a_row_that_fails_fails_its_task_and_the_next_run_mends_it(tmp_path):
    names = sounds(tmp_path, 3)
    (tmp_path / names[1]).write_bytes(b"no sound at all")
    shots = table(tmp_path / "shots.csv", [{"audio": name} for name in names])
    export(shots, tmp_path / "out", tmp_path, "--chunk", 1)
    run = ("run", tmp_path / "template.json", "--step", "Curves", "-p", f"Program={PROGRAM}")
    assert openjd("check", tmp_path / "template.json").returncode == 0
    assert openjd(*run, "--task-param", "Rows=1").returncode == 0
    failed = openjd(*run, "--task-param", "Rows=2")
    assert failed.returncode != 0
    assert names[1] in failed.stdout
    assert sorted(path.name for path in (tmp_path / "out").glob("*.csv")) == ["line_00.csv"]
    sounds(tmp_path, 3)
    assert openjd(*run).returncode == 0
    assert len(list((tmp_path / "out").glob("*.csv"))) == 3
