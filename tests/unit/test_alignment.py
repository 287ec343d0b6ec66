import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference import alignment
from soliloquy.inference.alignment import LONGEST_S, SegmentStream, TextDoesNotFit, align, decode
from soliloquy.inference.visemes import UNKNOWN, VISEMES, frame_classes

RATE_HZ = 50.0
SOUNDS = st.integers(1, len(VISEMES) - 1)


def heard(runs, confidence=0.8, seed=None):
    """Posteriors of (class, frames) runs; with a seed one frame in six is heard wrongly."""
    labels = np.concatenate([np.full(frames, label) for label, frames in runs])
    if seed is not None:
        generator = np.random.default_rng(seed)
        labels = np.where(
            generator.random(len(labels)) < 1 / 6, generator.integers(0, 15, len(labels)), labels
        )
    rest = (1.0 - confidence) / (len(VISEMES) - 1)
    visemes = np.full((len(labels), len(VISEMES)), rest, np.float32)
    visemes[np.arange(len(labels)), labels] = confidence
    return visemes


def spelt(segments):
    return [segment.viseme for segment in segments]


def lengths(segments):
    return [round((segment.end_s - segment.start_s) * RATE_HZ) for segment in segments]


def assert_without_gaps(segments, frames):
    edges = [segment.start_s for segment in segments] + [frames / RATE_HZ]
    assert edges[0] == 0.0
    np.testing.assert_allclose([segment.end_s for segment in segments], edges[1:])


@st.composite
def lines(draw):
    """(word, ...) of distinct neighbours, and the frames of every phone."""
    sounds = draw(st.lists(SOUNDS, min_size=1, max_size=12).filter(lambda s: np.all(np.diff(s) != 0)))
    cuts = draw(st.sets(st.integers(1, max(1, len(sounds) - 1)), max_size=4))
    words = [list(word) for word in np.split(np.array(sounds), sorted(c for c in cuts if c < len(sounds)))]
    frames = draw(st.lists(st.integers(3, 12), min_size=len(sounds), max_size=len(sounds)))
    return words, frames


@given(lines(), st.integers(0, 20), st.booleans())
def test_clear_speech_is_aligned_exactly(line, pause, ends_silent):
    words, frames = line
    sounds = [sound for word in words for sound in word]
    runs = [(0, pause), *zip(sounds, frames, strict=True), (0, 9 * ends_silent)]
    segments = align(heard(runs), words, RATE_HZ)
    assert_without_gaps(segments, sum(n for _, n in runs))
    told = [(s, n) for s, n in zip(spelt(segments), lengths(segments), strict=True) if s]
    assert [s for s, _ in told] == sounds
    assert [n for _, n in told] == frames


def test_silence_may_come_between_words_and_not_inside_one():
    visemes = heard([(10, 10), (0, 20), (5, 10)], 0.97)
    apart = align(visemes, [[10], [5]], RATE_HZ)
    assert spelt(apart) == [10, 0, 5]
    assert lengths(apart) == [10, 20, 10]
    with pytest.raises(TextDoesNotFit):
        align(visemes, [[10, 5]], RATE_HZ)


def test_an_unknown_phone_takes_what_nothing_else_wants():
    segments = align(heard([(0, 10), (5, 4), (10, 12)]), [[UNKNOWN, 10]], RATE_HZ)
    assert spelt(segments) == [0, UNKNOWN, 10]
    assert lengths(segments)[2] == 12


def test_phones_that_are_hardly_heard_get_their_minimum_between_their_neighbours():
    segments = align(heard([(10, 20), (11, 20)]), [[10, 1, 11]], RATE_HZ)
    assert spelt(segments) == [10, 1, 11]
    assert lengths(segments)[1] == 2
    assert abs(segments[1].start_s - 0.4) < 0.05


def test_some_wrong_frames_do_not_move_it_far():
    generator = np.random.default_rng(0)
    sounds = [3, *generator.permutation(np.arange(1, 15))] * 3
    runs = [(sound, 8) for sound in sounds]
    segments = align(heard(runs, seed=1), [sounds[i : i + 3] for i in range(0, len(sounds), 3)], RATE_HZ)
    starts = [segment.start_s * RATE_HZ for segment in segments if segment.viseme]
    assert np.abs(np.array(starts) - 8 * np.arange(len(sounds))).max() <= 4


