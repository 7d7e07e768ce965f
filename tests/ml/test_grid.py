"""The design of a sweep: sizes, centres that follow, missing sizes, and the expected error against a simulation."""

import math
from itertools import pairwise

import numpy as np
import pytest

from ml.grid import size_for, sizes_around, sizes_missing, with_head
from ml.grid_formulas import (
    CURVATURE,
    SEED_NOISE,
    centre_for,
    curvature_of,
    expected_centre,
    exponent_error,
    noise_of,
    sizes_per_budget,
    vertex,
    vertex_variance,
)
from ml.ladder import parse_size

MODEL = (512, 256)


def parabola(sizes: list[int], at: float, curvature: float = 0.1) -> dict[int, float]:
    """Losses without noise whose lowest point lies at `at`."""
    return {n: 2.0 + curvature / 2 * math.log(n / at) ** 2 for n in sizes}


@pytest.mark.parametrize("vocabulary_size", [512, 1000])
@pytest.mark.parametrize("centre", [15e3, 5e4, 2e6, 2e8])
def test_sizes_span_a_factor_of_eight_in_even_steps(centre: float, vocabulary_size: int) -> None:
    sizes = [
        with_head(parse_size(name), vocabulary_size, 256) for name in sizes_around(centre, 6, vocabulary_size, 256)
    ]
    assert sizes == sorted(set(sizes))
    if centre > 5e4:  # below, the head alone bounds what is small
        assert sizes[-1] / sizes[0] == pytest.approx(8, rel=0.1)
        assert math.sqrt(sizes[0] * sizes[-1]) == pytest.approx(centre, rel=0.1)
        steps = [math.log(b / a) for a, b in pairwise(sizes)]
        assert max(steps) < 1.35 * min(steps)
    assert with_head(size_for(50_000, *MODEL), *MODEL) == pytest.approx(50_000, rel=0.05)


def test_small_budgets_have_more_sizes_and_none_fewer_than_a_parabola_needs() -> None:
    assert sizes_per_budget(5) == [7, 6, 5, 5, 5]


def test_vertex_is_that_of_the_window_around_the_lowest_loss() -> None:
    sizes = [10_000, 20_000, 40_000, 80_000, 160_000, 320_000]
    losses = parabola(sizes, 45_000)
    assert vertex(losses) == pytest.approx(45_000, rel=1e-6)
    assert vertex(losses | {320_000: 9.0}) == pytest.approx(45_000, rel=1e-6)  # outside +-2 sizes of the lowest
    assert vertex(parabola(sizes, 1e9)) == pytest.approx(320_000)  # held within what was tried
    assert vertex(parabola(sizes[:2], 15_000)) is None
    assert vertex({10_000: 2.0, 20_000: 2.1, 40_000: 2.0}) is None


def test_centre_follows_the_budget_before_and_else_the_expectation() -> None:
    sizes = [10_000, 20_000, 40_000, 80_000]
    profiles = {1e11: parabola(sizes, 17_000), 4e11: parabola(sizes, 50_000)}
    assert centre_for(16e11, profiles) == (pytest.approx(100_000, rel=1e-6), 4e11)
    assert centre_for(4e11, profiles) == (pytest.approx(34_000, rel=1e-6), 1e11)  # not on itself
    assert centre_for(1e11, profiles) == (expected_centre(1e11), None)
    flat = {1e11: profiles[1e11], 4e11: dict.fromkeys(sizes[:2], 2.0)}
    assert centre_for(16e11, flat) == (pytest.approx(68_000, rel=1e-6), 1e11)


