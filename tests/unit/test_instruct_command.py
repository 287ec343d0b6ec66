"""`soliloquy instruct`: what it prints, for people and for machines, and its exit codes."""

import json

import numpy as np
import pytest
import soundfile
from soliloquy.inference import cli
from soliloquy.inference.instruction.values import Instruction
from soliloquy.inference.instruction.writer import write

RATE_HZ = 16_000


def hum(path, duration_s=4.0):
    """A buzz that glides: enough like a voice to be heard."""
    times = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * times)) / RATE_HZ
    wave = sum(np.sin(n * phase) / n for n in range(1, 20))
    soundfile.write(path, 0.1 * wave * (np.sin(2 * np.pi * 2 * times) > -0.5), RATE_HZ)
    return path


def test_words_are_read(capsys):
    assert cli.main(["instruct", "--text", "A bit sad, brows lowered, with flibbering ears, anger 5"]) == 0
    out = capsys.readouterr().out
    assert "An extremely angry and slightly sad speaker, brows lowered." in out
    assert "anger 1, sadness 0.2, brows -0.7" in out
    assert "not understood: flibbering" in out
    assert "5 is taken as 1" in out


def test_spans_of_words_are_told(capsys):
    assert cli.main(["instruct", "--text", "first sad, then happy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "from 0% of the line on: A sad speaker."
    assert lines[2] == "from 50% of the line on: A joyful speaker."


def test_words_as_json(capsys):
    assert cli.main(["instruct", "--json", "--text", "first sad, then happy at 50 % intensity"]) == 0
    event = json.loads(capsys.readouterr().out)
    assert event["event"] == "reading"
    assert [span["values"] for span in event["spans"]] == [{"sadness": 0.7}, {"joy": 0.7}]
    assert event["not_understood"] == []


@pytest.mark.parametrize("text", ["", "12 13", "Der Kopf ist nach links geneigt und traurig"])
def test_words_that_cannot_be_read_are_neutral_and_told(capsys, text):
    assert cli.main(["instruct", "--text", text]) == 0
    out = capsys.readouterr().out
    assert write(Instruction()) in out
    assert "neutral" in out.splitlines()[-1]


def test_a_sound_is_heard(tmp_path, capsys):
    sound = hum(tmp_path / "hum.wav")
    assert cli.main(["instruct", str(sound), "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    event = next(event for event in events if event["event"] == "suggestion")
    assert event["input"] == str(sound)
    assert event["sentence"].endswith("speaker.") or ", " in event["sentence"]
    for span in event["spans"]:
        assert 0.0 <= span["start_s"] < span["end_s"] <= 4.1
        assert max(map(abs, span["values"].values()), default=0.0) <= span["confidence"] + 1e-3


def test_a_silent_sound_is_neutral_and_told(tmp_path, capsys):
    soundfile.write(tmp_path / "still.wav", np.zeros(RATE_HZ), RATE_HZ)
    assert cli.main(["instruct", str(tmp_path / "still.wav")]) == 0
    told = capsys.readouterr()
    assert "A neutral speaker." in told.out
    assert "too little speech" in told.err


def test_one_bad_sound_of_several_is_told(tmp_path, capsys):
    hum(tmp_path / "a.wav", 1.0)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    assert cli.main(["instruct", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "a.wav: A neutral speaker." in told.out
    assert "b.wav" in told.err


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ([], "nothing to instruct"),
        (["a.wav", "--text", "sad"], "words and a sound"),
        (["a.wav", "--model-address", "http://localhost:1"], "there are none"),
        (["missing.wav"], "does not exist"),
    ],
)
def test_what_cannot_be_asked_is_refused(capsys, arguments, cause):
    assert cli.main(["instruct", *arguments]) == 2
    assert cause in capsys.readouterr().err


def test_an_address_that_does_not_answer_leaves_the_words(capsys):
    assert cli.main(["instruct", "--text", "sad", "--model-address", "http://127.0.0.1:9"]) == 0
    out = capsys.readouterr().out
    assert "A sad speaker." in out
    assert "does not answer" in out
