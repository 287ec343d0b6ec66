"""What can go wrong in a long night: nothing may be lost, torn, redone or replaced without need."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import batch_doubles
import pytest
from batch_helpers import listed, manifest, sound, sounds, table
from batch_runs import (
    begun,
    children,
    ended,
    hashes,
    is_alive,
    is_writing,
    litter,
    names,
    rows,
    run,
    slow_list,
    start,
    until,
)
from soliloquy.inference.batch import records
from soliloquy.inference.batch.types import Task
from soliloquy.inference.batch.worker import run_task
from soliloquy.inference.files import atomic_write

posix = pytest.mark.skipif(os.name != "posix", reason="signals")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
KILLS = Path(__file__).parents[1] / "bench" / "kills.py"


# One worker or all, at random moments


@pytest.mark.slow
@linux
def test_random_kills_lose_and_tear_nothing(tmp_path):
    pytest.importorskip("onnxruntime")
    command = [sys.executable, KILLS, "--kills", "20", "--rows", "12", "--json", tmp_path / "count.json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    count = json.loads((tmp_path / "count.json").read_text())
    assert sum(count["kills"].values()) == 20
    must_be_0 = ("torn", "untrue", "lost", "leftovers", "redone", "orphans", "refused")
    assert {name: count[name] for name in must_be_0} == dict.fromkeys(must_be_0, 0)


# A worker, at every step


def step_task(tmp_path, key="key"):
    (tmp_path / "in").mkdir(exist_ok=True)
    return Task("curves", 1, ("sub/a.csv", "sub/b.csv"), key, str(sound(tmp_path / "in" / "a.wav", 0.1)))


def two_files(task, folder, told):
    for output in task.outputs:
        with atomic_write(folder / output) as stream:
            stream.write(f"{task.key} {output}\n" * 1000)
    return 1.0


def killed_at_step(step, task, out):
    """Do a task in a process that kills itself before its `step`-th look at or change of a file; whether it
    came so far."""
    pid = os.fork()
    if pid == 0:
        seen = 0

        def audit(event, _arguments):
            nonlocal seen
            if event in (
                "open",
                "os.mkdir",
                "os.rename",
                "os.remove",
                "os.chmod",
                "os.scandir",
                "os.listdir",
            ):
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(audit)
        run_task(task, out, {"curves": two_files})
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


@posix
@pytest.mark.parametrize("before", ["nothing", "an older result"])
def test_a_worker_killed_at_any_step_leaves_old_files_or_new_ones(tmp_path, before):
    task, old = step_task(tmp_path), step_task(tmp_path, "old")
    whole = {f"{one.key} {output}\n" * 1000 for one in (task, old) for output in task.outputs}
    step = 0
    while True:
        step += 1
        out = tmp_path / f"out_{step}"
        records.prepare(out)
        if before != "nothing":
            assert run_task(old, out, {"curves": two_files}).state == "done"
        was_killed = killed_at_step(step, task, out)
        for output in task.outputs:
            if (out / output).exists():
                assert (out / output).read_text() in whole
        if records.is_unchanged(out, task):
            assert {(out / output).read_text() for output in task.outputs} == {
                f"key {output}\n" * 1000 for output in task.outputs
            }
        assert records.in_the_way(out, task) is None, "half-finished work was taken for somebody's file"
        records.remove_leftovers(out, [task])
        assert run_task(task, out, {"curves": two_files}).state == "done"
        assert records.is_unchanged(out, task)
        assert litter(out) == []
        if not was_killed:
            break
    assert step > 12, "the steps were not seen"


# The driver


@linux
@pytest.mark.parametrize("at_once", [True, False])
def test_a_killed_driver_leaves_no_workers_and_its_run_goes_on(tmp_path, at_once):
    shots, out = slow_list(tmp_path, 4, 2), tmp_path / "out"
    driver = start(shots, out, "--workers", 2)
    until(lambda: begun(out, 2))
    workers = children(driver.pid)
    assert len(workers) == 2
    driver.kill()
    driver.communicate()
    (tmp_path / "go").touch()
    if not at_once:
        until(lambda: not any(map(is_alive, workers)))
    done = rows(shots, out)
    until(lambda: not any(map(is_alive, workers)))
    assert {event["state"] for event in done.values()} == {"done"}
    assert litter(out) == []
    run(shots, tmp_path / "undisturbed", "--quiet")
    assert hashes(out) == hashes(tmp_path / "undisturbed")


@linux
@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_tidies_up(tmp_path, sign, code):
    shots, out = slow_list(tmp_path, 3, 2), tmp_path / "out"
    run(shots, out, "--only", "1-2", "--quiet")
    driver = start(shots, out, "--workers", 2)
    until(lambda: begun(out, 2))
    workers = children(driver.pid)
    driver.send_signal(sign)
    _, stderr = ended(driver, code)
    assert not any(map(is_alive, workers))
    assert names(out) == ["line_0.csv", "line_1.csv"]
    assert litter(out) == []
    assert [task["state"] for task in manifest(out)["tasks"]][:2] == ["done", "done"]
    assert stderr.count("Interrupted") == (sign == signal.SIGINT)
    (tmp_path / "go").touch()
    assert set(rows(shots, out)) == {3, 4, 5}


@linux
def test_a_file_put_in_the_place_of_an_interrupted_row_is_kept(tmp_path):
    shots, out = slow_list(tmp_path, 0, 1), tmp_path / "out"
    driver = start(shots, out)
    until(lambda: begun(out, 1))
    driver.send_signal(signal.SIGINT)
    ended(driver, 130)
    (out / "slow_0.csv").write_text("made by hand")
    (tmp_path / "go").touch()
    _, stderr = run(shots, out, code=1)
    assert "is kept" in stderr
    assert (out / "slow_0.csv").read_text() == "made by hand"


# A node: all that runs on it, in one moment


@linux
def test_a_chunk_whose_node_dies_is_done_by_the_next_one(tmp_path):
    shots, out = slow_list(tmp_path, 4, 4), tmp_path / "out"
    chunks = [start(shots, out, "--shared", "--only", only) for only in ("1,2,5,6", "3,4,7,8")]
    until(lambda: begun(out, 4))
    node = [chunks[0].pid, *children(chunks[0].pid)]
    for pid in node:
        os.kill(pid, signal.SIGKILL)
    (tmp_path / "go").touch()
    ended(chunks[1])
    chunks[0].communicate()
    assert {"line_2.csv", "line_3.csv", "slow_2.csv", "slow_3.csv"} <= set(names(out))
    again = rows(shots, out, "--shared", "--only", "1,2,5,6")
    assert {5, 6} <= set(again) <= {1, 2, 5, 6}
    assert litter(out) == []
    run(shots, tmp_path / "undisturbed", "--quiet")
    assert hashes(out) == hashes(tmp_path / "undisturbed")
    assert rows(shots, out) == {}
    assert [task["state"] for task in manifest(out)["tasks"]] == ["done"] * 8


@linux
def test_a_shared_run_leaves_the_temporary_files_of_others(tmp_path):
    shots, out = slow_list(tmp_path, 1, 1), tmp_path / "out"
    other = start(shots, out, "--shared", "--only", "2")
    until(lambda: is_writing(out))
    run(shots, out, "--shared", "--only", "1", "--quiet")
    (tmp_path / "go").touch()
    ended(other)
    assert names(out) == ["line_0.csv", "slow_0.csv"]


# Two runs on one folder


@linux
def test_a_second_run_on_a_folder_is_refused(tmp_path):
    shots, out = slow_list(tmp_path, 1, 1), tmp_path / "out"
    first = start(shots, out)
    until(lambda: begun(out, 1))
    for more in ([], ["--shared"]):
        _, stderr = run(shots, out, *more, code=2)
        assert f"process {first.pid} on " in stderr
        assert "since 20" in stderr
        assert str(out) in stderr
    (tmp_path / "go").touch()
    ended(first)
    assert rows(shots, out) == {}


# The disk is full


def test_a_full_disk_stops_the_run_with_one_sentence(tmp_path):
    shots, out, full = listed(tmp_path, 6, 0.1), tmp_path / "out", tmp_path / "full"
    run(shots, out, "--only", "1-2", "--quiet")
    full.touch()
    environment = {batch_doubles.FULL: str(full)}
    _, stderr = run(shots, out, "--workers", 1, code=2, **environment)
    assert stderr.count("Row ") == 1, "the others were tried although the disk is full"
    assert "is full: the run has stopped, and what it made is kept. Free some space" in stderr
    assert names(out) == ["line_00.csv", "line_01.csv"]
    full.unlink()
    assert set(rows(shots, out, **environment)) == {3, 4, 5, 6}
    assert litter(out) == []


@pytest.fixture
def disk(tmp_path):
    """A disk of 256 kB, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a disk in memory needs Linux and its administrator")
    yield place
    subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


