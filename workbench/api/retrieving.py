"""What training on images that captions retrieve does to a run (REAL-Linear)."""

from __future__ import annotations

from typing import Any

from workbench.api.balance import Balancing
from workbench.api.corpora import CountRun
from workbench.types import JobInfo
from workbench.worker.retrieved import Retrieval
from workbench.worker.version import check_version
from workbench.worker.zero_shot_question import KIND, check_retrieval

__all__ = ["Retrieving"]

_HEAD = "real-linear"


class Retrieving(Balancing):
    """A run again, after learning from images of another dataset."""

    def retrievable(self, run: str) -> tuple[CountRun, ...]:
        """Countings of a run's classes in the captions of another dataset, newest first.

        Raises:
            UnknownName: no such run.
        """
        asked = self._zero_shot(run).params
        own = {info.name for info in self.corpora() if info.kind == "dataset"}
        return tuple(
            count
            for count in self.counts()
            if count.classes_key == asked["classes"] and count.corpus in own - {asked["dataset"]}
        )

    def submit_retrieved(self, run: str, count: str, each: int = 100) -> JobInfo:
        """Queue a run again with REAL-Linear: same images, classes and prompts.

        Args:
            run: key of a zero-shot run.
            count: key of one of ``retrievable``.
            each: images a class at most.

        Raises:
            UnknownName: no such run or counting.
            InputError: a counting that does not suit, images that are not embedded, or a dataset
                that has changed since.
        """
        params = self._retrieved(run, count, each)
        check_version(self.workspace, params["dataset"], params["version"])
        card = self.workspace.catalog.model(params["model"])
        check_retrieval(self.workspace, Retrieval(count, each), params, card)
        title = f"{self._head_titles()[_HEAD]} of {card.name} on {params['dataset']}"
        return self.workspace.jobs.submit(KIND, params, title=title, unit="images", priority=5)

    def retrieved_run(self, run: str, count: str, each: int = 100) -> str | None:
        """Key of the run that ``submit_retrieved`` made; None before."""
        found = self.workspace.runs.find(KIND, self._retrieved(run, count, each))
        return None if found is None else found.key

    def _retrieved(self, run: str, count: str, each: int) -> dict[str, Any]:
        from workbench.methods import method

        asked = dict(self._zero_shot(run).params)
        asked.pop("pairs", None)
        return {
            **asked,
            "head": _HEAD,
            "options": method(_HEAD).options({}),
            "shots": 0,
            "retrieve": Retrieval(count, each).to_json(),
        }
