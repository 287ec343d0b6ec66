"""Tables and documents of curves, and packets of Live Link."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
from mutate import lines
from target import JSON, JSON_WORDS, Target, laid

_LONGEST_ROWS = 10_000_000


def _promises(motion: object) -> None:
    """What everything that takes a motion relies on."""
    from soliloquy.inference.curves import RATE_MAX_HZ

    assert np.isfinite(motion.values).all()
    assert motion.values.dtype == np.float32
    assert 0 < len(motion.values) <= _LONGEST_ROWS
    assert 0 < motion.rate_hz <= RATE_MAX_HZ
    assert np.isfinite(motion.start_s)
    assert len(set(motion.channels)) == len(motion.channels) > 0


def table(data: bytes) -> bool:
    """`read_csv`."""
    from soliloquy.inference.errors import UsageError
    from soliloquy.inference.formats.arkit_csv import read_csv

    try:
        _promises(read_csv(laid(data)))
    except UsageError:
        return False
    return True


def _tables() -> Iterator[bytes]:
    yield b"time_s,jawOpen,mouthClose,headPitch\n0.000000,0.1,0.2,0.01\n0.020000,0.3,0.2,-0.01\n0.04,1,0,0\n"
    app = b"Timecode,BlendShapeCount,EyeBlinkLeft,JawOpen,HeadYaw\n"
    yield app + b"00:00:01:00.000,61,0.1,0.2,0\n00:00:01:01.000,61,0,1,0\n"
    yield b"time;blendShapes.JawOpen\n0;0.5\n0.1;0.25\n0.5;1\n2;0\n"
    yield b"seconds\tjaw_open\n-1\t0\n5\t1\n"
    yield b"t,jawOpen\n0,1\n"


def a2f(data: bytes) -> bool:
    """`read_a2f_json`."""
    from soliloquy.inference.errors import UsageError
    from soliloquy.inference.formats.a2f_json import read_a2f_json

    try:
        _promises(read_a2f_json(laid(data)))
    except UsageError:
        return False
    return True


def _a2f() -> Iterator[bytes]:
    whole = {
        "exportFps": 60.0,
        "trackPath": "line.wav",
        "numPoses": 2,
        "numFrames": 3,
        "facsNames": ["jawOpen", "mouthClose"],
        "weightMat": [[0.0, 0.5], [0.25, 1], [1.0, 0]],
    }
    yield json.dumps(whole).encode()
    yield json.dumps({**whole, "facsNames": ["JawOpen", "other"], "exportFps": 29.97}).encode()


def packet(data: bytes) -> bool:
    """`live_link.decode` gives a frame that is encoded to the same packet, or says ValueError."""
    from soliloquy.inference.formats.live_link import VALUES, decode, encode

    try:
        frame = decode(data)
    except ValueError:
        return False
    assert frame.values.shape == (len(VALUES),)
    assert np.isfinite(frame.values).all()
    assert frame.rate > 0
    assert 0 <= frame.sub_frame < 1
    assert decode(encode(frame)).subject == frame.subject
    return True


def _packets() -> Iterator[bytes]:
    from fractions import Fraction

    from soliloquy.inference.formats.live_link import VALUES, FaceFrame, encode

    for rate in (Fraction(60), Fraction(30_000, 1001)):
        values = np.linspace(-1, 1, len(VALUES), dtype=np.float32)
        yield encode(FaceFrame(values, 7, rate, "8CAF2A4C-70A1-4D75-8D8E-9A6E3B4F5C11", "iPhone", 0.25))


def head_track(data: bytes) -> bool:
    """`read_track`: the 3D head before a camera that Blender exports."""
    from soliloquy.inference.actor.folder import ActorError
    from soliloquy.inference.actor.painting.head_track import read_track

    try:
        track = read_track(laid(data, "track.json"))
    except ActorError:
        return False
    assert track.head.shape == (len(track), 4, 4)
    for array in (track.head, track.reference, track.focal_px, track.centre_px):
        assert np.isfinite(array).all()
    assert (track.focal_px > 0).all()
    assert (np.diff(track.numbers) > 0).all()
    assert track.width > 0
    assert track.height > 0
    return True


def _tracks() -> Iterator[bytes]:
    from soliloquy.inference.actor.painting.head_track import HeadTrack, write_track
    from soliloquy.inference.types import FrameRate
    from target import folder

    rows = 2
    reference = np.array([[3, 2, 1], [-3, 2, 1], [1, 1, 2], [-1, 1, 2], [0, 0, 3], [0, -3, 2]], float)
    pose = np.repeat(np.eye(4)[None], rows, 0)
    pose[:, 2, 3] = -30
    track = HeadTrack(
        640,
        480,
        FrameRate(24, 1.0),
        reference,
        np.arange(1, rows + 1, dtype=np.int32),
        pose,
        np.full(rows, 800.0),
        np.full((rows, 2), 240.0),
    )
    path = folder() / "seed.json"
    write_track(path, track)
    yield path.read_bytes()


TARGETS = {
    "curve_table": Target(
        table,
        _tables,
        ("soliloquy.inference.formats.arkit_csv", "soliloquy.inference.names"),
        (lines,),
        (
            b"00:00:00:00.000",
            b"1e308",
            b"nan",
            b"inf",
            b"1e-300",
            b"time_s",
            b"jawOpen",
            b"99:99:99:99",
            b"_",
        ),
    ),
    "a2f_json": Target(a2f, _a2f, ("soliloquy.inference.formats.a2f_json",), JSON, JSON_WORDS),
    "live_link": Target(packet, _packets, ("soliloquy.inference.formats.live_link",), longest=1024),
    "head_track": Target(
        head_track, _tracks, ("soliloquy.inference.actor.painting.head_track",), JSON, JSON_WORDS
    ),
}
