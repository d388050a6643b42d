"""The table of concepts: from emojibase to concepts.json, and back into Python."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sample_data.build import selection
from sample_data.build.glyphs import STYLES, draw
from sample_data.build.sources import LANGUAGES, Sources, taxonomy
from sample_data.build.synonyms import planted

GROUPS = {
    "animals-nature": "animals and nature",
    "food-drink": "food and drink",
    "travel-places": "travel and places",
    "activities": "activities",
    "objects": "objects",
}


@dataclass(frozen=True)
class Concept:
    """One concept; `id` is its name with hyphens, `spoken` maps a word to its planted share."""

    id: str
    name: str
    codepoint: str
    group: str
    subgroup: str
    synonyms: list[str]
    tags: list[str]
    names: dict[str, str]
    styles: list[str]
    spoken: dict[str, float] = field(default_factory=dict)
    spurious_background: str | None = None
    pretrain_count: int = 0
    pretrain_words: dict[str, int] = field(default_factory=dict)


def gather(sources: Sources) -> list[Concept]:
    """All concepts that every style can draw, in the order of the emoji list."""
    rows = [row for row in sources.emoji("en") if _wanted(row)]
    drawn = [
        row
        for row in rows
        if all(draw(sources, style, row["hexcode"]) is not None for style in STYLES)
    ]
    names = {row["hexcode"]: _name(row) for row in drawn}
    if len(set(names.values())) != len(names):
        raise ValueError("two concepts have the same name")
    synonyms = _synonyms(sources, names)
    translated = _translations(sources)
    return [_concept(sources, row, names, synonyms, translated) for row in drawn]


def _label(row: dict[str, Any]) -> str:
    return str(row["label"]).lower().replace("\u2019", "'")


def _name(row: dict[str, Any]) -> str:
    label = _label(row)
    return selection.RENAMED.get(label, label)


def _wanted(row: dict[str, Any]) -> bool:
    label = _label(row)
    clock_face = "o'clock" in label or label.endswith("-thirty")
    inside = row.get("group") in (3, 4, 5, 6, 7) or label in selection.ADDED
    return inside and not clock_face and label not in selection.DROPPED


def _synonyms(sources: Sources, names: dict[str, str]) -> dict[str, list[str]]:
    """Planted words and shortcodes of each concept that no other concept can be called by."""
    listed = sources.shortcodes()
    spoken = planted()
    claims: dict[str, set[str]] = {}
    for hexcode, name in names.items():
        for word in [*listed.get(hexcode, []), *spoken.get(name, {})]:
            claims.setdefault(word, set()).add(hexcode)
    taken = set(names.values())
    found: dict[str, list[str]] = {}
    for hexcode, name in names.items():
        words = [*list(spoken.get(name, {}))[1:], *sorted(listed.get(hexcode, []))]
        found[hexcode] = [
            word
            for word in dict.fromkeys(words)
            if word not in taken | selection.NOT_SYNONYMS
            and (len(claims[word]) == 1 or word in spoken.get(name, {}))
            and all(letter.isalpha() or letter in " -" for letter in word)
        ]
    return found


def _translations(sources: Sources) -> dict[str, dict[str, str]]:
    """Hexcode -> language -> label."""
    found: dict[str, dict[str, str]] = {}
    for language in LANGUAGES:
        for row in sources.emoji(language):
            found.setdefault(row["hexcode"], {})[language] = row["label"]
    return found


def _concept(
    sources: Sources,
    row: dict[str, Any],
    names: dict[str, str],
    synonyms: dict[str, list[str]],
    translated: dict[str, dict[str, str]],
) -> Concept:
    hexcode, name = row["hexcode"], names[row["hexcode"]]
    groups, subgroups = taxonomy(sources.emojibase)
    if _label(row) in selection.ADDED:
        group, subgroup = selection.ADDED[_label(row)]
    else:
        group, subgroup = GROUPS[groups[row["group"]]], subgroups[row["subgroup"]]
    return Concept(
        id=name.replace(" ", "-").replace("'", ""),
        name=name,
        codepoint=hexcode,
        group=group,
        subgroup=subgroup.removeprefix("animal-").removeprefix("food-").replace("-", " "),
        synonyms=synonyms[hexcode],
        tags=list(row.get("tags", [])),
        names={**translated[hexcode], "en": name},
        styles=list(STYLES),
        spoken=planted().get(name, {}),
        spurious_background=selection.SPURIOUS.get(name),
    )


def save(concepts: list[Concept], path: Path) -> None:
    """Write the concepts as a JSON list, one concept a line."""
    lines = [json.dumps(asdict(concept), ensure_ascii=False) for concept in concepts]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def load(path: Path) -> list[Concept]:
    """Read concepts that `save` wrote."""
    return [Concept(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
