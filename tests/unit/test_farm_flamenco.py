"""A batch as a job type of Flamenco: compiled in Node as its Manager does it, its commands really run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from batch_helpers import listed, manifest
from soliloquy.inference import cli
from soliloquy.inference.farm.flamenco import write_job_type
from soliloquy.inference.farm.job import FarmJob

NODE = shutil.which("node")
MANAGER = Path(__file__).with_name("flamenco_manager.js")
PROGRAM = Path(sys.executable).with_name("soliloquy.exe" if sys.platform == "win32" else "soliloquy")
pytestmark = pytest.mark.skipif(NODE is None, reason="the program node is not there")


def compiled(script, job=None, *, fails=False):
    command = [NODE, MANAGER, script, *([job] if job else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if fails:
        assert done.returncode != 0
        return done.stderr
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def written(tmp_path, **values):
    usual = {"shots": tmp_path / "shots.csv", "out": tmp_path / "out", "rows": {"curves": (1,)}}
    return write_job_type(FarmJob(**{**usual, **values}), tmp_path / "soliloquy_batch.js")


def arguments(task):
    (command,) = task["commands"]
    assert command["name"] == "exec"
    return [command["parameters"]["exe"], *command["parameters"]["args"]]


def test_all_kinds_become_tasks_and_the_manifest_waits_for_them(tmp_path):
    rows = {"curves": range(1, 121), "scene": (3, 7), "pass": (5,)}
    script, job = written(tmp_path, rows=rows)
    tasks = compiled(script, job)["tasks"]
    assert [(task["name"], task["type"]) for task in tasks] == [
        ("curves-1-50", "misc"),
        ("curves-51-100", "misc"),
        ("curves-101-120", "misc"),
        ("scenes-3", "blender"),
        ("scenes-7", "blender"),
        ("passes-5", "misc"),
        ("manifest", "blender"),
    ]
    assert tasks[-1]["after"] == [task["name"] for task in tasks[:-1]]
    for task in tasks:
        args = arguments(task)
        assert args[:5] == ["soliloquy", "batch", str(tmp_path / "shots.csv"), "--out", str(tmp_path / "out")]
        assert ("--blender" in args) == (task["type"] == "blender")
        assert ("--shared" in args) == (task["name"] != "manifest")


def test_the_defaults_of_the_job_type_are_those_of_the_list(tmp_path):
    script, job = written(tmp_path, chunk=7, rows={"curves": (1, 2, 3, 9)}, selection=("--only=1-3,9",))
    assert compiled(script) == compiled(script, job)
    submitted = json.loads(job.read_text("utf-8"))
    assert submitted["type"] == "soliloquy-batch"
    assert set(submitted) == {"name", "type", "submitter_platform", "priority", "settings"}


def test_a_type_is_named_after_its_file(tmp_path):
    job = FarmJob(tmp_path / "shots.csv", tmp_path / "out", {"curves": (1,)})
    _, submission = write_job_type(job, tmp_path / "night_two.js")
    assert json.loads(submission.read_text("utf-8"))["type"] == "night-two"


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_every_row_is_in_one_task(tmp_path, chunk):
    script, job = written(tmp_path, rows={"curves": (1, 2, 3, 5, 6, 9)}, chunk=chunk)
    found = []
    for task in compiled(script, job)["tasks"][:-1]:
        args = arguments(task)
        for part in args[args.index("--only") + 1].split(","):
            first, _, last = part.partition("-")
            found += range(int(first), int(last or first) + 1)
    assert found == [1, 2, 3, 5, 6, 9]


def test_awkward_texts_arrive_as_they_are(tmp_path):
    texts = [
        "--instruction=a 'sad' \"one\", \\n {blender} `x` ${y} \u2028 ü",
        "--language=de",
        "--model",
        Path("/a b/c.onnx"),
    ]
    script, job = written(tmp_path, shots=tmp_path / 'it\'s "ü" \\ list.csv', options=tuple(texts))
    args = arguments(compiled(script, job)["tasks"][0])
    assert args[2] == str(tmp_path / 'it\'s "ü" \\ list.csv')
    assert args[-4:] == list(map(str, texts))


def test_a_job_without_rows_is_refused(tmp_path):
    script, job = written(tmp_path)
    submitted = json.loads(job.read_text("utf-8"))
    submitted["settings"]["curves_rows"] = " "
    job.write_text(json.dumps(submitted))
    assert "no rows" in compiled(script, job, fails=True)


@pytest.mark.slow
def test_its_commands_make_the_same_files_as_the_local_pool(tmp_path):
    shots = listed(tmp_path, 7)
    options = ["--delay", "-0.04", "--instruction", "a 'sad' speaker"]
    assert cli.main(["batch", str(shots), "--out", str(tmp_path / "local"), *options]) == 0
    command = ["farm", "export", shots, "--out", tmp_path / "farm", "--engine", "flamenco"]
    command += ["--to", tmp_path / "jobs", "--chunk", 3, *options]
    assert cli.main(list(map(str, command))) == 0
    job = tmp_path / "jobs" / "soliloquy_batch.json"
    submitted = json.loads(job.read_text("utf-8"))
    submitted["settings"]["soliloquy"] = str(PROGRAM)
    job.write_text(json.dumps(submitted))

    tasks = compiled(tmp_path / "jobs" / "soliloquy_batch.js", job)["tasks"]
    assert len(tasks) == 4
    # Workers take tasks in any order, some at the same time; the manifest waits for all.
    running = [subprocess.Popen(arguments(task), stdout=subprocess.DEVNULL) for task in reversed(tasks[:-1])]
    assert [process.wait(300) for process in running] == [0, 0, 0]
    assert subprocess.run(arguments(tasks[-1]), timeout=300, check=False).returncode == 0

    assert manifest(tmp_path / "farm") == manifest(tmp_path / "local")
    for path in sorted((tmp_path / "local").glob("*.csv")):
        assert path.read_bytes() == (tmp_path / "farm" / path.name).read_bytes()
