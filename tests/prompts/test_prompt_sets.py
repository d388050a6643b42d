from __future__ import annotations

import json
import subprocess
import sys
import tarfile

import pytest

from sample_data import concepts_file
from workbench.errors import InputError, UnknownName
from workbench.prompts import builtin
from workbench.prompts.class_files import from_file
from workbench.prompts.class_problems import problems
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet, expand, from_json_file
from workbench.prompts.prompt_sets import from_file as from_prompt_file

CLASSES = ClassSet(("cat", "fig"), synonyms=(("puss",), ()))


def test_templates_are_filled_class_after_class():
    found = expand(CLASSES, PromptSet(templates=("a {}.", "the {}!")))
    assert found.texts == ("a cat.", "the cat!", "a fig.", "the fig!")
    assert found.names == ("a {}.", "the {}!") * 2
    assert found.starts.tolist() == [0, 2, 4] and found.aligned
    assert found.of(1) == ("a fig.", "the fig!")


def test_synonyms_make_more_texts_and_no_common_row_of_prompts():
    found = expand(CLASSES, PromptSet(templates=("a {}",), synonyms=True))
    assert found.texts == ("a cat", "a puss", "a fig") and not found.aligned
    alone = expand(ClassSet(("cat",)), PromptSet(templates=("a {}",), synonyms=True))
    assert alone.aligned


def test_a_name_with_braces_stays_as_it_is():
    assert expand(ClassSet(("{}", "a{b}")), PromptSet(templates=("x {}",))).texts == (
        "x {}",
        "x a{b}",
    )


def test_sentences_are_taken_as_they_are():
    prompts = PromptSet("sentences", by_class={"cat": ("A cat.", "It purrs."), "fig": ("A fig.",)})
    found = expand(CLASSES, prompts)
    assert found.texts == ("A cat.", "It purrs.", "A fig.") and not found.aligned
    assert found.starts.tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("descriptor", "text"),
    [
        ("four legs", "cat, which has four legs"),
        ("a tail", "cat, which is a tail"),
        ("an animal", "cat, which is an animal"),
        ("aged fur", "cat, which has aged fur"),
        ("often asleep", "cat, which often asleep"),
        ("can climb", "cat, which can climb"),
        ("used to catch mice", "cat, which is used to catch mice"),
        ("", "cat"),
    ],
)
def test_descriptors_get_their_connector(descriptor, text):
    prompts = PromptSet("descriptors", by_class={"cat": (descriptor,), "fig": ()})
    assert expand(CLASSES, prompts).texts == (text, "fig")


def test_a_class_without_sentences_is_named():
    with pytest.raises(InputError, match="fig"):
        expand(CLASSES, PromptSet("sentences", by_class={"cat": ("A cat.",)}))
    with pytest.raises(InputError, match="fig"):
        expand(CLASSES, PromptSet("sentences", by_class={"cat": ("x",), "fig": ()}))
    with pytest.raises(InputError, match="fig"):
        expand(CLASSES, PromptSet("sentences", by_class={"cat": ("x",), "fig": (" ",)}))
    with pytest.raises(InputError, match="fig"):
        expand(CLASSES, PromptSet("descriptors", by_class={"cat": ("x",)}))


def test_labels_are_found_before_names():
    classes = ClassSet(("cat",), labels=("n02",))
    assert expand(classes, PromptSet("sentences", by_class={"n02": ("x",)})).texts == ("x",)


@pytest.mark.parametrize("templates", [(), ("a photo",), ("{} and {}",)])
def test_templates_without_one_place_for_the_name_are_refused(templates):
    with pytest.raises(InputError):
        PromptSet(templates=templates)


def test_json_and_key():
    for prompts in (
        PromptSet(templates=("a {}",), synonyms=True),
        PromptSet("descriptors", by_class={"a": ("b",)}),
    ):
        again = PromptSet.from_json(json.loads(json.dumps(prompts.to_json())))
        assert again == prompts and again.key == prompts.key
    assert PromptSet(templates=("a {}",)).key != PromptSet(templates=("a {}.",)).key


