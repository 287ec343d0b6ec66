"""The Python examples of the manual do what they say."""

import re
from pathlib import Path

import bpy
import helpers

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "manual" / "scripting.md"


def _example(number: int) -> None:
    """Run one of the page's examples, with a sound that exists."""
    code = re.findall(r"```python\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)[number]
    assert "/recordings/line.wav" in code
    sound = helpers.vowels("manual.wav", 1.0)
    exec(code.replace("/recordings/line.wav", str(sound)), {})


def test_a_line_and_another_look():
    _example(0)
    face = bpy.context.scene.soliloquy.target.soliloquy_face
    assert len(face.lines) == 1
    assert abs(face.jaw - 0.7) < 1e-6, "the look Subtle"


def test_a_dialogue():
    _example(1)
    heads = [bpy.data.objects[name] for name in ("Soliloquy Head", "Soliloquy Head.001")]
    assert [len(head.soliloquy_face.lines) for head in heads] == [1, 1]
