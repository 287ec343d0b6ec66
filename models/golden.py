"""Write the golden clip of the shipped weights: the embedded sample's motion, for the regression test.

    python -m soliloquy.models.golden

Run it when new weights are meant to change the motion, and look at the demo before committing the file.
"""

from pathlib import Path

import numpy as np

from ..inference.audio import read_audio
from ..inference.motion import speech_motion
from ..inference.session import load_speech_model

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    motion = speech_motion(read_audio(ROOT / "blender_addon" / "assets" / "sample.flac"), load_speech_model())
    path = ROOT / "tests" / "models" / "golden_sample.npz"
    np.savez_compressed(path, values=motion.values.astype(np.float16), channels=np.array(motion.channels))
    print(f"wrote {path.relative_to(ROOT)}: {motion.values.shape[0]} frames")


if __name__ == "__main__":
    main()
