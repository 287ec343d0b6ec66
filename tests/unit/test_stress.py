"""Stress, phrases and questions, on voices made for the purpose."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.performance.stress import CONTEXT_S, phrases, questions, stresses
from soliloquy.inference.visemes import VISEMES

SIL, AA, DD = VISEMES.index("sil"), VISEMES.index("aa"), VISEMES.index("DD")


def voice(syllables, pause_s=0.4, rise=0.0):
    """Syllables of 0.2 s (0.06 s consonant, then a vowel) of (level dB, pitch octaves above 7), pauses
    around; `rise` octaves are added to the pitch over the last 0.4 s of speech."""
    quiet = round(50 * pause_s)
    level, pitch, spoken = [-60.0] * quiet, [np.nan] * quiet, [SIL] * quiet
    for loud, high in syllables:
        level += [loud - 8.0] * 3 + [loud] * 7
        pitch += [np.nan] * 3 + [7.0 + high] * 7
        spoken += [DD] * 3 + [AA] * 7
    pitch = np.array(pitch)
    pitch[-20:] += np.linspace(0.0, rise, 20)
    level, pitch, spoken = level + [-60.0] * quiet, [*pitch, *[np.nan] * quiet], spoken + [SIL] * quiet
    prosody = np.stack([level, np.array(level) - 20.0, pitch], axis=1).astype(np.float32)
    return prosody, np.eye(len(VISEMES), dtype=np.float32)[spoken]


def test_the_loud_and_high_syllable_is_the_stressed_one():
    prosody, visemes = voice([(-25.0, 0.0)] * 5 + [(-17.0, 0.3)] + [(-25.0, 0.0)] * 5)
    found = stresses(prosody, visemes)
    assert len(found) == 1
    assert 1.4 <= found[0, 0] <= 1.6  # the sixth syllable: 0.4 + 1.0 to 0.4 + 1.2 s
    assert 0.5 < found[0, 1] <= 1.0


def test_more_stress_is_stronger():
    strengths = []
    for more_db in (3.0, 5.0, 8.0):
        syllables = [(-25.0, 0.0)] * 5 + [(-25.0 + more_db, 0.1)] + [(-25.0, 0.0)] * 5
        strengths.append(stresses(*voice(syllables))[:, 1].max())
    assert strengths[0] < strengths[1] < strengths[2]


def test_even_syllables_and_silence_have_no_stress():
    assert len(stresses(*voice([(-25.0, 0.0)] * 10))) == 0
    silence = np.full((200, 3), np.nan, np.float32)
    silence[:, :2] = -70.0
    still = np.eye(len(VISEMES), dtype=np.float32)[[SIL] * 200]
    assert len(stresses(silence, still)) == 0
    assert len(phrases(still)) == 0
    assert len(questions(silence, still)) == 0
    assert stresses(silence[:0], still[:0]).shape == (0, 2)


def test_phrases_end_at_pauses_but_not_at_closures():
    first = voice([(-20.0, 0.0)] * 4, pause_s=0.1)  # 0.2 s of silence between two of these: a closure
    second = voice([(-20.0, 0.0)] * 4, pause_s=0.3)
    visemes = np.concatenate([first[1], first[1], second[1]])
    assert np.allclose(phrases(visemes), [[0.1, 1.9], [2.3, 3.1]])


def test_a_phrase_that_rises_at_the_end_asks():
    syllables = [(-20.0, 0.0)] * 8
    asked = questions(*voice(syllables, rise=0.5))
    assert len(asked) == 1
    start, end, strength = asked[0]
    assert abs(end - 2.0) < 0.05
    assert abs(end - start - 0.8) < 1e-6
    assert 0.5 < strength <= 1.0
    assert len(questions(*voice(syllables))) == 0
    assert len(questions(*voice(syllables, rise=-0.5))) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(3.0, 6.0))
def test_a_moment_depends_on_its_context_alone(seed, middle_s):
    random = np.random.default_rng(seed)
    syllables = [(-25.0 + 6.0 * random.standard_normal(), 0.2 * random.standard_normal()) for _ in range(45)]
    prosody, visemes = voice(syllables)
    whole = stresses(prosody, visemes)
    first = round((middle_s - CONTEXT_S) * 50)
    part = stresses(prosody[first : first + 250], visemes[first : first + 250])
    part[:, 0] += first / 50
    inside = [(x[:, 0] >= middle_s) & (x[:, 0] < middle_s + 1.0 - 1e-9) for x in (whole, part)]
    assert np.allclose(whole[inside[0]], part[inside[1]], atol=1e-6)
