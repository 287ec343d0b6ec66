"""Speech and expression on one face: what speech needs of the lips stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.instruction.values import EMOTIONS, Instruction, InstructionTrack
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.performance.combine import REACH_S, combine
from soliloquy.inference.performance.expression import expression
from soliloquy.inference.performance.style import Style
from soliloquy.inference.visemes import VISEMES

ROWS = 200
MOUTH = [i for i, name in enumerate(ARKIT_52) if name.startswith(("mouth", "jaw"))]


def face(**weights):
    row = np.zeros(len(ARKIT_52), np.float32)
    for name, weight in weights.items():
        for channel in (name, name + "Left", name + "Right"):
            if channel in ARKIT_52:
                row[ARKIT_52.index(channel)] = weight
    return np.tile(row, (ROWS, 1))


def heard(name):
    posteriors = np.zeros((ROWS, len(VISEMES)), np.float32)
    posteriors[:, VISEMES.index(name)] = 1.0
    return posteriors


def felt(emotion, rows=ROWS):
    track = InstructionTrack.constant(Instruction.of({emotion: 1.0}))
    return expression(track, Style(seed=1), 1.0 + np.arange(rows) / 50)


def aperture(values):
    return lip_curves(values, ARKIT_52)[0]


CLOSED = face(jawOpen=0.12, mouthClose=0.14, mouthPress=0.1)
OPEN = face(jawOpen=0.35, mouthLowerDown=0.1)
ROUND = face(jawOpen=0.12, mouthPucker=0.7, mouthFunnel=0.3)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_no_emotion_parts_lips_that_speech_closes(emotion):
    assert aperture(CLOSED).max() <= 0.0
    assert aperture(combine(CLOSED, felt(emotion), heard("PP"))).max() <= 1e-4


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_emotion_leaves_open_what_speech_opens(emotion):
    before, after = aperture(OPEN).min(), aperture(combine(OPEN, felt(emotion), heard("aa"))).min()
    assert 0.65 * before <= after <= 1.65 * before


def test_a_smile_gives_way_to_a_rounding_but_stays():
    smile = face(mouthSmile=0.7)
    in_round = combine(ROUND, smile, heard("U"))
    in_open = combine(OPEN, smile, heard("aa"))
    left = ARKIT_52.index("mouthSmileLeft")
    assert 0.2 < in_round[:, left].min() < 0.75 * in_open[:, left].min()
    assert in_round[:, ARKIT_52.index("mouthPucker")] == pytest.approx(0.7)


def test_a_jaw_that_drops_scales_the_opening_of_speech():
    opening = np.linspace(0.05, 0.3, ROWS, dtype=np.float32)
    speech = face()
    speech[:, ARKIT_52.index("jawOpen")] = opening
    before, after = aperture(speech), aperture(combine(speech, face(jawOpen=0.25), heard("aa")))
    gain = (after / before)[20:-20]
    assert gain.min() > 1.3
    assert np.ptp(gain) < 0.25


def test_lips_in_a_pause_part_a_little_only():
    rest = face()
    mouth = aperture(combine(rest, face(jawOpen=0.3), heard("sil"))) - aperture(rest)
    assert 1.0 < mouth.min() <= mouth.max() < 3.0


def test_the_upper_face_joins_whole():
    brows = face(browDown=0.8, eyeWide=0.5, cheekSquint=0.6)
    joined = combine(OPEN, brows, heard("aa"))
    for name in ("browDownLeft", "eyeWideRight", "cheekSquintLeft"):
        assert joined[:, ARKIT_52.index(name)] == pytest.approx(brows[0, ARKIT_52.index(name)])


def test_without_an_expression_speech_is_as_it_was():
    for speech in (CLOSED, OPEN, ROUND):
        np.testing.assert_allclose(combine(speech, face(), heard("aa")), speech, atol=1e-6)


def test_a_wrinkled_nose_does_not_part_closed_lips():
    nose = face(noseSneer=0.8)
    joined = combine(CLOSED, nose, heard("PP"))
    lifted = 0.8 * 2 * 3.1  # what both sides of the nose open, see `_LIFTS_MM`
    assert (aperture(joined) + lifted).max() <= aperture(CLOSED).max() + 1e-3
    assert joined[:, ARKIT_52.index("noseSneerLeft")] == pytest.approx(0.8)


@given(st.integers(0, 2**32 - 1))
def test_any_mixture_stays_in_range_and_keeps_closures(seed):
    rng = np.random.default_rng(seed)
    speech = np.zeros((60, len(ARKIT_52)), np.float32)
    speech[:, MOUTH] = rng.random((60, len(MOUTH))) ** 2
    wanted = rng.random((60, len(ARKIT_52))).astype(np.float32)
    visemes = rng.dirichlet(np.ones(len(VISEMES)) * 0.2, 60).astype(np.float32)
    joined = combine(speech, wanted, visemes)
    assert joined.min() >= 0.0
    assert joined.max() <= 1.0
    met = aperture(speech) <= 0.0
    assert (aperture(joined)[met] <= 1e-3).all()


def test_pieces_with_their_surroundings_are_the_whole():
    rng = np.random.default_rng(3)
    rows, around = 400, round(REACH_S * 50)
    speech = np.zeros((rows, len(ARKIT_52)), np.float32)
    speech[:, MOUTH] = rng.random((rows, len(MOUTH))) ** 3
    visemes = rng.dirichlet(np.ones(len(VISEMES)) * 0.2, rows).astype(np.float32)
    wanted = felt("joy", rows)
    whole = combine(speech, wanted, visemes)
    for start, stop in ((0, 90), (90, 250), (250, rows)):
        outer = slice(max(0, start - around), stop + around)
        piece = combine(speech[outer], wanted[outer], visemes[outer])[start - outer.start :][: stop - start]
        np.testing.assert_allclose(piece, whole[start:stop], atol=1e-6)
