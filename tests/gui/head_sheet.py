"""Renders contact sheets of the embedded head: all 52 shapes, pairs, and visemes with a word for each.

    python tests/gui/head_sheet.py [shapes pairs visemes] [--out out] [--tile 200] [--view front|quarter|side]
        [--engine cycles|workbench]

Needs bpy and Pillow. Writes `shapes.jpg`, `pairs.jpg` and `visemes.jpg`, or those that are named.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import head_tiles
from contact_sheet import ContactSheet
from soliloquy.inference.channels import ARKIT_52

_CAPTION_PX = 22
_PP = {"mouthPressLeft": 0.5, "mouthPressRight": 0.5, "mouthRollLower": 0.22, "mouthRollUpper": 0.22}
_PAIRED = {name.removesuffix("Left") for name in ARKIT_52 if name.endswith("Left")} - {"jaw", "mouth"}


def _pose(**weights: float) -> dict[str, float]:
    """Weights by ARKit name; a name without its side stands for both."""
    result = {}
    for name, weight in weights.items():
        sides = ("Left", "Right") if name in _PAIRED else ("",)
        result.update({f"{name}{side}": weight for side in sides})
    return result


VISEMES = {
    "PP  maP": _PP,
    "FF  FiVe": _pose(mouthShrugLower=0.52, mouthUpperUp=0.3, mouthRollLower=0.3, jawOpen=0.07),
    "TH  THink": _pose(tongueTh=1.0, jawOpen=0.25, mouthUpperUp=0.1, mouthLowerDown=0.25),
    "DD  DaD": _pose(tongueTip=1.0, jawOpen=0.2, mouthUpperUp=0.2, mouthLowerDown=0.2),
    "nn  NiNe": _pose(tongueTip=1.0, jawOpen=0.18, mouthLowerDown=0.2, mouthUpperUp=0.12),
    "L  Let": _pose(tongueL=1.0, jawOpen=0.36, mouthUpperUp=0.15, mouthLowerDown=0.2),
    "kk  CaKe": _pose(tongueBack=1.0, jawOpen=0.34, mouthLowerDown=0.12),
    "CH  CHurCH": _pose(mouthFunnel=0.6, mouthPucker=0.4, jawOpen=0.16),
    "SS  SeeS": _pose(jawOpen=0.09, mouthStretch=0.3, mouthUpperUp=0.28, mouthLowerDown=0.28),
    "RR  Red": _pose(mouthPucker=0.45, mouthFunnel=0.3, jawOpen=0.18),
    "aa  fAther": _pose(jawOpen=0.6, mouthLowerDown=0.1),
    "E  bEd": _pose(jawOpen=0.42, mouthStretch=0.32, mouthDimple=0.22),
    "I  sEE": _pose(jawOpen=0.16, mouthStretch=0.5, mouthSmile=0.32, mouthUpperUp=0.2),
    "O  gO": _pose(mouthFunnel=0.7, mouthPucker=0.42, jawOpen=0.42),
    "U  yOU": _pose(mouthPucker=0.85, mouthFunnel=0.5, jawOpen=0.12),
    "sil  (silence)": {},
}
"""The visemes of the manual's table with a word that has each, its letters in capitals.

The tongue's own keys where it has one."""
PAIRS = {
    "jawOpen + mouthClose": _pose(jawOpen=1.0, mouthClose=1.0),
    "jawOpen .5 + mouthClose .5": _pose(jawOpen=0.5, mouthClose=0.5),
    "jawOpen + mouthFunnel": _pose(jawOpen=1.0, mouthFunnel=1.0),
    "jawOpen + mouthPucker": _pose(jawOpen=0.6, mouthPucker=1.0),
    "mouthPucker + mouthFunnel": _pose(mouthPucker=1.0, mouthFunnel=1.0),
    "mouthSmile + jawOpen": _pose(mouthSmile=1.0, jawOpen=0.6),
    "mouthSmile + mouthStretch": _pose(mouthSmile=1.0, mouthStretch=1.0),
    "mouthRoll, both lips": _pose(mouthRollUpper=1.0, mouthRollLower=1.0),
    "eyeBlink .5": _pose(eyeBlink=0.5),
    "eyeBlink": _pose(eyeBlink=1.0),
    "eyeBlink + eyeLookDown": _pose(eyeBlink=1.0, eyeLookDown=1.0),
    "eyeBlink + mouthSmile": _pose(eyeBlink=1.0, mouthSmile=1.0, eyeSquint=1.0),
    "eyeSquint + mouthSmile": _pose(eyeSquint=1.0, mouthSmile=1.0),
    "noseSneer + browDown": _pose(noseSneer=1.0, browDown=1.0),
    "noseSneer + mouthUpperUp": _pose(noseSneer=1.0, mouthUpperUp=1.0),
    "browInnerUp + browDown": _pose(browInnerUp=1.0, browDown=1.0),
    "mouthSmile + cheekSquint": _pose(mouthSmile=1.0, cheekSquint=1.0),
}
"""What meets often, on both sides."""


def _shape_poses() -> dict[str, dict[str, float]]:
    poses: dict[str, dict[str, float]] = {"rest": {}}
    for name in ARKIT_52:
        poses[name] = {name: 1.0}
    return poses


SHEETS = {
    "shapes": (_shape_poses(), 9, 0.095, 0.235),
    "pairs": (PAIRS, 9, 0.075, 0.165),
    "visemes": (VISEMES, 8, 0.054, 0.11),
}
"""Poses, columns, and the height and width in metres of what is seen of the head."""


def main() -> None:
    """Render the sheets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sheets", nargs="*", default=list(SHEETS), help="shapes, pairs, visemes")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "out")
    parser.add_argument("--tile", type=int, default=200)
    parser.add_argument("--view", choices=tuple(head_tiles.VIEWS), default="front")
    parser.add_argument("--engine", choices=("cycles", "workbench"), default="cycles")
    options = parser.parse_args()
    head = head_tiles.stage(options.tile, 0.0, 1.0, engine=options.engine)
    for name in options.sheets:
        poses, columns, height_m, framed_m = SHEETS[name]
        head_tiles.look_at(options.view, height_m, framed_m)
        sheet = ContactSheet(options.tile, columns, -(-len(poses) // columns), caption_px=_CAPTION_PX)
        for i, (label, weights) in enumerate(poses.items()):
            head_tiles.pose(head, weights)
            sheet.put(i, head_tiles.render(), label)
        sheet.save(options.out / f"{name}.jpg")


if __name__ == "__main__":
    main()
