"""The pages of the app, in sidebar order.

A page is one file with a ``draw()`` function and one line here. Pages read widgets, ask
``workbench.api`` and draw; whatever computes lives below them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PAGES", "Card"]


@dataclass(frozen=True)
class Card:
    """One page: its module in this folder, its title and icon, and the sidebar section.

    Args:
        module: name of the file without ``.py``; also the page's address.
        title: in the sidebar and in the browser's tab.
        icon: a Material symbol, ``:material/name:``.
        section: heading in the sidebar under which it stands.
    """

    module: str
    title: str
    icon: str
    section: str


PAGES: tuple[Card, ...] = (
    Card("overview", "Overview", ":material/home:", "Start"),
    Card("datasets", "Datasets", ":material/photo_library:", "Data"),
    Card("retrieval", "Retrieval", ":material/search:", "Search"),
    Card("zero_shot", "Evaluate", ":material/target:", "Zero-shot"),
    Card("errors", "Errors", ":material/error_med:", "Zero-shot"),
    Card("compare", "Compare", ":material/compare_arrows:", "Zero-shot"),
    Card("corpus", "Corpus", ":material/article:", "Long tail"),
    Card("frequency", "Frequency and accuracy", ":material/scatter_plot:", "Long tail"),
    Card("synonyms", "Synonyms", ":material/translate:", "Long tail"),
    Card("tail", "Tail and balance", ":material/balance:", "Long tail"),
    Card("experts", "Experts", ":material/hub:", "Experts"),
    Card("tokens", "Image and sentence", ":material/grid_on:", "Experts"),
    Card("ablate", "Ablate", ":material/power_settings_new:", "Experts"),
    Card("modality", "Modality gap", ":material/compress:", "Experts"),
    Card("models", "Models", ":material/deployed_code:", "Models & jobs"),
    Card("jobs", "Jobs", ":material/checklist:", "Models & jobs"),
)
