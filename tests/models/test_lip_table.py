"""The runtime's table of lip shapes and the network's own apertures are the same face."""

import numpy as np
from soliloquy.inference.lip_basis import CONTROLS_MM, REST_MM
from soliloquy.models.data.arkit_fit import CONTROLS
from soliloquy.models.speech.net import APERTURE_AT_REST_MM, APERTURE_MM


def test_the_table_is_the_networks_own() -> None:
    assert tuple(CONTROLS_MM) == CONTROLS
    np.testing.assert_allclose([row[0] for row in CONTROLS_MM.values()], APERTURE_MM, atol=0.06)
    assert REST_MM[0] == APERTURE_AT_REST_MM
