"""Names out of files: no way leads out of the folder, and what is accepted is a file's name everywhere."""

import os
import string
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from soliloquy.inference.errors import UsageError
from soliloquy.inference.safe_names import inside, safe_name, safe_relative

DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"
}
PARTS = st.one_of(
    st.sampled_from(
        ["..", ".", "", "C:", "c:x", "\\\\server", "//server", "NUL", "con.txt", "a.", "b ", "~"]
    ),
    st.sampled_from(
        ["com1.tar.gz", "LPT¹", "AUX .wav", "x\0y", "x\n", "\u202egpj.exe", "x:stream", "?", "*"]
    ),
    st.text(string.ascii_letters + "._- äß", min_size=1, max_size=12),
    st.text(max_size=12),
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.tuples(st.lists(PARTS, max_size=6), st.sampled_from(["/", "\\", "//", "\\\\?\\"])).map(
        lambda both: both[1].join(both[0])
    ),
)
RELATIVE = st.lists(st.text("abcXYZ019_-é", min_size=1, max_size=8), min_size=1, max_size=5).map("/".join)


@settings(max_examples=3000, deadline=None)
@given(TEXTS)
@example("..")
@example("a/../../b")
@example("\\\\?\\C:\\x")
@example("/etc/passwd")
@example("a/\ud800")
@example("a" * 5000)
@example("a/" * 600 + "b")
def test_what_is_accepted_stays_in_its_folder_on_every_system(text):
    try:
        path = safe_relative(text, "Column 'out'")
    except UsageError as error:
        path, refusal = None, str(error)
    if path is None:
        assert "Column 'out'" in refusal
        assert refusal.isprintable()
        assert len(refusal) < 1000
        return
    assert path.parts
    assert not path.is_absolute()
    windows = PureWindowsPath(str(path))
    assert not windows.drive
    assert not windows.root
    assert windows.parts == path.parts, "the same path on Windows"
    for part in path.parts:
        assert part not in ("", ".", "..")
        assert part == part.rstrip(". "), "Windows drops these"
        assert not set(part) & set('/\\<>:"|?*')
        assert not any(ord(letter) < 32 or ord(letter) == 127 for letter in part)
        assert part.split(".")[0].rstrip().lower() not in DEVICES
        assert len(part.encode()) <= 255
    assert safe_relative(str(path), "again") == path


@settings(max_examples=200, deadline=None)
@given(RELATIVE)
def test_plain_names_are_accepted_as_they_are(text):
    if any(part.lower() in DEVICES for part in text.split("/")):
        return
    assert safe_relative(text, "x") == PurePosixPath(text)
    assert safe_relative(text.replace("/", "\\"), "x") == PurePosixPath(text)
    assert safe_relative("./" + text, "x") == PurePosixPath(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "./",
        "/",
        "a/",
        "a\\",
        "../a",
        "a/../b",
        "..\\a",
        "/a",
        "\\a",
        "C:\\a",
        "c:a",
        "C:",
        "//host/share/a",
        "\\\\host\\share\\a",
        "\\\\.\\pipe\\x",
        "\\\\?\\C:\\a",
        "CON",
        "nul",
        "NUL.txt",
        "Com1",
        "lpt9.csv",
        "COM²",
        "aux .wav",
        "dir/prn.csv",
        "conin$",
        "a.",
        "a ",
        "a./b",
        "a /b",
        "a\u00a0",
        "...",
        "a\0b",
        "a\nb",
        "a\x7f",
        "a\u2028b",
        "\u202egpj",
        "\ud800",
        "a:b",
        "a?b",
        "a*b",
        "a|b",
        "<a>",
        '"a"',
        "a" * 201,
        "ä" * 101,
        "/".join(["abcdefghi"] * 101),
    ],
)
def test_refused(text):
    with pytest.raises(UsageError):
        safe_relative(text, "x")
    with pytest.raises(UsageError):
        inside(".", text)


@pytest.mark.parametrize(
    "text",
    [
        "console.csv",
        "nullify",
        "com10",
        "communications",
        ".hidden",
        "a..b",
        "été.csv",
        "a b",
        " a",
        "名前.wav",
    ],
)
def test_accepted(text):
    assert safe_relative(text, "x").parts == (text,)
    assert safe_name(text, "x") == text


@pytest.mark.parametrize("text", ["a/b", "a\\b", "./a", "../a", "", "NUL"])
def test_a_name_is_one_part(text):
    with pytest.raises(UsageError):
        safe_name(text, "x")


def link(place: Path, target: Path) -> None:
    try:
        place.symlink_to(target, target_is_directory=target.is_dir())
    except OSError as error:
        pytest.skip(f"no symbolic links here ({error})")


def test_links_that_lead_out_are_refused_and_others_followed(tmp_path):
    folder, other = tmp_path / "out", tmp_path / "other"
    (folder / "real").mkdir(parents=True)
    other.mkdir()
    link(folder / "within", folder / "real")
    link(folder / "away", other)
    link(folder / "file.csv", other / "file.csv")
    link(folder / "climbs", Path(".."))
    assert inside(folder, "within/a.csv") == folder / "within" / "a.csv"
    assert inside(folder, PurePosixPath("new/sub/a.csv")) == folder / "new" / "sub" / "a.csv"
    for text in ("away/a.csv", "file.csv", "climbs/other/a.csv", "away", "within/../away/x"):
        with pytest.raises(UsageError, match=r"leads out"):
            inside(folder, text)


def test_the_folder_itself_may_be_reached_by_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    link(tmp_path / "out", tmp_path / "disk")
    assert inside(tmp_path / "out", "a/b.csv") == tmp_path / "out" / "a" / "b.csv"


def test_a_sibling_whose_name_begins_alike_is_outside(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out2").mkdir()
    link(tmp_path / "out" / "x", tmp_path / "out2")
    with pytest.raises(UsageError, match="symbolic link"):
        inside(tmp_path / "out", "x/a")


def test_a_ring_of_links_is_no_hang(tmp_path):
    link(tmp_path / "a", tmp_path / "b")
    link(tmp_path / "b", tmp_path / "a")
    inside(tmp_path, "a/x.csv")  # whether refused or not: opening it fails


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@settings(max_examples=300, deadline=None)
@given(RELATIVE)
def test_what_is_accepted_can_be_made(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp() / "made"
    try:
        place = inside(folder, text)
    except UsageError:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    assert os.path.realpath(place).startswith(os.path.realpath(folder) + os.sep)
