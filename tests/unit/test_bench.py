"""The benches can be run, and their tables say what was measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
RUN = BENCH / "run.py"


@pytest.fixture(scope="module")
def measure():
    """The module that the benches share."""
    sys.path.insert(0, str(BENCH))
    import measure

    yield measure
    sys.path.remove(str(BENCH))


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(RUN), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_one_section_as_tables_for_people_and_for_machines(tmp_path):
    done = run(
        "--quick", "--only", "roofline", "--json", tmp_path / "b.json", "--markdown", tmp_path / "b.md"
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.md").read_text("utf-8").strip() == done.stdout.strip()
    told = json.loads((tmp_path / "b.json").read_text("utf-8"))
    assert list(told) == ["machine", "roofline"]
    models = {row["model"]: row for row in told["roofline"][1]["rows"]}
    speech = models["speech, per second"]
    # 100 windows of 400 samples times 514 rows, two operations each, are 41 of them.
    assert 100 < speech["MFLOP"] < 130
    assert 5 < speech["% of arithmetic"] < 200
    parts = {row[""]: row["% of time"] for row in told["roofline"][2]["rows"]}
    assert sum(parts.values()) == pytest.approx(100)


def test_a_section_that_is_not_there_is_refused():
    done = run("--only", "speed")
    assert done.returncode == 2
    assert "no section speed" in done.stderr


def test_a_goal_is_met_or_missed(measure):
    assert measure.Row("", 3.0, "s", goal="<= 3").met
    assert not measure.Row("", 3.1, "s", goal="<= 3").met
    assert measure.Row("", 21.0, "frames / s", goal=">= 20").met
    assert measure.Row("", 21.0, "s").met is None


def test_columns_that_nothing_fills_are_left_out(measure):
    table = measure.usual(
        "Title", [measure.Row("work", 0.1234, "s", goal="<= 1"), measure.Row("more", 2.0, "s")]
    )
    assert table.columns == ("what", "value", "unit", "goal")
    assert "| work | 0.123 | s | <= 1 (met) |" in measure.markdown([table])
    assert "### Title" in measure.markdown([table])
    assert "### Title" not in measure.markdown([table], "Title")


def test_growth_is_that_of_the_second_half(measure):
    hours = [float(i) for i in range(20)]
    warm = [100.0 + min(hour, 5.0) * 10.0 for hour in hours]
    assert measure.growth(hours, warm) == 0.0
    assert measure.growth(hours, [value + 0.5 * hour for value, hour in zip(warm, hours, strict=True)]) == 0.5


@pytest.mark.skipif(sys.platform == "win32", reason="programs are measured on Posix only")
def test_a_program_is_measured_with_the_programs_that_it_starts(measure):
    grandchild = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'bytearray(10**8)'], check=True)"
    )
    held = bytearray(3 * 10**8)  # of the one that measures: not to be counted
    small = measure.run_program([sys.executable, "-c", "pass"])
    large = measure.run_program([sys.executable, "-c", grandchild])
    assert len(held) > 0
    assert 95 < large.peak_mb < 250
    assert small.peak_mb < 90
    with pytest.raises(RuntimeError, match="ended with 3: nothing works"):
        measure.run_program(
            [sys.executable, "-c", "import sys; print('nothing works', file=sys.stderr); sys.exit(3)"]
        )
