import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from soliloquy.inference.errors import UsageError
from soliloquy.inference.formats import cues
from soliloquy.inference.formats.cue import Cue
from soliloquy.inference.formats.cues import read_cues, read_segments
from soliloquy.inference.visemes import UNKNOWN, VISEMES, viseme_of_label, visemes_of_labels

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
labels = st.text(st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Zs")), max_size=6)


def textgrid(tiers, *, short=False):
    """A TextGrid as Praat writes it; `tiers` are (name, [(start, end, label)])."""

    def quoted(text):
        return '"' + text.replace('"', '""') + '"'

    end = max((cue[1] for _, rows in tiers for cue in rows), default=1.0)
    out = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    if short:
        out += ["0", repr(end), "<exists>", str(len(tiers))]
        for name, rows in tiers:
            out += ['"IntervalTier"', quoted(name), "0", repr(end), str(len(rows))]
            out += [str(x) for start, stop, label in rows for x in (repr(start), repr(stop), quoted(label))]
        return "\n".join(out) + "\n"
    out += ["xmin = 0 ", f"xmax = {end!r} ", "tiers? <exists> ", f"size = {len(tiers)} ", "item []: "]
    for i, (name, rows) in enumerate(tiers, 1):
        out += [f"    item [{i}]:", '        class = "IntervalTier" ', f"        name = {quoted(name)} "]
        out += ["        xmin = 0 ", f"        xmax = {end!r} ", f"        intervals: size = {len(rows)} "]
        for j, (start, stop, label) in enumerate(rows, 1):
            out += [f"        intervals [{j}]:", f"            xmin = {start!r} "]
            out += [f"            xmax = {stop!r} ", f"            text = {quoted(label)} "]
    return "\n".join(out) + "\n"


def rows_of(texts):
    return [(i / 8, (i + 1) / 8, text.strip()) for i, text in enumerate(texts)]


def as_rows(found):
    return [(cue.start_s, cue.end_s, cue.label) for cue in found]


def write(folder, data, name="a.TextGrid"):
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@quick
@given(
    texts=st.lists(labels, min_size=1, max_size=12),
    short=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
)
@example(texts=['"', 'say "5" 7', "! 3"], short=True, encoding="utf-16", newline="\r\n")
def test_a_textgrid_is_read_as_it_was_written(tmp_path, texts, short, encoding, newline):
    text = textgrid([("phones", rows_of(texts))], short=short).replace("\n", newline)
    assert as_rows(read_cues(write(tmp_path, text.encode(encoding)))) == rows_of(texts)


@quick
@given(
    texts=st.lists(st.text("abcʃːɪ@{~?3", min_size=1, max_size=4), min_size=1, max_size=12),
    separator=st.sampled_from(["\t", ",", ";", " "]),
    header=st.booleans(),
)
def test_a_table_is_read_as_it_was_written(tmp_path, texts, separator, header):
    lines = [separator.join(("start", "end", "label"))] if header else []
    lines += [separator.join((repr(a), repr(b), label)) for a, b, label in rows_of(texts)]
    assert as_rows(read_cues(write(tmp_path, "\n".join(lines), "a.tsv"))) == rows_of(texts)


def test_the_phone_tier_is_taken_else_the_fullest(tmp_path):
    words = ("words", rows_of(["one", "two", "three"]))
    phones = ("Anna - phones", rows_of(["w", "n"]))
    assert as_rows(read_cues(write(tmp_path, textgrid([words, phones])))) == phones[1]
    assert as_rows(read_cues(write(tmp_path, textgrid([words, ("x", rows_of(["a"]))])))) == words[1]
    for name in ("MAU", "Phonemes", "visemes"):
        assert as_rows(read_cues(write(tmp_path, textgrid([words, (name, phones[1])])))) == phones[1]


def test_point_tiers_are_passed_over(tmp_path):
    points = '"TextTier"\n"clicks"\n0\n1\n2\n0.5\n"x"\n0.7\n"y"\n'
    text = textgrid([("phones", rows_of(["p"]))], short=True).replace(
        "<exists>\n1\n", "<exists>\n2\n" + points
    )
    assert as_rows(read_cues(write(tmp_path, text))) == rows_of(["p"])


def test_tables_of_aligners(tmp_path):
    mfa = "Begin,End,Label,Type,Speaker\n0.0,1.0,hi,words,a\n0.0,0.4,h,phones,a\n0.4,1.0,aj,phones,a\n"
    assert as_rows(read_cues(write(tmp_path, mfa, "mfa.csv"))) == [(0.0, 0.4, "h"), (0.4, 1.0, "aj")]
    durations = "label;start;duration\np;0.5;0.1\n"
    assert as_rows(read_cues(write(tmp_path, durations, "d.csv"))) == [(0.5, 0.6, "p")]
    audacity = "0.25\t0.5\tp\n\\\t100\t200\n0.5\t1\t\n"
    assert as_rows(read_cues(write(tmp_path, audacity, "labels.txt"))) == [(0.25, 0.5, "p"), (0.5, 1.0, "")]


def test_the_outputs_of_rhubarb(tmp_path):
    tsv = write(tmp_path, "0.00\tX\n0.10\tB\n0.30\tA\n0.50\tX\n", "r.tsv")
    document = {
        "mouthCues": [{"start": 0.1, "end": 0.3, "value": "B"}, {"start": 0.3, "end": 0.5, "value": "A"}]
    }
    as_json = write(tmp_path, json.dumps(document), "r.json")
    assert as_rows(read_cues(as_json)) == as_rows(read_cues(tsv))[1:3]
    segments, notices = read_segments(tsv)
    assert [VISEMES[segment.viseme] for segment in segments] == ["sil", "SS", "PP", "sil"]
    assert notices == ()


def test_cues_come_in_their_order_and_without_empty_ones(tmp_path):
    path = write(tmp_path, "0.5 0.6 m\n0.2 0.2 x\n0.1 0.5 a\n", "a.txt")
    assert read_cues(path) == [Cue(0.1, 0.5, "a"), Cue(0.5, 0.6, "m")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("start\tend\tlabel\n", "holds no labelled span"),
        ("0.1\t0.2\tp\n0.2\tx\tp\n", "Line 2 of"),
        ("0.1\t0.2\tp\n0.3\t0.2\tp\n", "ends before it starts"),
        ("0.1\t0.2\tp\n0.3\n", "Line 2 of"),
        ("0.1\tnan\tp\n", "outside 6 hours"),
        ("120\t99999999\tp\n", "outside 6 hours"),
        ("hello world\nfoo bar", "where a time must be"),
        ("p\x00q", "is not a text file"),
        ('{"mouthCues": 3}', "is not the JSON of Rhubarb"),
        ("[" * 100_000, "where a time must be"),
        ('{"a":' * 100_000, "is not the JSON of Rhubarb"),
        ('File type = "ooTextFile"\nObject class = "Sound 2"\n', "of the kind 'Sound 2'"),
        ('File type = "ooTextFile"\nObject class = "TextGrid"\n0 1 <absent>', "no tiers"),
        (textgrid([("phones", rows_of(["p", "a"]))])[:-60], "cut off"),
        (textgrid([("phones", rows_of(["p"]))]).replace("size = 1 ", "size = 5000000 "), "at most"),
        (textgrid([("phones", rows_of(["p"]))]).replace("IntervalTier", "Odd"), "unknown kind 'Odd'"),
        (textgrid([("phones", rows_of(["p"]))]).replace('"p"', "7"), "where the text of an interval must be"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_the_file(tmp_path, text, said):
    path = write(tmp_path, text, "bad.txt")
    with pytest.raises(UsageError) as caught:
        read_cues(path)
    assert said in caught.value.cause
    assert "bad.txt" in caught.value.cause
    assert "\n" not in str(caught.value)


def test_lines_are_counted_in_a_textgrid(tmp_path):
    text = textgrid([("phones", rows_of(["p", "a"]))]).splitlines()
    row = next(i for i, line in enumerate(text) if line.strip() == 'text = "a"')
    text[row] = "            text = 3"
    with pytest.raises(UsageError, match=f"Line {row + 1} "):
        read_cues(write(tmp_path, "\n".join(text)))


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    for path in (tmp_path / "none.tsv", tmp_path, write(tmp_path, b"\xff\x00\x81", "b.tsv")):
        with pytest.raises(UsageError, match=path.name):
            read_cues(path)
    monkeypatch.setattr(cues, "MAX_BYTES", 10)
    with pytest.raises(UsageError, match="larger than"):
        read_cues(write(tmp_path, "0 1 p\n" * 3, "big.tsv"))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=300), cut=st.integers(0, 400), place=st.integers(0, 400), kind=st.integers(0, 3)
)
def test_damaged_files_are_refused_or_read_but_never_crash(tmp_path, data, cut, place, kind):
    whole = (
        b"",
        textgrid([("phones", rows_of(["p", "ʃ", 'x"y']))]).encode(),
        textgrid([("phones", rows_of(["p", "a"]))], short=True).encode("utf-16"),
        b"start,end,label\n0.1,0.2,p\n0.2,0.3,a\n",
    )[kind]
    path = write(tmp_path, whole[:place] + data + whole[place : place + cut], "fuzz")
    with suppress(UsageError):
        assert all(cue.end_s > cue.start_s for cue in read_cues(path))


def name_of(viseme):
    return None if viseme is None else "unknown" if viseme == UNKNOWN else VISEMES[viseme]


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ("P B M F V TH DH S Z SH JH AH0 IY1 ER2 OW W", "PP PP PP FF FF TH TH SS SS CH CH aa I RR O U"),
        ("p pʰ m̩ f θ ð t͡ʃ dʒ ts ʃː ŋ ɹ ɝ aɪ ə u", "PP PP PP FF TH TH CH CH SS CH nn RR RR aa E U"),
        ("t S T tS dZ @ 3: { 9 OY r", "DD CH TH CH CH E E aa O O RR"),
        ("hh ih sh t ax dx pcl", "unknown I CH DD E DD PP"),
        ("PP FF kk nn ou ih aa sil", "PP FF kk nn U I aa sil"),
        ("viseme_PP viseme_O viseme_sil", "PP O sil"),
        ("A B C D E F G H X", "PP SS E aa O U FF nn sil"),
        ("sil sp spn SIL <p:> # pau HH AH0", "sil sil sil sil sil sil sil unknown aa"),
        ("h ʔ ɦ ə", "unknown unknown unknown E"),
    ],
)
def test_labels_of_every_alphabet(texts, names):
    assert [name_of(viseme) for viseme in visemes_of_labels(texts.split())] == names.split()


