"""What the tongue does for th, l, t d n, and k g: keys beside the 52, to be keyed by hand.

ARKit has one channel for the tongue, `tongueOut`; these are named in its style. They move the tongue alone,
from its rest behind the lower teeth: open the jaw as far as the sound asks (`USUAL_JAW`).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from . import mouth
from .geometry import head_geometry
from .spline import bump, smoothstep

USUAL_JAW = {"tongueTh": 0.24, "tongueL": 0.3, "tongueTip": 0.16, "tongueBack": 0.3}
"""By shape: a jaw, as a weight of jawOpen, with which it is at home."""


# y, then height of the middle and half thickness there, mm: how the tongue lies between the teeth
_OUT_LINE = (
    (-53, 43.6, 6.0),
    (-65, 43.6, 4.0),
    (-75, 43.8, 2.6),
    (-87, 43.8, 2.5),
    (-97, 42.0, 2.4),
    (-112, 36.0, 1.5),
)
_TH_LINE = ((-53, 43.6, 6.0), (-65, 43.9, 3.4), (-73, 44.7, 1.5), (-80, 44.9, 1.3), (-99, 44.6, 1.2))
_OUT_MM, _TH_MM = 34.0, 19.0
_OUT_WIDER, _TH_WIDER = 0.15, 0.4
"""Share by which the tip is broader than it lies at rest."""


def tongue_out(share: float) -> np.ndarray:
    """Displacement [V, 3] mm of the tongue put out `share` of its way, over a jaw that lets it pass."""
    delta = np.zeros_like(head_geometry().points)
    delta[head_geometry().parts["tongue"]] = between_teeth(_OUT_MM * share, _OUT_LINE, _OUT_WIDER * share)
    return delta


def between_teeth(reach_mm: float, line: tuple[tuple[float, float, float], ...], wider: float) -> np.ndarray:
    """Displacement [N, 3] of the tongue's vertices that puts it forwards along a line through the mouth.

    Args:
        reach_mm: how far the tip goes.
        line: y, height and half thickness (mm) from the back to the front; behind it the tongue rests.
        wider: share by which the tip grows broader.
    """
    head = head_geometry()
    tongue = head.points[head.parts["tongue"]]
    x, y, z = tongue.T
    rest_y, rest_middle, rest_half = _rest_line()
    kept = rest_y > line[0][0] + 8.0
    knots = np.array([*zip(rest_y[kept], rest_middle[kept], rest_half[kept], strict=True), *line])[::-1]
    along = np.clip((y.max() - y) / np.ptp(y), 0, 1)
    share = (z - np.interp(y, rest_y[::-1], rest_middle[::-1])) / np.interp(y, rest_y[::-1], rest_half[::-1])
    placed = y - reach_mm * np.clip((along - 0.2) / 0.8, 0, 1) ** 1.6
    middle, half = (np.interp(placed, knots[:, 0], knots[:, column]) for column in (1, 2))
    return np.stack([wider * x * along**6, placed - y, middle + np.clip(share, -1, 1) * half - z], axis=-1)


def _rest_line() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y, height of the middle and half thickness of the tongue at rest, back to front."""
    top, under = mouth.TONGUE_TOP, mouth.TONGUE_UNDER
    return mouth.TONGUE_Y, 0.5 * (top + under), 0.5 * (top - under)


def _with_the_jaw(amount: float) -> np.ndarray:
    """What an open jaw does to the tongue's vertices."""
    # The shapes of the set use this module for tongueOut.
    from .expressions import head_shapes

    return head_shapes()["jawOpen"][head_geometry().parts["tongue"]] * amount


@cache
def tongue_shapes() -> dict[str, np.ndarray]:
    """Displacements [V, 3] mm of tongueTh, tongueL, tongueTip (t, d, n) and tongueBack (k, g) at 1.0."""
    head = head_geometry()
    tongue = head.points[head.parts["tongue"]]
    back, front = tongue[:, 1].max(), tongue[:, 1].min()
    along = (back - tongue[:, 1]) / (back - front)
    height = tongue[:, 2] - tongue[:, 2].mean()
    made = {
        "tongueTh": between_teeth(_TH_MM, _TH_LINE, _TH_WIDER) - _with_the_jaw(USUAL_JAW["tongueTh"]),
        "tongueL": _moved(tongue, along, height, forwards=8.0, tip=11.0, blade=4.0, flatten=0.2, widen=0.3),
        "tongueTip": _moved(tongue, along, height, forwards=5.5, tip=8.5, blade=4.0, flatten=0.2, widen=0.3),
        "tongueBack": _moved(tongue, along, height, forwards=-5.0, tip=-2.0, blade=0.0, back=9.0),
    }
    shapes = {}
    for name, delta in made.items():
        shapes[name] = np.zeros_like(head.points)
        shapes[name][head.parts["tongue"]] = delta
    return shapes


def _moved(
    tongue: np.ndarray, along: np.ndarray, height: np.ndarray, *, forwards: float, tip: float, blade: float,
    back: float = 0.0, flatten: float = 0.0, widen: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Displacement of the tongue's vertices [N, 3], mm.

    Args:
        along: 0 at the root, 1 at the tip.
        forwards: of the free part.
        tip: how far the tip is raised; `blade`: the part behind it; `back`: the back, below the soft palate.
        flatten: share by which the tip grows thinner; `widen`: by which it grows broader.
    """
    free = smoothstep(0.35, 0.95, along)
    at_tip = smoothstep(0.72, 1.0, along)
    raised = tip * at_tip + blade * bump((along - 0.72) / 0.2) + back * bump((along - 0.3) / 0.22)
    delta = np.zeros_like(tongue)
    delta[:, 0] = widen * tongue[:, 0] * along**6
    delta[:, 1] = -forwards * free
    delta[:, 2] = raised - flatten * height * at_tip
    return delta
