"""The committed table of concepts, what it costs in bytes, and whom it owes thanks."""

import json
import subprocess
import sys
from collections import Counter

import sample_data

LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "ja", "ko", "zh"}
STYLES = {"noto", "twemoji", "openmoji", "openmoji-line"}

FIRST_MODELS = ("glyph-clip", "glyph-siglip")


def load():
    return json.loads(sample_data.concepts_file().read_text(encoding="utf-8"))


def test_names_ids_and_codepoints_are_unique():
    concepts = load()
    assert 780 <= len(concepts) <= 820
    for column in ("id", "name", "codepoint"):
        values = [c[column] for c in concepts]
        assert len(set(values)) == len(values), column


def test_names_are_plain_words():
    for concept in load():
        assert concept["name"] == concept["name"].lower().strip()
        assert concept["name"].isascii()
        assert concept["id"].replace("-", "").isalnum()


def test_no_word_names_two_concepts():
    called = Counter()
    for concept in load():
        called.update({concept["name"], *concept["synonyms"], *concept["spoken"]})
        assert concept["name"] not in concept["synonyms"]
        assert set(concept["spoken"]) <= {concept["name"], *concept["synonyms"]}
    assert [word for word, times in called.items() if times > 1] == []


def test_every_concept_has_names_in_the_languages_and_all_styles():
    for concept in load():
        assert concept["names"].keys() >= LANGUAGES, concept["id"]
        assert all(concept["names"].values())
        assert set(concept["styles"]) == STYLES
    french = next(c for c in load() if c["name"] == "red apple")["names"]["fr"]
    assert french == "pomme rouge"


def test_taxonomy_has_two_levels_and_no_clock_faces():
    concepts = load()
    assert {c["group"] for c in concepts} == {
        "animals and nature",
        "food and drink",
        "travel and places",
        "activities",
        "objects",
    }
    parents = {}
    for concept in concepts:
        parents.setdefault(concept["subgroup"], set()).add(concept["group"])
        assert "o'clock" not in concept["name"]
    assert all(len(groups) == 1 for groups in parents.values())
    assert len(parents) >= 40


def test_everything_but_the_models_is_small():
    kept = ("test", "scenes", "pretrain")
    files = [path for name in kept for path in (sample_data.ROOT / name).iterdir()]
    total = sum(path.stat().st_size for path in [*files, sample_data.concepts_file()])
    assert total <= 24_000_000


def test_without_the_mixtures_the_sample_is_under_forty_megabytes_and_they_are_small():
    files = [path for path in sample_data.ROOT.rglob("*") if path.is_file()]
    sizes = {path: path.stat().st_size for path in files if "__pycache__" not in path.parts}
    later = [each for each in sample_data.models_dir().iterdir() if each.name not in FIRST_MODELS]
    assert len(later) == 5
    for folder in later:  # the mixtures and their dense twin
        assert sum(size for path, size in sizes.items() if folder in path.parents) < 8_000_000
    own = [size for path, size in sizes.items() if not set(later) & set(path.parents)]
    assert sum(own) < 40_000_000


def test_licences_of_all_sources_are_named():
    text = (sample_data.ROOT / "LICENSES.md").read_text(encoding="utf-8")
    for name in ("Noto", "SIL Open Font License", "Twemoji", "CC BY 4.0", "OpenMoji"):
        assert name in text
    assert "CC BY-SA 4.0" in text and "emojibase" in text and "MIT" in text


def test_importing_the_paths_loads_nothing_heavy():
    code = "import sys, sample_data; print({'numpy', 'PIL', 'pyarrow'} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=sample_data.ROOT.parent,
    )
    assert found.stdout.strip() == "set()"
