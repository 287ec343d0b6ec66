"""The tables of the photoreal pass, on a drawn actor: every row is measured, and what was seen is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("OpenImageIO")
pytest.importorskip("onnx")

from soliloquy.inference.actor.take import save_take
from soliloquy.models import ablate_renderer, evaluate_renderer
from soliloquy.models.evaluate_renderer import CEILING, MEAN, NEAREST, NO_MEMORY, OURS, WARPED, Heard, Report
from soliloquy.models.renderer_stage import Stage, composite
from soliloquy.models.renderer_trials import Score

sys.path.append(str(Path(__file__).resolve().parents[1]))  # helpers belong to no package
import actor_helpers as tiny


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """An actor with the take "one" in its memory and the take "two" that memory never saw."""
    folder = tmp_path_factory.mktemp("stage")
    made = tiny.make_tiny_actor(folder)
    pictures = tiny.tiny_pictures(made.take.landmarks)[::-1]
    grain = np.random.default_rng(0).normal(0, 3, pictures.shape)
    plate = tiny.write_plate(folder / "other", np.clip(pictures + grain, 0, 255).astype(np.uint8))
    take = tiny.tiny_take(made.face, len(pictures), plate)
    turned = {name: getattr(take, name)[::-1].copy() for name in ("expression", "head", "landmarks", "crop")}
    return Stage(save_take(made.actor, "two", replace(take, **turned), plate))


def run(module, stage, *arguments):
    return module.main([str(stage.actor.folder), "--clips", *arguments])


def test_every_painter_has_its_row(stage, tmp_path, capsys):
    weights, out = str(stage.actor.renderer), tmp_path / "numbers.json"
    code = run(evaluate_renderer, stage, "two", "--no-memory", weights, "--json", str(out))
    said = capsys.readouterr().out
    assert code in (0, 1)
    for name in (OURS, NO_MEMORY, NEAREST, WARPED, MEAN, CEILING):
        assert f"| {name} |" in said
    kept = json.loads(out.read_text())
    assert kept["clips"] == ["two"]
    ceiling, ours = kept["scores"][CEILING][0], kept["scores"][OURS][0]
    assert ceiling["psnr"] > ours["psnr"] > 15
    # The same weights in both rows: no gain, and that is a target missed.
    assert (
        "| PSNR over the same network without memory, dB | >= 1 | 0.000 [0.000, 0.000] | **missed** |" in said
    )
    assert code == 1


def test_what_memory_has_seen_is_refused(stage, capsys):
    for module in (evaluate_renderer, ablate_renderer):
        assert run(module, stage, "one") == 2
        assert "The memory has seen 'one'" in capsys.readouterr().err


def test_clips_come_from_a_list(stage, tmp_path, capsys):
    split = tmp_path / "split.json"
    split.write_text('{"dev": ["nobody"]}')
    assert run(evaluate_renderer, stage, f"{split}#dev") == 2
    assert "has no take 'nobody'" in capsys.readouterr().err
    assert run(evaluate_renderer, stage, f"{split}#test") == 2
    assert "no list 'test'" in capsys.readouterr().err


def test_the_sheet_shows_what_there_is(stage, tmp_path):
    out = tmp_path / "sheet.png"
    run(evaluate_renderer, stage, "two", "--sheet", str(out))
    from soliloquy.inference.actor.media.images import read_image

    picture = read_image(out)
    assert picture.shape[0] > 100
    assert picture.std() > 20


def test_ablation_rows(stage, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("# Old\n\n## Reading\n\nMemory helps.\n")
    weights = str(stage.actor.renderer)
    assert run(ablate_renderer, stage, "two", "--no-memory", weights, "--out", str(page)) == 0
    said = capsys.readouterr().out
    for name in ("2 patches of 8 entries (by default)", "no memory (trained so)", "1 patch", "4 patches"):
        assert f"| {name} |" in said
    assert said.splitlines()[0] in page.read_text()
    assert page.read_text().endswith("## Reading\n\nMemory helps.\n")
    assert "# Old" not in page.read_text()


def test_a_pruned_memory_keeps_rows_together(stage):
    bank = stage.painter().bank
    small = ablate_renderer.pruned(bank, 3)
    assert len(small) == 3
    for row, frame in enumerate(small.frame):
        source = int(np.flatnonzero(bank.frame == frame)[0])
        np.testing.assert_array_equal(small.patches[row], bank.patches[source])
        np.testing.assert_array_equal(small.keys[row], bank.keys[source])
    assert ablate_renderer.pruned(bank, 100) is bank


def test_a_pass_without_matte_leaves_the_plate(stage):
    from soliloquy.inference.actor.painting.render import empty_frame

    frame = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    kept = frame.copy()
    composite(frame, empty_frame(1, 30, 20))
    np.testing.assert_array_equal(frame, kept)
    nothing = empty_frame(1, 30, 20)
    composite(frame, replace(nothing, box=None))  # through linear light and back
    np.testing.assert_array_equal(frame, kept)


def test_targets_are_judged_by_the_issue():
    good, bad = Score(31.0, 0.93, 1.0, 1.1, 30.0), Score(29.0, 0.90, 0.7, 1.3, 28.0)
    report = Report(
        scores={OURS: [good], NO_MEMORY: [bad], NEAREST: [bad], WARPED: [bad]},
        heard=[Heard(1.0, 1.2, 0.8, 0.9)],
    )
    assert all(row.passes(row.measured) for row in evaluate_renderer.targets(report))
    swapped = Report(
        scores={OURS: [bad], NO_MEMORY: [good], NEAREST: [good], WARPED: [good]},
        heard=[Heard(1.0, 1.4, 0.6, 0.9)],
    )
    assert not any(row.passes(row.measured) for row in evaluate_renderer.targets(swapped))
