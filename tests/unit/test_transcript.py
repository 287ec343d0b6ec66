import shutil
import subprocess

import pytest
from soliloquy.inference import transcript
from soliloquy.inference.errors import UsageError
from soliloquy.inference.transcript import PhonesUnavailable, languages, words_of
from soliloquy.inference.visemes import UNKNOWN, VISEMES

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def named(words):
    return [[VISEMES[v] if v != UNKNOWN else "?" for v in word] for word in words]


@needs_espeak
def test_words_and_their_classes():
    assert named(words_of("Bob, fish.")) == [["PP", "aa", "PP"], ["FF", "I", "CH"]]
    assert named(words_of("he")) == [["?", "I"]]
    assert named(words_of("jump")) == [["CH", "aa", "PP", "PP"]]


@needs_espeak
def test_numbers_line_breaks_and_punctuation():
    assert words_of("five") == words_of("5") == words_of("\n  5 ...\n")
    assert len(words_of("one\ntwo -- three! «four»")) == 4
    assert words_of("?!") == []


@needs_espeak
def test_another_language():
    assert named(words_of("fünf Bäume", "de")) == [["FF", "U", "nn", "FF"], ["PP", "O", "PP", "E"]]
    assert named(words_of("vie", "fr-fr")) == [["FF", "I"]]
    assert {"en-us", "de"} <= set(languages())


@needs_espeak
@pytest.mark.parametrize(
    "text", ["-w /tmp/x.wav --help", "$(touch x) `x` ; x", "<speak>x</speak>", "a\0b \ud800 c"]
)
def test_a_text_is_never_more_than_a_text(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words_of(text)
    assert list(tmp_path.iterdir()) == []


@needs_espeak
@pytest.mark.parametrize("language", ["xx", "zz-top"])
def test_an_unknown_language_names_those_that_are_there(language):
    with pytest.raises(UsageError, match=rf"'{language}'.*en-us.*espeak-ng --voices"):
        words_of("hello", language)


@pytest.mark.parametrize("language", ["", "-w", "../x", "en us", "e" * 99])
def test_what_cannot_be_a_language_does_not_reach_the_program(language, monkeypatch):
    monkeypatch.setattr(transcript, "_espeak", lambda *_: pytest.fail("it was called"))
    with pytest.raises(UsageError):
        words_of("hello", language)


def test_empty_and_endless_texts_are_refused():
    for text in ("", " \n", "x" * (transcript.TEXT_MAX + 1)):
        with pytest.raises(UsageError):
            words_of(text)


def test_a_machine_without_espeak(monkeypatch):
    monkeypatch.setattr(transcript, "PROGRAM", "no-such-program")
    with pytest.raises(PhonesUnavailable, match="not installed"):
        words_of("hello")


def test_a_program_that_hangs_or_fails(monkeypatch):
    def hang(*_, **options):
        raise subprocess.TimeoutExpired("espeak-ng", options["timeout"])

    monkeypatch.setattr(transcript.subprocess, "run", hang)
    with pytest.raises(PhonesUnavailable, match="did not finish"):
        words_of("hello")

    def fail(command, **_):
        voices = "Pty Language\n 5  en-us  x\n" if "--voices" in command else ""
        return subprocess.CompletedProcess(command, 0 if voices else 1, voices, "broken")

    monkeypatch.setattr(transcript.subprocess, "run", fail)
    with pytest.raises(PhonesUnavailable, match="could not read"):
        words_of("hello")
