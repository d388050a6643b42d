"""The rules as slow loops over text, written without the product's code: what tests compare to."""

import re
import unicodedata

from workbench.longtail.lemmas import lemma  # tested by hand elsewhere


def spaced(text: str) -> str:
    text = f" {text} "
    for mark in [",", ".", ";", ":", "?", "!", "`"]:
        text = text.replace(mark, f" {mark} ")
    return text.replace("\t", " ").replace("\n", " ").replace("\r", " ")


def words(text: str) -> list[str]:
    text = unicodedata.normalize("NFC", text).lower()
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return "".join(kept).split()


def phrase(text: str) -> str:
    for quote in "'\"‘’“”":
        text = text.replace(quote, "")
    return " " + " ".join(words(text.replace("-", " ").replace("_", " "))) + " "


def named(caption: str, term: str, rule: str, *, lower: bool = False, skip=()) -> bool:
    """Does the caption name the term?"""
    if rule == "substring":
        caption, term = (caption.lower(), term.lower()) if lower else (caption, term)
        return f" {term} " in spaced(caption)
    if rule == "lemmas":
        wanted = {lemma(word) for word in words(term)} - set(skip)
        return bool(wanted) and wanted <= {lemma(word) for word in words(caption)}
    if rule == "phrases":
        return bool(phrase(term).strip()) and phrase(term) in phrase(caption)
    wanted = " ".join(words(term))
    return bool(wanted) and re.search(rf"(^| ){wanted}( |$)", " ".join(words(caption))) is not None


def count(captions, concepts, rule, *, lower=False, skip=()):
    """distinct (C), by_term (L), matched, pairs {(a, b): n}, and captions by concept."""
    told = {"lower": lower, "skip": skip}
    by_term = [
        sum(named(caption, term, rule, **told) for caption in captions)
        for terms in concepts.terms
        for term in terms
    ]
    where = [
        [i for i, text in enumerate(captions) if any(named(text, t, rule, **told) for t in terms)]
        for terms in concepts.terms
    ]
    pairs = {}
    for a in range(len(where)):
        for b in range(a + 1, len(where)):
            if both := len(set(where[a]) & set(where[b])):
                pairs[a, b] = both
    matched = len({i for each in where for i in each})
    return [len(each) for each in where], by_term, matched, pairs, where
