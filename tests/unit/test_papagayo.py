"""Cues of Papagayo, Papagayo-NG and Moho."""

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soliloquy.inference.errors import UsageError
from soliloquy.inference.formats.cues import read_cues, read_segments
from soliloquy.inference.visemes import VISEMES, visemes_of_labels

PROJECT = """lipsync version 1
line.wav
24
48
2
	Anna
	Pam, oh
	1
		Pam, oh
		12
		35
		2
			Pam 12 23 3
				12 MBP
				14 AI
				20 MBP
			oh 30 35 1
				30 O
	Bob
	you
	1
		you
		40
		43
		1
			you 40 43 1
				40 U
"""
SWITCH = "MohoSwitch1\n1 rest\n13 MBP\n15 AI\n21 MBP\n25 rest\n"


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def frames(cues, hz=24):
    return [(round(cue.start_s * hz), round(cue.end_s * hz), cue.label) for cue in cues]


def as_json():
    """The same project as Papagayo-NG keeps it."""

    def voice(name, words):
        made = [
            {"text": "x", "start_frame": first, "end_frame": last, "phonemes": phonemes}
            for first, last, phonemes in words
        ]
        return {"name": name, "text": "", "num_children": 1, "phrases": [{"text": "", "words": made}]}

    anna = [
        (12, 23, [{"text": t, "frame": f} for f, t in ((12, "MBP"), (14, "AI"), (20, "MBP"))]),
        (30, 35, [{"text": "O", "frame": 30}]),
    ]
    bob = [(40, 43, [{"text": "U", "frame": 40}])]
    return {"version": 2, "fps": 24, "voices": [voice("Anna", anna), voice("Bob", bob)]}


ANNA = [(12, 14, "MBP"), (14, 20, "AI"), (20, 24, "MBP"), (30, 36, "O")]


def test_a_project_of_papagayo_and_of_its_successor(tmp_path):
    for path in (write(tmp_path, "a.pgo", PROJECT), write(tmp_path, "a.pgo2", json.dumps(as_json()))):
        assert frames(read_cues(path)) == ANNA
        assert frames(read_cues(path, voice="anna ")) == ANNA
        assert frames(read_cues(path, voice="Bob")) == [(40, 44, "U")]
        segments, notices = read_segments(path)
        assert [VISEMES[s.viseme] for s in segments] == ["PP", "aa", "PP", "O"]
        assert notices == (f"'{path}' has 2 voices: 'Anna' was taken, who says most",)
        assert read_segments(path, voice="Bob")[1] == ()


def test_switch_data_counts_from_frame_one_at_a_rate_that_the_caller_knows(tmp_path):
    path = write(tmp_path, "a.dat", SWITCH)
    assert frames(read_cues(path))[:3] == [(0, 12, "rest"), (12, 14, "MBP"), (14, 20, "AI")]
    assert read_cues(path, frames_hz=30.0)[1].start_s == pytest.approx(0.4)
    assert "24 are taken" in read_segments(path)[1][0]
    assert read_segments(path, frames_hz=30.0)[1] == ()


def test_rests_that_papagayo_writes_twice(tmp_path):
    path = write(tmp_path, "a.dat", "MohoSwitch1\n1 rest\n8 rest\n9 MBP\n9 AI\n11 rest\n")
    assert frames(read_cues(path))[:3] == [(0, 7, "rest"), (7, 8, "rest"), (8, 10, "AI")]


def test_the_speaker_of_a_textgrid(tmp_path):
    tier = '"IntervalTier" "{} - phones" 0 1 {}'
    text = '"ooTextFile" "TextGrid" 0 1 <exists> 2 '
    text += tier.format("Anna", '2 0 0.5 "p" 0.5 1 "a" ') + tier.format("Bob", '1 0 1 "u"')
    path = write(tmp_path, "a.TextGrid", text)
    assert [cue.label for cue in read_cues(path)] == ["p", "a"]
    assert [cue.label for cue in read_cues(path, voice="bob")] == ["u"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("MBP AI E O U WQ L FV etc rest", "PP aa E O U U nn FF SS sil"),
        ("mbp ai rest", "PP aa sil"),
        ("E O U", "E O U"),  # too few to tell the alphabet: the letters mean the same in all of them
        ("AY IY M B", "aa I PP PP"),  # ARPAbet
    ],
)
def test_preston_blair_mouths(labels, names):
    assert visemes_of_labels(labels.split()) == [VISEMES.index(name) for name in names.split()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PROJECT[:-60], "cut off"),
        (PROJECT.replace("\n24\n", "\n0\n"), "Line 3 of"),
        (PROJECT.replace("\n2\n\tAnna", "\nmany\n\tAnna"), "has 'many' where the number of voices must be"),
        (PROJECT.replace("Pam 12 23 3", "Pam 12 23 99999999"), "at most"),
        (PROJECT.replace("Pam 12 23 3", "Pam"), "is not a word"),
        (PROJECT.replace("14 AI", "x AI"), "has 'x' where a frame must be"),
        ("lipsync version 1\na.wav\n24\n9\n0\n", "no labelled span"),
        ("MohoSwitch1\n", "no labelled span"),
        ("MohoSwitch1\n1 rest\nAI 3\n", "Line 3 of"),
        ("MohoSwitch1\n9 AI\n3 rest\n", "ends before it starts"),
        ('{"voices": []}', "not a whole project of Papagayo-NG"),
        ('{"fps": 24, "voices": [{"name": "A"}]}', "not a whole project of Papagayo-NG"),
        ('{"fps": "nan", "voices": []}', "not a whole project of Papagayo-NG"),
        ("[1]", "where a time must be"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_the_file(tmp_path, text, said):
    path = write(tmp_path, "bad.pgo", text)
    with pytest.raises(UsageError) as caught:
        read_cues(path)
    assert said in str(caught.value)
    assert "bad.pgo" in str(caught.value)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.sampled_from([PROJECT, SWITCH, json.dumps(as_json())]),
    cut=st.integers(0, 300),
    place=st.integers(0, 300),
    junk=st.text(max_size=8),
)
def test_damaged_files_are_refused_or_read_but_never_crash(tmp_path, text, cut, place, junk):
    path = write(tmp_path, "x.pgo", text[:place] + junk + text[place + cut % 7 : len(text) - cut % 50])
    with suppress(UsageError):
        assert all(cue.end_s > cue.start_s for cue in read_cues(path))
