from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import linregress

from workbench.errors import InputError
from workbench.measures.robustness import baseline_fit, effective_robustness, logit

PUBLISHED = Path(__file__).resolve().parents[3] / "shared/data/published"
TABLE = PUBLISHED / "openclip_classification_results.csv"


def test_an_exact_line_is_found_and_a_model_above_it_has_the_difference():
    standard = expit(np.linspace(-1, 3, 9))
    fit = baseline_fit(standard, expit(0.8 * logit(standard) - 0.5))
    assert fit.slopes[0] == pytest.approx(0.8) and fit.intercept == pytest.approx(-0.5)
    assert fit.r2 == pytest.approx(1) and (fit.n, fit.left_out) == (9, 0)
    found = effective_robustness(fit, np.array([0.65]), np.array([0.55]))
    assert found[0] == pytest.approx(0.0512, abs=5e-5)
    on_line = fit.expected(standard)
    assert effective_robustness(fit, standard, on_line) == pytest.approx(np.zeros(9))


def test_the_fit_is_scipy_s():
    rng = np.random.default_rng(0)
    standard = rng.uniform(0.3, 0.9, 40)
    shifted = expit(1.1 * logit(standard) - 0.4 + rng.normal(0, 0.3, 40))
    fit, want = baseline_fit(standard, shifted), linregress(logit(standard), logit(shifted))
    assert (fit.slopes[0], fit.intercept) == pytest.approx((want.slope, want.intercept))
    assert fit.r2 == pytest.approx(want.rvalue**2)


def test_one_standard_set_as_a_column_is_the_classic_fit_and_two_are_both_used():
    rng = np.random.default_rng(1)
    two = rng.uniform(0.3, 0.9, (30, 2))
    shifted = expit(logit(two) @ [0.5, 0.25] - 0.2)
    assert baseline_fit(two[:, :1], shifted) == baseline_fit(two[:, 0], shifted)
    both = baseline_fit(two, shifted)
    assert both.slopes == pytest.approx((0.5, 0.25)) and both.intercept == pytest.approx(-0.2)
    assert effective_robustness(both, two, shifted) == pytest.approx(np.zeros(30))


def test_models_at_0_and_1_and_unknown_ones_are_left_out_and_counted():
    standard = np.array([0.5, 0.6, 0.7, 1.0, 0.8, math.nan])
    shifted = np.array([0.4, 0.5, 0.6, 0.9, 0.0, 0.5])
    fit = baseline_fit(standard, shifted)
    assert (fit.n, fit.left_out) == (3, 3)
    assert fit.slopes == pytest.approx(baseline_fit(standard[:3], shifted[:3]).slopes)
    assert fit.expected(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]
    assert math.isnan(fit.expected(np.array([math.nan]))[0])


def test_a_shift_that_no_model_feels_differently():
    fit = baseline_fit(np.array([0.4, 0.6]), np.array([0.5, 0.5]))
    assert fit.slopes[0] == pytest.approx(0) and math.isnan(fit.r2)


@pytest.mark.parametrize(
    ("standard", "shifted", "said"),
    [
        ([0.5], [0.4], "baseline models"),
        ([0.5, 0.5, 0.5], [0.4, 0.5, 0.6], "baseline models"),
        ([], [], "0 usable of 0"),
        ([63.3, 70.1], [0.4, 0.5], "Divide percentages"),
        ([0.5, 0.6], [0.4], "2 accuracies"),
        ([[[0.5]]], [0.4], "shape"),
    ],
)
def test_what_cannot_be_fitted_is_refused(standard, shifted, said):
    with pytest.raises(InputError, match=said):
        baseline_fit(np.array(standard), np.array(shifted))


def test_another_number_of_standard_sets_is_refused():
    fit = baseline_fit(np.array([0.4, 0.6]), np.array([0.3, 0.5]))
    with pytest.raises(InputError, match="1 test sets"):
        fit.expected(np.full((2, 2), 0.5))


def _column(name):
    with TABLE.open(newline="") as file:
        return np.array([float(row[name] or "nan") for row in csv.DictReader(file)])


@pytest.mark.skipif(not TABLE.is_file(), reason="the published tables of ../shared are not here")
@pytest.mark.parametrize(
    ("name", "slope", "intercept", "r"),
    [
        ("ImageNet v2", 0.958, -0.304, 0.9996),
        ("ImageNet-A", 1.099, -1.056, 0.924),
        ("ImageNet-R", 1.174, 0.603, 0.972),
        ("ImageNet Sketch", 1.075, -0.670, 0.984),
        ("ObjectNet", 0.873, -0.381, 0.973),
    ],
)
def test_the_lines_of_the_published_models(name, slope, intercept, r):
    fit = baseline_fit(_column("ImageNet 1k"), _column(name))
    assert fit.slopes[0] == pytest.approx(slope, abs=6e-4)
    assert fit.intercept == pytest.approx(intercept, abs=6e-4)
    assert math.sqrt(fit.r2) == pytest.approx(r, abs=6e-4)
