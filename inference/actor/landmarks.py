"""Which of MediaPipe's 478 face points lie where (numbers of its canonical face mesh)."""

from __future__ import annotations

from typing import Final

LIPS_OUTER: Final = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
)  # fmt: skip
"""Closed outline of the lips, from the subject's right corner along the lower lip."""
LIPS_INNER: Final = (
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)  # fmt: skip
"""Closed outline of the mouth's opening, from the subject's right corner along the lower lip."""
RIGID: Final = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 10, 67, 297, 127, 356)
"""Points that speech hardly moves: eye corners, nose, forehead, temples."""
MOUTH_REGION: Final = (
    0, 11, 12, 13, 14, 15, 16, 17, 18, 32, 37, 38, 39, 40, 41, 42, 43, 57, 61, 62, 72, 73, 74, 76, 77,
    78, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 95, 96, 106, 135, 140, 146, 148, 149, 150,
    152, 164, 165, 167, 169, 170, 171, 175, 176, 178, 179, 180, 181, 182, 183, 184, 185, 186, 191, 194,
    199, 200, 201, 202, 204, 206, 207, 208, 210, 211, 212, 214, 216, 262, 267, 268, 269, 270, 271, 272,
    273, 287, 288, 291, 292, 302, 303, 304, 306, 307, 308, 310, 311, 312, 313, 314, 315, 316, 317, 318,
    319, 320, 321, 322, 324, 325, 335, 364, 365, 367, 369, 375, 377, 378, 379, 391, 393, 394, 395, 396,
    397, 400, 402, 403, 404, 405, 406, 407, 408, 409, 410, 415, 416, 418, 421, 422, 424, 427, 428, 430,
    431, 432, 433, 434, 436,
)  # fmt: skip
"""Lips, chin, the skin between nose and lips, and the lower cheeks: what speech moves and the pass paints."""