def test_a_real_full_disk(tmp_path, disk):
    shots, out = listed(tmp_path, 20, 0.1), disk / "out"
    _, stderr = run(shots, out, "--workers", 1, code=2)
    assert stderr.count("Row ") <= 1
    assert "is full: the run has stopped" in stderr or "The disk is full" in stderr
    kept = hashes(out)
    assert 0 < len(kept) < 20
    # A mark stays where the disk has no room even for the note that takes its place.
    assert [path for path in litter(out) if path.suffix != ".begun"] == []
    subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
    again = rows(shots, out)
    run(shots, tmp_path / "undisturbed", "--quiet")
    whole = hashes(tmp_path / "undisturbed")
    assert hashes(out) == whole
    assert kept.items() <= whole.items()
    assert litter(out) == []
    assert len(again) <= 20 - len(kept) + 1  # one may have had its file, but no space for its record


# The folder is not there any more, or cannot be written


@linux
@pytest.mark.parametrize("how", ["renamed", "deleted", "emptied"])
def test_a_folder_that_disappears_is_not_made_again(tmp_path, how):
    shots, out = slow_list(tmp_path, 3, 1), tmp_path / "out"
    driver = start(shots, out, "--workers", 1)
    until(lambda: is_writing(out))
    if how == "deleted":
        while out.exists():  # the worker may just be writing into it
            shutil.rmtree(out, ignore_errors=True)
    else:
        out.rename(tmp_path / "elsewhere")
    if how == "emptied":  # what is left where a disk was taken away
        out.mkdir()
    (tmp_path / "go").touch()
    _, stderr = ended(driver, 2)
    assert "has disappeared" in stderr
    assert stderr.count("Row ") == 1
    assert out.exists() == (how == "emptied")
    assert not out.exists() or list(out.iterdir()) == []
    if how != "deleted":
        shutil.rmtree(out, ignore_errors=True)
        (tmp_path / "elsewhere").rename(out)
    assert set(rows(shots, out)) == {1, 2, 3, 4}


