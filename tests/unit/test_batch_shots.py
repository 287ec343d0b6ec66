"""The list of shots: what is understood of it, and what is refused before any work begins."""

import json
from pathlib import Path

import pytest
from batch_helpers import sound, sounds, table
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.batch import plan
from soliloquy.inference.batch.shots import COLUMNS, ShotsError, outputs_of, read_shots
from soliloquy.inference.batch.types import BatchError


@pytest.fixture
def home(tmp_path):
    sounds(tmp_path, 3)
    return tmp_path


def problems(path):
    with pytest.raises(ShotsError) as refused:
        read_shots(path)
    assert "Nothing was started" in str(refused.value)
    return refused.value.problems


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table(home, separator):
    rows = [
        {"audio": "line_00.wav", "seed": 3, "instruction": "a sad speaker, brows lowered"},
        {"audio": "line_01.wav", "seed": "", "out": "anna/first.csv"},
    ]
    (first, second), notices = read_shots(table(home / "shots.csv", rows, separator))
    assert notices == []
    assert (first.row, first.audio, first.seed, first.out) == (1, home / "line_00.wav", 3, "line_00.csv")
    assert first.instruction == "a sad speaker, brows lowered"
    assert (second.row, second.seed, second.out) == (2, 0, "anna/first.csv")


@pytest.mark.parametrize("wrapped", [False, True])
def test_json_says_the_same(home, wrapped):
    rows = [{"audio": "line_00.wav", "seed": 3, "text": None}, {"Audio": str(home / "line_01.wav")}]
    path = home / "shots.json"
    path.write_text(json.dumps({"shots": rows} if wrapped else rows))
    (first, second), _ = read_shots(path)
    assert (first.seed, first.text, first.out) == (3, "", "line_00.csv")
    assert second.audio == home / "line_01.wav"


def test_what_spreadsheets_add_is_no_fault(home):
    text = '\ufeffAudio ; Seed;Notes\r\nline_00.wav;1;x\r\n;;\r\n"line_01.wav";;"said; twice"\r\n'
    (home / "shots.csv").write_text(text, encoding="utf-8", newline="")
    shots, notices = read_shots(home / "shots.csv")
    assert [shot.row for shot in shots] == [1, 2]
    assert notices == ["The column 'notes' of the list is not used"]


def test_a_slip_of_the_pen_in_a_column_is_not_passed_over(home):
    path = table(home / "shots.csv", [{"audio": "line_00.wav", "instrution": "sad"}])
    with pytest.raises(BatchError, match="Is it 'instruction'"):
        read_shots(path)


def test_curves_lie_as_their_sounds_do(home):
    sound(home / "anna" / "l1.wav")
    sound(home / "ben" / "l1.wav")
    outside = sound(home.parent / f"{home.name}_elsewhere" / "x.flac")
    rows = [{"audio": "anna/l1.wav"}, {"audio": "ben/l1.wav"}, {"audio": str(outside)}]
    shots, _ = read_shots(table(home / "shots.csv", rows))
    assert [shot.out for shot in shots] == ["anna/l1.csv", "ben/l1.csv", "x.csv"]


def test_all_that_is_wrong_is_said_at_once_with_rows(home):
    (home / "notes.txt").write_text("x")
    rows = [
        {"audio": "line_00.wav"},
        {"audio": "missing.wav"},
        {"seed": 4},
        {"audio": "line_01.wav", "seed": "four"},
        {"audio": "line_02.wav", "out": "../line.csv", "render": "x.avi"},
        {"audio": "."},
        {"audio": "line_02.wav", "scene": "notes.txt", "action": "x.blend"},
        {"audio": "line_02.wav", "out": "y.csv", "pass": "frames"},
        {"audio": "line_02.wav", "out": "z.csv", "character": "Anna"},
    ]
    found = problems(table(home / "shots.csv", rows))
    assert {row for row, _ in found} == {2, 3, 4, 5, 6, 7, 8, 9}
    said = [f"{row}: {sentence}" for row, sentence in found]
    for row, part in (
        (2, "does not exist"),
        (3, "names no audio"),
        (4, "seed 'four'"),
        (5, "its out ('../line.csv') leads out"),
        (5, "does not end in .mp4"),
        (6, "is no file"),
        (7, "does not end in .blend"),
        (8, "in column 'actor'"),
        (8, "in column 'plate'"),
        (9, "neither action nor render"),
    ):
        assert any(one.startswith(f"{row}:") and part in one for one in said), (row, part, said)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"out": "a.csv"}, {"out": "a.csv"}),
        ({"out": "a.csv"}, {"out": "A.CSV"}),
        ({"out": "caf\u00e9.csv"}, {"out": "cafe\u0301.csv"}),
        ({"out": "x/a.csv"}, {"out": "./x//a.csv"}),
        ({"out": "x.csv"}, {"out": "x.csv/y.csv"}),
        ({"out": "x.csv/y.csv"}, {"out": "x.csv"}),
        ({"action": "one.blend"}, {"action": "one.blend"}),
    ],
)
def test_no_two_rows_write_in_one_place(home, first, second):
    rows = [{"audio": "line_00.wav", **first}, {"audio": "line_01.wav", **second}]
    ((row, _),) = problems(table(home / "shots.csv", rows))
    assert row == 2