@pytest.mark.parametrize("words", [[[12, 1, 5, 14]], [[3, 10, 7], [5, 12] * 6], [[10]], [], [[]], [[3] * 36]])
def test_what_does_not_fit_is_refused(words):
    visemes = heard([(0, 20), (3, 10), (10, 10), (7, 10), (0, 20)], 0.95)
    assert spelt(align(visemes, [[3, 10, 7]], RATE_HZ)) == [0, 3, 10, 7, 0]
    with pytest.raises(TextDoesNotFit):
        align(visemes, words, RATE_HZ)


def test_nothing_can_be_said_in_no_time():
    with pytest.raises(TextDoesNotFit):
        align(np.zeros((0, 15), np.float32), [[3]], RATE_HZ)


def test_a_part_that_is_not_said_is_unknown_and_the_rest_is_kept():
    generator = np.random.default_rng(5)
    sounds = [int(s) for s in generator.permutation(np.tile(np.arange(1, 10), 10))]
    foreign = [12, 13, 14, 12, 13, 14, 12, 13, 14, 12, 13, 14]
    words = [sounds[:45], foreign, sounds[45:]]
    segments = [s for s in align(heard([(s, 6) for s in sounds], 0.95), words, RATE_HZ) if s.viseme]
    assert len(segments) == len(sounds) + len(foreign)
    assert {s.viseme for s in segments[45 : 45 + len(foreign)]} == {UNKNOWN}
    assert spelt(segments[:35]) == sounds[:35]
    assert spelt(segments[-35:]) == sounds[-35:]


def test_a_band_and_blocks_change_nothing_where_the_path_stays_inside(monkeypatch):
    generator = np.random.default_rng(2)
    sounds = generator.integers(1, 15, 400)
    runs = [(int(s), int(n)) for s, n in zip(sounds, generator.integers(2, 7, 400), strict=True)]
    words = [list(word) for word in np.split(sounds, 100)]
    visemes = heard([(0, 300), *runs], seed=3)
    whole = align(visemes, words, RATE_HZ)
    monkeypatch.setattr(alignment, "_BAND", 300)
    monkeypatch.setattr(alignment, "_BLOCK", 64)
    assert align(visemes, words, RATE_HZ) == whole


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(4, 40)), min_size=1, max_size=12))
def test_clear_runs_are_decoded_as_they_are(runs):
    segments = decode(heard(runs, 0.95), RATE_HZ)
    frames = sum(n for _, n in runs)
    assert_without_gaps(segments, frames)
    expected = np.concatenate([np.full(n, label) for label, n in runs])
    np.testing.assert_array_equal(frame_classes(segments, frames, RATE_HZ), expected)


def test_a_single_wrong_frame_is_smoothed_away():
    assert spelt(decode(heard([(10, 20), (1, 1), (10, 20)], 0.6), RATE_HZ)) == [10]


@given(st.lists(st.integers(0, 60), max_size=8), st.integers(0, 5))
def test_decoding_does_not_depend_on_how_the_sound_is_cut(cuts, seed):
    generator = np.random.default_rng(seed)
    visemes = generator.dirichlet(np.full(15, 0.3), 300).astype(np.float32)
    stream, segments, start, known_s = SegmentStream(RATE_HZ), [], 0, 0.0
    for length in [*cuts, len(visemes)]:
        segments += stream.feed(visemes[start : start + length])
        start += length
        assert stream.known_until_s >= known_s
        known_s = stream.known_until_s
        assert known_s == (segments[-1].end_s if segments else 0.0)
    assert segments + stream.finish() == decode(visemes, RATE_HZ)


def test_a_long_run_arrives_in_parts_and_memory_stays_bounded():
    stream, segments = SegmentStream(RATE_HZ), []
    for _ in range(60):
        segments += stream.feed(heard([(0, 50)]))
        assert len(stream._behind) < RATE_HZ
    assert 55.0 < stream.known_until_s <= 60.0
    assert {s.viseme for s in segments} == {0}
    assert max(s.end_s - s.start_s for s in segments) <= LONGEST_S + 1e-6


def test_nothing_heard_gives_no_segments():
    assert decode(np.zeros((0, 15), np.float32), RATE_HZ) == []
