"""The same source gives the same records in the same order, however its files came about."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.importers.making import picture, sample, write_folder, write_tar
from workbench.importers.folder import ImageFolder
from workbench.importers.register import find
from workbench.importers.table import Table
from workbench.importers.webdataset import WebDataset
from workbench.types import Record

PARTS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/.\\"), min_size=1)
NAMES = st.lists(PARTS.map(lambda part: part[:20]), min_size=1, max_size=3).map("/".join)
FILES = st.lists(NAMES, min_size=1, max_size=12, unique=True)
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text())


def listed(importer, path):
    return [(entry.key, type(entry)) for entry in importer.records(path)]


@settings(max_examples=30, deadline=None)
@given(FILES, st.randoms())
def test_folders(tmp_path_factory, names, random):
    files = [f"{name}.jpg" for name in names]
    first = write_folder(tmp_path_factory.mktemp("a"), dict.fromkeys(files, picture()))
    random.shuffle(files)
    second = write_folder(tmp_path_factory.mktemp("b"), dict.fromkeys(files, picture()))
    found = listed(ImageFolder(), first)
    assert found == listed(ImageFolder(), second) == listed(ImageFolder(), first)
    assert sorted(key for key, _ in found) == sorted(files)
    assert ImageFolder().total(first) == len(found)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(PARTS, VALUES, max_size=3), min_size=1, max_size=6))
def test_shards(tmp_path_factory, fields):
    root = tmp_path_factory.mktemp("wds")
    files = [part for i, raw in enumerate(fields) for part in sample(f"s{i}", raw)]
    write_tar(root / "plain" / "0.tar", files)
    write_tar(root / "packed" / "0.tar.gz", files, "w:gz")
    plain, packed = (list(WebDataset().records(root / name)) for name in ("plain", "packed"))
    assert [r.key for r in plain] == [f"0/s{i}" for i in range(len(fields))]
    assert plain == list(WebDataset().records(root / "plain"))
    for one, other in zip(plain, packed, strict=True):
        assert (one.key, one.captions, one.label) == (other.key, other.captions, other.label)
        assert one.meta == other.meta
    assert WebDataset().total(root) == 2 * len(fields)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(NAMES, st.dictionaries(PARTS, VALUES, max_size=3)), min_size=1))
def test_tables(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "t.jsonl"
    objects = [{**fields, "image": f"{name}.jpg"} for name, fields in rows]
    path.write_text("\n".join(map(json.dumps, objects)), "utf-8")
    found = list(find(path).records(path))
    assert found == list(Table().records(path))
    assert Table().total(path) == len(found)
    merged = [name for i, (name, _) in enumerate(rows) if i == 0 or rows[i - 1][0] != name]
    assert [r.key for r in found if isinstance(r, Record)] == [f"{name}.jpg" for name in merged]
