"""Captions from every kind of file; shards always the same; broken files that are named."""

import gzip
import io
import json
import tarfile
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.errors import InputError
from workbench.longtail import corpus_files
from workbench.longtail.concepts import Concepts
from workbench.longtail.corpus_files import Report, open_corpus
from workbench.longtail.counting import Counter

CAPTIONS = ["a dog", "un café, s'il vous plaît", "", 'say "cat"', "two\tbuses"]


def tar_of(path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def write(folder, kind, captions=CAPTIONS):
    path = folder / f"captions.{kind}"
    if kind in ("csv", "tsv"):
        sep = "," if kind == "csv" else "\t"
        quoted = ['"' + text.replace('"', '""') + '"' for text in captions]
        rows = [f"url{sep}caption", *(f"http://x{sep}{text}" for text in quoted)]
        path.write_text("\n".join(rows) + "\n", "utf-8")
    elif kind == "jsonl":
        path.write_text("".join(json.dumps({"caption": text}) + "\n" for text in captions), "utf-8")
    elif kind == "parquet":
        table = pa.table({"url": range(len(captions)), "TEXT": captions})
        pq.write_table(table, path, row_group_size=2)
    elif kind == "tar":
        members = {f"{n:03}.txt": text.encode() for n, text in enumerate(captions)}
        tar_of(path, {"000.jpg": b"\xff", **members})
    else:
        path.write_text("\ufeff" + "\r\n".join(captions) + "\n", "utf-8")
    return path


def packed(path):
    after = path.with_name(path.name + ".gz")
    after.write_bytes(gzip.compress(path.read_bytes()))
    return after


def read(corpus, **more) -> tuple[list[str], Report]:
    report = Report()
    tables = list(corpus.batches(report=report, **more))
    return [text for table in tables for text in table["caption"].to_pylist()], report


@pytest.mark.parametrize("pack", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("kind", ["txt", "csv", "tsv", "jsonl", "parquet", "tar"])
def test_every_kind_gives_the_same_captions(tmp_path, kind, pack) -> None:
    path = write(tmp_path, kind)
    corpus = open_corpus(packed(path) if pack else path)
    captions, report = read(corpus)
    assert captions == CAPTIONS
    assert (report.captions, report.empty, report.found) == (5, 1, 0)
    table = next(corpus.batches())
    assert table.schema == corpus_files.SCHEMA
    assert len(set(table["number"].to_pylist())) == len(table)


def test_where_a_caption_stands(tmp_path) -> None:
    (tmp_path / "a.csv").write_text('caption\none\n"two\nlines"\nthree\n')
    (tmp_path / "b.txt").write_text("four\n")
    tar_of(tmp_path / "c.tar", {"x/1.jpg": b"", "x/1.txt": b"five"})
    corpus = open_corpus(tmp_path)
    tables = list(corpus.batches())
    where = [text for table in tables for text in table["where"].to_pylist()]
    ends = ["a.csv:2", "a.csv:3", "a.csv:5", "b.txt:1", "c.tar/x/1.txt"]
    assert where == [f"{tmp_path}/{end}" for end in ends]
    numbers = [n for table in tables for n in table["number"].to_pylist()]
    assert numbers == [1, 2, 4, 1 << 32, (2 << 32) + 1]
    assert corpus.where(numbers[2]) == f"{tmp_path}/a.csv:5"
    with pytest.raises(InputError, match="3 shards"):
        corpus.where(9 << 32)


def test_row_groups_are_shards_and_parts_cover_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(corpus_files, "_GROUP_ROWS", 3)
    captions = [f"caption {n}" for n in range(11)]
    corpus = open_corpus([write(tmp_path, "parquet", captions), write(tmp_path, "txt", captions)])
    assert [each.groups for each in corpus.shards] == [(0, 2), (2, 4), (4, 6), (0, 0)]
    parts = [table for part in range(3) for table in corpus.batches(part, 3)]
    found = {
        n: t
        for each in parts
        for n, t in zip(*(each[c].to_pylist() for c in ("number", "caption")), strict=True)
    }
    assert [found[n] for n in sorted(found)] == captions * 2
    assert [table["number"][0].as_py() & 0xFFFFFFFF for table in corpus.batches()] == [0, 4, 8, 0]


def test_counting_shard_by_shard_is_counting_at_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(corpus_files, "_GROUP_ROWS", 3)
    corpus = open_corpus(write(tmp_path, "parquet", ["a cat", "dog", "cat dog", "", "x"] * 4))
    concepts = Concepts.of(["cat", "dog"])
    whole, merged = Counter(concepts, "words"), Counter(concepts, "words")
    for table in corpus.batches():
        whole.add(table["caption"], numbers=table["number"])
    for shard in reversed(corpus.shards):
        one = Counter(concepts, "words")
        for table in corpus.read(shard):
            one.add(table["caption"], numbers=table["number"])
        one.save(tmp_path / "one.npz")
        merged.merge(Counter.load(tmp_path / "one.npz"))
    assert merged.counts().distinct.tolist() == whole.counts().distinct.tolist() == [8, 8]
    assert merged.examples.tolist() == whole.examples.tolist()
    assert corpus.where(int(whole.examples[0, 1])).endswith("captions.parquet:3")


def test_columns_by_name_and_by_number(tmp_path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("a dog\thttp://1\na cat\thttp://2\n")
    assert read(open_corpus(path, 1))[0] == ["a dog", "a cat"]
    with pytest.raises(InputError, match=r"x.tsv.*http://1") as raised:
        open_corpus(path)
    assert "Name the column" in str(raised.value)
    with pytest.raises(InputError, match="url, TEXT"):
        open_corpus(write(tmp_path, "parquet"), "caption")
    assert read(open_corpus(tmp_path / "captions.parquet", "TEXT"))[0] == CAPTIONS
    tar_of(tmp_path / "x.tar", {"1.txt": b"no", "1.json": b'{"alt": "yes"}'})
    assert read(open_corpus(tmp_path / "x.tar", "alt"))[0] == ["yes"]


def test_a_later_file_without_the_column_is_a_problem_and_the_count_goes_on(tmp_path) -> None:
    for name, head in (("a", "caption"), ("b", "words,url"), ("c", "caption")):
        (tmp_path / f"{name}.csv").write_text(f"{head}\n{name},x\n")
    captions, report = read(open_corpus(tmp_path, "caption"))
    assert captions == ["a", "c"]
    assert str(report.problems[0]).endswith(
        "b.csv, line 1: no column 'caption'; there are words, url"
    )


@pytest.mark.parametrize("kind", ["txt", "csv", "jsonl", "tar", "parquet"])
def test_broken_gzip_names_the_line_and_keeps_what_comes_before(tmp_path, kind) -> None:
    noise = np.random.default_rng(0).integers(97, 123, (9000, 60)).astype(np.uint8)
    path = packed(write(tmp_path, kind, [bytes(row).decode() for row in noise]))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    write(tmp_path, "txt", ["last"])
    corpus = open_corpus(
        [path, tmp_path / "captions.txt"], column="TEXT" if kind == "parquet" else None
    )
    captions, report = read(corpus)
    assert captions[-1] == "last" and len(captions) < 9001
    assert kind == "parquet" or len(captions) > 4000
    problem = report.problems[0]
    assert problem.file == str(path)
    if kind in ("txt", "csv", "jsonl"):
        assert abs(problem.line - len(captions)) < 3
    with pytest.raises(InputError, match=path.name):
        list(corpus.batches())


def test_what_is_no_gzip_is_said(tmp_path) -> None:
    (tmp_path / "x.txt.gz").write_text("plain text")
    assert "Not a gzipped file" in str(read(open_corpus(tmp_path))[1].problems[0])


def test_lines_in_another_encoding_are_skipped_and_named(tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes("one\ncafé\nthree\n".encode("latin-1"))
    (tmp_path / "b.txt").write_bytes("four".encode("utf-16"))
    captions, report = read(open_corpus(tmp_path))
    assert captions == ["one", "three"]
    assert "a.txt, line 2: not UTF-8 (byte 0xe9 at place 4)" in str(report.problems[0])
    assert "b.txt, line 1: the file is UTF-16" in str(report.problems[1])


def test_a_line_of_100_mb_is_skipped_in_little_memory(tmp_path) -> None:
    path = tmp_path / "long.txt"
    with path.open("wb") as file:
        file.write(b"first\n")
        for _ in range(100):
            file.write(b"dog " * (1 << 18))
        file.write(b"\nlast\n")
    tracemalloc.start()
    captions, report = read(open_corpus(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert captions == ["first", "last"]
    assert str(report.problems[0]) == f"{path}, line 2: a line of 104,857,600 bytes is skipped"
    assert peak < 12 << 20


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, (1 << 20) + (1 << 18)])
def test_the_longest_line_is_a_megabyte(tmp_path, size) -> None:
    path = tmp_path / "x.txt"
    path.write_text("a\n" + "y" * size + "\nb\n" + "z" * size)
    captions, report = read(open_corpus(path))
    kept = size <= 1 << 20
    assert [text[0] for text in captions] == (list("aybz") if kept else list("ab"))
    assert [each.line for each in report.problems] == ([] if kept else [2, 4])


def test_an_open_quotation_mark_does_not_swallow_the_file(tmp_path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('caption\nfirst\n"open\n' + "more words here\n" * 80_000)
    captions, report = read(open_corpus(path))
    assert captions[0] == "first" and len(captions) > 10_000
    assert "not closed within 1 MB; lines 3 to" in str(report.problems[0])
    path.write_text('caption\nfirst\n"open\nend\n')
    captions, report = read(open_corpus(path))
    assert captions == ["first"] and "line 3: a quotation mark" in str(report.problems[0])


def test_short_rows_and_bad_json_are_named(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("url,caption\nx,one\ny\nz,two\n")
    (tmp_path / "b.jsonl").write_text('{"caption": "three"}\n{"x": 1}\n{\n{"caption": null}\n[]\n')
    captions, report = read(open_corpus(tmp_path))
    assert captions == ["one", "two", "three", ""]
    assert [(each.file[each.file.rindex("/") + 1 :], each.line) for each in report.problems] == [
        ("a.csv", 3), ("b.jsonl", 2), ("b.jsonl", 3), ("b.jsonl", 5)
    ]  # fmt: skip
    assert "no field 'caption'; there are x" in report.problems[1].reason
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_bad_texts_in_parquet_become_empty_and_are_named(tmp_path) -> None:
    texts = pa.array([b"one", b"caf\xe9", None, b"x" * ((1 << 20) + 1), "é".encode()])
    pq.write_table(
        pa.table({"caption": texts.cast(pa.string(), safe=False)}), tmp_path / "x.parquet"
    )
    captions, report = read(open_corpus(tmp_path))
    assert captions == ["one", "", "", "", "é"]
    assert [each.line for each in report.problems] == [2, 4]
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    assert "cannot be read" in str(read(open_corpus(tmp_path, "caption"))[1].problems[0])


def test_paths_that_are_no_corpus_are_refused(tmp_path) -> None:
    (tmp_path / "x.pdf").write_text("")
    for path, said in (
        (tmp_path / "none.txt", "none.txt"),
        (tmp_path / "x.pdf", r"\.jsonl"),
        (tmp_path, "folder"),
    ):
        with pytest.raises(InputError, match=said):
            open_corpus(path)
    with pytest.raises(InputError, match="at least one file"):
        open_corpus([])


def test_the_key_follows_the_files(tmp_path) -> None:
    path = write(tmp_path, "txt")
    before = open_corpus(tmp_path / "*.txt").key
    assert open_corpus(path).key == before
    path.write_text("other")
    assert open_corpus(path).key != before
