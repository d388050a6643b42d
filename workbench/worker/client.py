"""The app's side of a worker: encode a text or an image, register a model. Imports no torch."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pyarrow import flight

from store.workspace import Workspace
from workbench.errors import WorkerError
from workbench.types import Floats, ModelInfo
from workbench.worker import wire
from workbench.worker.model_json import model_from_json
from workbench.worker.presence import workers_here

__all__ = ["Client"]

_CACHED_TEXTS = 4096
_TEXTS_PER_CALL = 64  # short calls, so that two people's queries interleave
_CALL_SECONDS = 300.0  # a first call may load a model
_REGISTER_SECONDS = 3600.0  # may download weights


class Client:
    """Calls to a living worker of one workspace; safe to share between threads.

    Text vectors are kept in memory (the last 4,096), so a repeated query costs nothing. When the
    worker was restarted, a call finds the new one.

    Args:
        workspace: its ``workers`` table names the address and the token.
        patience: seconds a call waits for a worker that is still starting.
    """

    def __init__(self, workspace: Workspace, *, patience: float = 20.0) -> None:
        self._workspace, self._patience = workspace, patience
        self._lock = threading.Lock()
        self._connection: tuple[str, str, flight.FlightClient] | None = None
        self._texts: OrderedDict[tuple[str, str], Floats] = OrderedDict()

    def encode_text(self, model: str, texts: Sequence[str]) -> Floats:
        """Vectors of texts: float32 (n, D), unit rows, in the order given.

        Args:
            model: name or key of a registered model.
            texts: any number; repeated ones are encoded once.

        Raises:
            UnknownName: no such model.
            MissingWeights: its weights are not on this machine.
            WorkerError: no worker answers.
        """
        info = self._workspace.catalog.model(model)
        keys = [(info.key, text) for text in texts]
        with self._lock:
            found = {key: self._texts[key] for key in keys if key in self._texts}
        wanted = list(dict.fromkeys(text for _, text in keys if (info.key, text) not in found))
        for start in range(0, len(wanted), _TEXTS_PER_CALL):
            chunk = wanted[start : start + _TEXTS_PER_CALL]
            vectors = self._floats("encode_text", {"model": info.key, "texts": chunk})
            found |= {(info.key, text): row for text, row in zip(chunk, vectors, strict=True)}
        self._remember(found)
        empty: Floats = np.empty((0, info.dim), dtype=np.float32)
        return np.concatenate([empty, *(found[key][None] for key in keys)])

    def _remember(self, found: Mapping[tuple[str, str], Floats]) -> None:
        with self._lock:
            for key, vector in found.items():
                self._texts[key] = vector
                self._texts.move_to_end(key)
            while len(self._texts) > _CACHED_TEXTS:
                self._texts.popitem(last=False)

    def encode_image(self, model: str, data: bytes) -> Floats:
        """Vector of one image: float32 (D,), unit length.

        Args:
            model: name or key of a registered model.
            data: the bytes of an image file.

        Raises:
            BadImage: the bytes are no image that can be decoded.
            UnknownName, MissingWeights, WorkerError: as for texts.
        """
        info = self._workspace.catalog.model(model)
        return self._floats("encode_image", {"model": info.key}, data).reshape(-1)

    def token_counts(self, model: str, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, begin and end marks included.

        More than the model's context length means that the end of the text is not read.
        """
        info = self._workspace.catalog.model(model)
        header, _ = self._call("tokenize", {"model": info.key, "texts": list(texts)})
        return [int(count) for count in header["counts"]]

    def register_model(
        self, arch: str, weights: str, *, name: str, precision: str = "auto"
    ) -> ModelInfo:
        """Register a model under ``name`` and return what was recorded.

        Local checkpoints and bundle folders are loaded once, checked, and copied into the
        workspace. A pretrained tag is recorded without a download; its ``state`` says whether the
        weights are here.

        Args:
            arch: open_clip architecture; may be empty for ``hf-hub:`` names and bundle folders.
            weights: pretrained tag, ``hf-hub:ORG/NAME``, path of a checkpoint or of a bundle
                folder, or ``random:SEED``.
            name: unique in the workspace.
            precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.

        Raises:
            InputError: unknown architecture or tag, a name that is taken, an unsuitable file.
            ModelError: the checkpoint does not fit the architecture, or cannot be read.
        """
        asked = {"arch": arch, "weights": weights, "name": name, "precision": precision}
        header, _ = self._call("register_model", asked, timeout=_REGISTER_SECONDS)
        return model_from_json(header["model"])

    def known_models(self) -> list[tuple[str, str]]:
        """Every (architecture, pretrained tag) that open_clip knows, in its order."""
        header, _ = self._call("known_models", {})
        return [(str(arch), str(tag)) for arch, tag in header["models"]]

    def ping(self) -> float:
        """Round trip to the worker in seconds, without any model."""
        start = time.perf_counter()
        self._call("ping", {}, timeout=10.0)
        return time.perf_counter() - start

    def close(self) -> None:
        """End the connection; the next call opens another."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection[2].close()

    def _floats(self, action: str, header: Mapping[str, Any], payload: bytes = b"") -> Floats:
        return wire.floats(*self._call(action, header, payload))

    def _call(
        self,
        action: str,
        header: Mapping[str, Any],
        payload: bytes = b"",
        *,
        timeout: float = _CALL_SECONDS,
    ) -> tuple[dict[str, Any], bytes]:
        """One call; once more on a fresh connection when the worker has gone or was replaced."""
        message = flight.Action(action, wire.pack(header, payload))

        def once() -> tuple[dict[str, Any], bytes]:
            _, token, client = self._connect()
            bearer = (b"authorization", b"Bearer " + token.encode())
            options = flight.FlightCallOptions(timeout=timeout, headers=[bearer])
            return wire.unpack(next(iter(client.do_action(message, options))).body.to_pybytes())

        answer, body = self._retrying(once, action)
        wire.raise_error(answer)
        return answer, body

    def _retrying(
        self, once: Callable[[], tuple[dict[str, Any], bytes]], action: str
    ) -> tuple[dict[str, Any], bytes]:
        try:
            return once()
        except (flight.FlightUnavailableError, flight.FlightUnauthenticatedError):
            self.close()
        try:
            return once()
        except flight.FlightError as error:
            self.close()
            raise WorkerError(
                f"the worker does not answer {action!r}",
                expected="an answer",
                got=type(error).__name__,
                do="See the worker's log under logs/ in the workspace, then try again.",
            ) from error

    def _connect(self) -> tuple[str, str, flight.FlightClient]:
        with self._lock:
            if self._connection is None:
                worker = self._find()
                client = flight.FlightClient(worker[0])
                self._connection = (*worker, client)
            return self._connection

    def _find(self) -> tuple[str, str]:
        """Address and token of a living worker; waits for one that is starting."""
        until = time.monotonic() + self._patience
        while not (workers := workers_here(self._workspace)):
            if time.monotonic() > until:
                raise WorkerError(
                    "no worker is running",
                    expected="a worker of this workspace on this machine",
                    got="none",
                    do="Start one with `workbench worker`, or open the app, which starts one.",
                )
            time.sleep(0.1)
        return workers[0].address, workers[0].token
