"""Instructions in words: what is written is read back, and English that nobody wrote for it is read too."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.instruction.lexicon import lexicon
from soliloquy.inference.instruction.reader import MOST_WORDS, read
from soliloquy.inference.instruction.values import ACTION_NAMES, ACTIONS, EMOTIONS, Instruction
from soliloquy.inference.instruction.writer import nearest_step, write
from soliloquy.models.evaluate_instruction import judge

SENTENCES = Path(__file__).with_name("instruction_sentences.txt")
HELD_OUT = Path(__file__).with_name("instruction_held_out.txt")
MANUAL = Path(__file__).resolve().parents[2] / "docs" / "manual" / "instruction.md"

instructions = st.builds(
    Instruction,
    st.tuples(*(st.floats(0, 1) | st.just(0.0) for _ in EMOTIONS)),
    st.tuples(*(st.floats(action.low, 1) | st.just(0.0) for action in ACTIONS)),
    st.floats(0, 1) | st.just(1.0),
)


def values(text):
    return read(text).instruction.values()


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


def test_the_sentence_reads_like_a_direction():
    asked = {"sadness": 0.6, "brows": -0.3, "inner_brows": 0.2, "nods": 0.7, "pace": -0.7}
    assert write(Instruction.of(asked)) == (
        "A quite sad speaker, brows mildly lowered, inner brows slightly raised, slow nods."
    )
    assert write(Instruction.of({"anger": 0.2, "joy": 0.2, "pain": 1.0}, 0.5)) == (
        "A slightly angry and slightly joyful speaker, extremely in pain, at 50 % intensity."
    )
    assert write(Instruction()) == "A neutral speaker."


def test_sentences_of_many_kinds_are_read_with_the_right_sign():
    judged = judge(SENTENCES.read_text(encoding="utf-8").splitlines())
    stated = sum(len(one.stated) for one in judged)
    wrong = [(one.sentence, one.wrong) for one in judged if one.wrong]
    assert stated > 700
    assert len(wrong) <= 0.02 * stated, wrong


def test_sentences_that_the_lexicon_was_not_written_for_are_read():
    judged = judge(HELD_OUT.read_text(encoding="utf-8").splitlines())
    assert len(judged) == 60
    actions = [claim for one in judged for claim in one.stated if claim[:-1] in ACTION_NAMES]
    wrong = [(one.sentence, c) for one in judged for c in one.wrong if c[:-1] in ACTION_NAMES]
    assert len(wrong) <= 0.1 * len(actions), wrong


@pytest.mark.parametrize("action", ACTIONS, ids=ACTION_NAMES)
def test_the_terms_of_every_action_are_read_as_it(action):
    assert values(action.plus)[action.name] > 0
    if action.minus:
        assert values(action.minus)[action.name] < 0


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_emotion_has_its_name(emotion):
    assert values(emotion) == {emotion: pytest.approx(0.7)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("brows raised", {"brows": 0.7}),
        ("raised brows", {"brows": 0.7}),
        ("her brows, slightly raised", {"brows": 0.2}),
        ("brows raised by 35 %", {"brows": 0.35}),
        ("brows and cheeks lifted", {"brows": 0.7, "cheeks": 0.7}),
        ("raised brows, lips pressed", {"brows": 0.7, "lip_press": 0.7}),
        ("brows lowered, drawn together", {"brows": -0.7, "inner_brows": -0.7}),
        ("half angry, half sad", {"anger": 0.5, "sadness": 0.5}),
        ("anger: 0.4; brows = -0.25", {"anger": 0.4, "brows": -0.25}),
        ("AU4 and AU12C", {"brows": -0.7, "mouth_corners": 0.6}),
        ("head tilted to her left", {"head_tilt": -0.7}),
        ("head turned left, gaze to the right", {"head_turn": 0.7, "gaze_side": -0.7}),
        ("eybrows raissed, mouht open", {"brows": 0.7, "jaw": 0.7}),
        ("very, very sad", {"sadness": 1.0}),
        ("a bit of anger", {"anger": 0.2}),
    ],
)
def test_what_a_phrase_gives(text, expected):
    assert values(text) == {name: pytest.approx(value) for name, value in expected.items()}


@pytest.mark.parametrize(
    "text", ["not smiling", "no smile", "she isn't angry", "without nods", "brows not raised", "never sad"]
)
def test_what_is_denied_is_not_done(text):
    reading = read(text)
    assert reading.instruction.values() == {}
    assert reading.not_understood == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("without blinking", "blinking"),
        ("hardly moves the head", "head_motion"),
        ("hardly any head movement", "head_motion"),
        ("less blinking", "blinking"),
    ],
)
def test_of_what_everybody_does_less_can_be_asked(text, name):
    assert values(text)[name] < -0.3


def test_times_give_spans():
    reading = read("At first a sad speaker, then she smiles, and at the end she is furious, brows lowered.")
    assert [span.start for span in reading.spans] == pytest.approx([0.0, 1 / 3, 2 / 3])
    first, second, third = (span.instruction.values() for span in reading.spans)
    assert first == {"sadness": pytest.approx(0.7)}
    assert second["sadness"] == pytest.approx(0.7)  # a feeling stays until another one comes
    assert second["mouth_corners"] > 0
    assert set(third) == {"anger", "brows"}
    track = reading.track(9.0)
    emotions, _ = track.at(np.array([1.0, 8.0]))
    assert emotions[0, EMOTIONS.index("sadness")] > 0.5 > emotions[0, EMOTIONS.index("anger")]
    assert emotions[1, EMOTIONS.index("anger")] > 0.5 > emotions[1, EMOTIONS.index("sadness")]


def test_what_is_not_understood_is_named():
    reading = read("A sad speaker with flibbering ears, brows lowered, in a purple room")
    assert reading.not_understood == ("flibbering", "ears", "purple")
    assert set(reading.instruction.values()) == {"sadness", "brows"}
    assert read("the eyebrows").not_understood == ("eyebrows",)


def test_contradictions_are_told():
    even = read("brows raised and brows lowered")
    assert "brows" not in even.instruction.values()
    assert "cancel" in even.notices[0]
    uneven = read("brows slightly raised, brows very lowered")
    assert uneven.instruction.values()["brows"] == pytest.approx(-0.85)
    assert "stronger" in uneven.notices[0]


def test_numbers_outside_their_range_are_clipped_and_told():
    for text in ("anger 5.0", "anger: 5", "500 % anger"):
        reading = read(text)
        assert reading.instruction.values() == {"anger": 1.0}, text
        assert "anger goes from 0 to 1: 5" in reading.notices[0]
    assert read("nods -3").instruction.values() == {}
    most = read("sad at 300 % intensity")
    assert most.instruction.intensity == 1.0
    assert "intensity goes from 0 to 1: 3" in most.notices[0]


@pytest.mark.parametrize(
    "text",
    [
        "Ein trauriger Sprecher, die Augenbrauen gesenkt, der Kopf geneigt",
        "Le visage triste, les sourcils baissés, il regarde vers le bas",
        "悲しそうな顔で、眉を下げて、ゆっくりうなずく人",
        "Она грустно смотрит вниз и медленно кивает головой",
        "Un hablante triste con las cejas bajas y la boca cerrada",
        "Een boze man met gefronste wenkbrauwen en open mond",
    ],
)
def test_another_language_is_neutral_and_told(text):
    reading = read(text)
    assert reading.instruction == Instruction()
    assert len(reading.notices) == 1


def test_rare_english_words_are_not_another_language():
    reading = read("melancholy troubadour serenading")
    assert reading.instruction.values() == {"sadness": pytest.approx(0.7)}
    assert reading.not_understood == ("troubadour", "serenading")


@pytest.mark.parametrize("text", ["", "  \n", "12 13 14", "...", "?!", "qwerty"])
def test_nothing_to_read_is_neutral_and_told(text):
    reading = read(text)
    assert reading.instruction == Instruction()
    assert "neutral" in reading.notices[0]


def _cpu_s(text):
    before = time.process_time()
    read(text)
    return time.process_time() - before


@pytest.mark.parametrize("word", ["eyebrows", "raised", "qwxzvbn", "very", "left", "not", "5"])
def test_ten_thousand_words_cost_little_more_than_what_is_read_of_them(word):
    text = f"sad {word} " * 5000
    kept = text[: len(text) * MOST_WORDS // 10_000]
    reading = read(text)
    assert min(_cpu_s(text) for _ in range(5)) < 10.0 * min(_cpu_s(kept) for _ in range(5))
    assert str(MOST_WORDS) in reading.notices[0]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from(sorted(lexicon().raw)), max_size=20).map(" ".join))
def test_any_text_gives_a_valid_instruction(text):
    reading = read(text)  # Instruction checks its own ranges
    assert reading.spans[0].start == 0.0
    assert reading.track(3.0).times_s[0] == 0.0
    assert reading.instruction.values() or reading.notices or reading.spans


known = sorted({" ".join(stems) for stems in lexicon().entries})


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(known) | st.sampled_from([",", ".", "and", "5", "30 %"]), max_size=25))
def test_any_words_of_the_lexicon_give_a_valid_instruction(words):
    reading = read(" ".join(words))
    assert reading.track(10.0).instructions


def test_a_known_word_is_never_taken_for_another():
    words = lexicon()
    for word in {word for stems in words.entries for word in stems if words.knows(words.stem(word))}:
        assert words.mended(word) == words.stem(word)
    for word in ("story", "horse", "world", "bread", "leader", "whale", "flower"):
        assert not words.knows(words.mended(word)), word


def manual_rows(heading):
    """Cells of the table below a heading of the manual's page."""
    part = MANUAL.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_words_of_the_manual_are_read_as_it_says():
    rows = manual_rows("What the face and the head do")
    assert [row[0].strip("`") for row in rows] == list(ACTION_NAMES)
    for name, plus, minus in rows:
        assert values(plus)[name.strip("`")] > 0.3, plus
        assert not minus or values(minus)[name.strip("`")] < -0.3, minus
    rows = manual_rows("Emotions")
    assert [row[0] for row in rows] == list(EMOTIONS)
    for name, words in rows:
        for word in words.replace(";", ",").split(","):
            assert values(word).get(name, 0.0) > 0.2, word
    for words, value in manual_rows("How much"):
        for word in words.replace("(nothing)", "").split(","):
            assert values(f"{word} sad")["sadness"] == pytest.approx(float(value)), word
