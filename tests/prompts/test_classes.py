from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError, UnknownName
from workbench.prompts.class_files import from_file, from_text, to_text
from workbench.prompts.class_problems import problems
from workbench.prompts.classes import ClassSet, from_labels

words = st.text("abcdé _-", min_size=1, max_size=8).filter(lambda w: w.strip())


def test_labels_become_classes_in_alphabetical_order_as_they_stand():
    classes = from_labels(["hot_dog", "cat", None, "cat", " "])
    assert classes.names == classes.labels == ("cat", "hot_dog")
    assert classes.places == {"cat": 0, "hot_dog": 1}


@given(st.lists(words, min_size=1, unique=True))
def test_json_brings_the_same_class_set_back_with_the_same_key(names):
    classes = ClassSet(
        tuple(names),
        synonyms=tuple((name + "x",) for name in names),
        paths=tuple(("root",) for _ in names),
        translations={"de": tuple(names)},
    )
    again = ClassSet.from_json(json.loads(json.dumps(classes.to_json())))
    assert again == classes and again.key == classes.key


def test_the_key_is_of_the_content():
    assert ClassSet(("a", "b")).key == ClassSet(("a", "b"), labels=("a", "b")).key
    assert ClassSet(("a", "b")).key != ClassSet(("b", "a")).key
    assert ClassSet(("a",)).key != ClassSet(("a",), synonyms=(("x",),)).key


def test_a_new_name_leaves_the_label():
    classes = ClassSet(("crane", "dog")).renamed(0, "crane bird")
    assert classes.names == ("crane bird", "dog") and classes.labels == ("crane", "dog")


def test_another_language():
    classes = ClassSet(("dog",), synonyms=(("hound",),), translations={"de": ("Hund",)})
    german = classes.in_language("de")
    assert german.names == ("Hund",) and german.labels == ("dog",) and german.synonyms == ((),)
    with pytest.raises(UnknownName, match="fr"):
        classes.in_language("fr")


@pytest.mark.parametrize(
    "make",
    [
        lambda: ClassSet(()),
        lambda: ClassSet(("a", " ")),
        lambda: ClassSet(("a",), labels=("x", "y")),
        lambda: ClassSet(("a",), translations={"de": ()}),
        lambda: ClassSet.from_json({"names": "abc"}),
        lambda: ClassSet.from_json({"names": [1]}),
        lambda: ClassSet.from_json({"names": ["a"], "colour": []}),
        lambda: from_labels([None]),
        lambda: from_text("\n \n"),
        lambda: ClassSet.from_json({"names": ["a"], "synonyms": 3}),
        lambda: ClassSet.from_json({"names": ["a"], "paths": "a"}),
        lambda: ClassSet.from_json({"names": ["a"], "translations": ["de"]}),
        lambda: ClassSet(("a",)).renamed(1, "b"),
        lambda: ClassSet(("a",)).renamed(-1, "b"),
        lambda: ClassSet(("a",)).renamed(0, " "),
        lambda: from_text("label => | x"),
    ],
)
def test_what_is_no_class_set_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_pasted_text_and_back():
    text = "n01 => tench | Tinca tinca\ngoldfish\n\n# sign\n=> fig\n"
    classes = from_text(text)
    assert classes.names == ("tench", "goldfish", "# sign", "fig")
    assert classes.labels == ("n01", "goldfish", "# sign", "fig")
    assert classes.synonyms == (("Tinca tinca",), (), (), ())
    assert from_text(to_text(classes)) == classes


def test_files(tmp_path):
    table = tmp_path / "c.csv"
    table.write_text("name,label,synonyms,path\ncat,0,kitty|puss,animal|mammal\nfig,1,,food\n")
    classes = from_file(table)
    assert classes.synonyms == (("kitty", "puss"), ())
    assert classes.paths == (("animal", "mammal"), ("food",)) and classes.has_hierarchy
    whole = tmp_path / "c.json"
    whole.write_text(json.dumps(classes.to_json()))
    assert from_file(whole) == classes
    whole.write_text('["cat", {"name": "dog", "synonyms": ["hound"]}]')
    assert from_file(whole).synonyms == ((), ("hound",))
    plain = tmp_path / "c.txt"
    plain.write_text("cat\ndog\n")
    assert from_file(plain).names == ("cat", "dog")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{"),
        ("a.json", b"3"),
        ("a.json", b"[]"),
        ("a.json", b'[{"label": "x"}]'),
        ("a.json", b'[{"name": "x", "synonyms": 3}]'),
        ("a.csv", b"title\ncat\n"),
        ("a.csv", b"name\n"),
        ("a.txt", b"\xff"),
        ("a.xls", b"x"),
    ],
)
def test_files_that_are_something_else_are_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        from_file(tmp_path / name)


def test_a_json_mapping_says_names_or_synonyms(tmp_path):
    file = tmp_path / "c.json"
    file.write_text('{"0": "cat", "dog": ["hound"], "2": {"name": "fig"}, "ape": {}}')
    classes = from_file(file)
    assert classes.names == ("cat", "dog", "fig", "ape")
    assert classes.labels == ("0", "dog", "2", "ape")
    assert classes.synonyms == ((), ("hound",), (), ())


def test_a_label_may_be_the_number_zero_and_a_cell_may_hold_a_line_break(tmp_path):
    file = tmp_path / "c.json"
    file.write_text('[{"name": "cat", "label": 0}]')
    assert from_file(file).labels == ("0",)
    table = tmp_path / "c.csv"
    table.write_text('name,synonyms\n"hot\ndog",frank\n')
    assert from_file(table).names == ("hot\ndog",)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none"):
        from_file(tmp_path / "none.txt")


def test_problems_are_found_and_the_worst_come_first():
    classes = ClassSet(
        ("crane", "Crane", "bat", "club"),
        labels=("a", "b", "c", "d"),
        synonyms=((), (), ("club",), ("bat",)),
    )
    found = problems(classes, {"a", "b", "c", "x"})
    assert [problem.kind for problem in found] == [
        "duplicate name",
        "ambiguous word",
        "ambiguous word",
        "label without class",
        "class without images",
    ]
    assert found[0].classes == (0, 1) and found[-1].classes == (3,)
    assert {problem.classes for problem in found[1:3]} == {(2, 3)}


def test_a_sound_class_set_has_no_problems():
    assert problems(ClassSet(("a", "b"), synonyms=(("x",), ("y",))), {"a", "b"}) == ()


def test_a_label_of_two_classes_is_reported():
    found = problems(ClassSet(("cat", "kitty"), labels=("0", "0")))
    assert [problem.kind for problem in found] == ["ambiguous word"] and found[0].classes == (0, 1)


def test_class_sets_can_be_looked_up():
    one, two = (ClassSet(("a",), translations={"de": ("b",)}) for _ in range(2))
    assert len({one, two}) == 1
