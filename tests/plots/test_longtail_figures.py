from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.longtail.balance import effective
from workbench.longtail.bins import bin_classes, fit_bins
from workbench.longtail.calibration import by_frequency
from workbench.longtail.concepts import Concepts
from workbench.longtail.fit import fit_classes
from workbench.longtail.synonyms import gain, per_synonym
from workbench.longtail.tails import tails
from workbench.longtail.zipf import Zipf, zipf
from workbench.measures.interval import Measure
from workbench.plots import balance, frequency, rank_frequency, synonyms
from workbench.plots import tails as plots_tails
from workbench.plots.frequency import CountAxis, FrequencyRun

NAMES = ["<b>none</b>", "one", "ten", "hundred", "lost", "blind"]
COUNTS = [0.0, 1.0, 10.0, 100.0, math.nan, 5.0]
ACCURACY = [5.0, 10.0, 20.0, 30.0, 50.0, math.nan]


def run_of(name="run"):
    counts, accuracy = np.array(COUNTS), np.array(ACCURACY)
    bins = bin_classes(counts, accuracy, bins=2)
    return FrequencyRun(
        name, COUNTS, ACCURACY, bins, fit_classes(counts, accuracy), fit_bins(bins, accuracy)
    )


def test_a_true_zero_has_its_own_place_and_the_missing_none():
    made = frequency.accuracy_by_frequency(NAMES, [run_of()])
    points = made.data[0]
    assert [each[0] for each in points.customdata] == [0, 1, 2, 3]
    assert points.x[0] == pytest.approx(10**-0.6) and list(points.x[1:]) == [1, 10, 100]
    assert made.layout.xaxis.ticktext[:3] == ("0", "1", "10")
    assert made.layout.xaxis.type == "log"


def test_means_of_the_bins_carry_their_intervals_and_the_zeros_their_own():
    bins = frequency.accuracy_by_frequency(NAMES, [run_of()]).data[1]
    assert [list(each) for each in bins.customdata] == [[n, "bin", "run"] for n in (-1, 0, 1)]
    assert list(bins.y) == [5, 10, 25]
    assert list(bins.x) == pytest.approx([10**-0.6, 10**0.5, 10**1.5])
    assert bins.error_y.array[2] == pytest.approx(5) and bins.error_y.arrayminus[2] == 5


def test_both_lines_say_r_p_and_slope():
    classes, binned = frequency.accuracy_by_frequency(NAMES, [run_of()]).data[2:]
    assert list(classes.x) == [1, 100] and list(classes.y) == pytest.approx([10, 30])
    assert "per class, n = 3: r = 1.000" in classes.name
    assert "+10.0 points a decade" in classes.name and "p < 0.001" in classes.name
    assert binned.name.startswith("binned, n = 2") and binned.customdata is None


def test_several_runs_lie_over_one_another_and_names_are_no_markup():
    bare = FrequencyRun("<i>other</i>", COUNTS, ACCURACY)
    made = frequency.accuracy_by_frequency(NAMES, [run_of(), bare])
    assert len(made.data) == 5
    last = made.data[-1]
    assert last.name == "&lt;i&gt;other&lt;/i&gt;" and "<b>none" not in last.hovertext[0]
    assert list(last.customdata[1]) == [1, "class", "<i>other</i>"]
    assert last.marker.color != made.data[0].marker.color


@pytest.mark.parametrize("counts", [[], [math.nan], [0.0], [7.0], [0.25, 3e9]])
def test_every_axis_of_counts_can_be_drawn(counts):
    made = frequency.accuracy_by_frequency(
        [""] * len(counts), [FrequencyRun("r", counts, [50.0] * len(counts))]
    )
    low, high = made.layout.xaxis.range
    assert low < high
    assert all(low <= math.log10(x) <= high for x in made.data[0].x)


def test_decades_are_short():
    axis = CountAxis.of([1, 2e9])
    made = frequency.style.figure()
    axis.draw(made, "n")
    assert " ".join(made.layout.xaxis.ticktext) == "1 10 100 1k 10k 100k 1M 10M 100M 1B 10B"


