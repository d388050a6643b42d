"""The report of a run: whole, escaped, and without an address of anything outside."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs

from store import files
from tests.api.zero_shot_world import evaluate, fill
from workbench.api import open_workspace
from workbench.errors import InputError, UnknownName
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet

NASTY = "<script>alert('cat')</script>"


@pytest.fixture
def pets(tmp_path):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        yield bench


class Reader(HTMLParser):
    """Tags with attributes, the text of each kind of element, and the scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.words, self._open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "meta"):
            self._open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ("", {})
        if inside[0] == "script":
            self.scripts.append((inside[1], data))
        elif inside[0] != "style":
            self.words.append(data)

    @property
    def said(self):
        return " ".join(" ".join(self.words).split())


def read(data):
    return Reader(data.decode("utf-8"))


def test_it_says_what_was_asked_and_what_came_out(pets):
    key = evaluate(pets, seed=7)
    found = read(pets.zero_shot_report(key))
    for words in (
        "toy on pets: Mean of prompts",
        "71.4% (",  # 5 of 7 right
        "a photo of a {}.",
        "Seed 7",
        "1 images without a label",
        f"Run {key}",
        "evaluation version 1",
        "2 of 8 images are mistaken",
        "photo 100.0%",
        "line 33.3%",
        "dog 3 66.7%",
        "by Workbench",
    ):
        assert words in found.said, words
    gallery = found.said[found.said.index("Worst mistakes") :]
    assert gallery.index("is dog taken for cat") < gallery.index("is cat taken for dog")
    assert "margin -6.80, place 2" in gallery and "style: line" in gallery


def test_charts_hold_their_figures_and_plotly_is_there_once(pets):
    found = read(pets.zero_shot_report(evaluate(pets)))
    data = [json.loads(text) for kind, text in found.scripts if kind.get("type")]
    run = [text for kind, text in found.scripts if not kind.get("type")]
    assert run[0] == get_plotlyjs() and len(run) == 2 and "newPlot" in run[1]
    kinds = [trace["type"] for figure in data for trace in figure["data"]]
    assert kinds == ["bar", "scatter", "scatter", "scatter", "scatter", "scatter", "heatmap"]
    assert data[0]["data"][0]["y"] == pytest.approx([1.0, 1 / 3])
    assert len([tag for tag, _ in found.tags if tag == "figure"]) == len(data)


def test_pictures_are_inside_and_nothing_is_outside(pets):
    text = pets.zero_shot_report(evaluate(pets)).decode("utf-8")
    found = Reader(text)
    pictures = [attrs["src"] for tag, attrs in found.tags if tag == "img"]
    assert len(pictures) == 2
    for address in pictures:
        kind, _, data = address.partition(",")
        assert kind == "data:image/webp;base64"
        assert base64.b64decode(data)[8:12] == b"WEBP"
    names = {name for _, attrs in found.tags for name in attrs}
    assert not names & {"href", "srcset", "action", "poster"}
    assert not {tag for tag, _ in found.tags} & {"link", "iframe", "object", "base", "form"}
    rest = text.replace(get_plotlyjs(), "")
    assert "http:" not in rest and "https:" not in rest and "@import" not in rest
    assert "url(" not in rest and "//cdn" not in rest
    assert str(pets.root) not in text and str(pets.root.parent) not in text
    policy = next(a["content"] for t, a in found.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy and "unsafe-inline'; script" not in policy


def test_names_and_prompts_are_text(pets):
    classes = ClassSet((NASTY, "dog", "fox"), ("cat", "dog", "fox"))
    prompts = PromptSet(templates=("</pre><script>1</script>{}",))
    data = pets.zero_shot_report(evaluate(pets, classes=classes, prompts=prompts))
    assert b"<script>alert" not in data and b"<script>1<" not in data
    found = read(data)
    assert f"is {NASTY} taken for" in found.said or f"taken for {NASTY}" in found.said
    assert "</pre><script>1</script>{}" in found.said
    assert len([1 for kind, _ in found.scripts if not kind.get("type")]) == 2


def test_a_picture_that_has_gone_is_said_and_the_rest_stands(pets, tmp_path):
    key = evaluate(pets)
    for file in (tmp_path / "images").iterdir():
        file.unlink()
    found = read(pets.zero_shot_report(key))
    assert found.said.count("no picture") == 2 and "is dog taken for cat" in found.said


def test_no_failures_and_other_prompts(pets):
    prompts = PromptSet("sentences", by_class={n: (f"The {n}.",) for n in ("cat", "dog", "fox")})
    found = read(pets.zero_shot_report(evaluate(pets, prompts=prompts, head="knn"), failures=0))
    assert "Worst mistakes" not in found.said and "The fox." in found.said
    assert "up to 1 images a class" in found.said and "k " in found.said
    with pytest.raises(InputError, match="0 or more"):
        pets.zero_shot_report(pets.zero_shot_runs()[0].key, failures=-1)
    with pytest.raises(UnknownName):
        pets.zero_shot_report("nothing")


def test_a_run_outlives_its_model(pets):
    key = evaluate(pets)
    pets.remove_model("toy")
    assert "(removed since)" in read(pets.zero_shot_report(key)).said


def test_writing_is_all_or_nothing(pets, tmp_path, monkeypatch):
    key = evaluate(pets)
    path = pets.write_zero_shot_report(key, tmp_path / "out" / "report.html")
    assert path.is_absolute() and path.read_bytes().endswith(b"</html>")
    before = path.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.Draft, "name", killed)
    with pytest.raises(KeyboardInterrupt):
        pets.write_zero_shot_report(key, path, failures=0)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_where_nothing_can_be_written_is_said(pets, tmp_path):
    key = evaluate(pets)
    with pytest.raises(InputError, match="a folder"):
        pets.write_zero_shot_report(key, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can be written"):
        pets.write_zero_shot_report(key, tmp_path / "file" / "report.html")
