"""What the tongue does for th, l, t d n, and k g: keys beside the 52, to be keyed by hand.

ARKit has one channel for the tongue, `tongueOut`; these are named in its style. They move the tongue alone,
from its rest behind the lower teeth: open the jaw as far as the sound asks (a few hundredths to a tenth).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .geometry import head_geometry
from .spline import bump, smoothstep

USUAL_JAW = {"tongueTh": 0.16, "tongueL": 0.25, "tongueTip": 0.12, "tongueBack": 0.2}
"""By shape: a jaw, as a weight of jawOpen, with which it is at home."""


@cache
def tongue_shapes() -> dict[str, np.ndarray]:
    """Displacements [V, 3] mm of tongueTh, tongueL, tongueTip (t, d, n) and tongueBack (k, g) at 1.0."""
    head = head_geometry()
    tongue = head.points[head.parts["tongue"]]
    back, front = tongue[:, 1].max(), tongue[:, 1].min()
    along = (back - tongue[:, 1]) / (back - front)
    height = tongue[:, 2] - tongue[:, 2].mean()
    made = {
        "tongueTh": _moved(tongue, along, height, forwards=9.0, tip=6.4, blade=2.5, flatten=0.42, widen=0.06),
        "tongueL": _moved(
            tongue, along, height, forwards=1.0, tip=13.5, blade=4.0, flatten=0.35, widen=-0.16
        ),
        "tongueTip": _moved(
            tongue, along, height, forwards=1.5, tip=9.5, blade=4.5, flatten=0.25, widen=0.05
        ),
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
        flatten: share by which the tip grows thinner; `widen`: and wider.
    """
    free = smoothstep(0.35, 0.95, along)
    at_tip = smoothstep(0.72, 1.0, along)
    raised = tip * at_tip + blade * bump((along - 0.72) / 0.2) + back * bump((along - 0.3) / 0.22)
    delta = np.zeros_like(tongue)
    delta[:, 0] = widen * tongue[:, 0] * free
    delta[:, 1] = -forwards * free
    delta[:, 2] = raised - flatten * height * at_tip
    return delta
