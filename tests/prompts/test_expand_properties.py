from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.prompts.class_files import from_text, to_text
from workbench.prompts.class_problems import problems
from workbench.prompts.classes import ClassSet, content_key
from workbench.prompts.prompt_sets import PromptSet, expand, preview

WORD = st.text("abé {}#_-", min_size=1, max_size=6).map(str.strip).filter(bool)
PART = st.text("abc .,", max_size=5)
TEMPLATES = st.lists(st.tuples(PART, PART), min_size=1, max_size=4)


@st.composite
def class_sets(draw):
    names = draw(st.lists(WORD, min_size=1, max_size=6))
    synonyms = draw(st.lists(st.lists(WORD, max_size=3), min_size=len(names), max_size=len(names)))
    return ClassSet(tuple(names), synonyms=tuple(map(tuple, synonyms)))


def check_shape(classes, found):
    assert found.starts.dtype == np.int64 and found.starts.shape == (len(classes) + 1,)
    assert found.starts[0] == 0 and found.starts[-1] == len(found.texts) == len(found.names)
    assert (np.diff(found.starts) > 0).all()
    if found.aligned:
        rows = [found.names[found.starts[c] : found.starts[c + 1]] for c in range(len(classes))]
        assert len(set(rows)) == 1


@given(class_sets(), TEMPLATES, st.booleans())
def test_every_word_is_put_between_the_two_parts_of_every_template(classes, parts, synonyms):
    prompts = PromptSet(templates=tuple(f"{a}{{}}{b}" for a, b in parts), synonyms=synonyms)
    found = expand(classes, prompts)
    check_shape(classes, found)
    for place, name in enumerate(classes.names):
        words = [name, *(classes.synonyms[place] if synonyms else ())]
        assert list(found.of(place)) == [a + word + b for word in words for a, b in parts]


@given(class_sets(), st.data())
def test_texts_of_a_class_do_not_depend_on_the_other_classes(classes, data):
    kind = data.draw(st.sampled_from(["sentences", "descriptors"]))
    by_class = {
        name: tuple(data.draw(st.lists(WORD, min_size=1, max_size=3))) for name in classes.names
    }
    prompts = PromptSet(kind, by_class=by_class)
    found = expand(classes, prompts)
    check_shape(classes, found)
    assert not found.aligned
    for place, name in enumerate(classes.names):
        alone = expand(ClassSet((name,)), prompts)
        assert found.of(place) == alone.texts == preview(classes, prompts, place)
        assert found.names[found.starts[place] : found.starts[place + 1]] == by_class[name]


def test_a_preview_is_cut_and_asks_nothing_of_other_classes():
    classes = ClassSet(("cat", "fig"))
    prompts = PromptSet("sentences", by_class={"fig": ("One.", "Two.", "Three.")})
    assert preview(classes, prompts, 1, limit=2) == ("One.", "Two.")
    for place in (-1, 2):
        with pytest.raises(InputError, match="preview"):
            preview(classes, prompts, place)


@given(class_sets())
def test_text_brings_classes_back(classes):
    assert from_text(to_text(classes)) == classes


@given(st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=3)), max_size=5))
def test_the_order_of_fields_does_not_change_the_key(content):
    turned = dict(reversed(content.items()))
    assert content_key(content) == content_key(turned)
    assert len(content_key(content)) == 16


@given(class_sets())
def test_problems_are_about_all_and_only_repeated_names(classes):
    def same(name):
        return " ".join(name.replace("_", " ").casefold().split())

    repeated = {
        i
        for i, one in enumerate(classes.names)
        for j, two in enumerate(classes.names)
        if i != j and same(one) == same(two)
    }
    found = [p for p in problems(classes, classes.names) if p.kind == "duplicate name"]
    assert {place for problem in found for place in problem.classes} == repeated
