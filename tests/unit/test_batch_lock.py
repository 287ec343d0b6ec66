"""One run at a time in a folder: who is refused, what that says, and that a lock ends with its holder."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from soliloquy.inference.batch import lock, records
from soliloquy.inference.batch.lock import folder_lock
from soliloquy.inference.batch.types import BatchError
from soliloquy.inference.errors import OutputError

HOLDER = """
import subprocess, sys
from pathlib import Path
from soliloquy.inference.batch.lock import folder_lock

with folder_lock(Path(sys.argv[1]), print, shared=sys.argv[2] == "shared"):
    {meanwhile}
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    records.prepare(tmp_path)
    return tmp_path


@pytest.fixture
def hold(folder):
    """Start processes that hold the folder."""
    started = []

    def start(kind="alone", meanwhile="pass"):
        program = HOLDER.format(meanwhile=meanwhile)
        holder = subprocess.Popen(
            [sys.executable, "-c", program, str(folder), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(holder)
        assert holder.stdout.readline() == "held\n"
        return holder

    yield start
    for holder in started:
        holder.kill()
        holder.communicate()


def taken(folder, *, shared=False):
    """Take the lock and leave it; the notices."""
    notices = []
    with folder_lock(folder, notices.append, shared=shared):
        pass
    return notices


def refusal(folder, *, shared=False):
    with pytest.raises(BatchError) as caught:
        taken(folder, shared=shared)
    return str(caught.value)


def test_a_second_run_is_told_who_works_here(folder, hold):
    holder = hold()
    sentence = refusal(folder)
    assert f"process {holder.pid} on {socket.gethostname()}, since 20" in sentence
    assert re.search(r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", sentence)
    assert str(folder) in sentence
    assert "--out" in sentence


def test_one_after_the_other(folder):
    assert taken(folder) == taken(folder) == taken(folder, shared=True) == taken(folder) == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_lock_ends_with_its_holder_however_it_ends(folder, hold):
    for sign in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        holder = hold()
        refusal(folder)
        holder.send_signal(sign)
        holder.wait()
        assert taken(folder) == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_what_the_holder_started_does_not_keep_the_lock(folder, hold):
    idle = "[sys.executable, '-c', 'import sys; sys.stdin.read()']"
    holder = hold(meanwhile=f"subprocess.Popen({idle}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)")
    refusal(folder)
    holder.kill()
    holder.wait()
    assert taken(folder) == []


@pytest.mark.skipif(os.name == "nt", reason="locks of Windows are never shared")
def test_shared_runs_work_beside_each_other(folder, hold):
    hold("shared")
    latest = hold("shared")
    assert taken(folder, shared=True) == []
    sentence = refusal(folder)
    assert "--shared" in sentence
    assert str(os.getpid()) in sentence, f"the latest was this process, not {latest.pid}"


@pytest.mark.skipif(os.name == "nt", reason="locks of Windows are never shared")
def test_a_shared_run_is_not_taken_for_a_run_that_was_killed(folder, hold):
    dead = hold()
    dead.kill()
    dead.wait()
    shared = hold("shared")
    sentence = refusal(folder)
    assert f"process {shared.pid} " in sentence
    assert str(dead.pid) not in sentence


def test_a_shared_run_does_not_begin_beside_another_one(folder, hold):
    holder = hold()
    assert f"process {holder.pid} on" in refusal(folder, shared=True)
    assert "--shared" not in refusal(folder, shared=True)


@pytest.mark.parametrize(
    "text", [b"", b"\x00\xff", b"[]", b'{"pid": "x"}', b"[" * 4096, b"null", b'{"pid": 1, "host": []}']
)
def test_a_lock_that_cannot_be_read(folder, hold, text):
    hold()
    (folder / records.STATE / "lock").write_bytes(text)  # on Windows the text itself is not locked either
    assert "another process" in refusal(folder)


def test_a_file_system_without_locks_gives_a_notice(folder, monkeypatch):
    for code in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):

        def take(stream, *, shared, code=code):
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(lock, "_take", take)
        (notice,) = taken(folder)
        assert "without locks" in notice
        assert str(folder) in notice


def test_a_lock_that_cannot_be_taken_for_another_reason(folder, monkeypatch):
    def take(stream, *, shared):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(lock, "_take", take)
    with pytest.raises(OutputError, match="lock"):
        taken(folder)


def test_the_lock_is_a_folder(folder):
    (folder / records.STATE / "lock").mkdir()
    with pytest.raises(OutputError, match="lock"):
        taken(folder)


def test_a_full_disk_does_not_keep_from_the_lock(folder, monkeypatch):
    class Full:
        def truncate(self, size):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    lock._sign(Full(), shared=False)
    assert taken(folder) == []
