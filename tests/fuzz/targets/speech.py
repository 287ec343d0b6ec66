"""Cue files: TextGrid, tables, Rhubarb, Papagayo, Moho."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from mutate import json_value, lines
from target import JSON_WORDS, Target, laid

_TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "Anna - phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = "AH0"
        intervals [2]:
            xmin = 0.5
            xmax = 1.0
            text = "P"
        intervals [3]:
            xmin = 1.0
            xmax = 1.5
            text = ""
    item [2]:
        class = "TextTier"
        name = "bell"
        xmin = 0
        xmax = 1.5
        points: size = 1
        points [1]:
            number = 0.4
            mark = "x""y"
"""
_SHORT = (
    'File type = "ooTextFile"\n"TextGrid"\n\n0\n1\n<exists>\n1\n'
    '"IntervalTier"\n"phones"\n0\n1\n1\n0\n1\n"AA"\n'
)
_TABLES = (
    "start\tend\tlabel\n0\t0.5\tAA\n0.5\t1\tP\n",
    "time,duration,phone,tier\n0,0.5,AA,phones\n0.5,0.25,m,phones\n0.1,1,word,words\n",
    "0.00\tX\n0.17\tB\n0.31\tA\n",
    "0 0.5 AA\n0.5 1 P\n",
    '# comment\nbegin;end;text\n0;1;"a;b"\n1;2;o\n',
)
_RHUBARB = {
    "metadata": {"duration": 1.0},
    "mouthCues": [{"start": 0.0, "end": 0.4, "value": "X"}, {"start": 0.4, "end": 1.0, "value": "B"}],
}
_WORD = {
    "text": "hello",
    "start_frame": 1,
    "end_frame": 9,
    "phonemes": [{"frame": 1, "text": "AI"}, {"frame": 5, "text": "E"}],
}
_NG = {
    "version": 2,
    "fps": 24,
    "voices": [
        {"name": "A", "phrases": [{"words": [_WORD, _WORD]}]},
        {"name": "B", "phrases": [{"words": [_WORD]}]},
    ],
}
_PGO = (
    "lipsync version 1\nx.wav\n24\n48\n1\n\tA\n\thello\n\t1\n"
    "\t\thello\n\t\t1\n\t\t9\n\t\t1\n\t\t\thello 1 9 2\n\t\t\t\t1 AI\n\t\t\t\t5 E\n"
)
_MOHO = "MohoSwitch1\n1 rest\n5 AI\n9 E\n20 rest\n"


def cues(data: bytes) -> bool:
    """Cues in order, of some length, within six hours; sounds that exist."""
    from soliloquy.inference.errors import UsageError
    from soliloquy.inference.formats.cue import MAX_S
    from soliloquy.inference.formats.cues import read_cues, read_segments
    from soliloquy.inference.visemes import UNKNOWN, VISEMES

    path = laid(data)
    try:
        found = read_cues(path, voice="A")
        assert found
        assert all(a.start_s <= b.start_s for a, b in itertools.pairwise(found))
        for cue in found:
            assert -MAX_S <= cue.start_s < cue.end_s <= MAX_S
            assert isinstance(cue.label, str)
        segments, notices = read_segments(path, frames_hz=25.0)
        assert all(s.viseme == UNKNOWN or 0 <= s.viseme < len(VISEMES) for s in segments)
        assert all("\n" not in notice for notice in notices)
    except UsageError:
        return False
    return True


def _seeds() -> Iterator[bytes]:
    for text in (_TEXTGRID, _SHORT, *_TABLES, _PGO, _MOHO, json.dumps(_RHUBARB), json.dumps(_NG)):
        yield text.encode()
    yield _SHORT.encode("utf-16")
    yield _TABLES[0].encode("utf-8-sig").replace(b"\n", b"\r\n")


_WORDS = (
    b"<exists>",
    b"<absent>",
    b'"IntervalTier"',
    b'"TextTier"',
    b'"TextGrid"',
    b"ooTextFile",
    b"MohoSwitch1",
    b"lipsync version 1",
    b"nan",
    b"inf",
    b"1e999",
    b"-1e9",
    b'""',
    b"\xff\xfe",
    b"\t",
    b";",
    b'"',
)
TARGETS = {
    "cues": Target(
        cues,
        _seeds,
        ("soliloquy.inference.formats.cue", "soliloquy.inference.formats.papagayo"),
        (json_value, lines),
        _WORDS + JSON_WORDS,
        8_192,
    ),
}
