"""A sound of which only some parts are heard: a short strip of a long recording, or one sentence again.

The level is that of the whole recording, and a part begins with the sound before it that its first frames
depend on: what is heard of it is what one run over everything would give.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from .motion import MotionStream, Spoken, join
from .timing import steps_within
from .types import FaceMotion
from .visemes import VISEMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .session import SpeechModel
    from .types import AudioClip

AROUND_S: Final = 10.0
"""So much is heard on both sides of what plays: a strip may be trimmed again without hearing more."""
_UNHEARD_DB: Final = -120.0
_VOICE_S: Final = 0.1
"""Sound around a frame that decides how loud and high it is, and a little more."""


@dataclass
class _Part:
    first: int
    """Of its frames; `end` is the one after its last."""
    end: int
    begin_sample: int
    end_sample: int
    stream: MotionStream
    pieces: list[Spoken] = field(default_factory=list)


def stream_parts(
    blocks: Iterable[AudioClip], model: SpeechModel, parts: Sequence[tuple[float, float]], duration_s: float
) -> Spoken:
    """Motion of some parts of a sound, at their places in the whole of it.

    Args:
        blocks: all of the sound, consecutive, at the card's rate and level.
        parts: begin and end in seconds of the sound; they may overlap and reach beyond it.
        duration_s: length of the sound.

    Returns:
        One row per frame of the whole sound. Rows that were not heard are at rest, and no class is likely in
        them: all their posteriors are 0.
    """
    total = steps_within(duration_s, model.card.rate_hz)
    made = _parts(model, parts, total)
    for block in blocks:
        start = round(block.start_s * block.rate_hz)
        for part in made:
            inside = slice(max(0, part.begin_sample - start), max(0, part.end_sample - start))
            if len(samples := block.samples[inside]):
                part.pieces.append(part.stream.feed(samples))
    return _whole(model, made, total)


def _parts(model: SpeechModel, parts: Sequence[tuple[float, float]], total: int) -> list[_Part]:
    """The parts in frames, those that nearly touch as one."""
    hz, hop = model.card.rate_hz, model.hop
    before = -(-max(model.card.left_context, round(_VOICE_S * model.card.sample_rate_hz)) // hop)
    after = -(-max(model.card.right_context, round(_VOICE_S * model.card.sample_rate_hz)) // hop)
    wanted = sorted(
        (max(0, int(np.floor(begin * hz))), min(total, int(np.ceil(end * hz)) + 1)) for begin, end in parts
    )
    merged: list[tuple[int, int]] = []
    for first, end in wanted:
        if merged and first <= merged[-1][1] + before + after:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif first < end:
            merged.append((first, end))
    return [
        _Part(
            first,
            end,
            begin := max(0, first - before) * hop,
            (end + after) * hop,
            MotionStream(model, begin / model.card.sample_rate_hz),
        )
        for first, end in merged
    ]


def _whole(model: SpeechModel, parts: Sequence[_Part], total: int) -> Spoken:
    card = model.card
    heard = [join([*part.pieces, part.stream.finish()]) for part in parts]
    slots = max((one.memory.shape[1] for one in heard), default=0)
    values, memory = np.zeros((total, len(card.channels)), np.float32), np.zeros((total, slots), np.float32)
    visemes = np.zeros((total, len(VISEMES)), np.float32)
    prosody = np.full((total, 3), _UNHEARD_DB, np.float32)
    prosody[:, 2] = np.nan
    for part, one in zip(parts, heard, strict=True):
        if not len(one.visemes):
            continue
        skipped = part.first - part.begin_sample // model.hop
        count = min(part.end, total) - part.first
        rows, of_part = slice(part.first, part.first + count), slice(skipped, skipped + count)
        values[rows], visemes[rows] = one.motion.values[of_part], one.visemes[of_part]
        memory[rows] = one.memory[of_part]
        if one.prosody is not None:
            prosody[rows] = one.prosody[of_part]
    return Spoken(FaceMotion(values, card.channels, card.rate_hz), visemes, memory, prosody)


def spliced(old: Spoken, new: Spoken, begin_s: float, end_s: float, blend_s: float) -> Spoken:
    """A line in which one span was heard again: from one into the other within `blend_s` around the span.

    The line keeps its length: where the new sound is shorter, the old one stays.
    """
    rows = min(len(old.motion.values), len(new.motion.values))
    times_s = old.motion.times_s[:rows]
    away_s = np.maximum(begin_s - times_s, times_s - end_s)
    share = np.clip(1.0 - away_s / blend_s, 0.0, 1.0).astype(np.float32)[:, None]
    values, visemes = old.motion.values.copy(), old.visemes.copy()
    values[:rows] += share * (new.motion.values[:rows] - values[:rows])
    visemes[:rows] += share * (new.visemes[:rows] - visemes[:rows])
    prosody = None if old.prosody is None else old.prosody.copy()
    if prosody is not None and new.prosody is not None:
        prosody[:rows] = np.where(share > 0.5, new.prosody[:rows], prosody[:rows])
    nothing = np.zeros((len(values), 0), np.float32)
    return Spoken(replace(old.motion, values=values), visemes, nothing, prosody)