@pytest.mark.parametrize(
    ("losses", "wanted"),
    [
        ([4, 3, 2, 3, 4], []),
        ([3, 2, 3, 4, 5], [20_000]),
        ([2, 3, 4, 5, 6], [20_000, 10_000]),
        ([5, 4, 3, 2, 3], [1_280_000]),
        ([6, 5, 4, 3, 2], [1_280_000, 2_560_000]),
        ([3, 2], []),
    ],
)
def test_two_sizes_stand_on_each_side_of_the_lowest_loss(losses: list[float], wanted: list[int]) -> None:
    sizes = [40_000, 80_000, 160_000, 320_000, 640_000][: len(losses)]
    found = [with_head(parse_size(s), *MODEL) for s in sizes_missing(dict(zip(sizes, losses, strict=True)), *MODEL)]
    assert found == [pytest.approx(n, rel=0.1) for n in sorted(wanted)]


def test_no_size_is_asked_for_that_no_shape_has() -> None:
    assert sizes_missing({6_000: 1.0, 12_000: 2.0, 24_000: 2.5}, *MODEL) == []


def test_expected_error_is_what_a_simulation_scatters_by() -> None:
    """4,000 sweeps with unequal grids, an off-centre vertex and replicates, fitted as the analysis does."""
    rng, noise, curvature = np.random.default_rng(0), 0.003, 0.08
    logs_c = np.log([1e11, 4e11, 2e12, 1e13])
    runs = [[1] * 7, [1, 1, 3, 3, 1, 1], [1] * 5, [1, 1, 2, 1, 1]]
    centres = 10 + 0.5 * (logs_c - logs_c[0])
    grids = [centre + np.linspace(-1.04, 1.04, len(m)) for centre, m in zip(centres, runs, strict=True)]
    variances, vertices = [], []
    for centre, grid, m in zip(centres, grids, runs, strict=True):
        counts = dict(zip(np.exp(grid).tolist(), m, strict=True))
        variances.append(vertex_variance(counts, curvature, noise))
        losses = curvature / 2 * (grid - centre) ** 2 + rng.normal(size=(4000, len(grid))) * noise / np.sqrt(m)
        p2, p1, _ = np.polyfit(grid - centre, losses.T, 2, w=np.sqrt(m))
        vertices.append(centre - p1 / (2 * p2))
    assert np.std(vertices, axis=1) == pytest.approx(np.sqrt(variances), rel=0.06)
    slopes = np.polyfit(logs_c, np.array(vertices), 1, w=1 / np.sqrt(variances))[0]
    profiles = {
        math.exp(c): dict(zip(np.exp(g).tolist(), m, strict=True)) for c, g, m in zip(logs_c, grids, runs, strict=True)
    }
    assert exponent_error(profiles, curvature, noise) == pytest.approx(np.std(slopes), rel=0.05)


def test_error_of_a_vertex_off_the_middle_is_what_a_simulation_scatters_by() -> None:
    rng, grid = np.random.default_rng(1), np.linspace(-1, 1, 6)
    losses = 0.05 * (grid - 0.7) ** 2 + rng.normal(size=(4000, 6)) * 0.002
    p2, p1, _ = np.polyfit(grid, losses.T, 2)
    expected = math.sqrt(vertex_variance(dict.fromkeys(np.exp(grid).tolist(), 1), 0.1, 0.002, offset=0.7))
    assert np.std(-p1 / (2 * p2)) == pytest.approx(expected, rel=0.06)


def test_expected_error_needs_two_budgets_with_three_sizes() -> None:
    three = {10_000.0: 1, 20_000.0: 1, 40_000.0: 1}
    assert math.isinf(exponent_error({1e11: three, 1e12: {1e4: 1, 2e4: 1}}, 0.1, 0.01))
    assert math.isfinite(exponent_error({1e11: three, 1e12: three}, 0.1, 0.01))


def test_curvature_and_noise_come_from_results_where_there_are_any() -> None:
    assert curvature_of({}) == (CURVATURE, 0) and noise_of([[1.0], [2.0]]) == (SEED_NOISE, 0)
    found = curvature_of({1e11: parabola([10_000, 20_000, 40_000, 80_000], 30_000, 0.2)})
    assert found == (pytest.approx(0.2), 1)
    assert noise_of([[1.0, 1.2], [2.0, 2.2, 2.1], [5.0]]) == (pytest.approx(math.sqrt((0.02 + 0.02) / 3)), 3)
