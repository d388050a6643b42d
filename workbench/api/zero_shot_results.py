"""What questions about zero-shot runs are answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.api.results import Hit
from workbench.measures.interval import Measure

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Comparison",
    "Disagreement",
    "Explanation",
    "PredictionPage",
    "PredictionRow",
    "PromptPart",
    "ZeroShotRun",
]


@dataclass(frozen=True)
class ZeroShotRun:
    """One zero-shot evaluation that was made.

    Args:
        key: of the run; the same question has the same key.
        dataset: its name.
        model: its name; its key where the model was removed since.
        head: key of the head.
        head_title: the head on screen.
        options: parameters of the head, defaults filled in.
        label: the column that held the truth.
        classes_key: version of the class set.
        classes_name: its name.
        prompts_key: version of the prompt set.
        prompts_name: its name.
        classes: C.
        measures: name -> figure with interval: ``top1``, ``top5``, ``mean_per_class``, ``ece``,
            ``ece_scaled``, ``classwise_ece``, ``aurc``, ``hierarchical_distance`` ...
        groups: column -> for each value a mapping with value, top1, low, high, n.
        temperature: that calibrates the probabilities best; NaN where it could not be fitted.
        reliability: of the raw and of the scaled probabilities, for each of 15 bins:
            mean confidence, accuracy, share of the images, images.
        notes: sentences on what was left out and how.
        created: seconds since 1970.
        current: the dataset is still as it was.
    """

    key: str
    dataset: str
    model: str
    head: str
    head_title: str
    options: Mapping[str, Any]
    label: str
    classes_key: str
    classes_name: str
    prompts_key: str
    prompts_name: str
    classes: int
    measures: Mapping[str, Measure]
    groups: Mapping[str, tuple[Mapping[str, Any], ...]]
    temperature: float
    reliability: Mapping[str, tuple[tuple[float, float, float, int], ...]]
    notes: tuple[str, ...]
    created: float
    current: bool


@dataclass(frozen=True)
class PredictionRow:
    """What a run said of one image.

    Args:
        row: of the item.
        item: its id.
        truth: true class; -1 where the image has no label of the class set.
        truth_name: its name, empty for none.
        predicted: the best class.
        predicted_name: its name.
        top: the (at most 10) best classes, best first.
        names: their names.
        scores: their logits.
        probabilities: their probabilities among all classes.
        rank: place of the true class, from 1; -1 for none.
        margin: logit of the true class minus that of the best other one, negative for a mistake;
            without truth, of the best class minus that of the second.
        confidence: probability of the predicted class.
        entropy: of the probabilities, in nats.
        prompt: place, among its prompts, of the one that contributed most; -1 where the head's
            score is no sum over prompts.
        columns: metadata of the item.
    """

    row: int
    item: str
    truth: int
    truth_name: str
    predicted: int
    predicted_name: str
    top: tuple[int, ...]
    names: tuple[str, ...]
    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    rank: int
    margin: float
    confidence: float
    entropy: float
    prompt: int
    columns: Mapping[str, Any]


@dataclass(frozen=True)
class PredictionPage:
    """Predictions that match, a page at a time.

    Args:
        rows: of this page.
        total: how many match.
        of: images of the run.
        offset: of the first row.
        table: the page as stored, with ids and class names.
    """

    rows: tuple[PredictionRow, ...]
    total: int
    of: int
    offset: int
    table: pa.Table


@dataclass(frozen=True)
class PromptPart:
    """One prompt's share in a class's score for one image.

    Args:
        text: the prompt.
        name: the template, sentence or descriptor that made it.
        similarity: cosine of the prompt with the image.
        contribution: what it adds to the logit.
    """

    text: str
    name: str
    similarity: float
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """Why an image got its answer.

    Args:
        row: of the item.
        true: true class, -1 for none.
        predicted: the answer.
        true_name: name of the true class, empty for none.
        predicted_name: name of the answer.
        true_parts: prompts of the true class; their contributions and ``shared`` sum to
            ``true_logit``. Empty where the head's score is no sum over prompts.
        predicted_parts: the same of the answer.
        shared: added to both logits besides the prompts (a sigmoid model's bias).
        true_logit: score of the true class; NaN for none.
        predicted_logit: score of the answer.
        aligned: prompt p of both classes comes from the same template.
        neighbours: the nearest other images of the dataset.
        others: (run, its prediction) of the other runs that looked at this image.
    """

    row: int
    true: int
    predicted: int
    true_name: str
    predicted_name: str
    true_parts: tuple[PromptPart, ...]
    predicted_parts: tuple[PromptPart, ...]
    shared: float
    true_logit: float
    predicted_logit: float
    aligned: bool
    neighbours: tuple[Hit, ...]
    others: tuple[tuple[ZeroShotRun, PredictionRow], ...]


@dataclass(frozen=True)
class Comparison:
    """A second run against a first, on the images that both looked at.

    Args:
        first: key of the run before.
        second: key of the run after.
        difference: accuracy after minus before, with a paired interval and the images.
        p: of McNemar's test.
        fixed: rows of the items that only the second got right.
        broken: rows that only the first got right.
        agreement: share of equal answers; NaN where the classes differ.
        kappa: agreement beyond chance.
        per_class: columns class, name, n, first, second, difference; the largest change first.
    """

    first: str
    second: str
    difference: Measure
    p: float
    fixed: tuple[int, ...]
    broken: tuple[int, ...]
    agreement: float
    kappa: float
    per_class: pa.Table


@dataclass(frozen=True)
class Disagreement:
    """What two runs answered to the same images, class against class.

    Args:
        first: key of the run in the rows.
        second: key of the run in the columns.
        names: C class names of the first run.
        cells: columns first, second (classes), n, first_right and second_right (images of which
            that answer is true; 0 where labels are unknown); the fullest first, equal answers too.
        agreement: share of images with the same answer.
        n: images.
    """

    first: str
    second: str
    names: tuple[str, ...]
    cells: pa.Table
    agreement: float
    n: int
