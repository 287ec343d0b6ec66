"""Lay frames of the demo beside the phones they belong to, to be looked at.

    python3 build.py demo
    .venv/bin/python tests/gui/demo_frames.py [--video out/demo.mp4] [--out out/demo_frames.jpg]

Needs pillow, and the demo of the embedded sample, whose phone times are in
blender_addon/assets/sample.phones.tsv.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import av
from contact_sheet import ContactSheet

ROOT = Path(__file__).resolve().parents[2]
PHONES = ROOT / "blender_addon" / "assets" / "sample.phones.tsv"
SHOWN = ("m", "ay", "b", "aa", "f", "uw", "ow", "b", "iy", "w", "aw", "p")
"""In the order of the line; each is looked for after the one before."""
FACE = (0.15, 0.1, 0.85, 0.8)
"""Part of the picture that is kept: left, top, right, bottom."""
TILE_PX, COLUMNS = 240, 6


def shown_times() -> list[tuple[str, float]]:
    """Phone and the middle of its time in seconds."""
    with PHONES.open(newline="") as file:
        rows = [
            (r["phone"], float(r["start_s"]), float(r["end_s"])) for r in csv.DictReader(file, delimiter="\t")
        ]
    found, position = [], 0
    for phone in SHOWN:
        position = next(i for i in range(position, len(rows)) if rows[i][0] == phone)
        found.append((phone, (rows[position][1] + rows[position][2]) / 2))
        position += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, default=ROOT / "out" / "demo.mp4")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "demo_frames.jpg")
    arguments = parser.parse_args()
    with av.open(str(arguments.video)) as video:
        rate_hz = float(video.streams.video[0].average_rate)
        frames = [frame.to_image() for frame in video.decode(video=0)]
    times = shown_times()
    sheet = ContactSheet(TILE_PX, COLUMNS, -(-len(times) // COLUMNS), caption_px=26)
    for i, (phone, time_s) in enumerate(times):
        frame = frames[round(time_s * rate_hz)]
        box = tuple(round(share * side) for share, side in zip(FACE, frame.size * 2, strict=True))
        sheet.put(i, frame.crop(box).resize((TILE_PX, TILE_PX)), f"/{phone}/  {time_s:.2f} s")
    sheet.save(arguments.out)


if __name__ == "__main__":
    main()
