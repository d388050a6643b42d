"""The models that a worker holds loaded, shared by its job and by people's queries."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import psutil

from workbench.errors import WorkbenchError, WorkerError

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.gpu.device import Device
    from workbench.gpu.encoder import Encoder
    from workbench.gpu.gate import Gate
    from workbench.gpu.team import Team

__all__ = ["Models"]

_LOG = logging.getLogger("workbench.worker")
_KEPT = 4
"""Models held loaded; of more, the one unused for longest is dropped."""

Result = TypeVar("Result")


class Models:
    """Loaded models by key. torch is imported by ``prepare``, in the background.

    Args:
        workspace: whose models.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(self, workspace: Workspace, device: str = "auto") -> None:
        self._workspace, self._wanted = workspace, device
        self._lock = threading.RLock()
        self._loaded: OrderedDict[str, Encoder] = OrderedDict()
        self._prepared = threading.Event()
        self._failure: WorkbenchError | None = None
        self._device: Device | None = None
        self._gate: Gate | None = None
        self._team: Team | None = None
        self.gpu_present = False

    def prepare(self) -> None:
        """Import torch and choose the device; what needs a model waits for this."""
        try:
            self._choose()
        except WorkbenchError as error:
            self._failure = error
        except Exception as error:  # torch may fail to import in many ways
            _LOG.exception("torch could not be loaded")
            self._failure = WorkerError(
                "torch cannot be used", expected="an import without errors", got=repr(error)
            )
        self._prepared.set()

    def _choose(self) -> None:
        from workbench.gpu import device, registry
        from workbench.gpu.gate import Gate
        from workbench.gpu.team import Team

        self.gpu_present = device.gpu_present()
        self._gate, self._team = Gate(), Team()
        self._device = device.pick(self._wanted)
        registry.known()  # imports open_clip, the slower half
        _LOG.info("computing on %s", self._device.title)

    @property
    def device(self) -> Device:
        """Where models compute; waits until torch is loaded.

        Raises:
            WorkbenchError: the wanted device is not there, or torch cannot be imported.
        """
        self._prepared.wait()
        if self._device is None:
            raise self._failure or WorkerError("torch is not loaded")
        return self._device

    @property
    def preparing(self) -> bool:
        """True while torch is being imported."""
        return not self._prepared.is_set()

    @property
    def gate(self) -> Gate:
        """Where jobs let queries pass."""
        assert self.device is not None and self._gate is not None
        return self._gate

    def status(self) -> tuple[str, str, int, int]:
        """Device title, precision, bytes used and in all; never waits."""
        if self._device is None:
            used, total = psutil.Process().memory_info().rss, psutil.virtual_memory().total
            return "failed" if self._failure else "starting", "", int(used), int(total)
        from workbench.gpu import device

        title = self._device.title
        return title, device.precision_for(self._device), *device.memory(self._device)

    def names(self) -> tuple[str, ...]:
        """Names of the loaded models."""
        return tuple(encoder.info.name for encoder in list(self._loaded.values()))

    def get(self, name_or_key: str) -> Encoder:
        """A model, loaded if it is not yet; its weights are downloaded if that is allowed.

        What only the weights tell (scale, bias, digest) is recorded in the catalog.

        Raises:
            UnknownName: no such model.
            MissingWeights, ModelError: it cannot be loaded.
        """
        info = self._workspace.catalog.model(name_or_key)
        device, gate = self.device, self.gate
        with self._lock:
            if info.key in self._loaded:
                self._loaded.move_to_end(info.key)
                return self._loaded[info.key]
            from workbench.gpu import registry

            _LOG.info("loading %s", info.name)
            root = self._workspace.root
            encoder, found = registry.load(info, device, root, gate)
            if found != info:
                self._workspace.catalog.add_model(found)
            self._loaded[info.key] = encoder
            while len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
            return encoder

    def query(self, model: str, items: int, compute: Callable[[Encoder], Result]) -> Result:
        """Compute something short for a person who waits, ahead of a running job.

        To be called in one thread only.

        Args:
            model: name or key.
            items: texts or images in it.
            compute: what to do with the encoder.
        """
        encoder = self.get(model)
        assert self._team is not None  # made with the device, which ``get`` waited for
        with encoder.query(), self._team.working(items):
            return compute(encoder)
