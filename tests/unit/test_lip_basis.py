import numpy as np
import pytest
from soliloquy.inference.channels import ARKIT_52, mirror
from soliloquy.inference.lip_basis import CHANNELS_MM, CONTROLS_MM, REST_MM, lip_curves


def face(**weights):
    values = np.zeros(len(ARKIT_52), np.float32)
    for name, weight in weights.items():
        values[ARKIT_52.index(name)] = weight
    return values


def measured(shared):
    """Rest and change per control of the ICT face itself, (aperture, width) in mm."""
    arkit_fit = pytest.importorskip("soliloquy.models.data.arkit_fit")
    rest, basis = arkit_fit.ict_lip_basis(shared)
    return rest[:2], {name: basis[:2, k] for k, name in enumerate(arkit_fit.CONTROLS)}


def test_the_table_is_what_the_face_measures(shared):
    rest, change = measured(shared)
    np.testing.assert_allclose(REST_MM, rest, atol=0.01)
    assert set(CONTROLS_MM) == set(change)
    for name, row in CONTROLS_MM.items():
        np.testing.assert_allclose(row, change[name], atol=0.006, err_msg=name)


def test_channels_are_arkit_and_both_sides_count_the_same():
    assert set(CHANNELS_MM) <= set(ARKIT_52)
    assert all(CHANNELS_MM[mirror(name)] == row for name, row in CHANNELS_MM.items())


def test_both_sides_together_make_the_pair():
    for control, row in CONTROLS_MM.items():
        pair = [n for n in (control, control + "Left", control + "Right") if n in CHANNELS_MM]
        np.testing.assert_allclose(np.sum([CHANNELS_MM[n] for n in pair], axis=0), row, atol=1e-9)


def test_known_mouths():
    rest = lip_curves(face(), ARKIT_52)
    np.testing.assert_allclose(rest, REST_MM, rtol=1e-6)
    opened, rounded = (
        lip_curves(face(jawOpen=0.5), ARKIT_52),
        lip_curves(face(mouthPucker=0.8), ARKIT_52),
    )
    spread = lip_curves(face(mouthStretchLeft=0.5, mouthStretchRight=0.5), ARKIT_52)
    pressed = lip_curves(face(jawOpen=0.3, mouthClose=0.3), ARKIT_52)
    assert opened[0] == pytest.approx(REST_MM[0] + 16.375, abs=0.01)
    assert rounded[1] < rest[1] < spread[1]
    assert pressed[0] < 0.0


def test_every_frame_for_itself_and_other_channels_count_nothing():
    values = np.stack([face(jawOpen=0.2), face(browInnerUp=1.0)])
    aperture, width = lip_curves(values, ARKIT_52)
    assert aperture.shape == width.shape == (2,)
    assert (aperture[1], width[1]) == pytest.approx(REST_MM)
    few = lip_curves(np.array([[0.2]], np.float32), ("jawOpen",))
    assert few[0][0] == pytest.approx(aperture[0])
