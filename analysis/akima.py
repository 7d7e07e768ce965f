"""IsoFLOP vertices by Akima interpolation with a noise bootstrap (Porian 2024), then the power laws.

In: profiles and the noise of log loss. Out: a Fit with the names of isoflop.py.
The profile is interpolated in log-log, so no shape is imposed and wide, irregular grids do no harm; noise is added to
the losses many times, and N* is the median of the minima. Noise: between seeds where there are enough, else what a
local cubic leaves (a parabola's residual would take the profile's skew for noise).
A budget whose minima fall on the edge in half of the draws or more is left out.
"""

import math

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from analysis.isoflop import LAW_NAMES, Vertex, assemble, size_notes, tokens_at
from analysis.parabola import local_vertices
from analysis.points import SEED_FREEDOM, Profile
from analysis.results import Fit, Note, refused
from analysis.tables import flops

METHOD = "isoflop_akima"
MIN_SIZES = 4
GRID_PER_GAP = 25
# An interpolant cannot place a minimum better than about a third of the spacing of sizes (Porian's analysis too).
SPACING_FLOOR = 1 / 3


def fit_akima(profiles: tuple[Profile, ...], seed_noise: tuple[float, int], bootstrap: int, seed: int) -> Fit:
    """Akima vertices and power laws; `seed_noise` is (sd of log loss between seeds, degrees of freedom)."""
    rng = np.random.default_rng(seed)
    notes = list(size_notes(profiles))
    ready = [p for p in profiles if len(p.n) >= MIN_SIZES]
    thin = [flops(p.budget) for p in profiles if len(p.n) == MIN_SIZES - 1]
    if thin:
        notes.append(Note("few_sizes_akima", "warning", f"Budgets refused, under 4 sizes: {', '.join(thin)}."))
    if not ready:
        return refused(METHOD, LAW_NAMES, "not_identified", tuple(notes))
    scale, freedom, noise_note = _noise(ready, seed_noise)
    notes.append(noise_note)
    vertices, spreads, draws = [], [], {name: [] for name in ("n_opt", "d_opt", "loss_opt", "clamped")}
    for profile in ready:
        sd = scale / np.sqrt(profile.replicates) if seed_noise[1] >= SEED_FREEDOM else np.full(len(profile.n), scale)
        log_n, log_loss, edge = _noisy_minima(profile, sd, bootstrap, rng)
        spreads.append(_spread(profile, log_n, edge))
        vertices.append(_vertex(profile, log_n, log_loss, edge, spreads[-1]))
        draws["n_opt"].append(np.exp(log_n))
        draws["d_opt"].append(tokens_at(profile, log_n))
        draws["loss_opt"].append(np.exp(log_loss))
        draws["clamped"].append(edge.astype(float))
    off = [flops(v.budget) for v in vertices if not v.used]
    if off:
        text = f"Budgets {', '.join(off)}: the minimum lies at the edge of the sizes tried: left out of the power laws."
        notes.append(Note("vertex_at_edge", "error", text))
    stacked = {name: np.stack(parts, axis=1) for name, parts in draws.items()}
    return assemble(METHOD, vertices, 1 / np.array(spreads) ** 2, stacked, notes, scale, freedom)


def _noise(profiles: list[Profile], seed_noise: tuple[float, int]) -> tuple[float, float, Note]:
    """The noise of log loss, its degrees of freedom and a note that says where it comes from."""
    if seed_noise[1] >= SEED_FREEDOM:
        text = f"Noise of log loss {seed_noise[0]:.2g}, between seeds ({seed_noise[1]} degrees of freedom)."
        return *seed_noise, Note("noise_from_seeds", "info", text)
    for degree, name in ((3, "cubics"), (2, "parabolas")):
        squares, freedom = 0.0, 0
        for p in profiles:
            x, y = np.log(p.n), np.log(p.loss)
            near = local_vertices(x, y, np.ones((1, len(x)))).window[0]
            if near.sum() > degree + 1:
                z = x[near] - x[near].mean()
                squares += float(((np.polyval(np.polyfit(z, y[near], degree), z) - y[near]) ** 2).sum())
                freedom += int(near.sum()) - degree - 1
        if freedom >= SEED_FREEDOM:
            sd = math.sqrt(squares / freedom)
            text = f"Noise of log loss {sd:.2g}, from local {name} ({freedom} degrees of freedom)."
            return sd, freedom, Note("noise_from_profiles", "info", text)
    text = "Too few runs to tell the noise: none is added, and no interval can be given."
    return 0.0, 0, Note("noise_unknown", "warning", text)


def _noisy_minima(
    profile: Profile, sd: np.ndarray, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log N and log loss of the interpolant's minimum per draw, and whether it lies at an end of the sizes."""
    x, y = np.log(profile.n), np.log(profile.loss)
    grid = np.linspace(x[0], x[-1], (len(x) - 1) * GRID_PER_GAP + 1)
    noisy = y + sd * rng.standard_normal((max(draws, 1), len(x)))
    curves = Akima1DInterpolator(x, noisy.T)(grid)
    at = curves.argmin(axis=0)
    return grid[at], curves[at, np.arange(len(at))], (at == 0) | (at == len(grid) - 1)


def _vertex(profile: Profile, log_n: np.ndarray, log_loss: np.ndarray, edge: np.ndarray, spread: float) -> Vertex:
    """The median of the minima inside, with the error `spread`; at the edge where half of the draws or more are there."""
    outside = edge.mean() >= 0.5
    inside = slice(None) if outside else ~edge
    at = float(np.median(log_n[inside]))
    return Vertex(
        budget=profile.budget,
        n_opt=math.exp(at),
        d_opt=float(tokens_at(profile, np.array([at]))[0]),
        loss_opt=math.exp(float(np.median(log_loss[inside]))),
        log_n_se=spread,
        log_loss_se=float(np.std(log_loss[inside])),
        window=np.ones(len(profile.n), dtype=bool),
        coefficients=np.zeros(3),
        centre=at,
        flags=("vertex_at_edge",) if outside else (),
        used=not outside,
    )


def _spread(profile: Profile, log_n: np.ndarray, edge: np.ndarray) -> float:
    """The standard deviation by which a vertex is weighted: never under the floor, larger where draws were lost."""
    floor = SPACING_FLOOR * np.log(profile.n[-1] / profile.n[0]) / (len(profile.n) - 1)
    inside = log_n[~edge] if (~edge).any() else log_n
    return max(float(np.std(inside)), float(floor)) / max(float((~edge).mean()), 0.5)
