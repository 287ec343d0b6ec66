from soliloquy.inference.channels import ARKIT_52, BLINK, HEAD, JAW, LIPS, UPPER_FACE, mirror


def test_there_are_52_different_channels():
    assert len(ARKIT_52) == len(set(ARKIT_52)) == 52
    assert not set(ARKIT_52) & set(HEAD)


def test_every_channel_belongs_to_exactly_one_strength():
    assert sorted([*JAW, *LIPS, *UPPER_FACE]) == sorted(ARKIT_52)


def test_lids_are_channels_of_the_upper_face():
    assert set(BLINK) <= set(UPPER_FACE)


def test_mirroring_twice_changes_nothing_and_stays_inside():
    for channel in ARKIT_52:
        assert mirror(channel) in ARKIT_52
        assert mirror(mirror(channel)) == channel
    assert mirror("mouthLeft") == "mouthRight"
    assert mirror("mouthSmileRight") == "mouthSmileLeft"
    assert mirror("jawOpen") == "jawOpen"
    assert (
        sum(mirror(channel) != channel for channel in ARKIT_52) == 38 + 2
    )  # the pairs, and jaw and mouth shift
