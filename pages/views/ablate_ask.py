"""Choosing an ablation, and asking for another: which experts, what becomes of their tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.shared import job_panel, nav, url
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.views import recordings
from workbench.api import AblationReport, Mixtures
from workbench.types import DatasetInfo

__all__ = ["another", "asked", "jobs", "nothing_yet", "pick", "submit"]

_KIND = "ablate-experts"
_MODES = {"residual": "Pass by", "reroute": "Reroute"}
_LIMITS = (100, 250, 500, 1000, 2500, 5000)
_CONTROLS = (0, 3, 5, 10, 20)
_OFF = "switch"
"""Address parameter: experts to choose in the form, ``BLOCK.EXPERT`` with commas between."""


def pick(reports: Sequence[AblationReport]) -> AblationReport:
    """Choose one of the ablations (there must be one); its key is in the address."""
    by_key = {report.key: report for report in reports}
    names = {
        key: f"{each.model}: {each.label}, {_MODES[each.mode].lower()} · {each.dataset}"
        for key, each in by_key.items()
    }
    return by_key[addressed("Ablation", names, param="ablation")]


def nothing_yet() -> None:
    """What this page would show, and the form that asks for it."""
    st.info(
        "No expert has been switched off yet. How many tokens an expert takes says little about "
        "what it is for: switch it off, and see which images lose their class, which captions lose "
        "their image, and whether random experts would have done the same.",
        icon=":material/power_settings_new:",
    )
    _form("first", url.read("model"))
    jobs()


def another(report: AblationReport) -> None:
    """A button that opens the form."""
    with st.popover(
        "Switch experts off", icon=":material/add:", key="ablate.open", on_change="rerun"
    ) as opened:
        if opened.open:
            _form("another", report.model)


def asked() -> None:
    """The form in the page, where a link has brought experts to switch off."""
    if not url.read(_OFF):
        return
    with st.container(border=True):
        _form("asked", url.read("model"))
        st.button(
            "Close", key="ablate.close", on_click=lambda: url.write(**{_OFF: None, "model": None})
        )


def _form(key: str, model: str) -> None:
    models = [each.name for each in recordings.with_experts()]
    infos = [info for info in api().datasets() if info.captions]
    if not models:
        st.caption(
            "None of the models here has experts. Register a LIMoE bundle or train one; what "
            "models without experts do with images and texts is on the page Modality gap."
        )
        with st.container(horizontal=True, gap="small"):
            nav.link("models", "Register or train a LIMoE", icon=":material/deployed_code:")
            nav.link("modality", "Modality gap", icon=":material/compress:")
        return
    if not infos:
        st.caption("Retrieval needs a dataset with captions.")
        nav.link("datasets", "Import images with captions", icon=":material/photo_library:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox(
            "Model",
            models,
            index=models.index(model) if model in models else 0,
            key=f"ablate.{key}.model",
            width=240,
        )
        dataset = _dataset(infos, key)
    card = next(each for each in api().models() if each.name == chosen)
    mixtures = api().mixtures(card.key)
    assert mixtures is not None  # with_experts says so
    off = _experts(mixtures, card.key, key)
    _options(str(chosen), dataset, off, key)


def _dataset(infos: Sequence[DatasetInfo], key: str) -> str:
    found = st.selectbox(
        "Pairs of",
        [info.name for info in infos],
        key=f"ablate.{key}.dataset",
        width=180,
        help="Its images and their first captions: retrieval, and how far vectors move.",
    )
    return str(found)


def _experts(mixtures: Mixtures, model: str, key: str) -> dict[int, list[int]]:
    """Pills of the experts, a row a block."""
    linked = _linked(mixtures)
    said = _sides(model)
    off = {}
    for layer in mixtures.layers:
        found = st.pills(
            f"Block {layer}",
            list(range(mixtures.experts)),
            selection_mode="multi",
            default=linked.get(layer),
            format_func=lambda e, layer=layer: said.get((layer, e), str(e)),
            key=f"ablate.{key}.{model}.{layer}",
            help="Experts to switch off. Shares are of the image and of the text tokens in the "
            "newest recording." if said else "Experts to switch off.",
        )  # fmt: skip
        if found:
            off[layer] = sorted(found)
    return off


def _linked(mixtures: Mixtures) -> dict[int, list[int]]:
    """The experts that the address names, as far as the model has them."""
    off: dict[int, list[int]] = {}
    for part in url.read(_OFF).split(","):
        layer, _, expert = part.partition(".")
        known = layer.isdecimal() and expert.isdecimal()
        if known and int(layer) in mixtures.layers and int(expert) < mixtures.experts:
            off.setdefault(int(layer), []).append(int(expert))
    return off


def _sides(model: str) -> Mapping[tuple[int, int], str]:
    """What each expert serves, by the newest recording of the model; empty without one."""
    found = api().recordings(model=model)
    return _named(found[0].key, found[0].created) if found else {}


@st.cache_data(max_entries=20, show_spinner=False)
def _named(key: str, created: float) -> dict[tuple[int, int], str]:
    said = {}
    for row in api().expert_sums(key).expert_rows():
        image, text = row["share_image"] or 0.0, row["share_text"] or 0.0
        side = f":material/image: {image:.0%}"
        if text > image:
            side = f":material/notes: {text:.0%}"
        said[row["block"], row["expert"]] = f"{row['expert']}\u2002{side}"
    return said


def _options(model: str, dataset: str, off: Mapping[int, list[int]], key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        mode = st.segmented_control(
            "Their tokens",
            list(_MODES),
            default="residual",
            required=True,
            format_func=_MODES.get,
            key=f"ablate.{key}.mode",
            help="Pass by: the block adds nothing to them, only the residual carries them on. "
            "Reroute: they go to the best of the other experts, as if the model had only those.",
        )
        limit = st.selectbox(
            "At most",
            _LIMITS,
            index=3,
            format_func=lambda each: f"{each:,} pairs",
            key=f"ablate.{key}.limit",
            width=130,
            help="Drawn at random, and as many labelled images of the model's newest zero-shot run "
            "with the mean of prompts.",
        )
        controls = st.selectbox(
            "Beside",
            _CONTROLS,
            index=2,
            format_func=lambda each: f"{each} random draws",
            key=f"ablate.{key}.controls",
            width=150,
            help="As many other experts of the same blocks, drawn at random: what any expert does.",
        )
        every = st.toggle(
            "Every expert too",
            key=f"ablate.{key}.every",
            help="Also switches each expert off alone, for the chart of load and effect: one pass "
            "an expert.",
        )
        st.button(
            "Switch off",
            key=f"ablate.{key}.go",
            type="primary",
            icon=":material/power_settings_new:",
            disabled=not off,
            help=None if off else "Choose at least one expert.",
            on_click=submit,
            args=(dataset, model, off),
            kwargs={
                "mode": mode or "residual",
                "limit": int(limit),
                "controls": int(controls),
                "every": bool(every),
            },
        )
    st.caption(
        f"{'' if off else 'Choose experts. '}{2 + int(controls)} passes of pairs and labelled "
        "images through the model"
        + (", and one for every expert. " if every else ". ")
        + "Passes that were made before are kept."
    )


def submit(
    dataset: str,
    model: str,
    off: Mapping[int, Sequence[int]],
    *,
    mode: str = "residual",
    limit: int = 1000,
    controls: int = 5,
    every: bool = False,
) -> None:
    """Queue an ablation; for callbacks."""
    with guarded():
        api().submit_ablation(
            dataset,
            model,
            off,
            mode="reroute" if mode == "reroute" else "residual",
            limit=limit,
            controls=controls,
            every=every,
        )
        api().ensure_worker()
        url.write(ablation=None, at=None, group=None, **{_OFF: None, "model": None})


def jobs() -> None:
    """The ablations on their way."""
    job_panel.of_kind(_KIND, key="ablate.jobs")
