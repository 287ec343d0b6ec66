import numpy as np
import pytest
import soundfile
from soliloquy.inference import cli, session
from soliloquy.inference.channels import ARKIT_52, HEAD
from soliloquy.inference.formats.a2f_json import read_a2f_json
from soliloquy.inference.formats.arkit_csv import read_csv
from soliloquy.inference.lip_basis import lip_curves

RATE_HZ = 16_000
WORD = "0.0\t0.4\t\n0.4\t0.5\tb\n0.5\t0.8\tɑː\n0.8\t0.95\tm\n0.95\t1.5\tsil\n"


@pytest.fixture(autouse=True)
def no_model(monkeypatch):
    """Phone times need no speech model."""
    monkeypatch.setattr(session, "load_speech_model", lambda *_, **__: pytest.fail("a model was opened"))


@pytest.fixture
def cues(tmp_path):
    path = tmp_path / "hé llo.tsv"
    path.write_text(WORD, encoding="utf-8")
    return path


def sound(path, duration_s=2.0):
    times = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    loud = np.where((times > 0.5) & (times < 0.8), 0.3, 0.03)
    soundfile.write(path, loud * np.sin(2 * np.pi * 150 * times), RATE_HZ)
    return path


def run(*arguments):
    return cli.main(["animate", *map(str, arguments)])


def test_cues_alone(cues, tmp_path, capsys):
    assert run("--cues", cues) == 0
    motion = read_csv(tmp_path / "hé llo.csv")
    assert motion.channels == (*ARKIT_52, *HEAD)
    assert (motion.rate_hz, len(motion.values)) == (50.0, 76)
    apart_mm = lip_curves(motion.values, motion.channels)[0]
    assert apart_mm[20:26].min() < 0.0 < 5.0 < apart_mm[28:37].max()
    assert motion.channel("eyeBlinkLeft").max() <= 1.0
    assert "76 frames at 50 fps" in capsys.readouterr().out


def test_without_out_nothing_is_replaced_unasked(cues, tmp_path, capsys):
    (tmp_path / "hé llo.csv").write_text("mine")
    assert run("--cues", cues) == 2
    assert (tmp_path / "hé llo.csv").read_text() == "mine"
    assert "exists already. Give --overwrite" in capsys.readouterr().err
    assert run("--cues", cues, "--overwrite") == 0
    assert run("--cues", cues, "--out", tmp_path / "hé llo.csv") == 0


def test_the_cue_file_itself_is_never_replaced(tmp_path, capsys):
    cues = tmp_path / "a.csv"
    cues.write_text(WORD.replace("\t", ","), encoding="utf-8")
    wav = sound(tmp_path / "a.wav")
    for arguments in (["--cues", cues], [wav, "--cues", cues], [wav, "--cues", cues, "--out", cues]):
        assert run(*arguments, "--overwrite") == 2
        assert "would replace an input" in capsys.readouterr().err
    assert cues.read_text(encoding="utf-8") == WORD.replace("\t", ",")


def test_a_sound_gives_its_length_and_its_strength(cues, tmp_path, capsys):
    wav = sound(tmp_path / "line.wav")
    assert run("--cues", cues, "--out", tmp_path / "plain.csv") == 0
    assert run(wav, "--cues", cues) == 0
    plain, heard = read_csv(tmp_path / "plain.csv"), read_csv(tmp_path / "line.csv")
    assert len(heard.values) == 101
    assert np.abs(heard.values[:76] - plain.values).max() > 0.0
    assert run(sound(tmp_path / "short.wav", 0.5), "--cues", cues) == 0
    assert "The cues last 1.5 s, the sound only 0.5 s" in capsys.readouterr().err