def test_p_values_are_written_as_usual():
    written = [frequency.p_value(p) for p in (0.0001, 0.034, math.nan)]
    assert written == ["p < 0.001", "p = 0.034", "p n/a"]


def test_ranks_run_from_the_most_frequent_and_the_lines_are_straight():
    counts = [0, 10, 100, math.nan, 50]
    fit = Zipf(1.0, 100.0, 0.9, Measure(1.5, 1.4, 1.6, 2), 50, 0.1, 3, 1, 1)
    corpus = rank_frequency.Ranked("captions", counts, fit)
    points, squares, likely = rank_frequency.rank_frequency(list("abcde"), [corpus]).data
    assert list(points.x) == [1, 2, 3] and list(points.y) == [100, 50, 10]
    assert [each[0] for each in points.customdata] == [2, 4, 1]
    assert "1 without a caption" in points.name
    assert list(squares.x) == [1, 3] and list(squares.y) == pytest.approx([100, 100 / 3])
    assert squares.name == "least squares: exponent 1.00, r² 0.900"
    assert list(likely.x) == [1, 2] and list(likely.y) == pytest.approx([200, 50])
    assert "from 50 captions: exponent 2.00 (α 1.50 [1.40, 1.60])" in likely.name


def test_lines_that_are_not_defined_are_not_drawn():
    counts = [3, 3]
    corpus = rank_frequency.Ranked("flat", counts, zipf(np.array(counts)))
    assert len(rank_frequency.rank_frequency(["a", "b"], [corpus]).data) == 1


def test_a_corpus_without_a_match_can_be_drawn():
    made = rank_frequency.rank_frequency(["a"], [rank_frequency.Ranked("none", [0])])
    assert len(made.data[0].x) == 0


def test_balance_before_and_after():
    caption = np.arange(12)
    concept = np.array([1] * 9 + [0] * 3)
    found = effective(caption, concept, [3, 9], 3, 12, seed=1)
    before, after, sampled, cap = balance.before_and_after(["a", "b"], found, 3).data
    assert list(before.y) == [9, 3] and list(after.y) == pytest.approx([3, 3])
    assert [list(each) for each in before.customdata] == [[1, "before"], [0, "before"]]
    assert list(sampled.y) == [found.actual[1], 3]
    assert list(cap.y) == [3, 3] and cap.name == "cap 3"
    assert len(balance.before_and_after(["a", "b"], found, math.inf).data) == 3


def test_each_class_has_a_slope_in_the_colour_of_its_direction():
    pets = Concepts.of(["cat", "dog", "emu"], [["kitty"], [], []])
    truth = np.array([0, 0, 1, 1])
    found = gain(pets, ["kitty", "dog", "emu"], truth, np.array([1, 1, 1, 1]), truth - truth)
    made = synonyms.slopes(found.per_class)
    lines = {line.customdata[0][0]: line for line in made.data}
    assert set(lines) == {0, 1}
    assert list(lines[0].y) == [0, 100] and list(lines[1].y) == [100, 0]
    assert lines[0].line.color != lines[1].line.color
    assert lines[0].text[1].strip() == "kitty"


def test_classes_that_end_at_one_height_share_a_label():
    pets = Concepts.of(["cat", "dog", "fox", "emu", "elk"], [[], [], [], [], []])
    truth = np.arange(5)
    found = gain(pets, ["c", "d", "f", "e", "<k>"], truth, np.full(5, 0), truth)
    texts = [line.text[1].strip() for line in synonyms.slopes(found.per_class).data if line.text]
    assert texts == ["d, f, e +1"]


def test_terms_at_one_place_share_a_label_and_many_classes_have_none():
    pets = Concepts.of(["cat", "dog", "fox"], [["felis", "puss"], ["hound"], ["vixen"]])
    rows = per_synonym(pets, [9, 0, 0, 1, 2, 3, 4], [50, 20, 20, 1, 2, 3, 4])
    made = synonyms.spoken(pets.names, [row for row in rows if row.concept == 0])
    assert sorted(made.data[0].text) == ["", "cat", "felis, puss"]
    assert {line.mode for line in synonyms.spoken(pets.names, rows).data} == {"lines+markers"}


