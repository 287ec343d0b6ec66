"""What the diffusion prior brings, beside simpler ways to choose a style: the ablation of `evaluate_style`.

All are given the same training cases. Judged on held-out clips of people, each told what its brows, lids,
mouth corners and head do; and on the ten emotions, of which the tables say the variants and how lively the
head is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...inference.instruction.values import ACTION_NAMES, EMOTIONS
from ...inference.performance.emotions import emotions
from ...inference.performance.style import PEOPLE, VALUES, decoded, style_of
from .head_measures import frechet
from .style_cases import draw_cases
from .style_data import TOLD, told_condition

if TYPE_CHECKING:
    from ...inference.session import Graph
    from .style_data import People

_CASES, _DRAWS_PER_CLIP, _DRAWS_PER_EMOTION, _TAKES = 20_000, 4, 200, 10
_HEAD = [PEOPLE.index(f"head_{axis}_range") for axis in ("pitch", "yaw", "roll")]


class Chooser(Protocol):
    """A way to choose style values."""

    def __call__(self, condition: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """[N, emotions + actions] -> [N, VALUES]."""
        ...


def diffusion(graph: Graph) -> Chooser:
    """The shipped prior."""
    length = int(graph.card["code"])

    def choose(condition: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        noise = rng.standard_normal((len(condition), length)).astype(np.float32)
        told = condition.astype(np.float32)
        return np.array([decoded(n, c, graph) for n, c in zip(noise, told, strict=True)], float)

    return choose


def mean_style(values: np.ndarray) -> Chooser:
    """Always the mean."""
    return lambda condition, rng: np.tile(values.mean(0), (len(condition), 1))


def gaussian(values: np.ndarray) -> Chooser:
    """A normal distribution that does not listen to the instruction."""
    mean, spread = values.mean(0), np.cov(values.T)
    return lambda condition, rng: rng.multivariate_normal(mean, spread, len(condition))


def linear_gaussian(values: np.ndarray, condition: np.ndarray) -> Chooser:
    """A normal distribution whose mean follows the instruction linearly."""
    told = np.column_stack([condition, np.ones(len(condition))])
    weights = np.linalg.solve(told.T @ told + np.eye(told.shape[1]), told.T @ values)
    spread = np.cov((values - told @ weights).T)

    def choose(condition: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        means = np.column_stack([condition, np.ones(len(condition))]) @ weights
        return means + rng.multivariate_normal(np.zeros(VALUES), spread, len(condition))

    return choose


def study(people: People, graph: Graph) -> str:
    """Markdown: a row for each way to choose."""
    rng = np.random.default_rng(0)
    train, test = people.part(held_out=False), people.part(held_out=True)
    cases = draw_cases(train, _CASES, rng)
    values = np.concatenate([cases.people, cases.others], axis=1)
    ways = {
        "diffusion prior": diffusion(graph),
        "normal, linear in the instruction": linear_gaussian(values, cases.condition),
        "normal, deaf to the instruction": gaussian(values),
        "mean style": mean_style(values),
    }
    scale = test.values.std(axis=0)
    lines = [
        "| style by | Fréchet to people | spread of ten takes | people's own spread kept | variant decided "
        "| variants as often as they should | head of emotions, slope |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, way in ways.items():
        lines.append(f"| {name} | " + " | ".join(_judged(way, test, scale)) + " |")
    floor = frechet(train.values / scale, test.values / scale)
    lines.append(f"| (people that it was trained on) | {floor:.2f} | - | - | - | - | - |")
    return "\n".join(lines)


def _judged(way: Chooser, test: People, scale: np.ndarray) -> list[str]:
    rng = np.random.default_rng(1)
    heads = np.array([not name.startswith("head") for name in TOLD])  # an action turns the head, not a style
    told = np.concatenate(
        [np.zeros((len(test.told), len(EMOTIONS))), told_condition(test.told * heads)], axis=1
    )
    drawn = way(np.repeat(told, _DRAWS_PER_CLIP, axis=0), rng)[:, : len(PEOPLE)] / scale
    real = test.values / scale
    some = told[:: max(1, len(told) // 20)]
    takes = way(np.repeat(some, _TAKES, axis=0), rng)[:, : len(PEOPLE)].reshape(len(some), _TAKES, -1) / scale
    within = np.mean([_pairwise(group) for group in takes])
    decided, apart, slope = _emotions(way, rng)
    return [
        f"{frechet(drawn, real):.2f}", f"{within:.2f}", f"{within / _pairwise(real):.2f}", f"{decided:.2f}",
        f"{1 - apart:.2f}", f"{slope:.2f}",
    ]  # fmt: skip


def _pairwise(rows: np.ndarray) -> float:
    """Mean distance of two rows, root mean square over the columns."""
    apart = rows[:, None] - rows[None]
    distance = np.sqrt((apart**2).mean(axis=2))
    return float(distance.sum() / (len(rows) * (len(rows) - 1)))


def _emotions(way: Chooser, rng: np.random.Generator) -> tuple[float, float, float]:
    """How far one variant of an emotion stands out (0: all alike, 1: it alone), how far its variants are from
    being drawn as often as the table says (total variation), how the head follows the table (1: as it)."""
    decided, apart, ratios = [], [], []
    calm = way(np.zeros((_DRAWS_PER_EMOTION, len(EMOTIONS) + len(ACTION_NAMES))), rng)[:, _HEAD].mean()
    for e, emotion in enumerate(emotions()):
        condition = np.zeros((_DRAWS_PER_EMOTION, len(EMOTIONS) + len(ACTION_NAMES)))
        condition[:, e] = 1.0
        drawn = way(condition, rng)
        count = len(emotion.variants)
        weights = np.array([style_of(row.astype(np.float32)).variants[e] for row in drawn])
        decided.append((weights.max(axis=1).mean() - 1.0 / count) / (1.0 - 1.0 / count))
        often = np.bincount(weights.argmax(axis=1), minlength=count) / len(weights)
        apart.append(0.5 * np.abs(often - [v.share for v in emotion.variants]).sum())
        ratios.append(drawn[:, _HEAD].mean() - calm)
    wanted = np.log([emotion.dynamics["head"] for emotion in emotions()])
    slope = float(np.dot(wanted, ratios) / np.dot(wanted, wanted))
    return float(np.mean(decided)), float(np.mean(apart)), slope
