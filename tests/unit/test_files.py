import errno
import os
import sys
from pathlib import Path

import pytest
from soliloquy.inference.errors import OutputError
from soliloquy.inference.files import atomic_write, make_folder, output_error


def test_the_file_appears_complete_and_nothing_else_does(tmp_path):
    target = tmp_path / "línea één.csv"
    with atomic_write(target) as stream:
        stream.write("ä\n")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "ä\n"
    assert os.listdir(tmp_path) == [target.name]  # noqa: PTH208


@pytest.mark.parametrize(
    "stop", [ValueError("ours"), KeyboardInterrupt(), SystemExit(143), OSError(errno.ENOSPC, "")]
)
def test_a_stop_half_way_leaves_the_old_file(tmp_path, stop):
    target = tmp_path / "a.csv"
    target.write_text("old")

    def write_half():
        with atomic_write(target, "wb") as stream:
            stream.write(b"half")
            raise stop

    with pytest.raises(OutputError if isinstance(stop, OSError) else type(stop)):
        write_half()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_an_error_of_ours_is_not_taken_for_one_of_the_disk(tmp_path):
    with pytest.raises(OutputError, match="kept as it is"), atomic_write(tmp_path / "a.csv"):
        raise OutputError("It was kept as it is", "Nothing to do")


@pytest.mark.skipif(not hasattr(os, "symlink") or sys.platform == "win32", reason="needs symbolic links")
def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    real = tmp_path / "real.csv"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    with atomic_write(link) as stream:
        stream.write("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device file")
def test_a_device_is_written_directly():
    with atomic_write("/dev/null", "wb") as stream:
        stream.write(b"x")
    assert Path("/dev/null").is_char_device()


def test_a_folder_as_target(tmp_path):
    with pytest.raises(OutputError, match="is a folder"), atomic_write(tmp_path) as stream:
        stream.write("x")


def test_a_folder_that_does_not_exist(tmp_path):
    with (
        pytest.raises(OutputError, match=r"does not exist.*Create the folder"),
        atomic_write(tmp_path / "no/a.csv"),
    ):
        pass


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="a file stands where a folder is needed"):
        make_folder(tmp_path / "file" / "sub")
    with pytest.raises(OutputError, match="a file stands"), atomic_write(tmp_path / "file" / "a.csv"):
        pass


def test_a_read_only_folder(tmp_path, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # root may write anywhere: permission bits would not do
    with (
        pytest.raises(OutputError, match=r"a\.csv.*read-only.*another folder"),
        atomic_write(tmp_path / "a.csv"),
    ):
        pass
    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(OutputError, match="read-only"):
        make_folder(tmp_path)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that nobody can write")
def test_a_place_where_nobody_can_write():
    with pytest.raises(OutputError), atomic_write("/proc/self/a.csv"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk():
    with (
        pytest.raises(OutputError, match=r"disk is full.*Free some space"),
        atomic_write("/dev/full", "wb") as stream,
    ):
        stream.write(b"x" * 100_000)


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.ENOENT, errno.ENAMETOOLONG, errno.EIO]
)
def test_every_sentence_names_the_file_and_a_remedy(number):
    error = output_error(OSError(number, os.strerror(number)), "out/a.csv")
    assert "out/a.csv" in error.cause
    assert str(error).count(". ") == 1
    assert str(error).endswith(".")


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(OutputError, match="too long"), atomic_write(tmp_path / ("a" * 300)):
        pass


def test_make_folder_makes_parents_and_accepts_what_is_there(tmp_path):
    assert make_folder(tmp_path / "a/b").is_dir()
    assert make_folder(tmp_path / "a/b").is_dir()
    assert list((tmp_path / "a/b").iterdir()) == []