def test_a_disk_that_is_taken_away(tmp_path, disk):
    shots, out = slow_list(tmp_path, 3, 1), disk / "out"
    driver = start(shots, out, "--workers", 1)
    until(lambda: is_writing(out))
    subprocess.run(["umount", "-l", str(disk)], check=True)
    (tmp_path / "go").touch()
    _, stderr = ended(driver, 2)
    assert "has disappeared" in stderr
    assert list(disk.iterdir()) == []


def test_the_folder_disappears_between_a_row_and_its_log(tmp_path):
    """It was made again, and then all other rows went there."""
    out = tmp_path / "out"
    records.prepare(out)
    task = step_task(tmp_path)
    result = run_task(task, out, {"curves": two_files})
    out.rename(tmp_path / "elsewhere")
    for write in (
        lambda: records.append_log(out, result, "now"),
        lambda: records.write_record(out, task),
        lambda: records.begin(out, task),
        lambda: records.make_below(out, out / "sub" / "folder"),
    ):
        with pytest.raises(records.OutputError):
            write()
    assert run_task(task, out, {"curves": two_files}).state == "failed"
    assert not out.exists()


def test_a_read_only_disk_is_refused_at_once(tmp_path, disk):
    shots = listed(tmp_path, 2, 0.1)
    (disk / "out").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    _, stderr = run(shots, disk / "out", code=2)
    assert "read-only" in stderr
    assert str(disk / "out") in stderr


@pytest.mark.parametrize("where", ["out", "out/below"])
def test_out_is_a_file(tmp_path, where):
    shots = listed(tmp_path, 1, 0.1)
    (tmp_path / "out").write_text("mine")
    _, stderr = run(shots, tmp_path / where, code=2)
    assert str(tmp_path / where) in stderr
    assert (tmp_path / "out").read_text() == "mine"