def test_files_of_the_papers(tmp_path):
    file = tmp_path / "prompts.json"
    file.write_text('{"cat": ["A cat purrs.", "Cats have fur."]}')
    assert from_json_file(file).kind == "sentences"
    file.write_text('{"cat": ["four legs", "a tail"], "fig": []}')
    assert from_json_file(file).kind == "descriptors"
    file.write_text('["a photo of a {}."]')
    assert from_json_file(file).templates == ("a photo of a {}.",)
    for wrong in ("3", "{", '{"cat": "x"}', '{"cat": [1]}'):
        file.write_text(wrong)
        with pytest.raises(InputError):
            from_json_file(file)


def test_a_class_called_kind_is_a_class(tmp_path):
    file = tmp_path / "prompts.json"
    file.write_text('{"kind": ["A kind of thing."]}')
    assert from_json_file(file).by_class == {"kind": ("A kind of thing.",)}


def test_template_files_of_clip_benchmark(tmp_path):
    file = tmp_path / "templates.txt"
    file.write_text("a photo of a {c}\n\n{c}\nthe {}\n")
    assert from_prompt_file(file).templates == ("a photo of a {}", "{}", "the {}")
    file.write_text("a photo\n")
    with pytest.raises(InputError, match="a photo"):
        from_prompt_file(file)
    with pytest.raises(InputError, match="none"):
        from_prompt_file(tmp_path / "none.txt")
    (tmp_path / "p.json").write_text('["a {}"]')
    assert from_prompt_file(tmp_path / "p.json").templates == ("a {}",)


def test_imagenet_is_the_one_of_open_clip():
    import open_clip

    assert builtin.imagenet().names == tuple(open_clip.IMAGENET_CLASSNAMES)
    for simple, lambdas in (
        (False, open_clip.OPENAI_IMAGENET_TEMPLATES),
        (True, open_clip.SIMPLE_IMAGENET_TEMPLATES),
    ):
        texts = [
            template.replace("{}", "cat") for template in builtin.imagenet_templates(simple=simple)
        ]
        assert texts == [template("cat") for template in lambdas]


def test_imagenet_comes_without_torch():
    code = "import sys; from workbench.prompts import builtin; builtin.imagenet(); "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)


def test_repeated_names_of_imagenet_are_reported():
    found = problems(builtin.imagenet())
    assert all(problem.kind == "duplicate name" for problem in found)
    names = [builtin.imagenet().names[problem.classes[0]] for problem in found]
    assert names == ["missile", "sunglasses"]


def test_the_sample_world():
    classes = builtin.sample_classes()
    assert len(classes) == 791 and classes.has_hierarchy
    assert len(classes.translations) >= 10 and "red apple" in classes.places
    assert not [p for p in problems(classes) if p.kind == "duplicate name"]


def test_labels_of_the_sample_test_set_are_those_of_its_class_set():
    folder = concepts_file().parent / "test"
    assert from_file(folder / "classnames.txt").names == builtin.sample_classes().names
    known, seen = builtin.sample_classes().places, set()
    for shard in sorted(folder.glob("*.tar")):
        with tarfile.open(shard) as archive:
            members = [one for one in archive if one.name.endswith(".json")]
            seen |= {json.load(archive.extractfile(one))["label"] for one in members}
    assert seen and seen <= set(known)
    assert from_prompt_file(folder / "zeroshot_classification_templates.txt").templates[1] == "{}"


@pytest.mark.parametrize("name", builtin.PROMPT_SETS)
def test_every_built_in_prompt_set_can_be_expanded(name):
    assert len(expand(CLASSES, builtin.prompt_set(name)).texts) >= 2


def test_an_unknown_prompt_set_is_refused():
    with pytest.raises(UnknownName, match="photo"):
        builtin.prompt_set("fancy")
