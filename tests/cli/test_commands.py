"""Commands on the toy world: what they print, and how they end."""

from __future__ import annotations

import io
import json

import pytest

from tests.api.toys import png
from workbench.api import open_workspace
from workbench.cli import main

TOYS = ("--dataset", "toys", "--model", "toy")


def test_search_prints_a_list_of_objects(ask):
    status, found, err = ask("search", "apple", *TOYS, "-k", "2")
    assert (status, err) == (0, "")
    assert found[0] == {
        "rank": 1, "item": "apple-1", "row": 0, "score": 1.0, "label": None, "width": 8,
        "height": 8, "format": "PNG", "bytes": found[0]["bytes"], "style": "photo", "size": 96,
    }  # fmt: skip
    assert [hit["item"] for hit in found] == ["apple-1", "apple-2"]


def test_search_takes_the_only_dataset_and_model(ask):
    status, found, _ = ask("search", "car", "-k", "1")
    assert (status, found[0]["item"]) == (0, "car")


@pytest.mark.parametrize(
    ("words", "items"),
    [
        (["apple", "--where", "style=photo", "--where", "size>=96"], ["apple-1", "pear", "car"]),
        (["apple", "--match", "green"], ["pear"]),
        (["pear", "--exclude", "car", "--exclude-weight", "0.8", "-k", "1"], ["apple-1"]),
        (["apple", "--offset", "3"], ["car", "blank"]),
        (["--item", "pear", "-k", "2"], ["pear", "car"]),
        (["--item", "car", "apple", "--image-weight", "0.1", "-k", "1"], ["apple-1"]),
    ],
)
def test_every_way_to_search(ask, words, items):
    status, found, _ = ask("search", *words)
    assert status == 0
    assert [hit["item"] for hit in found] == items


def test_captions_are_printed_when_they_are_the_target(ask):
    _, found, _ = ask("search", "car", "--target", "caption", "-k", "1")
    assert (found[0]["caption"], found[0]["item"]) == ("a car", "car")


def test_an_image_file_is_a_query(ask, tmp_path):
    (tmp_path / "query.png").write_bytes(png())
    status, found, _ = ask("search", "--image", str(tmp_path / "query.png"), "-k", "1")
    assert (status, found[0]["item"]) == (0, "car")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search"], "expected a text, an image or an item"),
        (["search", "--image", "no-such.png"], "no-such.png"),
        (["search", "apple", "--dataset", "tois"], "toys"),
        (["search", "apple", "--model", "toi"], "toy"),
        (["search", "apple", "--where", "nonsense"], "COLUMN=VALUE"),
        (["search", "apple", "--where", "stile=x"], "style"),
        (["search", "apple", "-k", "0"], "page"),
        (["search", "--item", "apple-9"], "apple-9"),
        (["jobs", "show", "99"], "unknown job"),
        (["datasets", "show", "tois"], "toys"),
        (["datasets", "delete", "toys"], "--yes"),
        (["import", "nowhere", "--dataset", "x"], "nowhere"),
        (["import", ".", "--dataset", "../x"], "../x"),
        (["import", "."], "--dataset NAME"),
        (["import", ".", "--dataset", "x", "--option", "broken"], "NAME=VALUE"),
        (["import", ".", "--dataset", "x", "--option", "no_such=1"], "no_such"),
        (["evaluate", "retrieval", "--dataset", "tois"], "toys"),
        (["models", "remove", "toi"], "toy"),
    ],
)
def test_what_cannot_be_answered_ends_with_2_and_says_why(
    ask, tmp_path, monkeypatch, words, message
):
    monkeypatch.chdir(tmp_path / "images")
    status, found, err = ask(*words)
    assert (status, found) == (2, None)
    assert message in err


