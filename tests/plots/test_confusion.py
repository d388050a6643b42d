from __future__ import annotations

import numpy as np
import pytest

from workbench.plots.confusion import MOST_CELLS, add_doors, confusion_matrix


def cells(figure):
    heat = figure.data[0]
    return np.asarray(heat.z, dtype=float), np.asarray(heat.customdata), heat.hovertext


def test_each_row_is_the_share_of_its_true_class():
    made = confusion_matrix(
        np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([3, 1, 5]), ["cat", "dog", "none"]
    )
    shares, corners, hover = cells(made)
    assert shares.tolist() == [[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]]
    assert corners[0, 1].tolist() == [0, 1, 1, 2, 1]
    assert "25.0%" in hover[0][1] and hover[0][2] == ""


def test_the_order_moves_rows_and_columns_alike():
    made = confusion_matrix(
        np.array([0]), np.array([2]), np.array([4]), ["a", "b", "c"], order=np.array([2, 0, 1])
    )
    shares, _, hover = cells(made)
    assert shares[1, 0] == 1 and shares.sum() == 1
    assert "<b>a</b>" in hover[1][0] and "<b>c</b>" in hover[1][0]


def test_many_classes_share_cells_and_none_is_lost():
    rng = np.random.default_rng(0)
    classes = 1000
    truth, predicted = rng.integers(0, classes, (2, 5000))
    count = rng.integers(1, 9, 5000)
    made = confusion_matrix(truth, predicted, count, [f"class {i}" for i in range(classes)])
    _, corners, _ = cells(made)
    assert corners.shape == (MOST_CELLS, MOST_CELLS, 5)
    assert corners[..., 4].sum() == count.sum()
    assert corners[0, 0, 0] == 0 and corners[-1, -1, 1] == classes
    row = corners[17, 40]
    inside = (truth >= row[0]) & (truth < row[1]) & (predicted >= row[2]) & (predicted < row[3])
    assert count[inside].sum() == row[4]


@pytest.mark.parametrize("classes", [1, 2])
def test_few_classes(classes):
    made = confusion_matrix(np.array([0]), np.array([0]), np.array([1]), ["x"] * classes)
    assert cells(made)[0].shape == (classes, classes)


def test_no_predictions_at_all():
    empty = np.empty(0, dtype=np.int64)
    shares, _, _ = cells(confusion_matrix(empty, empty, empty, ["a", "b"]))
    assert shares.sum() == 0


def test_names_are_texts_and_not_markup():
    made = confusion_matrix(np.array([0]), np.array([0]), np.array([1]), ["<b>x</b>", "y"])
    assert "&lt;b&gt;x" in cells(made)[2][0][0]
    assert "&lt;b&gt;x" in made.layout.xaxis.ticktext[0]


def test_each_cell_with_images_has_a_point_that_can_be_clicked() -> None:
    truth, guess, count = np.array([0, 0, 2]), np.array([0, 1, 2]), np.array([3, 1, 2])
    figure = add_doors(confusion_matrix(truth, guess, count, ["a", "b", "c"]))
    points = figure.data[1]
    found = {
        (x, y): tuple(c) for x, y, c in zip(points.x, points.y, points.customdata, strict=True)
    }
    assert found == {(0, 0): (0, 1, 0, 1, 3), (1, 0): (0, 1, 1, 2, 1), (2, 2): (2, 3, 2, 3, 2)}
    assert figure.data[0].hoverinfo == "skip"
