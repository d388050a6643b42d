"""The robustness chart: points and line on logit axes."""

from __future__ import annotations

import numpy as np

from workbench.plots.robustness import robustness


def test_points_line_and_diagonal_stand_on_logits() -> None:
    figure = robustness(
        [0.5, 0.8],
        [0.5, 0.2],
        [(0.4, 0.6), (0.1, 0.3)],
        ["a", "<b>"],
        line=lambda x: x / 2,
        titles=("noto", "line"),
    )
    diagonal, line, points = figure.data
    np.testing.assert_allclose(diagonal.x, diagonal.y)
    np.testing.assert_allclose(points.x, [0, np.log(4)], atol=1e-12)
    np.testing.assert_allclose(points.y, [0, -np.log(4)], atol=1e-12)
    at = 1 / (1 + np.exp(-np.asarray(line.x)))
    np.testing.assert_allclose(1 / (1 + np.exp(-np.asarray(line.y))), at / 2, atol=1e-9)
    assert "<b>" not in points.hovertext[1].removeprefix("<b>")
    assert [each[0] for each in points.customdata] == [0, 1]


def test_an_accuracy_of_nothing_stays_on_the_chart() -> None:
    figure = robustness([0.0, 1.0], [0.0, 1.0], [(0.0, 0.1), (0.9, 1.0)], ["a", "b"])
    assert np.isfinite(figure.data[-1].x).all() and np.isfinite(figure.data[-1].y).all()
    assert len(figure.data) == 2  # no line was given