def test_people_get_tables(space, capsys):
    assert main(["search", "apple", "-k", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:3] == ["rank", "item", "score"]
    for words in (["datasets"], ["datasets", "show", "toys"], ["models"], ["jobs"], ["gc"],
                  ["worker", "status"], ["embed", "--list"], ["index", "--list"], ["doctor"],
                  ["datasets", "skipped", "toys"]):  # fmt: skip
        assert main(words) == 0
        assert capsys.readouterr().out.strip()


def test_lists_are_json_for_programs(ask):
    assert [info["name"] for info in ask("datasets")[1]] == ["toys"]
    assert [info["name"] for info in ask("models", "list")[1]] == ["toy"]
    assert [v["side"] for v in ask("embed", "--list")[1]] == ["image", "caption"]
    shown = ask("datasets", "show", "toys", "--where", "style=line", "--limit", "1")[1]
    assert (shown["matching"], len(shown["items"])) == (2, 1)
    assert ask("datasets", "skipped", "toys")[1] == []
    assert ask("worker", "status")[1] == []


def test_jobs_are_queued_shown_cancelled_and_retried(ask):
    status, queued, _ = ask("embed", *TOYS, "--no-wait")
    number = queued["job"]["id"]
    assert (status, queued["job"]["state"]) == (0, "queued")
    assert ask("jobs", "show", str(number))[1]["kind"] == "embed"
    # the index jobs that wait for it are refused with it, and come back with it
    assert ask("jobs", "cancel", str(number))[1]["state"] == "cancelled"
    assert {job["state"] for job in ask("jobs")[1]} == {"cancelled", "refused"}
    assert ask("jobs", "retry", str(number), "--no-wait")[1]["state"] == "queued"
    assert {job["state"] for job in ask("jobs", "list", "--state", "queued")[1]} == {"queued"}
    assert ask("jobs", "log", str(number))[1] == {"id": number, "log": ""}


def test_a_preview_stores_nothing(ask, space, tmp_path):
    status, found, _ = ask("import", str(tmp_path / "images"), "--preview")
    assert (status, found["total"], found["images"]) == (0, 5, True)
    assert [info["name"] for info in ask("datasets")[1]] == ["toys"]


def test_a_deleted_dataset_is_gone_and_gc_frees_its_files(ask, space):
    status, answer, _ = ask("datasets", "delete", "toys", "--yes")
    assert (status, answer["deleted"]) == (0, "toys")
    listed = ask("gc")[1]
    assert listed["paths"]
    assert ask("gc", "--delete")[1]["bytes"] == listed["bytes"]
    assert ask("gc")[1]["paths"] == []
    assert ask("doctor")[:2] == (0, [])


def test_doctor_ends_with_1_when_a_file_is_damaged(ask, space):
    victim = next((space / "vectors").rglob("*.npy"))
    victim.write_bytes(victim.read_bytes()[:-1])
    status, found, _ = ask("doctor")
    assert (status, found[0]["kind"]) == (1, "truncated")
    assert ask("doctor", "--quick")[0] == 1


def test_doctor_does_not_make_a_workspace(tmp_path, capsys):
    assert main(["doctor", "--workspace", str(tmp_path / "none")]) == 2
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_no_workspace_is_refused(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("dear")
    assert main(["datasets", "--workspace", str(tmp_path)]) == 2
    assert "is no workspace" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_duckdb_writes_views(ask, space):
    import duckdb

    path = ask("duckdb")[1]["path"]
    with duckdb.connect(path, read_only=True) as connection:
        (count,) = connection.execute("select count(*) from toys.items").fetchone()
    assert count == 5


def test_a_reader_that_has_gone_is_no_error(space, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def fileno(self):
            return monkeypatch_fd

    import os

    monkeypatch_fd = os.open(os.devnull, os.O_WRONLY)
    monkeypatch.setattr("sys.stdout", Gone())
    assert main(["datasets", "--json"]) == 0
    os.close(monkeypatch_fd)


def test_the_api_reads_what_another_process_wrote(space):
    with open_workspace(space) as first, open_workspace(space) as second:
        first.set_note("toys", "car", "seen")
        assert second.item("toys", "car").note == "seen"
        assert json.dumps(second.facets("toys", "style"))
