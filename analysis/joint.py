"""Joint law in parameters, tokens and patients: L = E + A/N^alpha + B/D^beta + G/M^gamma, M unique patients trained on.

In: points with unique patients M. Out: a Fit with E, A, B, G, alpha, beta, gamma (terms.py: Huber, delta 1.345 robust
sigma, on log loss). It answers what more patients are worth beside more tokens of the same ones: the term in M is what
is left of the loss with N and D without end.
Not identified: too few configurations or levels of M, or log M a linear function of log N and log D over the runs, as in
sweeps that see every patient once (D grows with M).
"""

import numpy as np

from analysis import surface_solver as solver
from analysis.points import Points
from analysis.results import Fit, Note, refused
from analysis.surface import LINE_TOLERANCE, MIN_LEVELS, identifiability, lack_of_fit
from analysis.terms import Terms, fit_terms, renamed

METHOD = "joint_patients"
LAW = Terms(coefficients=("A", "B", "G"), exponents=("alpha", "beta", "gamma"))
NAMES = LAW.names
# Seven parameters need at least one configuration more for any residual.
MIN_CONFIGURATIONS = 8


def fit_joint(points: Points, bootstrap: int, seed: int) -> Fit:
    """The joint law on the rows that tell their patients, with 95% intervals of three kinds."""
    patients = np.full(len(points), np.nan) if points.unique_patients is None else points.unique_patients
    known = np.isfinite(patients) & (patients > 0)
    barred = joint_identifiability(points, patients, known)
    if barred:
        return refused(METHOD, NAMES, "not_identified", barred)
    problem = solver.make_problem(points.loss[known], points.n[known], points.d[known], patients[known])
    codes = np.unique(points.configuration[known], return_inverse=True)[1].reshape(-1)
    fit = fit_terms(LAW, problem, codes, ("huber",), bootstrap, seed)["huber"]
    text = f"Patients are told for {known.sum()} of {len(points)} runs; the others are left out of the joint law."
    notes = (Note("patients_unknown", "info", text),) if not known.all() else ()
    return renamed(fit, METHOD, (*notes, *lack_of_fit(codes, fit.details["residual"], problem)))


def joint_identifiability(points: Points, patients: np.ndarray, known: np.ndarray) -> tuple[Note, ...]:
    """Why the seven parameters cannot be told from these runs; empty where they can."""
    if not known.any():
        return (Note("no_patients", "error", "No run tells how many patients it was trained on."),)
    notes = list(identifiability(points))
    configurations = len(np.unique(points.configuration[known]))
    if configurations < MIN_CONFIGURATIONS:
        text = f"{configurations} configurations: 7 parameters need at least {MIN_CONFIGURATIONS}."
        notes.append(Note("few_configurations", "error", text))
    logs = np.log(patients[known])
    levels = len(np.unique(np.round(logs, 2)))
    if levels < MIN_LEVELS:
        text = f"Only {levels} different numbers of patients: their term cannot be told from E."
        notes.append(Note("few_levels", "error", text))
    if not notes:
        design = np.column_stack([np.ones(len(logs)), np.log(points.n[known]), np.log(points.d[known])])
        left = logs - design @ np.linalg.lstsq(design, logs, rcond=None)[0]
        if np.std(left) < LINE_TOLERANCE:
            text = "Patients follow from N and D in these runs (every patient seen as often): their term cannot be told apart."
            notes.append(Note("one_plane", "error", text))
    return tuple(notes)
