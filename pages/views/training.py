"""Train a LIMoE: the form, and beside it how a training goes, drawn anew while it runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.shared import amounts, job_panel, nav, pickers
from pages.shared.chart import chart, figure_export
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.views import train_form
from workbench.api import Film, TrainingRun, look_rows, step_rows
from workbench.plots import style, training

__all__ = ["draw"]

_LOOK_SECONDS = 3
_MODEL = "model:"


def draw() -> None:
    """Draw the tab."""
    left, right = st.columns([1, 2.1], gap="large")
    with left, guarded():
        train_form.draw()
    with right, guarded():
        _shown()


def _shown() -> None:
    """The training or model that the address names, at first the newest."""
    runs = {run.key: run for run in api().trainings()}
    made = {run.model for run in runs.values()}
    others = [model for model in api().filmed() if model.key not in made]
    names = {key: f"{run.label} · {run.state}" for key, run in runs.items()}
    names |= {f"{_MODEL}{model.name}": f"{model.name} · came trained" for model in others}
    if not names:
        st.info(
            "Nothing was trained here yet. With the values as they stand the sample takes a "
            "quarter of an hour on two cores; its curves appear here from the first step on.",
            icon=":material/show_chart:",
        )
        return
    key = pickers.addressed("Training", names, param="training")
    if key.startswith(_MODEL):
        _doors(key.removeprefix(_MODEL))
        _curves(key, api().model_film(key.removeprefix(_MODEL)))
        return
    run = runs[key]
    job_panel.panel(lambda: [api().job(run.job)], key="training.job", log=True)
    running = run.state in job_panel.ACTIVE
    if run.model:
        _doors(run.name, run.dataset)
    elif not running and api().has_checkpoint(run.key):
        _stopped(run)
    st.fragment(_live, run_every=_LOOK_SECONDS if running else None, key="training.live")(run)


def _live(run: TrainingRun) -> None:
    with guarded():
        _curves(run.key, api().training_film(run.key))


def _stopped(run: TrainingRun) -> None:
    st.button(
        "Discard what it learned",
        key="training.discard",
        icon=":material/delete:",
        help="Removes the checkpoint; the training would begin anew. Retry goes on with it.",
        on_click=api().discard_training,
        args=(run.key,),
    )


def _doors(model: str, dataset: str | None = None) -> None:
    """Where the trained model can be looked into."""
    card = next((each for each in api().models() if each.name == model), None)
    if card is None or not card.has_experts:
        return
    params = {"model": model} | ({"dataset": dataset} if dataset else {})
    nav.link("experts", "Look into its experts", icon=":material/hub:", **params)


def _curves(key: str, film: Film | None) -> None:
    if film is None or not (len(film.trained) or len(film.steps)):
        st.caption(":material/hourglass_empty: Its first steps are still to come.")
        return
    _figures(film)
    looks = look_rows(film)
    shown = [
        ("retrieval", "Retrieval of held-out pairs", training.retrieval_curves, looks),
        ("losses", "Losses", training.loss_curves, step_rows(film)),
    ]
    if len(film.layers):
        shown += [
            ("entropy", "How undecided the routers are", training.entropy_curves, looks),
            ("kept", "Tokens that found room", training.kept_curves, looks),
            ("apart", "Images and text apart", training.apart_curves, looks),
            ("entropies", "Entropy losses", training.entropy_loss_curves, step_rows(film)),
            ("balance", "Balance losses", training.balance_curves, step_rows(film)),
            ("z", "Size of the routers' logits", training.z_curves, step_rows(film)),
        ]
    for at in range(0, len(shown), 2):
        columns = st.columns(2, gap="medium")
        for column, (name, title, made, rows) in zip(columns, shown[at : at + 2], strict=False):
            with column, guarded():
                figure = made(film)
                st.markdown(f"**{title}**", help=_HELP[name])
                chart(figure, key=f"training.{name}")
                figure_export(figure, chart=f"training.{name}", name=f"training-{name}", rows=rows)


_HELP = {
    "retrieval": "Recall at 1: share of images whose own caption is the most similar of all "
    "held-out captions, and the other way round. No batch holds these pairs.",
    "losses": "The contrastive loss of a batch (Radford et al. 2021), and with the weighted "
    "losses of the routers added: what is lowered.",
    "entropy": "Mean natural entropy of a token's routing distribution: 0 when each token is "
    "decided, ln E when none is. Of held-out pairs, without noise.",
    "kept": "Share of the choices that found room in their expert at the training's capacity; "
    "the others pass the block by its residual alone.",
    "apart": "Jensen-Shannon divergence between p(expert | image) and p(expert | text), in bits: "
    "0 when both use the experts alike, 1 when they share none (Lin 1991).",
    "entropies": "Unweighted, mean over blocks. Local: mean entropy of a token's routing. Global: "
    "by how much the entropy of the average routing falls short of its soft minimum (Mustafa et "
    "al. 2022). One that is not part of the recipe is drawn too.",
    "balance": "Unweighted, mean over blocks: squared coefficient of variation over experts of "
    "probability (importance) and of the expected tokens (load); 0 is even (Shazeer et al. 2017).",
    "z": "Unweighted z-loss: mean squared log-partition of the routers' logits (Zoph et al. 2022).",
}


def _figures(film: Film) -> None:
    """The newest figures in one row."""
    told: list[tuple[str, str, str]] = []
    if len(film.trained):
        told.append(("Step", amounts.count(int(film.trained[-1])), "Steps made and told."))
        loss = film.losses.get("contrastive", film.losses.get("loss"))
        if loss is not None:
            told.append(("Contrastive", f"{float(loss[-1]):.3f}", _HELP["losses"]))
    if len(film.steps):
        for name, way, values in (
            ("Image R@1", "Image to text", film.image_to_text),
            ("Text R@1", "Text to image", film.text_to_image),
        ):
            words = f"{way}. {_HELP['retrieval']} {amounts.count(film.pairs)} pairs."
            told.append((name, style.share(float(values[-1])), words))
    if len(film.steps) and len(film.layers):
        told.append(("Least kept", style.share(float(film.kept[-1].min())), _HELP["kept"]))
        told.append(("JSD, bits", _range(film.jsd[-1].tolist()), _HELP["apart"]))
    for column, (name, value, words) in zip(st.columns(len(told)), told, strict=True):
        column.metric(name, value, help=words)


def _range(values: Sequence[Any]) -> str:
    """Least and most over the layers, in bits."""
    known = [float(value) for value in values if not math.isnan(value)]
    if not known:
        return "n/a"
    low, high = f"{min(known):.2f}", f"{max(known):.2f}"
    return low if low == high else f"{low}–{high}"
