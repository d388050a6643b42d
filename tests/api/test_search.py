"""Rankings of the small world, against the order that its vectors were written down for."""

from __future__ import annotations

import numpy as np
import pytest

from tests.api.toys import ITEMS, png, unit
from workbench.api import Query
from workbench.errors import InputError, UnknownName
from workbench.filters import parse

WHERE = {"dataset": "toys", "model": "toy"}


def names(result):
    return [hit.item for hit in result.hits]


def test_a_text_ranks_images(bench):
    result = bench.search(Query("apple"), **WHERE)
    assert names(result) == ["apple-1", "apple-2", "pear", "car", "blank"]
    # cosines with (1, 0, 0): 1, 0.9, 0.6, 0, 0
    np.testing.assert_allclose([h.score for h in result.hits], [1, 0.9, 0.6, 0, 0], atol=1e-6)
    assert [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5]
    assert (result.considered, result.exact, result.last) == (5, True, True)
    assert set(result.seconds) == {"encode", "search", "metadata"}


def test_hits_carry_the_columns_of_their_items(bench):
    hit = bench.search(Query("apple"), **WHERE, k=1).hits[0]
    assert (hit.columns["style"], hit.columns["size"], hit.columns["width"]) == ("photo", 96, 8)
    assert not {"uri", "row", "item", "offset", "length", "digest"} & set(hit.columns)
    assert (hit.caption, hit.caption_row, hit.row) == ("", -1, 0)


def test_pages_go_on_to_the_end_of_the_ranking(bench):
    whole = bench.search(Query("apple"), **WHERE, k=5).hits
    pages = [bench.search(Query("apple"), **WHERE, k=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert tuple(hit for page in pages for hit in page.hits) == whole
    assert [page.last for page in pages] == [False, False, True, True]
    assert pages[3].hits == ()


def test_captions_are_a_target_too(bench):
    result = bench.search(Query("car"), **WHERE, target="caption", k=2)
    assert [(h.caption, h.item) for h in result.hits] == [
        ("a car", "car"),
        ("a green pear", "pear"),
    ]
    assert [hit.caption_row for hit in result.hits] == [4, 3]
    assert result.considered == 5


def test_an_exclusion_moves_the_ranking_away(bench):
    # (0.6, 0.8) - 0.5 (0, 1) = (0.6, 0.3): the first apple (0.894) now beats the pear (0.894 * 0.6
    # + 0.447 * 0.8 = 0.894): equal to float precision, and the car falls to 0.447
    plain = bench.search(Query("pear"), **WHERE)
    away = bench.search(Query("pear", exclude="car", exclude_weight=0.8), **WHERE)
    assert names(plain)[:2] == ["pear", "car"]
    assert names(away)[:2] == ["apple-1", "apple-2"]


def test_an_item_is_a_query_without_asking_the_worker(bench):
    result = bench.search(Query(item=("toys", 2)), **WHERE)
    assert names(result)[:2] == ["pear", "car"]
    assert bench.fake.asked == []


def test_an_item_without_vector_is_encoded_from_its_image(bench):
    import pyarrow as pa

    path = bench.root.parent / "images" / "car.png"
    row = {"item": "late", "uri": str(path), "offset": 0, "length": -1}
    bench.workspace.tables.append("toys", pa.Table.from_pylist([row]))
    result = bench.search(Query(item=("toys", 5)), **WHERE, k=1)
    assert names(result) == ["car"]
    assert bench.fake.asked == [("toy", path.read_bytes())]


def test_an_uploaded_image_is_encoded_once_for_all_pages(bench):
    for offset in (0, 2):
        bench.search(Query(image=png()), **WHERE, k=2, offset=offset)
    assert bench.fake.asked == [("toy", png())]


def test_image_and_text_together_follow_their_weight(bench):
    near_text = bench.search(Query("apple", item=("toys", 3), image_weight=0.2), **WHERE)
    near_image = bench.search(Query("apple", item=("toys", 3), image_weight=0.9), **WHERE)
    assert names(near_text)[0] == "apple-1"
    assert names(near_image)[0] == "car"


def test_filters_keep_the_order_of_what_remains(bench):
    result = bench.search(Query("apple"), **WHERE, where=(parse("style=photo"),))
    assert names(result) == ["apple-1", "pear", "car"]
    assert result.considered == 3
    captions = bench.search(Query("apple"), **WHERE, where=(parse("style=line"),), target="caption")
    assert [hit.caption for hit in captions.hits] == ["a red apple"]


def test_a_text_in_metadata_or_captions_narrows_the_search(bench):
    assert names(bench.search(Query("apple"), **WHERE, search="GREEN")) == ["pear"]


def test_nothing_that_matches_is_an_empty_page(bench):
    result = bench.search(Query("apple"), **WHERE, where=(parse("size>1000"),))
    assert (result.hits, result.considered, result.last) == ((), 0, True)


def test_neighbours_leave_the_item_itself_out(bench):
    result = bench.neighbours("toys", "toy", 0, k=2)
    assert [(h.rank, h.item) for h in result.hits] == [(1, "apple-2"), (2, "pear")]
    assert result.considered == 4
    captions = bench.neighbours("toys", "toy", 3, target="caption", k=1)
    assert captions.hits[0].caption == "a car"


def test_a_histogram_counts_every_score(bench):
    found = bench.score_histogram(Query("apple"), **WHERE, bins=4)
    scores = unit([i[3] for i in ITEMS])[:, 0]
    assert (found.n, sum(found.counts), len(found.edges)) == (5, 5, 5)
    assert found.mean == pytest.approx(scores.mean(), abs=1e-6)
    assert found.std == pytest.approx(scores.std(), abs=1e-6)
    assert (found.edges[0], found.edges[-1]) == pytest.approx((scores.min(), scores.max()))
    none = bench.score_histogram(Query("apple"), **WHERE, where=(parse("size>1000"),))
    assert (none.n, none.counts) == (0, (0,))


def test_a_model_without_vectors_says_what_to_run(bench):
    from dataclasses import replace

    from tests.api.toys import MODEL

    bench.workspace.catalog.add_model(replace(MODEL, key="bbbb2222", name="other"))
    with pytest.raises(InputError, match="workbench embed --dataset toys --model other"):
        bench.search(Query("apple"), dataset="toys", model="other")


@pytest.mark.parametrize("wrong", [{"k": 0}, {"offset": -1}])
def test_pages_that_cannot_be_are_refused(bench, wrong):
    with pytest.raises(InputError, match="page"):
        bench.search(Query("apple"), **WHERE, **wrong)


def test_unknown_names_are_named(bench):
    with pytest.raises(UnknownName, match="toy"):
        bench.search(Query("apple"), dataset="toys", model="toi")
    with pytest.raises(UnknownName, match="toys"):
        bench.search(Query("apple"), dataset="tois", model="toy")
    with pytest.raises(UnknownName, match="style"):
        bench.search(Query("apple"), **WHERE, where=(parse("stile=photo"),))


def test_a_query_item_outside_the_dataset_is_refused(bench):
    with pytest.raises(InputError, match="0 to 4"):
        bench.search(Query(item=("toys", 99)), **WHERE)