def test_the_same_sound_twice_asks_for_names(home):
    rows = [{"audio": "line_00.wav", "seed": 1}, {"audio": "line_00.wav", "seed": 2}]
    ((row, sentence),) = problems(table(home / "shots.csv", rows))
    assert row == 2
    assert "column 'out'" in sentence


HOSTILE = [
    "../x.csv", "/etc/x.csv", "a/../../x.csv", "C:\\x.csv", "\\\\host\\share\\x.csv", "..\\x.csv", "con.csv",
    "a/NUL.csv", "x.csv ", "x?.csv", "a\u202ecsv.csv", "com1.csv", ".soliloquy/lock.csv", "manifest.json",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_out_or_that_no_system_can_keep(home, name):
    path = home / "shots.json"
    path.write_text(json.dumps([{"audio": "line_00.wav", "out": f"a{name}" if name == "x.csv " else name}]))
    if name == "x.csv ":  # blanks round a cell are the spreadsheet's
        assert read_shots(path)[0][0].out == "ax.csv"
    else:
        assert problems(path)


@pytest.mark.parametrize(
    "text",
    [
        "", "seed,out\n1,2\n", "audio,audio\na,b\n", 'audio\n"x', "audio\na,b,c\n", "\x00" * 40, "{}",
        '{"shots": 3}', "[]", "[3]", '[{"audio": 3.5}]', '[{"audio": true}]', "[" * 100_000, "audio\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", [".csv", ".json"])
def test_what_is_no_list(home, text, ending):
    path = home / f"shots{ending}"
    path.write_text(text)
    with pytest.raises(BatchError) as refused:
        read_shots(path)
    assert refused.value.remedy


def test_lists_that_cannot_be_read(home):
    (home / "shots.csv").write_bytes(b"audio\n\xff\xfe")
    for path in (home / "shots.csv", home / "missing.csv", home):
        with pytest.raises(BatchError):
            read_shots(path)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(COLUMNS), st.one_of(st.none(), st.integers(), st.text(max_size=12))),
        max_size=6,
    )
)
def test_any_list_is_read_or_refused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("any") / "shots.json"
    path.write_text(json.dumps(rows))
    try:
        shots, _ = read_shots(path)
    except BatchError:
        return
    for shot in shots:
        for name in outputs_of(shot):
            assert not Path(name).is_absolute()
            assert ".." not in Path(name).parts


def test_rows_are_chosen_by_number_and_by_name(home):
    rows = [{"audio": name} for name in ("line_00.wav", "line_01.wav", "line_02.wav")]
    shots, _ = read_shots(table(home / "shots.csv", rows))

    def chosen(only):
        return [shot.row for shot in plan.select(shots, only)]

    assert chosen(None) == [1, 2, 3]
    assert chosen("2") == [2]
    assert chosen("3,1-2") == [1, 2, 3]
    assert chosen("2-9") == [2, 3]
    assert chosen("line_0[02]") == [1, 3]
    assert chosen("*_01.csv, 3") == [2, 3]
    for wrong in ("7", "0", "anna_*", "", ","):
        with pytest.raises(BatchError):
            chosen(wrong)
