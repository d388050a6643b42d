"""The Corpus page: asking for a count, what was counted, one concept, and published tables."""

from __future__ import annotations

from tests.pages import longtail_world as made
from tests.pages.longtail_world import work_off
from tests.pages.seen import cells, charts, texts


def test_without_a_count_the_page_leads_to_one(bench, visit) -> None:
    app = visit("corpus")
    assert not app.exception and not app.error
    assert "Nothing is counted yet" in texts(app)
    app.button(key="counted.first").click().run()
    assert not app.exception and not app.error
    assert "A caption counts when" in [radio.label for radio in app.radio]


def test_the_headline_says_what_the_counts_rest_on(tail, visit, world) -> None:
    app = visit("corpus", count=world.count)
    assert not app.exception and not app.error
    shown = {metric.label: metric.value for metric in app.metric}
    matched = sum(made.COUNTS.values()) - 20
    assert shown["Captions"] == f"{made.LINES:,}"
    assert shown["Naming a concept"] == f"{matched:,} ({matched / made.LINES:.1%})"
    assert shown["Concepts named"] == "11 of 12"
    assert (shown["Empty"], shown["Unreadable"]) == ("2", "1")
    assert "web.jsonl, line 8" in texts(app)
    assert "Word sequence" in texts(app)


def test_concepts_stand_by_their_captions_and_are_found_by_synonym(tail, visit, world) -> None:
    app = visit("corpus", count=world.count)
    table = app.dataframe[0].value
    assert table["name"].to_list() == list(made.COUNTS)
    assert table["captions"].to_list() == list(made.COUNTS.values())
    app = visit("corpus", count=world.count, find="SQUARE")
    found = app.dataframe[0].value["name"].to_list()
    assert found == ["red square", "green box", "blue box", "yellow square"]


def test_rank_and_frequency_are_drawn_with_zipf(tail, visit, world) -> None:
    app = visit("corpus", count=world.count)
    points = charts(app)[0]["data"][0]
    assert [place for place, _ in points["customdata"]] == list(range(11))
    assert "1 without a caption not drawn" in points["name"]


def test_a_concept_shows_its_names_captions_neighbours_and_images(tail, visit, world) -> None:
    app = visit("corpus", count=world.count, concept="0")
    assert not app.exception and not app.error
    names = app.dataframe[1].value
    assert names["term"].to_list() == ["red disc", "red circle"]
    assert names["captions"].to_list() == [512, 0]
    assert names["alone"].to_list() == [made.ALONE, 0]
    beside = charts(app)[1]["data"][0]
    assert beside["customdata"] == [["red square"]] and beside["text"] == ["20"]
    assert {tail.item("things", cell["row"]).columns["label"] for cell in cells(app)} == {
        "red disc"
    }


def test_captions_show_as_they_are_written_with_the_words_marked(tail, visit, world) -> None:
    app = visit("corpus", count=world.count, concept="0")
    (nasty,) = [m.value for m in app.markdown if "hacked" in m.value]
    assert ":orange-background[red disc]" in nasty
    assert nasty.count("[") - nasty.count("\\[") == nasty.count(":orange-background[") + 2
    assert made.NASTY in texts(app).replace(":orange-background[red disc]", "red disc")


def test_a_concept_nobody_names_says_so(tail, visit, world) -> None:
    app = visit("corpus", count=world.count, concept="11")
    assert not app.exception and not app.error
    assert "No caption names it." in texts(app)
    assert {tail.item("things", cell["row"]).columns["label"] for cell in cells(app)} == {
        "yellow cross"
    }


def test_captions_of_a_dataset_bring_their_images(tail, visit, world) -> None:
    app = visit("corpus", count=world.own_count, concept="4")
    assert not app.exception and not app.error
    shown = cells(app)
    assert len(shown) == 8
    assert {cell["title"] for cell in shown} == {"green square"}


def test_counts_of_captions_that_are_gone_still_show(own_tail, visit, world) -> None:
    own_tail.remove_corpus("web")
    app = visit("corpus", count=world.count, concept="0")
    assert not app.exception and not app.error
    assert "red disc beside" in texts(app).replace(":orange-background[red disc]", "red disc")
    assert "gone or have changed" in app.warning[0].value


def test_the_form_queues_the_count_that_it_describes(own_tail, visit, world) -> None:
    key = made.CLASSES.key
    app = visit("corpus", tab="Count", corpus="web", rule="Sub-string", classes=key)
    assert not app.exception and not app.error
    assert "12 classes" in texts(app)
    app.toggle(key="lower").set_value(True).run()
    app.button(key="count").click().run()
    assert not app.exception and not app.error
    (job,) = own_tail.jobs(("queued",))
    asked = job.params
    assert (asked["corpus"], asked["rule"], asked["classes"]) == ("web", "substring", key)
    assert asked["options"]["lower"] and asked["synonyms"]
    assert "Count things in web" in texts(app)
    run = work_off(own_tail)["run"]
    assert own_tail.count_run(run).rule == "substring+lower"
    app = visit("corpus", tab="Count")
    rows = app.dataframe[0].value
    assert rows["rule"].to_list()[0] == "substring+lower" and len(rows) == 4


def test_files_are_added_previewed_and_forgotten(own_tail, visit, tmp_path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("said,other\na fine **disc**,1\n,2\n", "utf-8")
    app = visit("corpus", tab="Count")
    app.session_state["corpus.add"] = True
    app.run()
    app.text_area(key="corpus.paths").set_value(str(path))
    app.text_input(key="corpus.name").set_value("mine")
    app.text_input(key="corpus.column").set_value("nowhere").run()
    app.button(key="corpus.use").click().run()
    assert "nowhere" in app.error[0].value
    app.text_input(key="corpus.column").set_value("said").run()
    app.button(key="corpus.use").click().run()
    assert not app.exception and not app.error
    assert app.query_params["corpus"] == "mine"
    assert "a fine **disc**" in [text.value for text in app.text]
    app.button(key="corpus.remove").click().run()
    assert "mine" not in {each.name for each in own_tail.corpora()}


def test_published_tables_are_read_listed_and_removed(own_tail, visit, world) -> None:
    app = visit("corpus", tab="Published")
    assert not app.exception and not app.error
    shown = texts(app)
    assert made.PUBLISHED_COUNTS in shown and made.PUBLISHED_ACCURACIES in shown
    assert "pretraining (2): cc12m, cc3m" in shown and "backbone (1): RN50" in shown
    app.button(key=f"published.remove.{world.counts}").click().run()
    assert not own_tail.published_tables()
    app.text_input(key="published.path.Counts").set_value("/nowhere.csv").run()
    app.button(key="published.add").click().run()
    assert len(app.error) == 1
    path = str(world.files / made.PUBLISHED_COUNTS)
    app.text_input(key="published.path.Counts").set_value(path).run()
    app.button(key="published.add").click().run()
    assert not app.exception and not app.error
    assert [table.rows for table in own_tail.published_tables()] == [76]
