"""The register: who is asked first, and what is said when nobody knows a path."""

from __future__ import annotations

import pytest

from tests.importers.making import picture, sample, write_folder, write_tar
from workbench.errors import InputError, UnknownName
from workbench.importers.register import IMPORTERS, check_options, find


def test_keys_titles_and_options_are_fit_for_forms():
    keys = [importer.key for importer in IMPORTERS]
    assert keys == ["clip-retrieval", "coco", "table", "clip-benchmark", "webdataset", "folder"]
    for importer in IMPORTERS:
        assert importer.title
        assert importer.formats
        assert [key for key in keys if importer.key == key] == [importer.key]
        assert all(option.title and option.help for option in importer.options)


def test_the_most_particular_is_asked_first(tmp_path):
    write_folder(tmp_path, {"cat/1.jpg": picture()})
    assert find(tmp_path).key == "folder"
    write_tar(tmp_path / "0.tar", sample("a"))
    assert find(tmp_path).key == "webdataset"
    (tmp_path / "classnames.txt").write_text("cat\n")
    assert find(tmp_path).key == "clip-benchmark"
    (tmp_path / "metadata.csv").write_text("file_name\ncat/1.jpg\n")
    assert find(tmp_path).key == "table"


def test_a_key_overrides_what_is_recognised(tmp_path):
    write_folder(tmp_path, {"cat/1.jpg": picture()})
    write_tar(tmp_path / "0.tar", sample("a"))
    assert find(tmp_path, "folder").key == "folder"
    with pytest.raises(UnknownName, match=r"importer 'foldr'.*folder"):
        find(tmp_path, "foldr")


def test_nothing_recognised_lists_what_was_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(InputError) as caught:
            find(path)
        for importer in IMPORTERS:
            assert importer.formats in str(caught.value)


def test_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="existing"):
        find(tmp_path / "none")
    with pytest.raises(InputError, match="none of them"):
        find(tmp_path / "{0..3}.tar")


def test_options_that_an_importer_lacks_are_refused():
    table = next(importer for importer in IMPORTERS if importer.key == "table")
    check_options(table, {"image_column": "a"})
    with pytest.raises(UnknownName, match=r"image_colum.*image_column"):
        check_options(table, {"image_colum": "a"})
