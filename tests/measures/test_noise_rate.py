from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from workbench.measures.confident import label_issues
from workbench.measures.noise_rate import NoiseCounts, most_doubtful, noise_counts


def in_blocks(probabilities, size=7):
    probabilities = np.asarray(probabilities, dtype=np.float32)

    def blocks():
        for start in range(0, len(probabilities), size):
            yield start, probabilities[start : start + size]

    return blocks


def as_dict(cells):
    return {(g, o): n for g, o, n in zip(cells.given, cells.guessed, cells.count, strict=True)}


def test_counts_are_scaled_up_to_the_images_that_reach_no_threshold():
    # joint [[2, 1], [0, 2]] of 6 and 3 images: rows [4, 2] and [0, 3]
    labels = np.array([0] * 6 + [1] * 3)
    confident = np.array([0, 0, 1, -1, -1, -1, 1, 1, -1])
    assert as_dict(noise_counts(labels, confident, 2)) == {(0, 1): 2}


def test_whole_numbers_keep_the_sum_of_a_row():
    # joint row [2, 1, 1] of 7 images: [3.5, 1.75, 1.75], so 3, 2, 2
    labels, confident = np.zeros(7, int), np.array([0, 0, 1, 2, -1, -1, -1])
    assert as_dict(noise_counts(labels, confident, 3)) == {(0, 1): 2, (0, 2): 2}


def test_a_class_keeps_an_image_and_the_emptiest_cell_gives_way():
    # nobody is counted as right: [1, 5, 1] of 7 images
    labels, confident = np.zeros(7, int), np.array([1, 1, 1, 1, 1, 2, -1])
    assert as_dict(noise_counts(labels, confident, 3)) == {(0, 1): 5, (0, 2): 1}
    assert as_dict(noise_counts(labels, confident, 3, least=3)) == {(0, 1): 4}
    assert as_dict(noise_counts(labels[:1], confident[:1], 3)) == {}


def test_the_largest_margins_are_taken():
    # label 0 throughout; margins of class 1: .8, .2, .4, .4, -.2
    p1 = np.array([0.9, 0.6, 0.7, 0.7, 0.4])
    blocks = in_blocks(np.stack([1 - p1, p1], axis=1), 2)
    labels = np.array([0, 0, 0, 0, 0])
    for count, wanted in ((1, [0]), (2, [0, 2]), (3, [0, 2, 3]), (5, [0, 1, 2, 3, 4])):
        cells = NoiseCounts(np.array([0]), np.array([1]), np.array([count]))
        assert np.flatnonzero(most_doubtful(blocks, labels, cells)).tolist() == wanted


def test_unlabelled_images_are_never_taken():
    blocks, labels = in_blocks(np.full((4, 2), 0.5)), np.array([-1, 0, -1, 1])
    cells = NoiseCounts(np.array([0, 1]), np.array([1, 0]), np.array([3, 3]))
    assert most_doubtful(blocks, labels, cells).tolist() == [False, True, False, True]


def slow(p, labels, classes):
    """Image by image, with lists: thresholds, joint, calibration, pruning."""
    n = len(labels)
    t = [np.mean([p[i][j] for i in range(n) if labels[i] == j]) for j in range(classes)]
    joint = [[0] * classes for _ in range(classes)]
    for i in range(n):
        passing = [j for j in range(classes) if p[i][j] >= t[j] - 1e-6]
        if passing:
            joint[labels[i]][max(passing, key=lambda j: p[i][j])] += 1
    flagged = set()
    for k in range(classes):
        mine = [i for i in range(n) if labels[i] == k]
        row = [max(1, joint[k][j]) if j == k else joint[k][j] for j in range(classes)]
        exact = [Fraction(value * len(mine), sum(row)) for value in row]
        counts = [math.floor(value) for value in exact]
        # the given class stands first among equal remainders
        order = sorted(range(classes), key=lambda j: (counts[j] - exact[j], j != k, j))
        for j in order[: len(mine) - sum(counts)]:
            counts[j] += 1
        for j in range(classes):
            if j != k:
                ranked = sorted(mine, key=lambda i: -(float(p[i][j]) - float(p[i][k])))
                flagged |= set(ranked[: counts[j]])
    return sorted(i for i in flagged if max(range(classes), key=lambda j: p[i][j]) != labels[i])


@pytest.mark.parametrize("seed", range(6))
def test_a_slow_loop_flags_the_same(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 150)
    logits = rng.normal(0, 1.5, (150, 4)) + 2 * np.eye(4)[labels]
    p = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    found = label_issues(in_blocks(p, 31), labels, 4)
    assert sorted(found.places[found.by_rate]) == slow(p, labels, 4)
    assert found.by_rate.any()
