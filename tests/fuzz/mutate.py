"""Ways to damage a file: its bytes, or what it holds once unpacked, so that sums and lengths still fit."""

from __future__ import annotations

import io
import json
import random
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

Bytes = Callable[[bytes], bytes]
"""Changes some bytes."""
Mutator = Callable[[bytes, random.Random, Bytes], bytes | None]
"""Changes an input of a certain format; None where it is of another."""

_NUMBERS = (
    0,
    1,
    -1,
    127,
    128,
    255,
    256,
    2**15,
    2**16 - 1,
    2**31 - 1,
    -(2**31),
    2**32 - 1,
    2**53,
    2**63,
    10**30,
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "x",
    "..",
    "../x",
    "/etc/passwd",
    "C:\\x",
    "NUL",
    "a\0b",
    "\ud800",
    "x" * 300,
    [],
    {},
    [[]],
    [0] * 70,
    {"": {}},
    float("nan"),
    float("inf"),
    -float("inf"),
    1e308,
    -1e308,
    1e-320,
    0.5,
    *_NUMBERS,
)


def bytes_of(data: bytes, chance: random.Random, words: tuple[bytes, ...] = ()) -> bytes:
    """A few bytes changed, taken out, doubled, or replaced by numbers and words that are often trouble."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(out) + 1)
        match chance.randrange(8):
            case 0 if out:
                out[min(at, len(out) - 1)] ^= 1 << chance.randrange(8)
            case 1 if out:
                out[min(at, len(out) - 1)] = chance.randrange(256)
            case 2:
                del out[at : at + chance.choice((1, 2, 4, 16, 256))]
            case 3:
                out[at:at] = bytes(chance.randrange(256) for _ in range(chance.choice((1, 4, 16))))
            case 4:
                size = chance.choice((1, 2, 4, 8))
                number = chance.choice(_NUMBERS) % 2 ** (8 * size)
                out[at : at + size] = number.to_bytes(size, chance.choice(("little", "big")))
            case 5:
                start = chance.randrange(len(out) + 1)
                out[at:at] = out[start : start + chance.choice((4, 32, 256))]
            case 6 if words:
                out[at : at + chance.choice((0, 4))] = chance.choice(words)
            case 7 if chance.random() < 0.3:
                del out[at:]
            case _:
                pass
    return bytes(out)


def json_value(data: bytes, chance: random.Random, change: Bytes) -> bytes | None:
    """One value of a JSON document replaced, left out, doubled or wrapped."""
    try:
        document = json.loads(data)
        places = list(_places(document))
    except (ValueError, RecursionError):
        return None
    if not places:
        return json.dumps(chance.choice(_VALUES)).encode()
    owner, key = chance.choice(places)
    match chance.randrange(6):
        case 0:
            del owner[key]
        case 1 if isinstance(owner, list):
            owner.insert(key, owner[key])
        case 1:
            owner[chance.choice(("", "x", "../y", "NUL", *map(str, owner)))] = owner[key]
        case 2:
            other, where = chance.choice(places)
            owner[key] = other[where]
        case 3 if isinstance(owner[key], str):
            owner[key] = change(owner[key].encode("utf-8", "replace")).decode("utf-8", "replace")
        case 4:
            owner[key] = [owner[key]]
        case _:
            owner[key] = chance.choice(_VALUES)
    try:
        return json.dumps(document).encode()
    except (ValueError, RecursionError, KeyError):
        return None


def _places(document: Any) -> Any:
    waiting, count = [document] if isinstance(document, dict | list) else [], 0
    while waiting and count < 5000:
        owner = waiting.pop()
        for key in list(owner) if isinstance(owner, dict) else range(len(owner)):
            count += 1
            yield owner, key
            if isinstance(owner[key], dict | list):
                waiting.append(owner[key])


def zip_member(data: bytes, chance: random.Random, change: Bytes) -> bytes | None:
    """One member of a zip changed, left out, renamed or packed, and the sums made right again."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:
        return None
    if not members:
        return None
    at = chance.randrange(len(members))
    name, content = members[at]
    packing = zipfile.ZIP_STORED
    match chance.randrange(12):
        case 0:
            del members[at]
        case 1:
            members.append((name, change(content)))
        case 2:
            members[at] = (
                chance.choice(("../x.npy", "/x.npy", "x.npy", "about.json", "", members[0][0])),
                content,
            )
        case 3:
            members[at] = (name, members[chance.randrange(len(members))][1])
        case 4:
            packing = zipfile.ZIP_DEFLATED
        case _:
            text = json_value(content, chance, change) if content[:1] in (b"{", b"[") else None
            # An array's header is where damage tells most.
            head = change(content[:128]) + content[128:] if chance.random() < 0.7 else change(content)
            members[at] = (name, text if text is not None else head)
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(buffer, "w", packing) as archive:
            for member, content in members:
                archive.writestr(zipfile.ZipInfo(member or "x", (1980, 1, 1, 0, 0, 0)), content)
    except Exception:
        return None
    return buffer.getvalue()


def deflated(head: int) -> Mutator:
    """Of what is `head` bytes and then deflated: the content changed."""

    def mutate(data: bytes, chance: random.Random, change: Bytes) -> bytes | None:
        try:
            opened = zlib.decompressobj()
            content = opened.decompress(data[head:], 2**20)
        except zlib.error:
            return None
        return data[:head] + zlib.compress(change(content), 1)

    return mutate


def lines(data: bytes, chance: random.Random, change: Bytes) -> bytes | None:
    """Lines of a text swapped, doubled, left out, or changed in one place."""
    found = data.split(b"\n")
    at, other = chance.randrange(len(found)), chance.randrange(len(found))
    match chance.randrange(5):
        case 0:
            found[at], found[other] = found[other], found[at]
        case 1:
            found.insert(at, found[other])
        case 2:
            del found[at]
        case 3:
            found[at] = change(found[at])
        case _:
            cells = found[at].split(b",")
            cells[chance.randrange(len(cells))] = str(chance.choice(_NUMBERS + _VALUES)).encode(
                "utf-8", "replace"
            )
            found[at] = b",".join(cells)
    return b"\n".join(found)