def test_terms_of_a_class_are_joined_by_frequency():
    pets = Concepts.of(["cat", "dog"], [["kitty", "felis"], []])
    rows = per_synonym(pets, [10, 40, 0, 5], [50, 80, 20, math.nan])
    made = synonyms.spoken(pets.names, rows)
    assert len(made.data) == 1
    assert [each[1] for each in made.data[0].customdata] == ["felis", "cat", "kitty"]
    assert list(made.data[0].y) == [20, 50, 80]
    assert made.data[0].marker.symbol == ("circle", "diamond", "circle")


def test_tails_leave_out_groups_without_classes():
    counts, accuracy = np.arange(10), np.arange(10) * 10.0
    found = tails(counts, accuracy, low=0.2, high=0.2)
    bars = plots_tails.tail_bars({"a": found, "b": found}).data
    keys = [each[0] for each in bars[0].customdata]
    assert keys == ["overall", "head", "tail", "worst_by_frequency", "worst_by_accuracy"]
    assert list(bars[1].y) == [45, 55, 5, 5, 5] and list(bars[1].customdata[1]) == ["head", "b"]
    assert bars[0].error_y.array[1] == pytest.approx(found.head.high - 55)
    assert bars[0].error_y.arrayminus[1] == pytest.approx(55 - found.head.low)


def test_calibration_leaves_out_rows_without_images():
    truth, sure, right = [0, 2, 2], [0.5, 0.75, 0.75], [False, True, False]
    found = by_frequency([0, 5, 50], truth, sure, right, [0, 1, 2])
    accuracy, confidence = plots_tails.calibration_bars(found).data
    assert list(accuracy.x) == list(confidence.x) == ["none", "10 to 100"]
    assert list(accuracy.y) == [0, 0.5] and list(confidence.y) == [0.5, 0.75]
    assert [list(each) for each in accuracy.customdata] == [[0], [2]]
    assert "calibration error 25.0%" in accuracy.hovertext[1]


def test_kinds_of_mistakes_are_shares_of_each_range_and_know_their_place():
    kinds = [[0, 0, 0], [1, 0, 3], [0, 0, 0], [2, 0, 0]]
    made = plots_tails.kind_bars([0.0, 1.0, 2.0, 3.0], kinds, ["<b>one</b>", "never", "three"])
    one, three = made.data  # the kind that never occurs is not drawn
    assert one.name == "&lt;b&gt;one&lt;/b&gt;" and list(one.x) == ["1 to 10", "100 to 1k"]
    assert list(one.y) == [0.25, 1] and list(three.y) == [0.75, 0]
    assert [list(each) for each in three.customdata] == [[1, 2], [3, 2]]
    assert "<b>3</b> of 4 mistakes" in three.hovertext[0]


def test_counts_of_a_range_are_brief():
    values = [1, 27, 999, 3728, 19_307, 186_000, 2_149_000, 3 * 10**9]
    written = [plots_tails._brief(value) for value in values]
    assert written == ["1", "27", "999", "3.7k", "19k", "190k", "2.1M", "3B"]


def test_many_ranks_are_thinned_and_the_legend_counts_them_all() -> None:
    counts = [float(10**6 // rank) for rank in range(1, 50_001)]
    names = [f"concept {nth}" for nth in range(len(counts))]
    made = rank_frequency.rank_frequency(names, [rank_frequency.Ranked("web", counts)])
    (points,) = made.data
    ranks = list(points.x)
    assert len(ranks) <= rank_frequency.MOST
    assert ranks[:200] == list(range(1, 201)) and ranks[-1] == 50_000
    assert [place for place, _ in points.customdata] == [rank - 1 for rank in ranks]
    assert points.name == "web: 50,000 concepts"
