"""How read speech measures: the typical values that `inference/instruction/voice_rules.json` compares with.

    python -m soliloquy.models.voice_norms --shared ../shared

Prints median and spread (half of the 16th to 84th percentile) of each measure over LibriSpeech's phrases.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from ..inference.audio import open_audio
from ..inference.instruction.voice import FEATURES, Phrase, phrases
from ..inference.motion import join, stream_speech
from ..inference.session import SpeechModel, load_speech_model

_EVERY = 3
"""Clips between those that are heard: 117 of 351 speakers' clips settle the figures to 5 %."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/speech")
    clips = sorted((parser.parse_args().shared / "data/speech/librispeech").glob("*.ogg"))[::_EVERY]
    if not clips:
        parser.error("there is no LibriSpeech in the shared folder")
    model = load_speech_model(None)
    found = [phrase for clip in clips for phrase in _phrases(clip, model)]
    low, middle, high = np.nanpercentile([phrase.measures for phrase in found], [16, 50, 84], axis=0)
    norms = {
        name: [round(float(middle[i]), 2), round(float(high[i] - low[i]) / 2, 2)]
        for i, name in enumerate(FEATURES)
    }
    print(json.dumps(norms))
    print(f"{len(found)} phrases of {len(clips)} clips")


def _phrases(clip: Path, model: SpeechModel) -> tuple[Phrase, ...]:
    with open_audio(clip) as reader:
        spoken = join(stream_speech(reader.blocks(), model))
    if spoken.prosody is None:
        return ()
    return phrases(spoken.prosody, spoken.visemes)


if __name__ == "__main__":
    main()
