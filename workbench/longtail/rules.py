"""The rules by which a caption names a concept. The rule changes the counts: it is always shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.errors import UnknownName
from workbench.params import param

__all__ = ["RULES", "Options", "Rule", "Tokens", "label", "rule_named"]

Tokens = Literal["spaced", "words", "unquoted"]
"""How captions are cut into words, see ``workbench.longtail.normalise``."""


@dataclass(frozen=True)
class Rule:
    """The card of one rule.

    Args:
        key: stable name, as in ``Counts.rule``.
        title: its name on screen.
        does: when a caption counts for a concept, in plain words.
        source: who proposed it.
        tokens: how captions are cut into words.
        ordered: True where the words of a term must follow one another; False where each may
            stand anywhere in the caption.
    """

    key: str
    title: str
    does: str
    source: str
    tokens: Tokens
    ordered: bool = True


@dataclass(frozen=True)
class Options:
    """What a person may change about a rule; an option that a rule does not know has no effect."""

    lower: bool = param(
        False, help="Sub-string only: compare in lower case. The paper's rule keeps case."
    )
    skip_unknown: bool = param(
        False,
        help="Lemmas only: leave out words of a name that no caption of the corpus contains, as "
        "the paper's code does. Otherwise such a word makes the count 0.",
    )


RULES = (
    Rule(
        "substring",
        "Sub-string",
        "The term stands in the caption as it is written, with blanks or punctuation around it "
        "and one blank between its words; capital letters matter.",
        "Xu et al. 2024, Demystifying CLIP Data (MetaCLIP)",
        "spaced",
    ),
    Rule(
        "words",
        "Word sequence",
        "The words of the term follow one another in the caption, whatever stands between them "
        "that is no letter or digit; capital letters do not matter.",
        "after the lower-cased search of Udandarao et al. 2024, which asks for the words in any "
        "order",
        "words",
    ),
    Rule(
        "lemmas",
        "Lemmas in any order",
        "Every word of the term occurs somewhere in the caption, singular and plural alike; all "
        "words are read as nouns, because there is no tagger of parts of speech.",
        'Udandarao et al. 2024, No "Zero-Shot" Without Exponential Data',
        "words",
        ordered=False,
    ),
    Rule(
        "phrases",
        "Exact phrase",
        "The words of the term follow one another after quotation marks are taken out, hyphens "
        "and underscores are blanks and capital letters do not matter.",
        "Parashar et al. 2024, The Neglected Tails in Vision-Language Models (REAL)",
        "unquoted",
    ),
)
"""In the order in which they are offered. Each counts a caption once, however often it names."""


def rule_named(key: str) -> Rule:
    """The rule with this key.

    Raises:
        UnknownName: there is none.
    """
    for rule in RULES:
        if rule.key == key:
            return rule
    raise UnknownName("matching rule", key, [rule.key for rule in RULES])


def label(rule: Rule, options: Options) -> str:
    """Key of the rule and, after plus signs, the options that change what it counts."""
    lower = "+lower" if options.lower and rule.tokens == "spaced" else ""
    skip = "+skip_unknown" if options.skip_unknown and not rule.ordered else ""
    return f"{rule.key}{lower}{skip}"
