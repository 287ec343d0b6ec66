"""Looks: presets of the motion's settings."""

import json

import bpy
import helpers


def _presets():
    module = helpers.module("blender_addon.presets")
    for path in module.own_folder().glob("*.json"):
        path.unlink()
    return module


def _settings():
    target = bpy.context.active_object or helpers.arkit_mesh()
    return target.soliloquy_face


def test_shipped_looks_name_settings_that_exist_within_their_ranges():
    presets, known = _presets(), _settings().bl_rna.properties
    found, problems = presets.looks()
    assert [look.name for look in found] == ["Realistic", "Stylised", "Cartoon", "Subtle"]
    assert not problems
    for look in found:
        assert look.description
        assert set(look.values) == set(presets.setting_names())
        for name, value in look.values.items():
            assert name in known, name
            if not isinstance(value, bool):
                assert known[name].soft_min <= value <= known[name].soft_max, (look.name, name)


def test_a_look_sets_the_panel_and_is_recognised():
    presets, settings = _presets(), _settings()
    assert presets.in_use(presets.looks()[0], settings).name == "Realistic"
    assert bpy.ops.soliloquy.apply_look(name="Cartoon") == {"FINISHED"}
    assert abs(settings.jaw - presets.find("Cartoon").values["jaw"]) < 1e-6
    assert settings.jaw > 1.0
    assert presets.in_use(presets.looks()[0], settings).name == "Cartoon"
    settings.jaw = 0.123
    assert presets.in_use(presets.looks()[0], settings) is None


def test_own_looks_are_saved_used_and_removed():
    presets, settings = _presets(), _settings()
    settings.lips, settings.blinks = 0.4, False
    assert bpy.ops.soliloquy.save_look(name="Old Wizard") == {"FINISHED"}
    bpy.ops.soliloquy.apply_look(name="Realistic")
    assert settings.lips == 1.0
    bpy.ops.soliloquy.apply_look(name="Old Wizard")
    assert abs(settings.lips - 0.4) < 1e-6
    assert not settings.blinks
    assert bpy.ops.soliloquy.remove_look(name="Old Wizard") == {"FINISHED"}
    assert not [look for look in presets.looks()[0] if look.is_own]


def _refused(call, **arguments) -> str:
    try:
        call(**arguments)
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"{call} {arguments} was not refused")


def test_refusals_name_the_remedy_and_change_nothing():
    presets, settings = _presets(), _settings()
    assert "Realistic, Stylised" in _refused(bpy.ops.soliloquy.apply_look, name="Nobody")
    assert "part of Soliloquy" in _refused(bpy.ops.soliloquy.remove_look, name="Subtle")
    for name in ("", "../up", "a/b", "dot."):
        assert "cannot be the name" in _refused(bpy.ops.soliloquy.save_look, name=name), name
    assert "another name" in _refused(bpy.ops.soliloquy.save_look, name="Cartoon")
    assert presets.in_use(presets.looks()[0], settings).name == "Realistic"
    assert presets.SHIPPED.is_dir()
    assert not list(presets.own_folder().parent.glob("*.json"))


def test_damaged_files_are_told_and_the_others_stay():
    presets = _presets()
    folder = presets.own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(("{", "[]", '{"name": "x"}', '{"name": "x", "values": {"jaw": "wide"}}')):
        (folder / f"bad{number}.json").write_text(text)
    (folder / "newer.json").write_text(json.dumps({"name": "Newer", "values": {"jaw": 0.5, "unknown": 3}}))
    found, problems = presets.looks()
    assert [look.name for look in found][4:] == ["Newer"]
    assert len(problems) == 4
    assert all("cannot be read" in problem for problem in problems)
    presets.apply(found[-1], _settings())
    assert _settings().jaw == 0.5
