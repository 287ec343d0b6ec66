"""Instructions in words: what is written is read back, and English that nobody wrote for it is read too."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soliloquy.inference.instruction.reader import MOST_WORDS, read
from soliloquy.inference.instruction.values import ACTIONS, EMOTIONS, Instruction
from soliloquy.inference.instruction.writer import nearest_step, write

instructions = st.builds(
    Instruction,
    st.tuples(*(st.floats(0, 1) | st.just(0.0) for _ in EMOTIONS)),
    st.tuples(*(st.floats(action.low, 1) | st.just(0.0) for action in ACTIONS)),
    st.floats(0, 1) | st.just(1.0),
)


@settings(max_examples=80, deadline=None)
@given(instructions)
def test_what_is_written_is_read_back_to_the_nearest_degree(instruction):
    sentence = write(instruction)
    reading = read(sentence)
    assert reading.not_understood == ()
    assert reading.notices == ()
    assert len(reading.spans) == 1
    read_back = reading.instruction.values()
    for name, value in instruction.values().items():
        step = nearest_step(abs(value))
        assert read_back.get(name, 0.0) == pytest.approx(step if value > 0 else -step), (name, sentence)
    assert set(read_back) <= set(instruction.values()), sentence
    assert reading.instruction.intensity == pytest.approx(instruction.intensity, abs=0.0251)
    assert write(reading.instruction) == sentence
