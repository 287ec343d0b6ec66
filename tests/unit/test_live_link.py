import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from soliloquy.inference.formats.live_link import VALUES, FaceFrame, decode, encode

UUID = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"


def frame(subject="iPhone", device_id=UUID, **changes):
    values = np.linspace(0.0, 1.0, 61, dtype=np.float32)
    return FaceFrame(
        **{"values": values, "frame": 7, "rate": Fraction(60)} | changes, device_id=device_id, subject=subject
    )


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@given(
    values=hnp.arrays(np.float32, 61, elements=st.floats(-4.0, 4.0, width=32)),
    number=st.integers(0, 2**31 - 1),
    rate=st.fractions(Fraction(1), Fraction(1000), max_denominator=1001),
    device_id=names,
    subject=names,
    sub_frame=st.floats(0.0, 0.9990234375, width=32),
)
def test_what_is_encoded_is_decoded(values, number, rate, device_id, subject, sub_frame):
    made = FaceFrame(values, number, rate, device_id, subject, sub_frame)
    read = decode(encode(made))
    np.testing.assert_array_equal(read.values, values)
    assert (read.frame, read.rate, read.device_id) == (number, rate, device_id)
    assert (read.subject, read.sub_frame) == (subject, sub_frame)


def test_a_packet_is_as_long_as_the_apps():
    assert len(encode(frame())) == 312


def test_the_bytes_lie_where_readers_of_fixed_places_look():
    """As JimWest/PyLiveLinkFace reads: four bytes of version, 37 of "$" and UUID, name, 17 bytes, values."""
    packet = encode(frame(subject="Face"))
    assert struct.unpack("<i", packet[:4]) == (6,)
    assert packet[4:41].decode() == "$" + UUID
    assert struct.unpack("!i", packet[41:45]) == (4,)
    assert packet[45:49] == b"Face"
    assert struct.unpack("!if2ib", packet[49:66]) == (7, 0.0, 60, 1, 61)
    np.testing.assert_allclose(struct.unpack("!61f", packet[66:]), np.linspace(0, 1, 61), atol=1e-7)


def test_the_order_of_the_values():
    assert len(VALUES) == 61
    assert [VALUES[i] for i in (0, 1, 14, 17, 18, 41, 46, 51)] == [
        "eyeBlinkLeft", "eyeLookDownLeft", "jawForward", "jawOpen", "mouthClose", "browDownLeft",
        "cheekPuff", "tongueOut",
    ]  # fmt: skip
    assert VALUES[52:] == (
        "headYaw", "headPitch", "headRoll", "leftEyeYaw", "leftEyePitch", "leftEyeRoll",
        "rightEyeYaw", "rightEyePitch", "rightEyeRoll",
    )  # fmt: skip


def test_frame_numbers_wrap_instead_of_overflowing():
    assert decode(encode(frame(frame=2**31 + 5))).frame == 5


@given(st.binary(max_size=400))
def test_noise_is_refused_and_nothing_else_happens(data):
    with pytest.raises(ValueError, match="Live Link"):
        decode(b"\x06" + data)


@given(st.integers(0, 311))
def test_a_packet_that_is_cut_off_is_refused(length):
    with pytest.raises(ValueError, match="Live Link"):
        decode(encode(frame())[:length])


def test_names_and_values_that_do_not_fit_are_refused():
    for wrong in ({"subject": ""}, {"device_id": "x" * 256}, {"values": np.zeros(52, np.float32)}):
        with pytest.raises(ValueError, match="must"):
            frame(**wrong)
