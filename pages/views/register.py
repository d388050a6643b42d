"""Register a model: an open_clip name, a Hugging Face name, or a file on this machine."""

from __future__ import annotations

import re

import streamlit as st

from pages.shared import errors, job_panel, url
from pages.shared.handle import api
from workbench.errors import InputError

__all__ = ["button", "progress"]

_JOBS = "_registrations"
_PRIORITY = 40
"""Before embedding, which may need the model: registering takes seconds."""

_SOURCES = ("open_clip", "Hugging Face", "File or folder")
_PRECISIONS = {
    "auto": "bfloat16 or float16 where the device is faster with it, else float32",
    "fp32": "float32",
    "bf16": "bfloat16",
    "fp16": "float16",
}


def button() -> None:
    """Draw the button that opens the form; the address says whether it is open."""
    st.button(
        "Register a model",
        icon=":material/add:",
        type="primary",
        on_click=url.write,
        kwargs={"form": "register"},
    )
    if url.read("form") == "register":
        _form()


def _closed() -> None:
    url.write(form=None)


@st.dialog("Register a model", width="medium", on_dismiss=_closed)
def _form() -> None:
    source = st.segmented_control("Weights from", _SOURCES, default=_SOURCES[0], required=True)
    arch, weights = _WIDGETS[source or _SOURCES[0]]()
    suggested = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{arch}-{weights}".split("/")[-1]).strip("-.")
    name = st.text_input("Name here", suggested[:64], help="What you call it on every page.")
    precision = st.selectbox(
        "Precision",
        list(_PRECISIONS),
        format_func=lambda key: f"{key}: {_PRECISIONS[key]}",
        help="Of computing. Vectors are stored as float16.",
    )
    if st.button("Register", type="primary", disabled=not (name.strip() and weights)):
        _register(name.strip(), arch, weights, str(precision))


def _register(name: str, arch: str, weights: str, precision: str) -> None:
    with errors.guarded():
        job = api().queue_register(name, arch, weights, priority=_PRIORITY, precision=precision)
        api().ensure_worker()
        url.write(form=None)
        st.session_state[_JOBS] = [*st.session_state.get(_JOBS, []), job.id]
        st.rerun()


def progress() -> None:
    """Draw the registrations that this person started, until the next visit."""
    numbers = st.session_state.get(_JOBS, [])
    if numbers:
        job_panel.panel(lambda: [api().job(n) for n in numbers], key="register.jobs", log=True)


def _from_open_clip() -> tuple[str, str]:
    with st.spinner("Asking the worker for open_clip's names"):
        names = _known()
    chosen = st.selectbox(
        "Architecture and pretrained tag",
        names,
        index=None,
        format_func=lambda pair: f"{pair[0]}  ·  {pair[1]}",
        placeholder="type a part, e.g. ViT-B-32 laion2b",
        help="Weights are downloaded once, when this machine is online, and kept.",
    )
    return chosen or ("", "")


@st.cache_resource(show_spinner=False)
def _known() -> list[tuple[str, str]]:
    return api().known_models()


def _from_hub() -> tuple[str, str]:
    name = st.text_input("Repository", placeholder="timm/ViT-B-16-SigLIP").strip()
    return "", f"hf-hub:{name.removeprefix('hf-hub:')}" if name else ""


def _from_file() -> tuple[str, str]:
    path = st.text_input(
        "Path on this machine",
        placeholder="/data/checkpoints/model.safetensors",
        help="A .safetensors or .pt file, or a folder with open_clip_config.json and its weights. "
        "No code in a checkpoint is ever run.",
    ).strip()
    needs = path.endswith((".safetensors", ".pt", ".pth", ".bin"))
    arch = st.text_input(
        "Architecture", placeholder="ViT-B-32", disabled=not needs, help="A folder states its own."
    ).strip()
    if needs and not arch:
        errors.show(InputError("architecture", expected="the open_clip architecture of the file"))
        return "", ""
    return arch, path


_WIDGETS = {
    "open_clip": _from_open_clip,
    "Hugging Face": _from_hub,
    "File or folder": _from_file,
}