def test_a_label_on_its_own():
    for label, name in {"": "sil", "B": "PP", "AA1": "aa", "ʒ": "CH", "tS": "CH", "?": "unknown"}.items():
        assert name_of(viseme_of_label(label)) == name
    for word in ("hello", "Anna", "안녕", "***"):
        assert viseme_of_label(word) is None


@quick
@given(st.lists(labels, max_size=8))
def test_any_text_is_a_viseme_or_unknown_or_nothing(texts):
    found = visemes_of_labels(texts)
    assert len(found) == len(texts)
    assert all(viseme is None or viseme == UNKNOWN or 0 <= viseme < len(VISEMES) for viseme in found)


def test_unknown_labels_are_named_and_words_refused(tmp_path):
    segments, (notice,) = read_segments(write(tmp_path, "0 1 p\n1 2 qwerty\n2 3 a\n3 4 h\n", "a.tsv"))
    assert [segment.viseme for segment in segments] == [
        VISEMES.index("PP"),
        UNKNOWN,
        VISEMES.index("aa"),
        UNKNOWN,
    ]
    assert "'qwerty'" in notice
    assert "'h'" not in notice
    with pytest.raises(UsageError, match="are not phones"):
        read_segments(write(tmp_path, "0 1 hello\n1 2 there\n2 3 a\n", "words.tsv"))
