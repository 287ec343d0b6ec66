"""`soliloquy animate` as it performs: instruction, seed, strengths, refusals."""

import json

import numpy as np
import pytest
import soundfile
from fake_model import fake_model
from soliloquy.inference import cli, session
from soliloquy.inference.channels import ARKIT_52, HEAD
from soliloquy.inference.formats.arkit_csv import read_csv

RATE_HZ = 16_000


@pytest.fixture(autouse=True)
def small_model(monkeypatch):
    monkeypatch.setattr(session, "load_speech_model", lambda *_, **__: fake_model())


@pytest.fixture
def wav(tmp_path):
    times_s = np.arange(6 * RATE_HZ) / RATE_HZ
    voice = 0.2 * np.sin(2 * np.pi * 140.0 * times_s) * np.sin(np.pi * times_s) ** 2
    soundfile.write(tmp_path / "a.wav", voice, RATE_HZ)
    return tmp_path / "a.wav"


def made(wav, *options, code=0):
    out = wav.with_suffix(".csv")
    assert cli.main(["animate", str(wav), "--out", str(out), *map(str, options)]) == code
    return read_csv(out) if code == 0 else None


def test_the_table_has_the_head_in_radians_and_eyes_that_move(wav):
    motion = made(wav)
    assert motion.channels == (*ARKIT_52, *HEAD)
    assert 0.0 < np.abs(motion.values[:, 52:]).max() < 0.8
    looks = [i for i, name in enumerate(ARKIT_52) if name.startswith("eyeLook")]
    assert motion.values[:, looks].max() > 0.02


def test_lips_only_are_the_columns_of_before_and_no_instruction_moves_them(wav, capsys):
    assert made(wav, "--lips-only").channels == ARKIT_52
    made(wav, "--lips-only", "--instruction", "sad", code=2)
    assert "Leave out --lips-only" in capsys.readouterr().err


def test_an_instruction_is_seen_and_what_is_not_understood_is_named_once(wav, capsys):
    plain = made(wav, "--seed", 3)
    sad = made(wav, "--seed", 3, "--instruction", "A very sad blorfing speaker")
    told = capsys.readouterr().err
    assert told.count("blorf") == 1
    assert "Not understood" in told
    for channel in ("browInnerUp", "mouthFrownLeft"):
        assert sad.channel(channel)[50:].mean() > plain.channel(channel)[50:].mean() + 0.1


def test_what_is_not_understood_is_an_event_in_json_and_not_said_when_quiet(wav, capsys):
    made(wav, "--instruction", "sad blorf", "--quiet")
    assert capsys.readouterr() == ("", "")
    made(wav, "--instruction", "sad blorf", "--json")
    told = capsys.readouterr()
    events = [json.loads(line) for line in told.out.splitlines()]
    notices = [event for event in events if event["event"] == "notice"]
    assert [(notice["input"], "blorf" in notice["message"]) for notice in notices] == [(None, True)]
    assert not told.err


def test_several_steps_follow_each_other_over_the_sound(wav):
    motion = made(wav, "--instruction", "At first very happy, then very sad")
    smile = motion.channel("mouthSmileLeft")
    assert smile[60:120].mean() > smile[220:].mean() + 0.2


def test_a_seed_is_a_take(wav):
    first, again, other = (made(wav, "--seed", seed, "--instruction", "joy").values for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other)[:, 52:].max() > 0.005


def test_strengths_of_nothing_still_the_head(wav):
    motion = made(wav, "--head", 0, "--accents", 0, "--breath", 0, "--gaze", 0)
    assert not motion.values[:, 52:].any()


@pytest.mark.parametrize(
    "words",
    [
        "",
        "   ",
        "12345 678",
        "traurig und müde spricht er",
        "brows raised, brows lowered",
        "anger 5.0",
        "x " * 9000,
    ],
)
def test_words_that_cannot_be_followed_give_a_valid_performance(wav, words):
    motion = made(wav, "--instruction", words)
    assert np.isfinite(motion.values).all()
    assert motion.values[:, :52].max() <= 1.0


def test_the_voice_suggests_and_it_is_told_where_it_suggests_nothing(wav, capsys):
    assert made(wav, "--instruction", "auto").channels == (*ARKIT_52, *HEAD)
    soundfile.write(wav, np.random.default_rng(0).normal(0.0, 0.1, 3 * RATE_HZ), RATE_HZ)
    capsys.readouterr()
    made(wav, "--instruction", "auto")
    assert "Nothing in the voice" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--emotion", "--gaze", "--accents", "--breath"])
def test_strengths_out_of_range_are_refused(wav, option, capsys):
    made(wav, option, 3, code=2)
    assert "Choose 0 to 2" in capsys.readouterr().err
