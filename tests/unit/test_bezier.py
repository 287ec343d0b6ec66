"""Parts of an older curve inside a newer one."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.bezier import enclosing, nothing, shifted, spliced, through

CURVES = st.sets(st.integers(-40, 40), min_size=2, max_size=20).map(
    lambda frames: through(
        *(np.array([*sorted(frames)], float) * a for a in (1.0, 0.01)), np.ones(len(frames))
    )
)
SPANS = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(0, 12)).map(lambda s: (float(s[0]), float(s[0] + s[1])))
)


@settings(deadline=None)
@given(CURVES, SPANS)
def test_spans_grow_to_keys_around_them_and_do_not_overlap(curve, spans):
    grown = enclosing(curve, spans)
    for first, last in spans:
        assert any(a <= first and last <= b for a, b in grown)
    for (_, end), (begin, _) in pairwise(grown):
        assert end <= begin
    frames = set(curve.frames.tolist())
    for a, b in grown:
        assert a in frames or a < min(frames) or a > max(frames)
        assert b in frames or b > max(frames) or b < min(frames)


@settings(deadline=None)
@given(CURVES, CURVES, SPANS)
def test_inside_spans_every_key_is_the_old_one_and_outside_the_new_one(new, old, spans):
    grown = enclosing(old, spans)
    made = spliced(new, old, grown)
    assert (np.diff(made.frames) > 0).all()

    def inside(frame):
        return any(a <= frame <= b for a, b in grown)

    kept = {tuple(key) for key in made.keys.tolist()}
    assert kept >= {tuple(key) for key in old.keys.tolist() if inside(key[0])}
    assert kept >= {tuple(key) for key in new.keys.tolist() if not inside(key[0])}


def test_a_span_beyond_the_last_key_holds_its_value_to_the_end():
    old = through(np.array([0.0, 10.0]), np.array([0.2, 0.7]), np.array([0.0, 0.3]))
    new = through(np.array([0.0, 40.0]), np.array([0.0, 0.0]), np.zeros(2))
    made = spliced(new, old, enclosing(old, [(5.0, 20.0)]))
    assert made.frames.tolist() == [0.0, 10.0, 20.0, 40.0]
    assert made.keys[:, 1].tolist() == np.float32([0.2, 0.7, 0.7, 0.0]).tolist()


def test_shifted_and_empty_curves():
    curve = through(np.array([1.0, 4.0]), np.array([0.1, 0.2]), np.array([0.1, 0.0]))
    later = shifted(curve, 30.0)
    assert np.allclose(later.keys - curve.keys, [[30, 0], [30, 0]])
    assert np.allclose(later.left - curve.left, [[30, 0], [30, 0]])
    assert len(nothing().keys) == 0
