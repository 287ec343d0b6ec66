"""What names say: every set that is known, and names that must not be taken for what they are not."""

import numpy as np
import pytest
import rig_helpers as faces
from hypothesis import given
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.rig_movements import mirrored, movements
from soliloquy.inference.rig_names import fold, presets, read_names

SETS = {
    "Oculus": ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U"],
    "VRM": ["A", "I", "U", "E", "O"],
    "Preston": ["AI", "E", "O", "U", "L", "WQ", "MBP", "FV", "etc", "rest"],
    "Rhubarb": ["A", "B", "C", "D", "E", "F", "G", "H", "X"],
}


@pytest.mark.parametrize("prefix", ["", "viseme_", "vrc.v_", "Face.M_F00_000_00_Fcl_MTH_", "mouth "])
@pytest.mark.parametrize("title", SETS)
def test_sets_are_known_behind_any_shared_prefix(title, prefix):
    names = [prefix + sound for sound in SETS[title]]
    (found,) = read_names([*names, "Blink", "Hat"]).visemes
    assert found.title.startswith(title)
    assert set(found.recipes) == set(names)


@pytest.mark.parametrize(
    "names",
    [
        ["aa", "ih", "ou", "ee", "oh"],
        ["あ", "い", "う", "え", "お"],
        ["ah", "ih", "uu", "ee", "oh"],
        [f"Fcl_MTH_{sound}" for sound in "AIUEO"],
    ],
)
def test_vowels_of_vrm_and_mmd(names):
    (found,) = read_names(names).visemes
    assert set(found.recipes) == set(names)
    opening = [found.recipes[name].get("jawOpen", 0.0) for name in names]
    assert np.argmax(opening) == 0  # the a opens most
    assert "mouthPucker" in found.recipes[names[2]]


@pytest.mark.parametrize("pattern", ["viseme_{}", "Viseme{:02d}", "vis{}"])
def test_microsoft_visemes_by_number(pattern):
    (found,) = read_names([pattern.format(i) for i in range(22)]).visemes
    assert found.title.startswith("Microsoft")
    assert found.recipes[pattern.format(21)]["mouthPressLeft"] > 0  # p, b, m


def test_microsoft_visemes_as_mpfb_names_them():
    names = ["sil_00", "aa_ah_ax_01", "aa_02", "ao_03", "ey_eh_uh_04", "er_05", "y_iy_ih_ix_06", "w_uw_07"]
    names += ["ow_08", "aw_09", "oy_10", "ay_11", "h_12", "r_13", "l_14", "s_z_15", "sh_ch_jh_zh_16"]
    names += ["th_dh_17", "f_v_18", "d_t_n_19", "k_g_ng_20", "p_b_m_21"]
    (found,) = read_names(names).visemes
    assert set(found.recipes) == set(names)


@pytest.mark.parametrize(
    "pattern", ["Exp{:03d}", "expression_{}", "{}", "pca.{:02d}", "FLAME_expr{}", "psi {}"]
)
def test_numbers_of_a_basis_keep_their_order(pattern):
    names = [pattern.format(i) for i in range(50)]
    reading = read_names(names)
    assert reading.numbered == tuple(names)
    assert reading.visemes == ()


@pytest.mark.parametrize(
    ("name", "movement"),
    [
        ("Blink", "eyeBlink"),
        ("Fcl_EYE_Close_L", "eyeBlinkLeft"),
        ("まばたき", "eyeBlink"),
        ("ウィンク２", "eyeBlinkLeft"),
        ("LookLeft", "eyesLeft"),
        ("Face.M_F00_000_00_Fcl_EYE_Close", "eyeBlink"),
        ("eye-left-closure", "eyeBlinkLeft"),
        ("mouth-corner-puller", "mouthSmile"),
        ("eyebrows-right-inner-up", "browInnerUp.Right"),
        ("Brow_Raise_Inner_L", "browInnerUp.Left"),
        ("Mouth_Roll_In_Lower", "mouthRollLower"),
        ("eyesClosed", "eyeBlink"),
        ("mouthOpen", "jawOpen"),
        ("jawOpn", "jawOpen"),
        ("mouthSmlieLeft", "mouthSmileLeft"),
        ("nose_sneer_rigth", "noseSneerRight"),
    ],
)
def test_single_keys(name, movement):
    assert read_names([name]).movements[name][0] == movement


@pytest.mark.parametrize(
    "names",
    [["A"], ["A", "E"], ["Hat", "Fat", "Old"], ["Key 1", "Key 2"], ["HideBlush", "HideHair"], ["", "_"]],
)
def test_what_is_no_face_key_says_nothing(names):
    reading = read_names(names)
    assert (dict(reading.movements), reading.visemes, reading.numbered) == ({}, (), ())


def test_arkit_beside_visemes_are_told_apart():
    names = [*ARKIT_52, *(f"viseme_{sound}" for sound in SETS["Oculus"])]
    reading = read_names(names)
    assert {name: m for name, (m, _) in reading.movements.items()} == {c: c for c in ARKIT_52}
    assert len(reading.visemes[0].recipes) == 15


@given(st.lists(st.text(max_size=12), unique=True, max_size=30))
def test_any_names_are_read_and_no_key_is_in_two_groups(names):
    reading = read_names(names)
    groups = [
        set(reading.movements),
        set(reading.numbered),
        set(reading.others),
        *(set(one.recipes) for one in reading.visemes),
    ]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert set().union(*groups) <= set(names)


def test_presets_speak_of_known_channels_and_movements():
    assert len(presets()) >= 7
    for preset in presets():
        assert set(preset.direct.values()) - {""} <= set(movements())
        for recipe in preset.visemes.values():
            assert set(recipe) <= set(ARKIT_52)
            assert all(0.0 < weight <= 1.0 for weight in recipe.values())
        assert all(name == fold(name) for name in (*preset.visemes, *preset.direct))


def test_movements_mirror_into_movements():
    for name in movements():
        assert mirrored(name) in movements()
        assert mirrored(mirrored(name)) == name


def test_real_rigs():
    assert len(read_names(faces.makehuman_body().names).movements) >= 19
    reading = read_names(faces.godette_face().names)
    assert set(reading.visemes[0].recipes) == {"ah", "ih", "uu", "ee", "oh"}
    assert not any(name.startswith(("Hide", "Hdie")) for name in reading.movements)


def test_units_that_no_channel_moves_are_known_as_such():
    """MakeHuman's part-later opens the mouth sideways: no channel does, so it must not pass for a dimple."""
    reading = read_names(("mouth-retraction", "mouth-part-later", "neck-platysma", "mouth-open"))
    assert reading.others == {"mouth-part-later", "neck-platysma"}
    assert reading.movements == {"mouth-open": ("jawOpen", 0.9), "mouth-retraction": ("mouthStretch", 0.9)}
