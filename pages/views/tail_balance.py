"""Balance: a corpus as MetaCLIP's cap leaves it, what it does to each concept, and the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, nav, url
from pages.shared.chart import chart, figure_export
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import caption_lines, concept, countings, zero_shot_runs
from workbench.api import BalanceRun, CapEffect, CountRun
from workbench.plots import balance as figures

if TYPE_CHECKING:
    import pyarrow as pa
    from plotly.graph_objects import Figure

__all__ = ["draw"]

_KIND = "balance-corpus"
_CAPTIONS = 12
_PREVIEW = 500
_TAILS = (0.06, 0.2)
_KEPT = (0.5,)
_METACLIP = (
    "t of MetaCLIP (Xu et al., ICLR 2024): a concept with more captions than t passes with "
    "probability t / captions, a rarer one always. A caption stays when any of its concepts "
    "passes; one without a concept goes."
)


def draw() -> None:
    """Draw the tab."""
    own = {info.name for info in api().datasets()}
    counts = sorted(api().counts(), key=lambda count: count.corpus in own)
    if not counts:
        _nothing_counted()
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        count = countings.pick(counts)
        cap, seed = _asked(count)
    effect = api().balance_preview(count.key, cap)
    _suggest(count)
    _effect(count, effect)
    made = api().balances(count.key)
    _made(made, cap, seed)
    found = next((each for each in made if (each.cap, each.seed) == (cap, seed)), None)
    if found is None:
        _ask(count, cap, seed)
    else:
        _found(count, found)


def _nothing_counted() -> None:
    st.info(
        "No captions are counted yet. A balance thins the concepts that have the most.",
        icon=":material/format_list_numbered:",
    )
    runs = api().zero_shot_runs()
    corpora = [corpus.name for corpus in api().corpora()]
    if runs and corpora:
        countings.make(zero_shot_runs.pick(runs, label="Classes of"), corpora, key="balance.make")
    else:
        nav.link("corpus", "Count concepts", icon=":material/article:")


@st.cache_data(max_entries=50, show_spinner=False)
def _cap(count: str, share: float, by: str) -> int:
    """A cap for a counting, a whole number."""
    return max(1, round(api().balance_cap(count, share, by="tail" if by == "tail" else "kept")))


def _asked(count: CountRun) -> tuple[float, int]:
    """The cap and the seed, both in the address."""
    cap = _number("Cap t", "cap", _cap(count.key, _TAILS[0], "tail"), least=1, help=_METACLIP)
    words = "Of the sample; the same seed draws the same captions."
    return float(cap), _number("Seed", "seed", 0, least=0, help=words)


def _number(label: str, param: str, default: int, *, least: int, help: str) -> int:
    """A whole number that stands in the address once it was chosen."""
    now = max(least, url.read_int(param, default))
    key = f"balance.{param}.{now}"
    st.number_input(
        label,
        min_value=least,
        value=now,
        key=key,
        width=150,
        help=help,
        on_change=lambda: url.write(**{param: st.session_state[key]}),
    )
    return now


def _suggest(count: CountRun) -> None:
    """Caps by what they do, as buttons."""
    choices = [(share, "tail", f"{share:.0%} of the matches below the cap") for share in _TAILS]
    choices += [(share, "kept", f"{share:.0%} of the matches stay") for share in _KEPT]
    caps: set[int] = set()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Caps to try", width="content")
        for share, by, words in choices:
            cap = _cap(count.key, share, by)
            if cap in caps:
                continue
            caps.add(cap)
            st.button(
                f"{words}: {amounts.count(cap)}",
                key=f"balance.cap.{by}.{share}",
                type="tertiary",
                help="MetaCLIP carries its cap from one corpus to another by this share; 6% is its "
                "20,000 captions in 400 million."
                if by == "tail"
                else "Reckoned from the counts, as if no caption had two concepts.",
                on_click=url.write,
                kwargs={"cap": cap},
            )


def _effect(count: CountRun, effect: CapEffect) -> None:
    share = effect.after / effect.before if effect.before else 0.0
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Concepts cut",
            f"{amounts.count(effect.cut)} of {amounts.count(effect.concepts)}",
            help="Concepts with more captions than the cap.",
            width="content",
        )
        st.metric(
            "Matches below the cap",
            f"{effect.tail:.1%}" if effect.before else "n/a",
            help=f"Share of the {amounts.count(effect.before)} matches of a caption and a concept "
            "that belong to concepts below the cap: the tail.",
            width="content",
        )
        st.metric(
            "Matches that stay, at least",
            f"{share:.1%}",
            help="Sum of min(captions, cap) over the concepts. More stay, because a caption also "
            "stays for another of its concepts.",
            width="content",
        )
        st.metric(
            "Captions without a concept",
            amounts.count(count.captions - count.matched),
            help=f"Of {amounts.count(count.captions)}; a balance drops them.",
            width="content",
        )


def _made(made: Sequence[BalanceRun], cap: float, seed: int) -> None:
    """Balances that were made before, as buttons."""
    others = [each for each in made if (each.cap, each.seed) != (cap, seed)]
    if not others:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Made before", width="content")
        for each in others[:8]:
            told = f", seed {each.seed}" if each.seed else ""
            kept = amounts.count(each.effective.kept)
            st.button(
                f"cap {each.cap:,.10g}{told}: {kept} captions",
                key=f"balance.made.{each.key}",
                type="tertiary",
                on_click=url.write,
                kwargs={"cap": int(each.cap), "seed": each.seed},
            )


def _ask(count: CountRun, cap: float, seed: int) -> None:
    st.button(
        f"Balance {plain(count.corpus)} at {cap:,.10g} captions a concept",
        key="balance.ask",
        type="primary",
        icon=":material/play_arrow:",
        help="Reads the corpus once more and draws a sample.",
        disabled=not count.current,
        on_click=_submit,
        args=(count.key, cap, seed),
    )
    if not count.current:
        st.caption("The corpus is gone or has changed since it was counted: count it again.")
    countings.running(
        lambda job: job.kind == _KIND and job.params.get("count") == count.key, key="balance.jobs"
    )


def _submit(count: str, cap: float, seed: int) -> None:
    api().submit_balance(count, cap, seed=seed)
    api().ensure_worker()


def _found(count: CountRun, found: BalanceRun) -> None:
    did = found.effective
    st.markdown(
        f"**{amounts.count(did.kept)}** of {amounts.count(did.captions)} captions stayed "
        f"({did.kept / max(1, did.captions):.1%}; {amounts.count(round(did.kept_expected))} are "
        f"expected in the mean), {amounts.count(len(did.cut))} concepts are cut."
    )
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        _picture(count, found)
        _table(count, found)
    with right:
        _one(count, found)
    _sample(count, found)


def _picture(count: CountRun, found: BalanceRun) -> None:
    figure = _figure(found.key, found)

    def clicked(point: Mapping[str, Any] | None) -> None:
        data = point.get("customdata") if point is not None else None
        concept.choose(int(data[0]) if data else None)

    key = f"balance.chart.{found.key}"
    chart(figure, key=key, on_click=clicked)
    st.caption(
        "Concepts above the cap afterwards have captions that stay for another concept's sake. "
        "Click a point for its captions."
    )
    figure_export(
        figure, chart=key, name=f"{count.corpus}-balance-{found.cap:g}", rows=_rows(found)
    )


@st.cache_resource(max_entries=20, show_spinner=False)
def _figure(key: str, _found: BalanceRun) -> Figure:
    return figures.before_and_after(_found.names, _found.effective, _found.cap)


def _rows(found: BalanceRun) -> list[dict[str, Any]]:
    """Concepts, the most frequent first."""
    did = found.effective
    columns = (each.tolist() for each in (did.before, did.alone, did.expected, did.actual))
    rows = [
        {
            "concept": place,
            "name": name,
            "before": before,
            "cut": before > alone,
            "expected": expected,
            "sampled": actual,
            "kept": actual / before if before else None,
        }
        for place, (name, before, alone, expected, actual) in enumerate(
            zip(found.names, *columns, strict=True)
        )
    ]
    return sorted(rows, key=lambda row: (-row["before"], row["concept"]))


def _table(count: CountRun, found: BalanceRun) -> None:
    rows = _rows(found)
    only = st.toggle("Only those that are cut", key="cut", bind="query-params")
    rows = [row for row in rows if row["cut"] or not only]
    shown = [{name: row[name] for name in row if name != "concept"} for row in rows]
    key = f"balance.table.{found.key}.{only}"

    def selected() -> None:
        picked = st.session_state[key].selection.rows
        concept.choose(rows[picked[0]]["concept"] if picked else None)

    st.dataframe(
        shown,
        hide_index=True,
        height=380 if len(shown) > 9 else "content",
        key=key,
        column_config={
            "name": st.column_config.TextColumn("concept", pinned=True, width="medium"),
            "before": st.column_config.NumberColumn(
                "before", format="localized", help="Captions with the concept."
            ),
            "cut": st.column_config.CheckboxColumn(
                "cut", help="It has more captions than the cap."
            ),
            "expected": st.column_config.NumberColumn(
                "expected", format="%.1f", help="Captions that stay in the mean over samples."
            ),
            "sampled": st.column_config.NumberColumn(
                "sampled", format="localized", help="Captions that stayed in this sample."
            ),
            "kept": st.column_config.NumberColumn("kept", format="percent"),
        },
        selection_mode="single-row",
        on_select=selected,
    )
    export.table(lambda: rows, name=f"{count.corpus}-balance-{found.cap:g}", key="balance.export")


def _one(count: CountRun, found: BalanceRun) -> None:
    """The chosen concept, the most frequent one when none is: what became of its captions."""
    did = found.effective
    place = url.read_int("concept", -1)
    if not 0 <= place < len(found.names):
        place = _rows(found)[0]["concept"]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(found.names[place]), width="stretch")
        nav.link(
            "corpus", "In Corpus", icon=":material/article:", count=count.key, concept=str(place)
        )
    before, after = int(did.before[place]), int(did.actual[place])
    st.markdown(
        f"**{amounts.noun(before, 'caption')}** before, **{amounts.count(after)}** in the sample "
        f"({did.expected[place]:,.1f} expected)."
    )
    examples = api().count_examples(count.key, place, _CAPTIONS)
    if not examples:
        st.caption("No caption names it.")
        return
    kept = _kept(found.key, [each.number for each in examples])
    st.markdown("**Captions**", help="The first of the corpus that name it.")
    caption_lines.draw(examples, note=lambda each: "stays" if each.number in kept else "goes")
    _beside(count, found, place)


def _beside(count: CountRun, found: BalanceRun, place: int) -> None:
    """Concepts for whose sake its captions may stay."""
    rows = api().count_together(count.key, place, 8).to_pylist()
    if not rows:
        st.caption("No caption names another concept beside it.")
        return
    st.markdown(
        "**Captions also stay for**",
        help="Concepts that stand in the same captions; a rare one keeps the whole caption.",
    )
    with st.container(horizontal=True, gap="small"):
        for row in rows:
            name, together = plain(row["name"]), amounts.count(row["captions"])
            st.button(
                f"{name} ({together})",
                key=f"balance.beside.{row['concept']}",
                type="tertiary",
                on_click=concept.choose,
                args=(row["concept"],),
            )


def _kept(balance: str, numbers: Sequence[int]) -> set[int]:
    """Those of these captions that stayed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    sample = _sampled(balance)["number"]
    here = sample.filter(pc.is_in(sample, value_set=pa.array(numbers, sample.type)))
    return set(here.to_pylist())


@st.cache_resource(max_entries=4, show_spinner=False)
def _sampled(balance: str) -> pa.Table:
    return api().balance_sample(balance)


def _sample(count: CountRun, found: BalanceRun) -> None:
    """The captions that stayed, to look at and to take along."""
    table = _sampled(found.key)
    name = f"{count.corpus}-balanced-{found.cap:g}-seed-{found.seed}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("The sample", width="stretch")
        with export.popover("balance.sample", "Sampled list") as opened:
            if opened:
                export.table_buttons(lambda: table, name=name, key="balance.sample")
    st.dataframe(
        table.slice(0, _PREVIEW),
        hide_index=True,
        height=280,
        key="balance.preview",
        column_config={
            "number": st.column_config.NumberColumn(
                "number",
                width="small",
                format="localized",
                help="Of the caption in its corpus, from 0.",
            )
        },
    )
    first, rows = min(_PREVIEW, table.num_rows), table.num_rows
    words = f"The first {amounts.count(first)} of {amounts.noun(rows, 'caption')}."
    if not found.texts:
        words += " The sample is too long to keep the texts; the numbers say which captions stay."
    st.caption(words)
