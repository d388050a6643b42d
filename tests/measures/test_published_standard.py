from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.measures.published_standard import STANDARDS, Made, differences, measure_of
from workbench.prompts import builtin
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet

PRE = {"size": 224, "mean": [0.5, 0.5, 0.5], "interpolation": "bicubic"}
SAME = Made(
    arch="ViT-B-32",
    weights="openai",
    preprocess=PRE,
    expected={**PRE, "mean": (0.5, 0.5, 0.5)},
    head="mean",
    head_title="Mean of prompts",
    prompts=builtin.prompt_set("imagenet-80"),
    classes=builtin.imagenet(),
    images=50_000,
    filtered=False,
    several=False,
)


def said(column="ImageNet 1k", name="ViT-B-32", pretrained="openai", **changed):
    return differences(replace(SAME, **changed), name, pretrained, column)


def test_the_standard_way_raises_no_warning():
    assert said() == ()
    assert said(name="ViT-B-32-quickgelu") == ()  # the openai weights bring their activation
    turned = PromptSet(templates=tuple(reversed(builtin.imagenet_templates())))
    assert said(prompts=turned) == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"weights": "laion2b_s34b_b79k"}, "ViT-B-32 laion2b_s34b_b79k here and ViT-B-32 openai"),
        ({"weights": "/data/mine.pt"}, "a file (mine.pt): that they are openai"),
        ({"arch": "RN50"}, "RN50 openai here"),
        ({"preprocess": {**PRE, "size": 256}}, "size is 256 here and 224 there"),
        ({"expected": None}, "preprocessing of openai is not known here"),
        ({"head": "zpe", "head_title": "ZPE"}, "head is ZPE"),
        (
            {"prompts": builtin.prompt_set("photo")},
            "1 of the 80 standard templates are among the prompts, which number 1.",
        ),
        ({"prompts": builtin.prompt_set("name")}, "0 of the 80 standard templates"),
        (
            {"prompts": PromptSet("sentences", by_class={"a": ("b",)})},
            "are sentences, not the 80",
        ),
        ({"prompts": replace(SAME.prompts, synonyms=True)}, "synonyms too"),
        ({"classes": SAME.classes.renamed(3, "big fish")}, "1 of 1,000 class names"),
        ({"images": 49_999}, "49,999 images, the published figure on 50,000"),
        ({"images": 10, "filtered": True}, "10 images (conditions were set)"),
        ({"several": True}, "any of an image's true labels"),
    ],
)
def test_each_difference_is_one_sentence(changed, words):
    (sentence,) = said(**changed)
    assert words in sentence and sentence.endswith((".", ")."))


def test_another_number_of_classes_is_said():
    some = ClassSet(SAME.classes.names[:200])
    assert len(said("ImageNet-R", classes=some, images=30_000)) == 0
    (sentence,) = said(classes=some)
    assert "among 200 classes, the published figure among 1,000" in sentence


def test_quickgelu_matters_where_the_weights_do_not_bring_it():
    (sentence,) = said(name="ViT-B-32-quickgelu", pretrained="x", weights="x")
    assert "only where both compute QuickGELU" in sentence


def test_what_cannot_be_checked_is_said():
    food = ClassSet(tuple(f"dish {n}" for n in range(101)))
    (sentence,) = said("Food-101", classes=food, images=25_250)
    assert "not known here" in sentence
    (sentence,) = said("My own")
    assert "'My own'" in sentence and "not checked" in sentence
    land = ClassSet(tuple(f"use {n}" for n in range(62)))
    assert "accuracy in the worst region" in said("FMoW", classes=land, images=22_108)[-1]


def test_a_measure_is_chosen_like_the_published_one():
    assert measure_of("ImageNet 1k") == measure_of("FMoW") == measure_of("My own") == "top1"
    assert measure_of("FGVC Aircraft") == measure_of("Caltech-101") == "mean_per_class"
    assert len(STANDARDS) == 35
