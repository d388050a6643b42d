"""What a notebook, a page or the command line asks of a workspace.

    from workbench.api import Query, open_workspace

    bench = open_workspace("workspace")
    bench.search(Query("a red apple"), dataset="test", model="glyph-clip", k=5).hits

Works while the app runs on the same folder: any number of processes may read and write it.
Importing this never imports torch; texts and images are encoded by the worker.
"""

from __future__ import annotations

from pathlib import Path

from workbench.api.ablation import Ablation
from workbench.api.ablation_results import (
    Ablated,
    AblationReport,
    AblationWay,
    Changed,
    Figure,
    Figures,
)
from workbench.api.attached import Attached
from workbench.api.balance import CapEffect, Sides
from workbench.api.class_texts import NearClass, PromptRank
from workbench.api.corpora import CaptionExample, CountRun
from workbench.api.evaluation import Evaluation
from workbench.api.expert_services import ClassServed, RouterWord, WordServed
from workbench.api.expert_sums import ExpertSums
from workbench.api.expert_views import ExpertPaths, ExpertViews
from workbench.api.frequencies import Accuracies, PublishedTable, Source
from workbench.api.health import Health
from workbench.api.modality import Modality
from workbench.api.modality_results import (
    JOINT,
    LayerCut,
    LayerMap,
    LayerUnits,
    ModalityReport,
    Moved,
    Sweep,
    UnitInput,
    Way,
)
from workbench.api.names import BalanceRun, RareClasses, SynonymReport
from workbench.api.published import Published
from workbench.api.results import (
    DIRECTIONS,
    Direction,
    FailurePage,
    FailureRow,
    Hit,
    ItemDetail,
    Query,
    RetrievalReport,
    ScoreHistogram,
    SearchResult,
)
from workbench.api.retrieving import Retrieving
from workbench.api.review import RunReview
from workbench.api.routing_results import (
    ExpertSpread,
    ExpertWords,
    Flows,
    InputTokens,
    Mixtures,
    Patch,
    Recording,
    SideTokens,
)
from workbench.api.run_reports import RunReports
from workbench.api.sample import SAMPLE_DATASETS, SAMPLE_MODELS, Sample
from workbench.api.shifts import ShiftRow, Shifts
from workbench.api.tail import COVARIATES, TailReport
from workbench.api.token_views import SamePlaces, TokenViews
from workbench.api.training import (
    CONTEXT,
    Film,
    Recipe,
    TrainingRun,
    Trainings,
    look_rows,
    step_rows,
)
from workbench.api.work import FINAL
from workbench.api.zero_shot_results import (
    Comparison,
    Disagreement,
    Explanation,
    PredictionPage,
    PredictionRow,
    PromptPart,
    ZeroShotRun,
)
from workbench.settings import default_workspace
from workbench.worker.corpora import CorpusInfo
from workbench.worker.retrieved import Retrieval
from workbench.worker.zero_shot_question import Pairs

__all__ = [
    "CONTEXT",
    "COVARIATES",
    "DIRECTIONS",
    "FINAL",
    "JOINT",
    "SAMPLE_DATASETS",
    "SAMPLE_MODELS",
    "Ablated",
    "AblationReport",
    "AblationWay",
    "Accuracies",
    "BalanceRun",
    "CapEffect",
    "CaptionExample",
    "Changed",
    "ClassServed",
    "Comparison",
    "CorpusInfo",
    "CountRun",
    "Direction",
    "Disagreement",
    "ExpertPaths",
    "ExpertSpread",
    "ExpertSums",
    "ExpertWords",
    "Explanation",
    "FailurePage",
    "FailureRow",
    "Figure",
    "Figures",
    "Film",
    "Flows",
    "Hit",
    "InputTokens",
    "ItemDetail",
    "LayerCut",
    "LayerMap",
    "LayerUnits",
    "Mixtures",
    "ModalityReport",
    "Moved",
    "NearClass",
    "Pairs",
    "Patch",
    "PredictionPage",
    "PredictionRow",
    "PromptPart",
    "PromptRank",
    "PublishedTable",
    "Query",
    "RareClasses",
    "Recipe",
    "Recording",
    "Retrieval",
    "RetrievalReport",
    "RouterWord",
    "RunReview",
    "SamePlaces",
    "ScoreHistogram",
    "SearchResult",
    "ShiftRow",
    "Shifts",
    "SideTokens",
    "Sides",
    "Source",
    "Sweep",
    "SynonymReport",
    "TailReport",
    "TrainingRun",
    "UnitInput",
    "Way",
    "WordServed",
    "Workbench",
    "ZeroShotRun",
    "look_rows",
    "open_workspace",
    "step_rows",
]


class Workbench(
    Attached,
    Sample,
    Retrieving,
    Evaluation,
    RunReports,
    Published,
    Modality,
    Ablation,
    ExpertViews,
    TokenViews,
    Health,
    Trainings,
):
    """An open workspace and every question one can ask of it."""


def open_workspace(path: str | Path | None = None, *, create: bool = True) -> Workbench:
    """Open a workspace folder, made when it does not exist yet.

    Args:
        path: the folder; None takes ``$WORKBENCH_WORKSPACE``, else ``./workspace``.
        create: refuse instead of making a new one.

    Returns:
        the open workspace; a context manager, and safe to share between threads. It starts
        empty: ``ensure_sample`` fills it with the sample world.

    Raises:
        WorkspaceError: the folder is something else, is damaged, or was written by a newer
            version; nothing in it was changed.
    """
    from store.workspace import Workspace

    root = default_workspace() if path is None else Path(path).expanduser().resolve()
    return Workbench(Workspace.open(root, create=create))
