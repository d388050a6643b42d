"""Files of counts and accuracies in every layout they come in, and what is wrong with bad ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.errors import InputError
from workbench.longtail.published import read_accuracies, read_counts, read_metrics

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "published"
shared = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"no {PUBLISHED}")

COUNTS = "benchmark,pretraining,method,concept,count\ndtd,cc3m,lemmatized,NA,0\n"
COUNTS += 'dtd,cc3m,lemmatized,"a, b",\n'
METRICS = {
    "10": {"name": "x", "alternates": {"x": 5, "ex": 2}, "most_common_name": "x", "actual_freq": 6},
    "2": {
        "name": "y",
        "alternates": {"y": 9},
        "most_common_name": "y",
        "actual_freq": 9,
        "relevant_total": 4,
    },
}


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.tsv"])
def test_a_table_of_counts_keeps_names_and_tells_0_from_nothing(tmp_path, name) -> None:
    text = COUNTS if ".csv" in name else COUNTS.replace('"a, b"', "a b").replace(",", "\t")
    table = read_counts(written(tmp_path / name, text))
    assert table.column_names == ["benchmark", "pretraining", "method", "concept", "count"]
    assert table["concept"].to_pylist() == ["NA", "a, b" if ".csv" in name else "a b"]
    assert table["count"].to_pylist() == [0.0, None]


def test_parquet_and_whole_numbers_are_read_alike(tmp_path) -> None:
    columns = {"benchmark": ["d"], "pretraining": ["c"], "method": ["m"], "concept": ["x"]}
    pq.write_table(pa.table({**columns, "count": [3], "more": [1]}), tmp_path / "a.parquet")
    table = read_counts(tmp_path / "a.parquet")
    assert table["count"].to_pylist() == [3.0] and table.num_columns == 5


def test_what_a_table_lacks_can_be_given(tmp_path) -> None:
    path = written(tmp_path / "mine.csv", "concept,count\ncat,4\ndog,5\n")
    table = read_counts(path, benchmark="pets", pretraining="mine", method="words")
    assert table["method"].to_pylist() == ["words", "words"]
    with pytest.raises(
        InputError, match=r"column 'pretraining' is missing.*columns concept, count"
    ):
        read_counts(path, benchmark="pets")


def test_search_counts_say_the_rest_in_their_name(tmp_path) -> None:
    name = "dtd_laion_aesthetics_integrated_tlemmatized_i0.7_search_counts.json"
    table = read_counts(written(tmp_path / name, '{"dotted": 12, "lined": 0}'))
    assert table.to_pylist()[0] == {
        "benchmark": "dtd",
        "pretraining": "laion_aesthetics",
        "method": "integrated_tlemmatized_i0.7",
        "concept": "dotted",
        "count": 12.0,
    }
    table = read_counts(
        written(tmp_path / "imagenet-r_cc3m_rampp0.55_search_counts.json", '{"x": 1}')
    )
    assert table["benchmark"].to_pylist() == ["imagenet-r"]
    assert table["method"].to_pylist() == ["rampp0.55"]
    with pytest.raises(InputError, match="'benchmark' is missing"):
        read_counts(written(tmp_path / "odd.json", '{"x": 1}'))


def test_zero_shot_evaluations_say_the_rest_in_keys_and_name(tmp_path) -> None:
    entry = {"full": 61.0, "classwise": {"plane": 80.5, "cat": 41.5}}
    text = json.dumps({"backboneViT-B-16_pretrainedlaion200m_train_test": entry})
    table = read_accuracies(written(tmp_path / "cifar10_ensemble_results.json", text))
    assert table.to_pylist()[1] == {
        "benchmark": "cifar10",
        "prompts": "ensemble",
        "backbone": "ViT-B-16",
        "pretrained": "laion200m_train_test",
        "concept": "cat",
        "accuracy": 41.5,
    }


def test_metrics_are_in_the_order_of_class_numbers(tmp_path) -> None:
    path = written(tmp_path / "pets" / "metrics-LAION400M.json", json.dumps(METRICS))
    metrics = read_metrics(path)
    assert metrics.names == ("y", "x") and metrics.terms == (("y",), ("x", "ex"))
    assert metrics.distinct.tolist() == [9, 6] and metrics.by_term.tolist() == [9, 5, 2]
    assert metrics.relevant[0] == 4 and np.isnan(metrics.relevant[1])
    rows = read_counts(path).to_pylist()
    assert {(r["benchmark"], r["pretraining"]) for r in rows} == {("pets", "laion400m")}
    got = [(r["method"], r["concept"], r["count"]) for r in rows]
    assert got == [("phrases", "y", 9), ("phrases", "x", 6), ("phrases-relevant", "y", 4)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "concept,count\ncat,1\ndog\n", r"cannot be read.*Row #3.*got 1"),
        ("a.csv", COUNTS.replace(",0", ",many"), r"Row #2.*many"),
        ("a.csv", COUNTS.replace(",0", ",-3"), r"row 1 \('NA'\), count.*0 or more.*-3"),
        ("a.xlsx", "x", "a .csv, .tsv, .parquet or .json file"),
        ("a.json", "{", "a JSON file"),
        ("a.json", "{}", "a JSON object with entries"),
        ("a.json", '{"x": "many"}', "a number for every concept"),
        ("a.parquet", "nonsense", "cannot be read"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path, name, text, message) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_counts(written(tmp_path / name, text))
    assert name in str(error.value)


def test_another_encoding_is_refused_and_a_byte_order_mark_is_not(tmp_path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(COUNTS.replace("NA", "jalapeño").encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.csv.*UTF8"):
        read_counts(path)
    path.write_bytes(COUNTS.encode("utf-8-sig"))
    assert read_counts(path)["benchmark"].to_pylist() == ["dtd", "dtd"]


def test_what_is_not_there_or_broken_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv"):
        read_counts(tmp_path / "gone.csv")
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(COUNTS.encode() * 50)[:-20])
    with pytest.raises(InputError, match=r"cut\.csv\.gz"):
        read_counts(path)
    with pytest.raises(InputError, match=r"class 0.*alternates"):
        read_metrics(written(tmp_path / "m.json", '{"0": {"name": "x"}}'))
    bad = json.dumps({"7": {**METRICS["2"], "actual_freq": "many"}})
    with pytest.raises(InputError, match=r"class 7.*actual_freq.*many"):
        read_metrics(written(tmp_path / "m.json", bad))
    with pytest.raises(InputError, match=r"the keys.*class number"):
        read_metrics(written(tmp_path / "m.json", '{"zero": {"name": "x"}}'))


def test_accuracies_are_percent_and_layouts_are_checked(tmp_path) -> None:
    head = "benchmark,prompts,backbone,pretrained,concept,accuracy\n"
    with pytest.raises(InputError, match=r"row 1 \('x'\), accuracy.*0 to 100"):
        read_accuracies(written(tmp_path / "a.csv", head + "d,class,RN50,cc3m,x,101\n"))
    with pytest.raises(InputError, match="classwise"):
        read_accuracies(written(tmp_path / "d_class_results.json", '{"backboneA_pretrainedB": 3}'))


@shared
def test_the_published_synonyms_keep_their_known_oddities() -> None:
    metrics = read_metrics(PUBLISHED / "synonym_frequency_imagenet_laion400m.json")
    assert len(metrics.names) == 1000 and metrics.names[32] == "tailed frog"
    assert (metrics.relevant[32], metrics.relevant[995]) == (7, 9)
    assert (metrics.names[836], metrics.names[837]) == ("sunglasses", "sunglasses")
    assert metrics.distinct[75] == 1875 and np.median(metrics.relevant) == 6260.5
    terms = [len(each) for each in metrics.terms]
    assert max(terms) == 18 and np.mean(terms) == pytest.approx(5.19, abs=0.005)
    assert len(metrics.by_term) == sum(terms)
    rows = (
        read_counts(PUBLISHED / "synonym_frequency_food101_laion400m.json").slice(0, 1).to_pylist()
    )
    assert (rows[0]["benchmark"], rows[0]["pretraining"]) == ("food101", "laion400m")


@shared
def test_integrated_counts_never_exceed_the_text_or_image_ones() -> None:
    table = read_counts(PUBLISHED / "concept_counts.csv.gz")
    columns = [table[name].to_pylist() for name in table.column_names]
    known = {(b, p, m, c): n for b, p, m, c, n in zip(*columns, strict=True)}
    checked = 0
    for (benchmark, corpus, method, concept), n in known.items():
        if method == "integrated_tlemmatized_i0.7" and corpus in ("cc3m", "cc12m"):
            for side in ("lemmatized", "rampp0.7"):
                other = known.get((benchmark, corpus, side, concept))
                assert other is None or n <= other
                checked += other is not None
    assert checked > 8000
