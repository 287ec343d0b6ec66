"""The stage of the demonstration."""

from __future__ import annotations

import helpers


def test_every_engine_that_the_demo_offers_is_the_one_that_renders():
    for name, part in (("cycles", "CYCLES"), ("eevee", "EEVEE"), ("workbench", "WORKBENCH")):
        scene = helpers.module("blender_addon.demo").empty_scene(name, 64)
        assert part in scene.render.engine, (name, scene.render.engine)
