"""A zero-shot run as a file that opens without the app."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import __version__
from workbench.api.review import Review
from workbench.api.zero_shot_results import PredictionRow, ZeroShotRun
from workbench.errors import InputError, UnknownName, WorkbenchError
from workbench.filters import Filter, from_json
from workbench.measures.selective import risk_coverage
from workbench.prompts.prompt_sets import preview
from workbench.types import ModelInfo

if TYPE_CHECKING:
    from store.runs import Run
    from workbench.reports.zero_shot import Mistake, ZeroShotReport

__all__ = ["RunReports"]

_CURVE = 400
_SHOWN_CLASSES = 20
_PICTURE = 160


class RunReports(Review):
    """Runs as self-contained reports."""

    def zero_shot_report(self, key: str, *, failures: int = 60) -> bytes:
        """The report of a run as one HTML file: figures, charts, classes, worst mistakes.

        It needs no app and no network. Paths of this machine are not in it.

        Args:
            key: of the run.
            failures: how many mistakes to show, the furthest off first; 0 for none.

        Raises:
            UnknownName: no such run.
            InputError: a negative number of failures.
        """
        from workbench.reports.zero_shot import zero_shot_page

        if failures < 0:
            raise InputError("failures of a report", expected="0 or more", got=str(failures))
        return zero_shot_page(self._report_content(key, failures))

    def write_zero_shot_report(self, key: str, path: str | Path, *, failures: int = 60) -> Path:
        """Write ``zero_shot_report`` to a file, replacing what is there; a kill leaves no half.

        Args:
            key: of the run.
            path: of the file; its folder is made when missing.
            failures: how many mistakes to show.

        Returns:
            the absolute path.

        Raises:
            UnknownName: no such run.
            InputError: a negative number of failures, or a path that cannot be written.
            DiskFull: nothing was changed.
        """
        from store.files import draft

        target = Path(path).expanduser().absolute()
        if target.is_dir():
            raise InputError(f"report {target}", expected="a file name", got="a folder")
        made = self.zero_shot_report(key, failures=failures)
        try:
            with draft(target.parent, "", target.name) as draft_file:
                draft_file.path.write_bytes(made)
                draft_file.name(target.name)
        except OSError as error:
            got = error.strerror or str(error)
            expected = "a place that can be written"
            raise InputError(f"report {target}", expected=expected, got=got) from error
        return target

    def _report_content(self, key: str, failures: int) -> ZeroShotReport:
        from workbench.reports.zero_shot import ZeroShotReport

        stored, run = self._zero_shot(key), self.zero_shot_run(key)
        cells = self.run_confusion(key)
        page = self.predictions(key, correct=False, limit=failures)
        notes = list(run.notes)
        if not run.current:
            notes.append("The dataset has changed since; the figures are those of then.")
        return ZeroShotReport(
            title=f"{run.model} on {run.dataset}: {run.head_title}",
            facts=self._facts(stored, run),
            prompts=self._shown_prompts(stored),
            measures=run.measures,
            groups=run.groups,
            temperature=run.temperature,
            reliability=run.reliability,
            curve=self._curve(stored),
            notes=notes,
            classes=self.run_classes(key).to_pylist(),
            confusion=(
                cells["truth"].to_numpy(),
                cells["predicted"].to_numpy(),
                cells["n"].to_numpy(),
            ),
            order=np.array(self.run_order(key), dtype=np.int64),
            mistakes=[self._mistake(run, row) for row in page.rows],
            mistaken=page.total,
            images=page.of,
        )

    def _mistake(self, run: ZeroShotRun, row: PredictionRow) -> Mistake:
        from workbench.reports.zero_shot import Mistake

        try:
            picture = self.workspace.thumbs.get(run.dataset, row.row, size=_PICTURE)
        except WorkbenchError:  # the file has gone, or cannot be decoded: the rest still tells
            picture = None
        return Mistake(
            item=row.item,
            truth=row.truth_name,
            predicted=row.predicted_name,
            confidence=row.confidence,
            margin=row.margin,
            rank=row.rank,
            columns={name: row.columns.get(name) for name in run.groups},
            picture=picture,
        )

    def _curve(self, run: Run) -> tuple[Sequence[float], Sequence[float]]:
        """Coverages and risks at no more than some hundred places."""
        table = self.workspace.predictions.table(run)
        truth, confidence = table["truth"].to_numpy(), table["confidence"].to_numpy()
        known = truth >= 0
        right = (table["rank"].to_numpy() == 1)[known]
        coverage, wrong = risk_coverage(confidence[known], right)
        places = np.unique(np.linspace(0, len(coverage) - 1, _CURVE).round().astype(np.int64))
        return coverage[places].tolist(), wrong[places].tolist()

    def _shown_prompts(self, run: Run) -> tuple[str, ...]:
        """The templates, or what stands for the first classes."""
        prompts = self.prompt_set(run.params["prompts"])
        if prompts.kind == "templates":
            return prompts.templates
        classes = self.class_set(run.params["classes"])
        shown = min(_SHOWN_CLASSES, len(classes))
        return tuple(
            text for place in range(shown) for text in preview(classes, prompts, place, limit=10)
        )

    def _facts(self, stored: Run, run: ZeroShotRun) -> list[tuple[str, str]]:
        params = stored.params
        where = from_json(params["where"]) if params["where"] else ()
        number, parts = params["version"]
        facts = [
            ("Dataset", f"{run.dataset} (number {number}, {parts:,} parts), labels in {run.label}"),
            ("Conditions", " and ".join(map(_condition, where)) or "none: every image"),
            *self._model_facts(params["model"], run.model),
            ("Head", f"{run.head_title} ({run.head})"),
            ("Options", _pairs(run.options) or "none"),
            ("Classes", f"{run.classes_name}: {run.classes:,} classes (version {run.classes_key})"),
            ("Prompts", f"{run.prompts_name}: {stored.result['prompts']:,} texts of all classes "
             f"(version {run.prompts_key})"),
        ]  # fmt: skip
        if params["shots"]:
            facts.append(("Shots", f"up to {params['shots']} images a class"))
        for kind, texts in (params.get("pairs") or {}).items():
            said = "; ".join(" | ".join(pair) for pair in texts)
            facts.append((f"Pairs to {kind}", said or "none"))
        return [
            *facts,
            ("Seed", str(params["seed"])),
            ("Computed", f"{_date(run.created)}, evaluation version {params['code']}"),
            ("Run", run.key),
            ("Written", f"{_date(time.time())} by Workbench {__version__}"),
        ]

    def _model_facts(self, key: str, name: str) -> list[tuple[str, str]]:
        try:
            card = self.workspace.catalog.model(key)
        except UnknownName:
            return [("Model", f"{name} (removed since)")]
        pre = {name: card.preprocess[name] for name in sorted(card.preprocess)}
        return [
            ("Model", f"{card.name}: {card.arch}, {_weights(card)}"),
            ("Parameters", f"{card.parameters:,}"),
            ("Model version", f"{key}, {card.precision}, logit scale {card.logit_scale:.4g}"
             + ("" if card.logit_bias is None else f", logit bias {card.logit_bias:.4g}")),
            ("Preprocessing", _pairs(pre)),
        ]  # fmt: skip


def _weights(card: ModelInfo) -> str:
    """Weights by tag or name; of a path only its end, for a report travels."""
    is_path = "/" in card.weights and not card.weights.startswith("hf-hub:")
    name = Path(card.weights).name if is_path else card.weights
    return f"weights {name}" + (f" (SHA-256 {card.weights_sha256})" if card.weights_sha256 else "")


def _condition(one: Filter) -> str:
    values = one.value if isinstance(one.value, tuple) else (one.value,)
    said = "" if one.value is None else " " + " | ".join(map(str, values))
    return f"{one.column} {one.op}{said}"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
