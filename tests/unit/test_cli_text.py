"""`soliloquy animate` with a text, and with guarantees."""

import shutil

import numpy as np
import pytest
import soundfile
from fake_model import fake_model
from soliloquy.inference import cli, hearing, session, transcript
from soliloquy.inference.formats.arkit_csv import read_csv
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.session import Heard
from soliloquy.inference.visemes import VISEMES

RATE_HZ = 16_000
PP, AA = VISEMES.index("PP"), VISEMES.index("aa")


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """A mouth that is always open, and hears 'ba ba ba': half a second of aa, then 80 ms of PP."""
    opened = fake_model()

    def heard(samples):
        frames = (len(samples) - opened.receptive_field) // opened.hop + 1
        labels = (np.arange(frames) + heard.first) % 29
        heard.first += frames
        visemes = np.full((frames, 15), 0.01, np.float32)
        visemes[np.arange(frames), np.where(labels < 25, AA, PP)] = 0.86
        weights = np.full((frames, 52), 0.0, np.float32)
        weights[:, opened.card.channels.index("jawOpen")] = 0.4
        return Heard(weights, visemes, np.full((frames, 4), 0.25, np.float32))

    heard.first = 0
    monkeypatch.setattr(opened, "run", heard)

    def load(*_, **__):
        heard.first = 0
        return opened

    monkeypatch.setattr(session, "load_speech_model", load)


@pytest.fixture
def words(monkeypatch):
    """espeak-ng's place: every word is 'ab'."""
    asked = []

    def words_of(text, language):
        asked.append((text, language))
        return [[AA, PP] for _ in text.split()]

    monkeypatch.setattr(hearing, "words_of", words_of)
    return asked


def sound(path, duration_s=5.8):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(1).normal(0.0, 0.1, int(duration_s * RATE_HZ)), RATE_HZ)
    return path


def animate(*arguments):
    return cli.main(["animate", *map(str, arguments)])


def closures(path):
    """How many times the lips come together."""
    motion = read_csv(path)
    closed = lip_curves(motion.values, motion.channels)[0] <= 0.0
    return int(np.sum(closed & ~np.append(False, closed[:-1])))


SAID = " ".join(["ab"] * 10)


@pytest.mark.parametrize("fps", [24, 50, 60])
def test_with_a_text_the_lips_meet_on_every_p(tmp_path, words, capsys, fps):
    wav, csv = sound(tmp_path / "a.wav"), tmp_path / "a.csv"
    assert animate(wav, "--out", csv, "--fps", fps, "--no-lips-meet") == 0
    assert closures(csv) == 0
    assert animate(wav, "--out", csv, "--fps", fps, "--text", SAID, "--language", "de") == 0
    assert words == [(SAID, "de")]
    assert closures(csv) == 10
    assert capsys.readouterr().err == ""


def test_a_text_from_a_file_and_guarantees_that_are_turned_off(tmp_path, words):
    wav, csv = sound(tmp_path / "a.wav"), tmp_path / "a.csv"
    (tmp_path / "a.txt").write_text(f"\ufeff{SAID}\n", encoding="utf-8")
    assert animate(wav, "--out", csv, "--text-file", tmp_path / "a.txt") == 0
    assert words == [(f"{SAID}\n", "en-us")]
    assert closures(csv) == 10
    assert animate(wav, "--out", csv, "--text", SAID, "--no-lips-meet") == 0
    assert closures(csv) == 0


def test_without_a_text_the_lips_meet_by_ear(tmp_path):
    wav, csv = sound(tmp_path / "a.wav", 60.0), tmp_path / "a.csv"
    assert animate(wav, "--out", csv, "--still") == 0
    assert closures(csv) == round(60.0 * 50 / 29)
    assert animate(wav, "--out", csv, "--no-lips-meet", "--teeth-on-f") == 0
    assert closures(csv) == 0


def test_the_delay_moves_the_contacts_too(tmp_path):
    wav = sound(tmp_path / "a.wav")
    apart_mm = []
    for delay in ("0", "0.2"):
        assert animate(wav, "--out", tmp_path / "a.csv", "--lips-meet", "--no-blinks", "--delay", delay) == 0
        motion = read_csv(tmp_path / "a.csv")
        apart_mm.append(lip_curves(motion.values, motion.channels)[0])
    np.testing.assert_allclose(apart_mm[1][20:], apart_mm[0][10:-10], atol=0.05)


def test_a_text_that_is_not_what_is_said_is_not_applied(tmp_path, monkeypatch, capsys):
    csv, other = tmp_path / "a.csv", [VISEMES.index("U"), VISEMES.index("SS")]
    monkeypatch.setattr(hearing, "words_of", lambda *_: [other] * 10)
    wav = sound(tmp_path / "a.wav")
    assert animate(wav, "--out", csv) == 0
    without = csv.read_bytes()
    assert animate(wav, "--out", csv, "--text", "other words") == 0
    assert "does not fit the sound" in capsys.readouterr().err
    assert csv.read_bytes() == without


def test_without_espeak_the_line_is_animated_all_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(transcript, "PROGRAM", "no-such-program")
    assert animate(sound(tmp_path / "a.wav"), "--out", tmp_path / "a.csv", "--text", "ab") == 0
    told = capsys.readouterr().err
    assert told.count("espeak-ng, which turns text into phones, is not installed") == 1
    assert "animated without the text" in told


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_an_unknown_language_is_refused_before_any_work(tmp_path, capsys):
    assert animate(sound(tmp_path / "a.wav"), "--text", "ab", "--language", "xx") == 2
    assert "does not know the language 'xx'" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_texts_that_cannot_be_used(tmp_path, words, capsys):
    wav, other = sound(tmp_path / "in/a.wav"), sound(tmp_path / "in/b.wav")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    (tmp_path / "empty.txt").write_text(" \n")
    refused = {
        "two texts": [wav, "--text", "x", "--text-file", tmp_path / "latin.txt"],
        "belongs to one sound": [wav, other, "--text", "x"],
        "A text belongs": [tmp_path / "in", "--text", "x"],
        "is empty": [wav, "--text", ""],
        "The text is empty": [wav, "--text-file", tmp_path / "empty.txt"],
        "not in UTF-8": [wav, "--text-file", tmp_path / "latin.txt"],
        "cannot be read": [wav, "--text-file", tmp_path / "none.txt"],
        "phone times": [wav, "--text", "x", "--cues", tmp_path / "none.tsv"],
    }
    for reason, arguments in refused.items():
        assert animate(*arguments, "--out", tmp_path / "out") == 2
        assert reason in capsys.readouterr().err
    assert words == []
    assert not (tmp_path / "out").exists()
