"""What is said about the memory, on models whose memory is known; and the command that draws it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_model import CARD, LoudnessGraph
from soliloquy.inference import cli, session
from soliloquy.inference.errors import ModelError, UsageError
from soliloquy.inference.memory_plot import heard_cues, save_picture
from soliloquy.inference.memory_study import MemoryStudy, summary_text, table_rows, write_table
from soliloquy.inference.session import SpeechModel
from soliloquy.inference.types import AudioClip
from soliloquy.inference.visemes import VISEMES

RATE_HZ = 16_000
AA, PP = VISEMES.index("aa"), VISEMES.index("PP")


class TwoPhones(LoudnessGraph):
    """Hears `aa` in loud frames and `PP` in quiet ones; slots 0 and 2 answer to them, 1 and 3 never do."""

    def run(self, names, feed):
        weights, _, _ = super().run(names, feed)
        loud = weights[0, :, -1] > 0.15
        visemes = np.where(loud[:, None], np.eye(15)[AA], np.eye(15)[PP]).astype(np.float32)
        memory = np.where(loud[:, None], [1, 0, 0, 0], [0, 0, 1, 0]).astype(np.float32)
        return [weights, visemes[None], memory[None]]


class Forgetful(LoudnessGraph):
    """Has no memory."""

    def run(self, names, feed):
        weights, visemes, _ = super().run(names, feed)
        return [weights, visemes, np.zeros((1, weights.shape[1], 0), np.float32)]


def model(graph=TwoPhones):
    return SpeechModel(graph(), CARD)


def samples(duration_s=2.0):
    """Noise that is loud in the second half."""
    noise = np.random.default_rng(4).normal(0.0, 0.01, int(duration_s * RATE_HZ))
    noise[len(noise) // 2 :] *= 10
    return noise.astype(np.float32)


def clips(sound, block_s=0.3):
    step = round(block_s * RATE_HZ)
    return [AudioClip(sound[i : i + step], RATE_HZ, i / RATE_HZ) for i in range(0, len(sound), step)]


def studied(*sounds, graph=TwoPhones, **options):
    study = MemoryStudy(model(graph), **options)
    for number, sound in enumerate(sounds):
        study.hear(f"line {number}", clips(sound))
    return study


def test_slots_in_use_and_what_they_answer_to():
    findings = studied(samples()).findings()
    assert [slot.index for slot in findings.slots] == [2, 0]  # sorted by viseme: PP comes before aa
    assert [slot.prefers for slot in findings.slots] == ["PP", "aa"]
    assert (findings.in_use, findings.total) == (2, 4)
    assert sum(slot.share for slot in findings.slots) == pytest.approx(1.0)
    assert findings.slots[0].visemes()[0] == ("PP", pytest.approx(1.0))
    assert np.isnan(findings.slots[0].by_viseme[VISEMES.index("TH")])  # never heard


def test_a_memory_that_knows_the_phone_tells_all_there_is():
    findings = studied(samples()).findings()
    assert findings.bits == pytest.approx(findings.viseme_bits)
    assert findings.viseme_bits == pytest.approx(1.0, abs=0.05)
    assert findings.at_once == pytest.approx(1.0)
    assert "hardly" not in summary_text(findings)


def test_an_even_memory_tells_nothing_and_says_so():
    findings = studied(samples(), graph=LoudnessGraph).findings()
    assert (findings.in_use, len(findings.slots)) == (0, 4)
    assert findings.bits == pytest.approx(0.0, abs=1e-6)
    assert findings.at_once == pytest.approx(4.0, rel=1e-4)
    assert {slot.prefers for slot in findings.slots} == {"-"}
    assert "0 of 4 slots in use" in summary_text(findings)
    assert "hardly depends" in summary_text(findings)


def test_lips_are_those_of_the_frames_that_address_the_slot():
    quiet, loud = studied(samples()).findings().slots
    assert loud.aperture_mm > quiet.aperture_mm
    name, mean, change = loud.controls[0]
    assert name in {
        "tongueOut",
        "mouthUpperUp",
        "mouthLowerDown",
    }  # the fake face moves its last channels most
    assert mean > change > 0.0


def test_blocks_do_not_change_the_findings():
    sound = samples()
    whole = MemoryStudy(model())
    whole.hear("a", [AudioClip(sound, RATE_HZ)])
    assert table_rows(whole.findings()) == table_rows(studied(sound).findings())


def test_all_sounds_count_and_the_first_is_shown():
    quiet = samples()[:RATE_HZ]
    study = studied(quiet, samples())
    assert study.findings().seconds == pytest.approx(3.0, abs=0.1)
    excerpt = study.excerpt()
    assert excerpt.name == "line 0"
    assert excerpt.memory.shape == (51, 4)
    assert excerpt.aperture_mm.shape == (51,)
    assert excerpt.memory[:, 2].all()


def test_a_long_line_is_shown_in_part():
    excerpt = studied(samples(4.0), excerpt_s=1.0).excerpt()
    assert len(excerpt.memory) == len(excerpt.visemes) == 50


def test_weights_without_memory_are_refused():
    with pytest.raises(ModelError, match="no implicit memory"):
        studied(samples(), graph=Forgetful)


def test_nothing_heard_is_refused():
    with pytest.raises(UsageError, match="no sound"):
        MemoryStudy(model()).findings()


def test_heard_cues_are_runs_of_the_best_viseme():
    order = [AA, AA, AA, PP, AA, AA, 0, 0]
    cues = heard_cues(np.eye(15, dtype=np.float32)[order], 50.0)
    assert [(c.label, c.start_s, c.end_s) for c in cues] == [
        ("aa", 0.0, 0.06),
        ("aa", 0.08, 0.12),
        ("sil", 0.12, 0.16),
    ]


def test_table_has_one_row_per_slot(tmp_path):
    findings = studied(samples()).findings()
    write_table(tmp_path / "memory.tsv", findings)
    lines = [line.split("\t") for line in (tmp_path / "memory.tsv").read_text(encoding="utf-8").splitlines()]
    assert lines[0][:2] == ["slot", "share"]
    assert [line[0] for line in lines[1:]] == ["2", "0"]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("graph", [TwoPhones, LoudnessGraph])
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_picture(tmp_path, graph, suffix):
    pytest.importorskip("matplotlib")
    study = studied(samples(1.0), graph=graph)
    path = tmp_path / f"memory{suffix}"
    save_picture(path, study.findings(), study.excerpt(), CARD)
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert len(data) > 10_000
    if suffix == ".svg":
        assert f"{CARD.name} {CARD.version}".encode() in data


def test_without_matplotlib_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    study = studied(samples(1.0))
    with pytest.raises(UsageError, match="pip install matplotlib"):
        save_picture(tmp_path / "memory.png", study.findings(), study.excerpt(), CARD)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def fake_weights(monkeypatch):
    monkeypatch.setattr(session, "load_speech_model", lambda path=None, threads=1: model())


def run(*arguments):
    return cli.main(["memory", "plot", *map(str, arguments)])


@pytest.mark.usefixtures("fake_weights")
class TestCommand:
    def test_a_folder(self, tmp_path, capsys):
        pytest.importorskip("matplotlib")
        for name in ("a.wav", "b.wav"):
            soundfile.write(tmp_path / name, samples(1.0), RATE_HZ)
        (tmp_path / "a.txt").write_text("start\tend\tlabel\n0.1\t0.4\tm\n")
        out, table = tmp_path / "m.png", tmp_path / "m.tsv"
        assert run(tmp_path, "--out", out, "--table", table, "--cues", tmp_path / "a.txt") == 0
        told = capsys.readouterr()
        assert out.is_file()
        assert table.read_text(encoding="utf-8").startswith("slot\t")
        assert "slots in use" in told.out
        assert "2 s of sound" in told.out

    def test_one_bad_file_does_not_stop_the_others(self, tmp_path, capsys):
        pytest.importorskip("matplotlib")
        soundfile.write(tmp_path / "a.wav", samples(1.0), RATE_HZ)
        (tmp_path / "b.wav").write_bytes(b"no sound")
        assert run(tmp_path, "--out", tmp_path / "m.png", "--quiet") == 1
        assert "b.wav" in capsys.readouterr().err
        assert (tmp_path / "m.png").is_file()

    def test_refusals(self, tmp_path, capsys):
        assert run(tmp_path / "missing.wav", "--out", tmp_path / "m.png") == 2
        assert run("--out", tmp_path / "m.gif") == 2
        assert run("--out", tmp_path / "m.png", "--cues", tmp_path / "missing.TextGrid") == 2
        assert len(capsys.readouterr().err.splitlines()) == 3
        assert not list(tmp_path.iterdir())

    def test_without_a_sound_the_sample_is_heard(self, tmp_path, capsys):
        pytest.importorskip("matplotlib")
        assert run("--out", tmp_path / "m.png") == 0
        assert "11 s of sound" in capsys.readouterr().out


def test_the_shipped_memory_can_be_studied():
    """The real weights: addresses sum to 1, and the report covers every slot."""
    from soliloquy.inference.audio import open_audio

    study = MemoryStudy(session.load_speech_model())
    sample = Path(__file__).resolve().parents[2] / "blender_addon" / "assets" / "sample.flac"
    with open_audio(sample) as reader:
        study.hear("sample", reader.blocks())
    np.testing.assert_allclose(study.excerpt().memory.sum(axis=1), 1.0, atol=1e-3)
    findings = study.findings()
    assert 0.0 <= findings.bits <= findings.viseme_bits
    assert 0 < len(findings.slots) <= findings.total
