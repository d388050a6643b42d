"""Accuracy by synonym: what a whole run with that one name exchanged would give."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from tests.api.toys import MODEL
from tests.api.zero_shot_world import Control, Encoder, evaluate, fill
from tests.worker.corpus_world import perform
from workbench.api import open_workspace
from workbench.errors import InputError
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet

PETS = ClassSet(("cat", "dog", "fox"), synonyms=(("hound",), ("hound",), ()))


@pytest.fixture
def pets(tmp_path):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        yield bench


def table(bench, key):
    return bench.workspace.runs.table(bench.workspace.runs.get(key), "terms").to_pydict()


def test_by_hand(pets):
    run = evaluate(pets, classes=PETS)
    found = table(pets, perform(pets, pets.submit_synonyms(run)))
    assert found["term"] == ["cat", "hound", "dog", "hound", "fox"]
    assert found["concept"] == [0, 0, 1, 1, 2] and found["n"] == [3, 3, 3, 3, 1]
    # cats as hounds (.6, .8): a .6 > 0, b .96 > .6, c 1 > .8: all right
    # dogs as hounds against cats: d .8 > 0, e .94 > .28, f .8 < .96
    assert found["accuracy"] == pytest.approx([200 / 3, 100, 200 / 3, 200 / 3, 100])


@pytest.mark.parametrize("bias", [None, -3.0])
@pytest.mark.parametrize("prompts", [None, PromptSet(templates=("a {}.", "photo of the {}"))])
def test_the_same_by_whole_runs_and_by_renaming(tmp_path, bias, prompts):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images", bias=bias)
        run = evaluate(bench, classes=PETS, prompts=prompts)
        client = SimpleNamespace(encode_text=lambda model, texts: Encoder().encode_texts(texts))
        bench._worker_client = lambda: client
        found = table(bench, perform(bench, bench.submit_synonyms(run)))
        for concept, term, accuracy in zip(
            found["concept"], found["term"], found["accuracy"], strict=True
        ):
            again = evaluate(bench, classes=PETS.renamed(concept, term), prompts=prompts)
            wanted = 100 * bench.run_classes(again)["accuracy"][concept].as_py()
            assert accuracy == pytest.approx(wanted), term
            renamed = bench.rename(run, concept, term)[1][0]
            assert accuracy == pytest.approx(100 * renamed), term


class Words(Encoder):
    """Every text is known by its last word but the full stop."""

    def __init__(self, vectors):
        super().__init__()
        self.vectors = vectors

    def encode_texts(self, texts):
        return np.stack([self.vectors[text.rstrip(".").split()[-1]] for text in texts])


def directions(rng, count):
    found = rng.normal(size=(count, 3))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_many_classes_by_whole_runs(tmp_path, seed):
    rng, classes = np.random.default_rng(seed), 7
    names = [f"n{c}" for c in range(classes)]
    others = [tuple(f"s{c}x{k}" for k in range(c % 3)) for c in range(classes)]
    asked = ClassSet(tuple(names), synonyms=tuple(others))
    words = [*names, *(word for each in others for word in each)]
    encoder = Words(dict(zip(words, directions(rng, len(words)), strict=True)))
    labels = [*rng.choice([*names[:-1], None], 90).tolist()]  # the last class has no image
    with open_workspace(tmp_path / "space") as bench:
        space = bench.workspace
        space.catalog.ensure_dataset("pets", importer="test", source="", info={})
        items = {"item": [str(n) for n in range(90)], "uri": ["x"] * 90}  # never opened
        items |= {"offset": [0] * 90, "length": [-1] * 90}
        none = pa.table({"item_index": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
        space.tables.append("pets", pa.table({**items, "label": labels}), none)
        space.catalog.add_model(MODEL)
        space.vectors.write("pets", MODEL.key, "image", 0, directions(rng, 90), dtype="float32")
        run = evaluate(bench, encoder, classes=asked)
        found = table(bench, perform(bench, bench.submit_synonyms(run), Control(encoder)))
        assert found["term"] == [w for c in range(classes) for w in (names[c], *others[c])]
        assert found["accuracy"][-1] is None and found["n"][-1] == 0
        for concept, term, accuracy in zip(
            found["concept"], found["term"], found["accuracy"], strict=True
        ):
            again = evaluate(bench, encoder, classes=asked.renamed(concept, term))
            wanted = bench.run_classes(again)["accuracy"][concept].as_py()
            if accuracy is None:
                assert concept == classes - 1
            else:
                assert accuracy == pytest.approx(100 * wanted), term


def test_of_two_equal_scores_the_first_class_wins(pets):
    """Cats and dogs called by each other's name tie with one another."""
    names = ClassSet(("cat", "fox", "dog"), synonyms=(("dog",), (), ("cat",)))
    run = evaluate(pets, classes=names)
    found = table(pets, perform(pets, pets.submit_synonyms(run)))
    places = zip(found["concept"], found["term"], strict=True)
    accuracy = dict(zip(places, found["accuracy"], strict=True))
    for concept, term in ((0, "dog"), (2, "cat")):
        again = evaluate(pets, classes=names.renamed(concept, term))
        wanted = 100 * pets.run_classes(again)["accuracy"][concept].as_py()
        assert accuracy[concept, term] == pytest.approx(wanted)
    assert accuracy[0, "dog"] == 100 and accuracy[2, "cat"] == 0


def test_one_class_has_no_rival(pets):
    run = evaluate(pets, classes=ClassSet(("cat",), synonyms=(("hound",),)))
    found = table(pets, perform(pets, pets.submit_synonyms(run)))
    assert found["accuracy"] == [100, 100] and found["n"] == [3, 3]


def test_asked_once(pets):
    run = evaluate(pets, classes=PETS)
    encoder = Encoder()
    key = perform(pets, pets.submit_synonyms(run), Control(encoder))
    asked = len(encoder.asked)
    assert perform(pets, pets.submit_synonyms(run), Control(encoder)) == key
    assert len(encoder.asked) == asked


def test_what_has_no_answer_is_refused(pets):
    with pytest.raises(InputError, match="none with any"):
        pets.submit_synonyms(evaluate(pets))
    with pytest.raises(InputError, match="the mean of templates"):
        pets.submit_synonyms(evaluate(pets, classes=PETS, head="similarity"))


def test_a_dataset_that_grew_is_refused(pets):
    run = evaluate(pets, classes=PETS)
    job = pets.submit_synonyms(run)
    more = {"item": ["z"], "uri": pa.nulls(1, pa.string()), "label": ["cat"]}
    more |= {name: pa.nulls(1, pa.int64()) for name in ("offset", "length")}
    none = pa.table({"item_index": pa.array([], pa.int64()), "text": pa.array([], pa.string())})
    pets.workspace.tables.append("pets", pa.table(more), none)
    with pytest.raises(InputError):
        perform(pets, job)
