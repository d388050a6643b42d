from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import InputError
from workbench.measures.confident import label_issues, thresholds


def in_blocks(probabilities, size=2):
    probabilities = np.asarray(probabilities, dtype=np.float32)

    def blocks():
        for start in range(0, len(probabilities), size):
            yield start, probabilities[start : start + size]

    return blocks


def two(p1):
    p1 = np.array(p1)
    return in_blocks(np.stack([1 - p1, p1], axis=1))


def test_cleanlab_s_example():
    # thresholds (.6667, .7); only the third image is flagged, the sixth is not counted at all
    blocks, labels = two([0.1, 0.2, 0.7, 0.8, 0.9, 0.4]), np.array([0, 0, 0, 1, 1, 1])
    assert thresholds(blocks, labels, 2) == pytest.approx([2 / 3, 0.7], abs=1e-4)
    found = label_issues(blocks, labels, 2)
    assert found.confident.tolist() == [0, 0, 1, 1, 1, -1]
    assert found.places.tolist() == [2] and found.suggested.tolist() == [1]
    assert found.by_rate.tolist() == found.by_joint.tolist() == [True]
    assert found.margin[0] == pytest.approx(0.3 - 0.7, abs=1e-6)
    assert found.odds[0] == pytest.approx(np.log(3 / 7), abs=1e-6) and not found.clear[0]


def test_clear_cases_are_a_thousand_times_as_probable_and_the_worst_come_first():
    p1 = [0.1, 0.1, 0.1, 0.1, 0.9995, 0.998, 1.0, *[0.9] * 8]
    found = label_issues(two(p1), np.array([0] * 7 + [1] * 8), 2)
    assert found.places.tolist() == [6, 4, 5]
    assert found.clear.tolist() == [True, True, False]
    assert np.isfinite(found.odds).all() and found.odds[1] == pytest.approx(-7.6, abs=0.01)


def slow(probabilities, labels, classes):
    """Off the diagonal of the confident joint, image by image."""
    t = [np.mean(probabilities[labels == j, j]) for j in range(classes)]
    found = []
    for place, (p, y) in enumerate(zip(probabilities, labels, strict=True)):
        passing = [j for j in range(classes) if p[j] >= t[j] - 1e-6]
        if (
            passing
            and max(passing, key=lambda j: p[j]) != y
            and max(range(classes), key=lambda j: p[j]) != y
        ):
            found.append(place)
    return found


def test_a_slow_loop_flags_the_same():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        probabilities = rng.dirichlet(np.full(4, 0.5), 200).astype(np.float32)
        labels = rng.integers(0, 4, 200)
        found = label_issues(in_blocks(probabilities, 64), labels, 4)
        assert sorted(found.places[found.by_joint]) == slow(probabilities, labels, 4)


def test_planted_errors_are_found():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, 1000)
    labels = truth.copy()
    wrong = rng.choice(1000, 40, replace=False)
    labels[wrong] = (truth[wrong] + 1 + rng.integers(0, 4, 40)) % 5
    logits = rng.normal(0, 1, (1000, 5)) + 4 * np.eye(5)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = label_issues(in_blocks(probabilities, 300), labels, 5)
    for rule in (found.by_rate, found.by_joint):
        hits = len(set(found.places[rule]) & set(wrong))
        assert hits / 40 >= 0.75 and hits / rule.sum() > 0.7
    assert (np.diff(found.odds) >= 0).all()
    right = np.isin(found.places, wrong)
    assert (found.suggested[right] == truth[found.places[right]]).mean() > 0.9


def test_blocks_do_not_matter():
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(4), 101)
    labels = rng.integers(0, 4, 101)
    one, two = (label_issues(in_blocks(probabilities, size), labels, 4) for size in (7, 101))
    for name in ("places", "by_rate", "by_joint"):
        assert getattr(one, name).tolist() == getattr(two, name).tolist()


def test_labels_that_the_model_agrees_with_are_never_flagged():
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet(np.ones(3), 200)
    labels = rng.integers(0, 3, 200)
    found = label_issues(in_blocks(probabilities, 50), labels, 3)
    assert (probabilities[found.places].argmax(axis=1) != labels[found.places]).all()


def test_a_class_keeps_an_image_and_unlabelled_ones_are_left_out():
    found = label_issues(two([0.9, 0.8, 0.1, 0.9]), np.array([0, 1, -1, -1]), 2)
    assert 0 not in found.places  # the only image of its class
    assert not set(found.places) & {2, 3}


def test_no_labels_and_one_class():
    with pytest.raises(InputError):
        label_issues(two([0.5]), np.array([-1]), 2)
    assert len(label_issues(in_blocks(np.ones((3, 1))), np.zeros(3, int), 1).places) == 0
