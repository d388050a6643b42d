"""How classes are put into words: templates, sentences or descriptors, with a live preview."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, pickers, url
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain, short
from workbench.prompts import prompt_sets
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import Prompts, PromptSet
from workbench.types import ModelInfo

__all__ = ["choose"]

_NAMES = {
    "photo": "a photo of a {}.",
    "name": "the bare name",
    "seven": "OpenAI's seven templates",
    "imagenet-80": "OpenAI's 80 templates",
}
_HOW = (
    "One template a line; `{}` is where the name goes. Sentences for each class (CuPL) and "
    "descriptors for each class (classification by description) come as JSON: class to texts."
)
_PREVIEWED = 100


def choose(classes: ClassSet, model: ModelInfo) -> PromptSet:
    """Draw the box; return the chosen prompts. Their key or name is in the address.

    Args:
        classes: those that the prompts are about.
        model: whose tokens are counted in the preview.
    """
    # A built-in set that was used is kept too, under its own name.
    names = _NAMES | {key: name for key, name in api().prompt_sets() if name not in _NAMES}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        now = pickers.addressed("Prompts", names, param="prompts")
        found = api().prompt_set(now)
        _editor(found)
    with guarded():
        _preview(classes, found, model)
    return found


def _editor(found: PromptSet) -> None:
    """Edit templates as text, or read prompts from a file; what is kept is a set of its own."""
    with st.popover("Edit", icon=":material/edit:", key="prompts.edit", on_change="rerun") as pop:
        if not pop.open:
            return
        st.caption(_HOW)
        text = st.text_area(
            "Templates, one a line",
            "\n".join(found.templates),
            height=200,
            key=f"prompts.text.{found.key}",
            placeholder="a photo of a {}.",
        )
        synonyms = st.toggle(
            "Also with every synonym", found.synonyms, key=f"prompts.synonyms.{found.key}"
        )
        file = st.file_uploader(
            "Or from a file", ["json", "txt"], key="prompts.file", max_upload_size=64
        )
        name = st.text_input("Keep as", key="prompts.name", placeholder="my prompts")
        if st.button("Use these", type="primary", key="prompts.use"):
            if file is None:
                lines = tuple(line.strip() for line in (text or "").splitlines() if line.strip())
                made = PromptSet(templates=lines, synonyms=bool(synonyms))
            else:
                made = prompt_sets.from_file(next(api().keep_uploads([file]).iterdir()))
            url.write(prompts=api().save_prompt_set((name or "").strip() or "my prompts", made))
            st.rerun()


@st.cache_resource(max_entries=20, show_spinner=False)
def _expanded(key: tuple[str, str], _classes: ClassSet, _prompts: PromptSet) -> Prompts:
    return prompt_sets.expand(_classes, _prompts)


def _preview(classes: ClassSet, prompts: PromptSet, model: ModelInfo) -> None:
    """What is asked of one class, with the tokens of each text; loud where a text is cut."""
    expanded = _expanded((classes.key, prompts.key), classes, prompts)
    st.caption(f"{amounts.noun(len(expanded.texts), 'text')}: {plain(short(expanded.of(0)[0]))} …")
    with st.expander("Preview", icon=":material/visibility:", on_change="rerun") as box:
        if not box.open:
            return
        place = st.selectbox(
            "Texts of",
            range(len(classes)),
            format_func=lambda each: short(classes.names[each], 60),
            key=f"preview.{classes.key}",
        )
        texts = expanded.of(int(place or 0))[:_PREVIEWED]
        counts = _tokens(model.name, texts)
        rows = [{"text": text, "tokens": n} for text, n in zip(texts, counts, strict=True)]
        st.dataframe(rows, hide_index=True, height=280, key="preview.texts")
        cut = sum(n > model.context_length for n in counts)
        if cut:
            st.warning(
                f"{amounts.noun(cut, 'text')} longer than the {model.context_length} tokens that "
                f"{plain(model.name)} reads: the end is cut off.",
                icon=":material/content_cut:",
            )


@st.cache_data(max_entries=100, show_spinner=False)
def _tokens(model: str, texts: tuple[str, ...]) -> list[int]:
    return api().token_counts(model, list(texts))
