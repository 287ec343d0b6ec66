"""Synthesisers say when each phone sounds: vowels are loud where they say so, stops are not, texts vary."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from soliloquy.inference.visemes import UNKNOWN, VISEMES, Segment, frame_classes
from soliloquy.models.data import neutral, sheet, synthetic
from soliloquy.models.data.arkit_fit import CONTROLS
from soliloquy.models.data.synthesis import espeak, festival, flite, jtalk, sounds
from soliloquy.models.data.synthesis.utterance import Utterance, phone_set, revoice
from soliloquy.models.train_speech import CORPORA

TEXT = "maybe papa put a big apple pie on top of the table"
FIRST_VOWEL = VISEMES.index("aa")
STOPS = [VISEMES.index(v) for v in ("PP", "DD", "kk")]
MISSING = {
    "espeak": synthetic._missing("espeak"),
    "flite": synthetic._missing("flite"),
    "festival": synthetic._missing("festival"),
}


def needs(engine: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(MISSING[engine] is not None, reason=f"{engine}: {MISSING[engine]}")


def contrast_db(spoken: Utterance, shift_s: float) -> float:
    """How much louder vowels are than stops, with all times moved by `shift_s`."""
    hop = spoken.rate_hz // 200
    blocks = spoken.samples[: len(spoken.samples) // hop * hop].reshape(-1, hop).astype(float)
    level_db = 10 * np.log10(np.mean(blocks**2, axis=1) + 1e-9)
    level_db = np.maximum(level_db, level_db.max() - 60)
    moved = [Segment(a + shift_s, b + shift_s, label) for a, b, label in spoken.segments]
    labels = frame_classes(moved, len(level_db), spoken.rate_hz / hop)
    return float(level_db[labels >= FIRST_VOWEL].mean() - level_db[np.isin(labels, STOPS)].mean())


def check(*lines: Utterance) -> None:
    """Segments follow each other over the whole sound, and fit it better than 60 ms earlier or later."""
    for spoken in lines:
        starts, ends, labels = (np.array(column) for column in zip(*spoken.segments, strict=True))
        assert (starts[1:] >= ends[:-1] - 1e-6).all()
        assert (ends >= starts).all()
        assert abs(ends[-1] - len(spoken.samples) / spoken.rate_hz) < 0.2
        assert (labels != UNKNOWN).mean() > 0.9
    here, early, late = (np.mean([contrast_db(x, shift_s) for x in lines]) for shift_s in (0.0, -0.06, 0.06))
    assert here > max(early, late) + 1, (here, early, late)


@needs("espeak")
@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en+klatt4"])
def test_espeak_times(voice: str) -> None:
    check(espeak.speak(TEXT, voice))


@needs("espeak")
def test_espeak_stop_begins_with_its_closure() -> None:
    spoken = espeak.speak("papapapapa", "es")
    stops = [(a, b) for a, b, label in spoken.segments if label == VISEMES.index("PP")][1:]
    assert stops
    loud = np.abs(spoken.samples).max()
    for start, end in stops:
        piece = np.abs(spoken.samples[int(start * spoken.rate_hz) : int(end * spoken.rate_hz)])
        assert end - start > 0.05
        assert (piece < 0.02 * loud).mean() > 0.4


@needs("espeak")
@pytest.mark.parametrize("language", sorted(synthetic.SENTENCES))
def test_every_language_speaks_and_its_phones_are_known(language: str) -> None:
    text = " ".join(synthetic.SENTENCES[language].split()[:8])
    for voice in synthetic.ACCENTS.get(language, (language,)):
        spoken = espeak.speak(text, voice, words_per_minute=240)
        labels = np.array([label for *_, label in spoken.segments])
        assert len(labels) > 15
        assert (labels != UNKNOWN).mean() > 0.8
        assert len(np.unique(labels)) > 5


@needs("espeak")
def test_espeak_names_a_missing_voice() -> None:
    with pytest.raises(RuntimeError, match="no voice xx-none"):
        espeak.speak("a", "xx-none")


@needs("flite")
@pytest.mark.parametrize("voice", flite.VOICES)
def test_flite_times(voice: str) -> None:
    check(flite.speak(TEXT, voice))


@needs("flite")
def test_flite_stretch() -> None:
    slow, fast = (len(flite.speak(TEXT, "slt", stretch=s).samples) for s in (1.4, 0.8))
    assert slow > 1.4 * fast


@needs("festival")
@pytest.mark.parametrize("voice", festival.VOICES)
def test_festival_times(voice: str) -> None:
    if voice not in festival.installed():
        pytest.skip(f"festival's {voice} is not installed")
    language = festival.VOICES[voice].language
    words = synthetic.SENTENCES[language].split()
    texts = [" ".join(words[i : i + 8]) for i in (0, 8, 16)]
    check(*festival.speak_all([(text, 1.0) for text in texts], voice))


def test_festival_names_a_missing_voice() -> None:
    with pytest.raises(RuntimeError, match="no voice nobody"):
        festival.speak("a", "nobody")


@pytest.mark.skipif(shutil.which("open_jtalk") is None, reason="open_jtalk is not installed")
def test_jtalk_reads_its_trace(tmp_path: Path) -> None:
    """Any HTS voice that is told to read Japanese labels times them, though it says nothing meant."""
    found = sorted(Path("/usr/share/festival").rglob("cmu_us_slt*.htsvoice"))
    if not found or not jtalk._DICTIONARY.exists():
        pytest.skip("no HTS voice or no Japanese dictionary on this machine")
    voice = tmp_path / "japanese.htsvoice"
    voice.write_bytes(found[0].read_bytes().replace(b"HTS_TTS_ENG", b"HTS_TTS_JPN", 1))
    spoken = jtalk.speak("ぼたん", str(voice))
    names = [VISEMES[label] for *_, label in spoken.segments]
    assert names == ["sil", "PP", "O", "DD", "aa", "nn", "sil"]
    assert spoken.segments[-1][1] == pytest.approx(len(spoken.samples) / spoken.rate_hz, abs=0.01)


@pytest.mark.parametrize("name", ["radio", "italian", "czech", "finnish", "catalan", "russian", "japanese"])
def test_phone_sets_have_lips_and_pauses(name: str) -> None:
    classes = phone_set(name)
    assert {classes[p] for p in "pbm"} == {VISEMES.index("PP")}
    assert VISEMES.index("sil") in classes.values()
    assert len(set(classes.values())) >= 12


def test_revoice_keeps_times_with_the_sound() -> None:
    spoken = Utterance(np.zeros(16_000, np.float32), 16_000, [Segment(0.0, 0.5, 1), Segment(0.5, 1.0, 10)])
    faster = revoice(spoken, 1.25)
    assert len(faster.samples) / faster.rate_hz == pytest.approx(0.8)
    assert faster.segments[-1][1] == pytest.approx(0.8)


@needs("espeak")
def test_lines_repeat_from_their_seed() -> None:
    basis = np.ones((6, len(CONTROLS)), np.float32)
    first, again = (synthetic.synthetic_lines(basis, 4, 21) for _ in range(2))
    assert [x.name for x in first] == [x.name for x in again]
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a.phones, b.phones)
        assert a.phones is not None
        assert len(a.phones) == len(a.controls) == int(len(a.samples) / 320)
        assert np.array_equal(a.controls, b.controls)
        assert a.valid.all()
        vowels = a.phones >= VISEMES.index("aa")
        jaw = a.controls[:, CONTROLS.index("jawOpen")]
        assert jaw[vowels].mean() > 1.3 * jaw[a.phones == VISEMES.index("sil")].mean()


@needs("espeak")
def test_door_writes_sound_and_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["synthetic", "--out", str(tmp_path), "--minutes", "0.1"])
    synthetic.main()
    wavs = sorted(tmp_path.glob("*.wav"))
    assert len(wavs) == 2
    for wav in wavs:
        rows = wav.with_suffix(".tsv").read_text("utf-8").splitlines()
        assert rows[0] == "start_s\tend_s\tviseme"
        assert len(rows) > 5


@pytest.mark.parametrize("kind", neutral.KINDS)
def test_neutral_sounds(kind: str) -> None:
    make = neutral.KINDS[kind][0]
    for seed in range(4):
        sound, again = (make(16_000, np.random.default_rng(seed)) for _ in range(2))
        assert sound.shape == (16_000,)
        assert np.isfinite(sound).all()
        assert np.array_equal(sound, again)
        if kind != "babble" or MISSING["espeak"] is None:
            assert np.abs(sound).max() == pytest.approx(1.0)


def test_neutral_lines_have_a_still_face_and_every_kind() -> None:
    lines = neutral.neutral_lines(120, 3, seconds=1.0)
    assert {x.name.split("-")[1] for x in lines} == set(neutral.KINDS)
    assert all(x.valid.all() and not x.controls.any() and not x.phones.any() for x in lines)
    assert max(np.abs(x.samples).max() for x in lines) <= 1.0


def test_events_leave_silence_around_them() -> None:
    shares = [np.mean(np.abs(sounds.events(64_000, np.random.default_rng(i))) < 1e-4) for i in range(12)]
    assert 0.2 < np.mean(shares) < 0.8


def test_synthesis_is_silent_without_programs(tmp_path: Path) -> None:
    """A machine without festival is told so in a sentence, not by a traceback."""
    code = (
        "from soliloquy.models.data import synthetic\n"
        "from soliloquy.models.data.synthesis import festival\n"
        "print(festival.installed(), synthetic._missing('flite'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "() flite is missing: apt install flite"


def test_sheet_counts_what_it_is_given() -> None:
    lines = {"neutral": neutral.neutral_lines(6, 1, seconds=10.0)}
    assert "| 6 | 1.0 | 0 | 1.0 | 1.0 |" in sheet.corpus_table(lines, held_out={"neutral": 0})
    told = sheet.neutral_table(lines["neutral"])
    minutes = [float(part.rsplit(" ", 1)[1]) for part in told.split(", ")]
    assert sum(minutes) == pytest.approx(1.0, abs=0.05 * len(minutes))


def test_every_corpus_of_the_training_has_its_facts() -> None:
    assert set(sheet.CORPORA) == set(CORPORA)
