from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.errors import InputError
from workbench.measures.error_types import (
    CATEGORIES,
    RULES,
    Evidence,
    propose,
    reviewed_accuracy,
)


def evidence(rows):
    """Evidence from M rows of six marks."""
    return Evidence(*np.asarray(rows, dtype=bool).reshape(-1, 6).T)


def test_each_rule_alone_gives_its_category_and_none_the_last():
    found = propose(evidence([*np.eye(6), np.zeros(6)]))
    assert [CATEGORIES[i] for i in found] == [rule.category for rule in RULES]


def test_the_first_rule_that_holds_decides():
    assert CATEGORIES[propose(evidence([[0, 1, 1, 1, 1, 1]]))[0]] == "several-true"
    assert CATEGORIES[propose(evidence([[1, 1, 1, 1, 1, 1]]))[0]] == "label-wrong"


@given(arrays(bool, (20, 6)), st.integers(0, 5))
def test_mistakes_are_parted_and_evidence_moves_them_forward_only(marks, rule):
    before = propose(evidence(marks))
    assert np.bincount(before, minlength=7).sum() == 20
    marks = marks.copy()
    marks[:, rule] = True
    assert (propose(evidence(marks)) <= before).all()


def test_no_mistakes():
    assert len(propose(evidence(np.empty((0, 6))))) == 0


def test_evidence_of_different_length_is_refused():
    with pytest.raises(InputError, match="one length"):
        Evidence(*(np.zeros(n, bool) for n in (1, 1, 1, 1, 1, 2)))


def test_review_takes_out_wrong_labels_and_accepts_true_answers():
    correct = np.array([True, True, False, False, False])
    found = reviewed_accuracy(correct, {2: "several-true", 3: "label-wrong", 4: "plain"})
    assert found.before == pytest.approx(2 / 5)
    assert found.after == pytest.approx(3 / 4)
    assert (found.n_before, found.n_after, found.reviewed) == (5, 4, 3)


def test_without_verdicts_nothing_changes():
    found = reviewed_accuracy(np.array([True, False]), {})
    assert found.before == found.after == 0.5


def test_a_wrong_label_takes_a_right_answer_out_as_well():
    assert reviewed_accuracy(np.array([True, False]), {0: "label-wrong"}).after == 0.0


def test_no_images_have_no_accuracy():
    assert math.isnan(reviewed_accuracy(np.empty(0, bool), {}).before)


@pytest.mark.parametrize(("place", "category"), [(0, "odd"), (5, "plain"), (-1, "plain")])
def test_verdicts_that_mean_nothing_are_refused(place, category):
    with pytest.raises(InputError):
        reviewed_accuracy(np.array([True]), {place: category})
