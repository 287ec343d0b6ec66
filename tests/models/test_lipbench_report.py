"""The report on results of known numbers; and the pictures on one clip of the benchmark."""

from types import SimpleNamespace

import numpy as np
import pytest
from soliloquy.models import lipbench_report
from soliloquy.models.lipbench_report import MEASURES, interval, over_speakers, report, value, verdict

BY_KEY = {measure.key: measure for measure in MEASURES}
SPEAKERS = {"a1": ("films", "anna"), "a2": ("films", "anna"), "b1": ("films", "ben"), "x": ("other", "anna")}
BENCH = SimpleNamespace(chance=lambda x, x0: (x - x0) / (1 - x0))


def metric(mean, median=None):
    return {
        "mean": mean,
        "median": mean if median is None else median,
        "n": 3,
        "ci": [mean - 0.1, mean + 0.1],
    }


def result(name="mine", opening=(0.9, 0.7, 0.2), shape=0.3, f1=0.6, lag=10.0):
    """Three clips, two of them by one speaker."""
    return {
        "system": name,
        "sync_score": 50.0,
        "sets": {
            "films": {
                "n_units": 3,
                "n_speakers": 2,
                "sync": 50.0,
                "sync_ci": [40.0, 60.0],
                "amplitude_factor": 0.5,
                "shuffled": {"aperture_r_speech": 0.2, "shape_r": -0.1},
                "closure": {"f1": f1, "f1_over_chance": 0.5},
                "metrics": {
                    "aperture_r_speech": metric(float(np.mean(opening))),
                    "shape_r": metric(shape),
                    "best_lag_ms": metric(90.0, lag),
                    "std_ratio": metric(1.4),
                },
            }
        },
        "clips": {
            **{
                clip: [{"aperture_r_speech": r, "shape_r": shape}]
                for clip, r in zip(("a1", "a2", "b1"), opening, strict=True)
            },
            "x": [{"aperture_r_speech": -1.0, "shape_r": -1.0}],
        },
    }


def test_a_speaker_with_many_clips_counts_once():
    spread = over_speakers(result(), "films", BY_KEY["aperture_r_speech"], SPEAKERS, BENCH)
    assert spread == pytest.approx((0.8 + 0.2) / 2)


def test_sync_over_speakers_is_made_of_its_parts():
    opening = 0.5 * (0.5 - 0.2) / (1 - 0.2)
    shape = (0.3 + 0.1) / 1.1
    spread = over_speakers(result(), "films", BY_KEY["sync"], SPEAKERS, BENCH)
    assert spread == pytest.approx(100 * np.mean([opening, shape, 0.5]))


def test_values_and_intervals():
    assert value(result(), "films", BY_KEY["best_lag_ms"]) == 10.0  # the median
    assert value(result(), "films", BY_KEY["closure_f1"]) == 0.6
    assert value(result(), "films", BY_KEY["silence_mm"]) is None
    assert value(result(), "none", BY_KEY["sync"]) is None
    assert interval(result(), "films", BY_KEY["sync"]) == " [40.0, 60.0]"
    assert interval(result(), "films", BY_KEY["best_lag_ms"]) == ""


@pytest.mark.parametrize(
    ("key", "mine", "peers", "said"),
    [
        ("shape_r", 0.3, [0.2, 0.1], "yes"),
        ("shape_r", 0.2, [0.2], "**no**"),
        ("shape_r", 0.2, [], ""),
        ("best_lag_ms", -20.0, [0.0], "yes"),
        ("best_lag_ms", 21.0, [80.0], "**no**"),
        ("silence_mm", 1.3, [], "**no**"),
        ("std_ratio", 0.7, [], "yes"),
        ("sync", 10.0, [50.0], ""),
    ],
)
def test_verdicts(key, mine, peers, said):
    assert verdict(BY_KEY[key], mine, peers) == said


def test_the_report_names_the_best_peer_and_what_fails():
    peers = [result("near", opening=(0.5, 0.5, 0.5)), result("far", opening=(0.1, 0.1, 0.1), shape=0.4)]
    rows = {
        line.split("|")[1].strip(): line
        for line in report(result(), peers, SPEAKERS, BENCH).splitlines()
        if line.startswith("| ")
    }
    assert rows["aperture r in speech"].endswith("| 0.50 | 0.50 (near) | above every peer | yes |")
    assert rows["shape r"].endswith("0.40 (far) | above every peer | **no** |")
    assert rows["std ratio"].endswith("| 0.7 .. 1.3 | **no** |")
    assert "movement in silence, mm" not in rows


def test_one_clip_through_benchmark_and_picture(shared, tmp_path):
    plots = pytest.importorskip("soliloquy.models.plots")
    pytest.importorskip("matplotlib")
    bench = lipbench_report.load_lipbench(shared / "lipbench")
    clips = [
        c for c in bench.load_clips(str(shared / "lipbench" / "clips" / "grid_unseen")) if c.speaker != "s31"
    ]
    scorer = bench.Scorer(clips, plots.predict(clips, None, bench))
    rows = plots.choose(clips, per_speaker=1)
    assert [clip.speaker for clip, _ in rows] == sorted({clip.speaker for clip in clips})
    figure = plots.curves(rows, scorer, "title")
    figure.savefig(tmp_path / "curves.png", dpi=40)
    assert len(figure.axes) == 2 * len(rows)
    tracked, predicted = figure.axes[0].lines
    np.testing.assert_allclose(tracked.get_ydata(), clips[0].q["aperture"][clips[0].ok])
    assert predicted.get_ydata().std() > 1.0  # millimetres
