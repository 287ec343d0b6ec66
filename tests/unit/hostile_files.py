"""Files that promise, nest or pack without end, read in a process with little memory: see `test_fuzz_bounds`.

Run as a program with a folder: prints a line of JSON for every case.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import traceback
import zipfile
import zlib
from pathlib import Path

import numpy as np

MEMORY = 700 * 2**20
"""Bytes beyond what the process needs when every module is loaded: the shipped readers keep far below."""
DEEP = b"[" * 100_000
NESTED = b'{"a":' * 100_000
HUGE = 2**60


def sparse(path: Path, size: int) -> Path:
    """A file that is large and takes no room."""
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def readers(folder: Path) -> dict[str, tuple[object, str]]:
    """By name: what reads a file, and the ending it wants."""
    from soliloquy.inference.actor.folder import open_actor
    from soliloquy.inference.actor.painting.head_track import read_track
    from soliloquy.inference.audio import read_audio
    from soliloquy.inference.batch.shots import read_shots
    from soliloquy.inference.commands.options import _read_text
    from soliloquy.inference.formats.a2f_json import read_a2f_json
    from soliloquy.inference.formats.arkit_csv import read_csv
    from soliloquy.inference.formats.cues import read_segments
    from soliloquy.inference.formats.gltf import read_gltf
    from soliloquy.inference.performance.head import load_head_model
    from soliloquy.inference.rig_basis import read_basis
    from soliloquy.inference.rig_json import read_map
    from soliloquy.inference.session import load_speech_model

    return {
        "sound": (read_audio, ".wav"),
        "cues": (read_segments, ".TextGrid"),
        "curve table": (read_csv, ".csv"),
        "Audio2Face": (read_a2f_json, ".json"),
        "rig map": (read_map, ".json"),
        "basis": (read_basis, ".npz"),
        "basis in JSON": (read_basis, ".json"),
        "glTF": (read_gltf, ".glb"),
        "shots": (read_shots, ".csv"),
        "shots in JSON": (read_shots, ".json"),
        "text": (_read_text, ".txt"),
        "head track": (read_track, ".json"),
        "speech weights": (load_speech_model, ".onnx"),
        "head weights": (load_head_model, ".onnx"),
        "actor": (
            lambda path: open_actor(written(path.parent / "a/actor.json", _head(path)).parent),
            ".json",
        ),
    }


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(2**21)


def sounds() -> dict[str, bytes]:
    """Headers that claim 2**60 samples, or rates and channels that cannot be."""
    guid = bytes.fromhex("2E91CF11A5D628DB04C10000")
    riff64, wave64 = b"riff" + guid, b"wave" + bytes.fromhex("F3ACD3118CD100C04F8EDB8A")
    fmt64, data64 = b"fmt " + wave64[4:], b"data" + wave64[4:]
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    caf = b"caff\0\1\0\0desc" + struct.pack(">qd4sIIIII", 32, 16_000.0, b"lpcm", 0, 2, 1, 1, 16)
    flac = bytearray(b"fLaC\x80\x00\x00\x22" + struct.pack(">HH", 4096, 4096) + bytes(30))
    flac[18:26] = (16_000 << 44 | 15 << 36 | (2**36 - 1)).to_bytes(8, "big")
    many = struct.pack("<HHIIHH", 1, 65535, 1, 2**32 - 1, 65535, 8)
    return {
        "w64": riff64 + struct.pack("<Q", HUGE) + wave64 + fmt64 + struct.pack("<Q", 40) + form
        + data64 + struct.pack("<Q", HUGE) + bytes(64),
        "rf64": b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, HUGE, HUGE, HUGE, 0) + b"fmt "
        + struct.pack("<I", 16) + form + b"data\xff\xff\xff\xff" + bytes(64),
        "caf": caf + b"data" + struct.pack(">qI", HUGE, 0) + bytes(64),
        "au": b".snd" + struct.pack(">IIIII", 24, 2**32 - 2, 3, 16_000, 1) + bytes(64),
        "flac": bytes(flac),
        "many channels": b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + many
        + b"data\xff\xff\xff\xff" + bytes(2**18),
    }  # fmt: skip


def archives() -> dict[str, bytes]:
    """Zips whose members claim or unpack to far more than there is."""

    def zipped(content: bytes, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", packing) as archive:
            archive.writestr("about.json", json.dumps({"kind": "face", "version": 1}))
            archive.writestr("coefficients.npy", content)
            archive.writestr("channels.npy", npy(np.array(["jawOpen"])))
        return buffer.getvalue()

    def npy(array: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array)
        return buffer.getvalue()

    def claims(*shape: int) -> bytes:
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text

    claimed = bytearray(zipped(claims(2**29), zipfile.ZIP_STORED))
    for start in (claimed.find(b"coefficients.npy") - 30 + 18, claimed.rfind(b"coefficients.npy") - 46 + 20):
        claimed[start : start + 8] = struct.pack("<II", 2**31 - 2, 2**31 - 2)
    return {
        "claims an array": zipped(claims(10**6, 10**6)),
        "claims a member": bytes(claimed),
        "packs zeros": zipped(claims(2**29 // 4) + bytes(2**29)),
    }


def cases(folder: Path) -> dict[str, object]:
    """By name: something to call."""
    from soliloquy.inference.actor.archive import load_arrays
    from soliloquy.inference.formats.arkit_csv import read_csv
    from soliloquy.inference.formats.cues import read_cues
    from soliloquy.inference.formats.meshopt import decode
    from soliloquy.inference.instruction.language_model import _content
    from soliloquy.inference.motion_pack import unpack

    found: dict[str, object] = {}
    known = readers(folder)
    for name, (read, ending) in known.items():
        if name != "actor":
            place = sparse(folder / f"large {name}{ending}", 5 * 2**30)
            found[f"5 GB: {name}"] = lambda read=read, place=place: read(place)
        for what, data in (("deep", DEEP), ("nested", NESTED)):
            place = written(folder / f"{what} {name}{ending}", data)
            found[f"{what}: {name}"] = lambda read=read, place=place: read(place)
    for name, data in sounds().items():
        place = written(folder / f"sound.{name}", data)
        found[f"claims: {name}"] = lambda place=place: known["sound"][0](place)
    for name, data in archives().items():
        place = written(folder / f"{name}.npz", data)
        found[f"basis {name}"] = lambda place=place: known["basis"][0](place)
        found[f"face {name}"] = lambda place=place: load_arrays(place, "face", 1)
    bomb = b"SLQM\x02" + zlib.compress(bytes(2**29), 9)
    found["packed: kept line"] = lambda: unpack(bomb)
    found["deep: answer"] = lambda: _content(DEEP)
    found["count: meshopt"] = lambda: decode(bytes([0xA0]) + bytes(300), 2**40, 4, "ATTRIBUTES")
    found["endless: meshopt"] = lambda: decode(b"\xd1" + b"\x80" * 2**20, 9, 2, "INDICES")
    rows = written(folder / "rows.csv", b"time_s,jawOpen\n0,0\n0.001,0\n0.002,0\n999999,0\n")
    found["gap: curve table"] = lambda: read_csv(rows)
    empty = written(folder / "lines.csv", b"audio\n" + b"\n" * 30_000_000)
    found["lines: shots"] = lambda: known["shots"][0](empty)
    wide = written(folder / "wide.csv", b"audio," + b"a," * 10_000_000)
    found["columns: shots"] = lambda: known["shots"][0](wide)
    long = written(folder / "long.csv", b"0,1," + b"a" * 60 * 2**20)
    found["one line: cues"] = lambda: read_cues(long)
    return found


def main() -> None:
    """Try all cases, in little memory."""
    folder = Path(sys.argv[1])
    found = cases(folder)
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fuzz"))
    import guard
    from soliloquy.inference.errors import SoliloquyError
    from soliloquy.inference.session import SPEECH_WEIGHTS, load_speech_model

    if SPEECH_WEIGHTS.is_file():
        load_speech_model()  # so that its libraries are there before memory is short
    guard.MEMORY = MEMORY
    guard.limit_memory()
    for name, call in found.items():
        error, sentence = "", ""
        try:
            call()
        except SoliloquyError as refusal:
            sentence = str(refusal)
        except BaseException as other:
            error = f"{type(other).__name__}: {other}\n{traceback.format_exc()[-800:]}"
        print(json.dumps({"case": name, "error": error, "sentence": sentence}), flush=True)


if __name__ == "__main__":
    main()
