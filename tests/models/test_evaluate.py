"""The share of closures that a network makes."""

import numpy as np
import pytest
from soliloquy.inference.visemes import VISEMES
from soliloquy.models import evaluate
from soliloquy.models.data.corpora import Line


@pytest.mark.parametrize(("closed_at", "share"), [((), 0.0), ((6,), 0.5), ((4, 14), 1.0), ((2, 10), 0.0)])
def test_lips_count_as_closed_during_the_sound_or_a_frame_beside_it(
    monkeypatch: pytest.MonkeyPatch, closed_at: tuple[int, ...], share: float
) -> None:
    phones = np.zeros(20, np.int64)
    phones[5:8] = phones[12:14] = VISEMES.index("PP")
    nothing = np.zeros((20, 6), np.float32)
    line = Line("c", "n", "s", np.zeros(6400, np.float32), nothing, nothing, np.ones(20, bool), phones)
    apart_mm = np.full(20, 5.0)
    apart_mm[list(closed_at)] = 0.0
    monkeypatch.setattr(
        evaluate, "predict_line", lambda *_: (apart_mm - evaluate.APERTURE_AT_REST_MM)[:, None]
    )
    assert evaluate.closed_share(None, [line], np.ones((6, 1))) == pytest.approx(share)