def test_controls_reach_the_motion(cues, tmp_path):
    def curve(channel, *options):
        assert run("--cues", cues, "--out", tmp_path / "x.csv", "--quiet", "--no-blinks", *options) == 0
        return read_csv(tmp_path / "x.csv").channel(channel)

    plain = curve("jawOpen")
    assert curve("jawOpen", "--jaw", "0.5").max() == pytest.approx(plain.max() / 2, abs=1e-3)
    assert len(curve("jawOpen", "--fps", "24")) == 37
    later = curve("jawOpen", "--delay", "0.1")
    assert np.argmax(later) == np.argmax(plain) + 5
    assert curve("jawOpen", "--smoothing", "0.2").max() < plain.max()


@pytest.mark.parametrize("fps", ["24", "25", "30", "60"])
@pytest.mark.parametrize("options", [[], ["--smoothing", "0.1"], ["--jaw", "2"], ["--delay", "0.07"]])
def test_the_lips_meet_on_a_frame_whatever_the_controls_are(cues, tmp_path, fps, options):
    assert run("--cues", cues, "--out", tmp_path / "x.csv", "--fps", fps, *options) == 0
    motion = read_csv(tmp_path / "x.csv")
    apart_mm = lip_curves(motion.values, motion.channels)[0]
    delay_s = 0.07 if "--delay" in options else 0.0
    for start_s, end_s in ((0.4, 0.5), (0.8, 0.95)):
        inside = (motion.times_s >= start_s + delay_s) & (motion.times_s <= end_s + delay_s)
        assert apart_mm[inside].min() <= 0.0


def test_what_is_wrong_is_one_sentence(cues, tmp_path, capsys):
    wav = sound(tmp_path / "line.wav")
    (tmp_path / "words.tsv").write_text("0 1 hello\n1 2 there\n")
    for arguments, said in (
        ([], "nothing to animate"),
        (["--cues", tmp_path / "none.tsv"], "none.tsv' does not exist"),
        (["--cues", tmp_path], "is a folder"),
        (["--cues", tmp_path / "words.tsv"], "are not phones"),
        ([wav, wav, "--cues", cues], "belongs to one sound"),
        ([tmp_path, "--cues", cues], "belongs to one sound"),
    ):
        assert run(*arguments) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert said in told.err
        assert len(told.err.splitlines()) == 1


def test_unknown_labels_are_named(tmp_path, capsys):
    (tmp_path / "a.tsv").write_text(WORD + "1.5 2 qqqq\n".replace(" ", "\t"), encoding="utf-8")
    assert run("--cues", tmp_path / "a.tsv") == 0
    assert "'qqqq'" in capsys.readouterr().err


def test_every_format_holds_the_same_motion(cues, tmp_path, capsys):
    assert run("--cues", cues, "--fps", 60, "--out", tmp_path / "a.csv") == 0
    assert run("--cues", cues, "--fps", 60, "--format", "livelink", "--out", tmp_path / "l.csv") == 0
    assert run("--cues", cues, "--fps", 60, "--format", "a2f") == 0
    plain = read_csv(tmp_path / "a.csv")
    for other in (read_csv(tmp_path / "l.csv"), read_a2f_json(tmp_path / "hé llo.json")):
        assert other.rate_hz == 60.0
        np.testing.assert_allclose(other.channel("jawOpen"), plain.channel("jawOpen"), atol=1e-4)


def test_cues_that_count_frames(tmp_path, capsys):
    cues = tmp_path / "a.dat"
    cues.write_text("MohoSwitch1\n1 rest\n13 AI\n25 rest\n", encoding="utf-8")
    peaks = []
    for fps in ((), ("--cues-fps", 48)):
        assert run("--cues", cues, *fps, "--overwrite", "--no-blinks") == 0
        jaw = read_csv(tmp_path / "a.csv").channel("jawOpen")
        peaks.append(int(np.argmax(jaw)) / 50)
        assert ("24 are taken" in capsys.readouterr().err) == (not fps)
    assert peaks[0] == pytest.approx(0.75, abs=0.2)
    assert peaks[1] == pytest.approx(0.375, abs=0.15)
