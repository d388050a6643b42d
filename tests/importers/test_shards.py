"""A path means shards: one, a folder of them, or a pattern."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.importers.making import write_tar
from workbench.errors import InputError
from workbench.importers.shards import expand, find_shards, has_shards, natural


def shard_names(path: Path) -> list[str]:
    return [shard.name for shard in find_shards(path)]


def test_a_folder_is_searched_in_natural_order(tmp_path):
    for name in ("10.tar", "2.tar", "test/0.tar.gz", "train/1.TGZ", ".hidden/3.tar", "x.txt"):
        write_tar(tmp_path / name, [])
    (tmp_path / "folder.tar").mkdir()
    assert shard_names(tmp_path) == ["2", "10", "test/0", "train/1"]
    assert has_shards(tmp_path)
    assert not has_shards(tmp_path / "folder.tar")


def test_one_file(tmp_path):
    path = write_tar(tmp_path / "00000.tar.gz", [])
    assert shard_names(path) == ["00000"]
    assert find_shards(tmp_path / "nothing.tar") == ()


def test_a_pattern_names_files_that_must_exist(tmp_path):
    for name in ("train/0.tar", "train/1.tar", "test/0.tar", "test/1.tar"):
        write_tar(tmp_path / name, [])
    assert shard_names(tmp_path / "train/{0..1}.tar") == ["0", "1"]
    pattern = tmp_path / "{train,test}/{0..1}.tar"
    assert shard_names(pattern) == ["train/0", "train/1", "test/0", "test/1"]
    assert not has_shards(tmp_path / "train/{0..2}.tar")
    with pytest.raises(InputError, match=r"2\.tar and 1 more"):
        find_shards(tmp_path / "train/{0..3}.tar")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{08..11}.tar", ["08.tar", "09.tar", "10.tar", "11.tar"]),
        ("a{x,y}{1..2}", ["ax1", "ax2", "ay1", "ay2"]),
        ("plain.tar", []),
        ("{3..2}", []),
    ],
)
def test_patterns(pattern, names):
    assert [str(path) for path in expand(Path(pattern))] == names


@pytest.mark.parametrize("pattern", ["{0..9999999999}.tar", "{0..999}{0..999}{0..9}", "{a}.tar"])
def test_patterns_that_cannot_be_meant_are_refused(pattern):
    with pytest.raises(InputError, match="pattern"):
        expand(Path(pattern))


def test_natural_order_reads_digits_as_numbers():
    names = ["b2", "b10", "a", "b", "b02", "10", "9"]
    assert sorted(names, key=natural) == ["9", "10", "a", "b", "b02", "b2", "b10"]
