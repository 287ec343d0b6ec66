"""Every file of the public bad-audio collection does what its row in the index says."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from soliloquy.inference.audio import SAMPLE_RATE_HZ, open_audio, read_audio
from soliloquy.inference.audio_decoders import UnknownFormatError
from soliloquy.inference.errors import AudioError

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "bad_audio"
TOLERANCE_S = 0.1
NEEDS_AV = {
    "fmt_aac.m4a",
    "fmt_aac_adts.aac",
    "fmt_alac.m4a",
    "fmt_opus.webm",
    "fmt.wma",
    "fmt_ac3.ac3",
    "fmt_video_with_audio.mp4",
    "ext_m4a_named.wav",
}
MUST_SAY = {
    "hdr_data_shorter_than_claimed.wav": "cut off after 1.07 s: its header promises 1.78 s",
    "hdr_claims_4GB.wav": "cut off",
    "cut_half.mp3": "cut off",
    "cut_half.flac": "0.63 s",
    "corrupt_40_bytes.mp3": "damaged",
    "corrupt_middle.flac": "corrupt_middle.flac",
    "lvl_clipped.wav": "clipped",
    "lvl_float_nan_inf.wav": "11 invalid",
    "lvl_minus60dB.wav": "very quiet",
    "sil_digital_3s.wav": "silent",
    "sil_dither_3s.wav": "silent",
    "len_one_sample.wav": "very short",
    "len_10ms.wav": "very short",
}
MUST_EXPLAIN = {
    "bad_video_no_audio.mp4": "no sound track",
    "bad_empty.wav": "empty",
    "bad_html_error_page.mp3": "web page",
    "bad_zip.flac": "ZIP archive",
    "bad_text.wav": "text file",
    "hdr_header_only.wav": "holds no sound",
}


def _rows() -> list[dict[str, str]]:
    index = FOLDER / "index.csv"
    if not index.exists():
        return []
    with index.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


ROWS = _rows()
pytestmark = pytest.mark.skipif(not ROWS, reason="shared/data/bad_audio is not beside the repository")


def _check_accepted(path: Path, row: dict[str, str]) -> None:
    clip = read_audio(path)
    assert clip.rate_hz == SAMPLE_RATE_HZ
    assert np.isfinite(clip.samples).all()
    assert len(clip.samples) >= 1
    assert np.abs(clip.samples).max() <= 1.0
    if row["expected_seconds"]:
        assert clip.duration_s == pytest.approx(float(row["expected_seconds"]), abs=TOLERANCE_S)
    if row["file"] in MUST_SAY:
        assert MUST_SAY[row["file"]] in " ".join(clip.notices)


def _check_refused(path: Path) -> AudioError:
    with pytest.raises(AudioError) as caught:
        read_audio(path)
    assert path.name in caught.value.cause
    assert caught.value.remedy
    return caught.value


def _check_accepted_or_refused(path: Path, row: dict[str, str]) -> None:
    refusal: AudioError | None = None
    try:
        _check_accepted(path, row)
    except AudioError as error:
        refusal = error
    assert refusal is None or path.name in refusal.cause


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_row_with_every_decoder(row: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    path = FOLDER / row["file"]
    if row["file"] in NEEDS_AV or row["file"] == "bad_video_no_audio.mp4":
        pytest.importorskip("av")
    if row["expected"] == "accept":
        _check_accepted(path, row)
    elif row["expected"] == "error":
        assert MUST_EXPLAIN.get(row["file"], "") in _check_refused(path).cause
    else:
        _check_accepted_or_refused(path, row)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_row_without_av(row: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    path = FOLDER / row["file"]
    if row["file"] in NEEDS_AV:
        assert "pip install av" in _check_refused(path).remedy
    elif row["expected"] == "accept":
        _check_accepted(path, row)
    elif row["expected"] == "error":
        _check_refused(path)
    else:
        _check_accepted_or_refused(path, row)


@pytest.mark.parametrize("name", ["ch_6ch_speech_on_centre_only.wav", "ch_stereo_antiphase.wav"])
def test_speech_survives_the_choice_of_channels(name: str) -> None:
    reference = read_audio(FOLDER / "fmt_pcm16_22050_mono.wav").samples
    samples = read_audio(FOLDER / name).samples[: len(reference)]
    correlation = np.corrcoef(reference[: len(samples)], samples)[0, 1]
    assert abs(correlation) > 0.99


@pytest.mark.parametrize(
    "name", ["corrupt_40_bytes.mp3", "corrupt_middle.flac", "fmt_aac.m4a", "fmt_opus.opus"]
)
def test_sound_stays_in_its_place_in_time(name: str) -> None:
    if name in NEEDS_AV or name.endswith("middle.flac"):
        pytest.importorskip("av")
    reference = read_audio(FOLDER / "fmt_pcm16_22050_mono.wav").samples
    samples = read_audio(FOLDER / name).samples
    size = 2**17
    cross = np.fft.irfft(np.fft.rfft(samples, size) * np.conj(np.fft.rfft(reference, size)))
    shift = int(np.argmax(cross))
    assert min(shift, size - shift) <= 0.001 * SAMPLE_RATE_HZ


def test_silence_is_not_raised() -> None:
    with open_audio(FOLDER / "sil_dither_3s.wav") as reader:
        assert reader.is_silent
        assert reader.gain == 1.0


class _RefusingDecoder:
    """A host's own decoder that cannot read the file either."""

    name = "refusing"

    def open(self, path: Path) -> NoReturn:
        raise UnknownFormatError(f"{path.name} cannot be read", "Convert it")


def test_a_host_with_its_own_decoder_is_not_told_to_install_av(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = FOLDER / "bad_video_no_audio.mp4"
    if not video.exists():
        pytest.skip("the bad-audio collection is not beside the project")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match="without a sound track") as refusal:
        open_audio(video, decoders=[_RefusingDecoder()])
    assert "install" not in str(refusal.value)
