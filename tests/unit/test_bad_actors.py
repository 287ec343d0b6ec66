"""Actor folders whose parts do not belong together: one sentence, exit code 2, and nothing is painted."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))  # helpers belong to no package
pytest.importorskip("OpenImageIO")
pytest.importorskip("onnx")

import actor_helpers as tiny
from soliloquy.inference.actor import archive
from soliloquy.inference.actor.media.images import write_png
from soliloquy.inference.actor.memory.bank import save_memory
from soliloquy.inference.actor.take import save_face
from soliloquy.inference.cli import main


@pytest.fixture
def made(tmp_path):
    return tiny.make_tiny_actor(tmp_path)


def other(made, tmp_path):
    """Another actor, made alike."""
    return tiny.make_tiny_actor(tmp_path / "other")


def foreign_memory(made, tmp_path):
    made.actor.memory.write_bytes(other(made, tmp_path).actor.memory.read_bytes())


def foreign_renderer(made, tmp_path):
    made.actor.renderer.write_bytes(other(made, tmp_path).actor.renderer.read_bytes())


def memory_of(version):
    def change(made, tmp_path):
        kept = archive.load_arrays(made.actor.memory, "memory", 1)
        archive.save_arrays(made.actor.memory, "memory", version, **kept)

    return change


def face_fitted_anew(made, tmp_path):
    save_face(made.actor, replace(made.face, identity=made.face.identity * np.float32(1.01)))


def memory_of_other_patches(made, tmp_path):
    patches = np.repeat(np.repeat(made.bank.patches, 2, axis=1), 2, axis=2)
    save_memory(made.actor, replace(made.bank, patches=patches))


def memory_of_other_keys(made, tmp_path):
    save_memory(made.actor, replace(made.bank, keys=made.bank.keys[:, :-1].copy()))


def renderer_with(**card):
    def change(made, tmp_path):
        options = {"size": tiny.SIZE, "keys": made.bank.keys.shape[1], **card}
        tiny.write_renderer(made.actor.renderer, made.actor.identifier, **options)

    return change


def renderer_cut_off(made, tmp_path):
    data = made.actor.renderer.read_bytes()
    made.actor.renderer.write_bytes(data[: len(data) // 2])


def text_for(part):
    def change(made, tmp_path):
        getattr(made.actor, part).write_text("This is a text.\n")

    return change


def without(part):
    def change(made, tmp_path):
        getattr(made.actor, part).unlink()

    return change


def take_missing(made, tmp_path):
    made.actor.take("one").unlink()


def plate_changed(made, tmp_path):
    file = sorted(made.plate.iterdir())[2]
    write_png(file, np.zeros((tiny.HEIGHT, tiny.WIDTH, 3), np.uint8))


CHANGES = {
    "memory of another actor": (foreign_memory, "belongs to another actor"),
    "memory of a newer version": (memory_of(2), "newer Soliloquy"),
    "memory of an older version": (memory_of(0), "older Soliloquy"),
    "face fitted anew": (face_fitted_anew, "fitted anew"),
    "memory of other patches": (memory_of_other_patches, "Build it again"),
    "memory of other keys": (memory_of_other_keys, "another version of the memory"),
    "text for a memory": (text_for("memory"), "is damaged"),
    "no memory": (without("memory"), "no memory"),
    "renderer of another actor": (foreign_renderer, "another actor"),
    "renderer of another crop": (renderer_with(crop_size=48), "another version of the memory"),
    "renderer of another contract": (renderer_with(contract="renderer-0"), "renderer"),
    "renderer that wants too many patches": (renderer_with(patches=1000), "damaged"),
    "renderer whose card is odd": (renderer_with(patches="many"), "damaged"),
    "renderer cut off": (renderer_cut_off, "renderer.onnx"),
    "text for a renderer": (text_for("renderer"), "renderer.onnx"),
    "no renderer": (without("renderer"), "no renderer"),
    "no face": (without("face"), "no face"),
    "take missing": (take_missing, "no take"),
    "plate changed": (plate_changed, "not captured"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_command_says_one_sentence_and_paints_nothing(made, tmp_path, capsys, monkeypatch, change):
    monkeypatch.delenv("SOLILOQUY_FACE_MODEL", raising=False)
    spoil, said = CHANGES[change]
    spoil(made, tmp_path)
    out = tmp_path / "pass"
    folder, plate = str(made.actor.folder), str(made.plate)
    code = main(["actor", "render", folder, "--plate", plate, "--tracked", "--out", str(out), "--quiet"])
    printed = capsys.readouterr().err.strip()
    assert code == 2
    assert said in printed
    assert len(printed.splitlines()) == 1
    assert "Traceback" not in printed
    assert not list(out.glob("*.exr")) if out.exists() else True


def test_it_paints_as_long_as_nothing_is_changed(made, tmp_path):
    out = tmp_path / "pass"
    command = ["actor", "render", str(made.actor.folder), "--plate", str(made.plate), "--tracked", "--quiet"]
    assert main([*command, "--out", str(out)]) == 0
    assert len(list(out.glob("*.exr"))) == len(made.take)