# One bad row


@pytest.mark.slow
def test_one_corrupt_row_among_500(tmp_path):
    pytest.importorskip("onnxruntime")
    given = sounds(tmp_path, 500, 0.05)
    (tmp_path / given[249]).write_bytes(b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(99))
    shots, out = table(tmp_path / "shots.csv", [{"audio": name} for name in given]), tmp_path / "out"
    stdout, stderr = run(shots, out, code=1, real=True)
    assert len(names(out)) == 499
    assert stdout.split()[-4:] == ["curves", "499", "0", "1"]
    assert "Row 250: " in stderr
    assert given[249] in stderr
    assert "--only 250 runs them again" in stderr
    assert given[249] in (out / ".soliloquy" / "logs" / given[249].replace(".wav", ".csv.log")).read_text()
    states = [task["state"] for task in manifest(out)["tasks"]]
    assert (states.count("done"), states[249]) == (499, "missing")
    assert set(rows(shots, out, "--only", "240-260", code=1, real=True)) == {250}


def test_a_row_that_hangs_ends_by_the_time_limit(tmp_path):
    for name in ("line_0.wav", "hang_1.wav", "line_2.wav"):
        sound(tmp_path / name, 0.1)
    shots = table(tmp_path / "shots.csv", [{"audio": f"{n}.wav"} for n in ("line_0", "hang_1", "line_2")])
    out = tmp_path / "out"
    done = rows(shots, out, "--timeout", 2, code=1)
    assert {row: event["state"] for row, event in done.items()} == {1: "done", 2: "failed", 3: "done"}
    assert "--timeout" in done[2]["problem"]
    assert "--timeout" in (out / ".soliloquy" / "logs" / "hang_1.csv.log").read_text()
    assert names(out) == ["line_0.csv", "line_2.csv"]
    assert litter(out) == []


@posix
def test_a_pipe_is_no_sound(tmp_path):
    """It would be waited for, for ever, before the first row."""
    shots = table(tmp_path / "shots.csv", [{"audio": sounds(tmp_path, 1)[0]}, {"audio": "pipe.wav"}])
    os.mkfifo(tmp_path / "pipe.wav")
    _, stderr = run(shots, tmp_path / "out", code=2)
    assert "row 2" in stderr
    assert "pipe.wav' is no file" in stderr


# Clocks


@pytest.mark.parametrize("by_s", [86_400.0 * 365, 3600.0])
def test_a_clock_that_jumps_while_it_runs(tmp_path, by_s):
    shots, out = listed(tmp_path, 6, 0.1), tmp_path / "out"
    done = rows(shots, out, "--timeout", 60, **{batch_doubles.CLOCK: str(by_s)})
    assert {event["state"] for event in done.values()} == {"done"}
    assert rows(shots, out) == {}


@pytest.mark.parametrize("when", [0, 10**9, 4 * 10**9])
def test_times_of_files_decide_nothing(tmp_path, when):
    shots, out = listed(tmp_path, 4, 0.1), tmp_path / "out"
    run(shots, out, "--quiet")
    for path in [*tmp_path.glob("*.wav"), shots, *out.rglob("*")]:
        os.utime(path, (when, when))
    assert rows(shots, out) == {}
    data = bytearray((tmp_path / "line_01.wav").read_bytes())
    data[-1] ^= 0xFF
    (tmp_path / "line_01.wav").write_bytes(data)  # as long as it was, and as old
    os.utime(tmp_path / "line_01.wav", (when, when))
    assert set(rows(shots, out)) == {2}


# Nobody listens


def test_a_reader_that_goes_away_stops_the_run(tmp_path):
    shots, out = listed(tmp_path, 30, 0.1), tmp_path / "out"
    driver = start(shots, out, "--json", "--workers", 2)
    assert json.loads(driver.stdout.readline())["event"] == "batch"
    driver.stdout.close()
    stderr = driver.stderr.read()
    assert driver.wait() == 130
    assert "Traceback" not in stderr
    assert "nobody reads the output" in stderr
    assert litter(out) == []
    done = names(out)
    assert len(done) < 30
    assert len(rows(shots, out)) == 30 - len(done)
