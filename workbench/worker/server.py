"""The worker's Flight server: encodes for people who wait. Loopback only, with a token."""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from pyarrow import flight

from workbench.errors import InputError, WorkbenchError
from workbench.worker import wire
from workbench.worker.adopt import register
from workbench.worker.model_json import model_to_json

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.models import Models

__all__ = ["Server"]

_LOG = logging.getLogger("workbench.worker")


class _Token(flight.ServerMiddlewareFactory):  # type: ignore[misc]
    """Refuses every call without the worker's token: other users share the loopback."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._expected = f"Bearer {token}".encode()

    def start_call(self, info: Any, headers: Mapping[str, list[str]]) -> None:
        given = headers.get("authorization", [""])[0].encode()
        if not hmac.compare_digest(given, self._expected):
            raise flight.FlightUnauthenticatedError("wrong or missing token")


class Server(flight.FlightServerBase):  # type: ignore[misc]
    """Answers the calls of ``workbench.worker.client``.

    Queries are computed one after the other in one thread: two forward passes at once would
    slow each other down, and one thread keeps one team of processor threads.

    Args:
        workspace: whose models.
        models: the worker's.
    """

    def __init__(self, workspace: Workspace, models: Models) -> None:
        self.token = secrets.token_urlsafe(32)
        super().__init__("grpc://127.0.0.1:0", middleware={"token": _Token(self.token)})
        self._workspace, self._models = workspace, models
        self._queries = ThreadPoolExecutor(1, thread_name_prefix="query")
        self._queries.submit(time.sleep, 0)  # the thread exists before the job lowers its priority
        self.last_call = time.monotonic()

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"grpc://127.0.0.1:{self.port}"

    def do_action(self, context: Any, action: flight.Action) -> Iterator[bytes]:
        """Answer one call; errors travel as data, so that they arrive as what they are."""
        self.last_call = time.monotonic()
        try:
            header, payload = wire.unpack(action.body.to_pybytes())
            yield self._answer(action.type, header, payload)
        except WorkbenchError as error:
            yield wire.pack(wire.error_header(error))
        except Exception as error:  # a client must hear of a bug too
            _LOG.exception("call %s failed", action.type)
            yield wire.pack(wire.error_header(error))
        finally:
            self.last_call = time.monotonic()

    def _answer(self, kind: str, header: Mapping[str, Any], payload: bytes) -> bytes:
        if kind == "ping":
            return wire.pack({})
        if kind == "known_models":
            return self._known()
        if kind == "register_model":
            return self._register(header)
        compute = {
            "encode_text": self._encode_text,
            "encode_image": self._encode_image,
            "tokenize": self._tokenize,
        }.get(kind)
        if compute is None:
            raise InputError(f"call {kind!r}", expected="a known call", got=repr(kind))
        return self._queries.submit(compute, header, payload).result()

    def _known(self) -> bytes:
        assert self._models.device is not None  # waits for torch
        from workbench.gpu import registry

        return wire.pack({"models": registry.known()})

    def _register(self, header: Mapping[str, Any]) -> bytes:
        asked = [str(header[name]) for name in ("arch", "weights", "name", "precision")]
        info = register(self._workspace, self._models.device, *asked)
        return wire.pack({"model": model_to_json(info)})

    def _encode_text(self, header: Mapping[str, Any], _: bytes) -> bytes:
        texts = [str(text) for text in header["texts"]]
        return wire.pack_floats(
            self._models.query(
                header["model"], len(texts), lambda encoder: encoder.encode_texts(texts)
            )
        )

    def _encode_image(self, header: Mapping[str, Any], payload: bytes) -> bytes:
        pixels = self._models.get(header["model"]).preprocess.decode(payload, "the image")
        batch = np.ascontiguousarray(pixels)[None]
        return wire.pack_floats(
            self._models.query(header["model"], 1, lambda encoder: encoder.encode_images(batch))
        )

    def _tokenize(self, header: Mapping[str, Any], _: bytes) -> bytes:
        texts = [str(text) for text in header["texts"]]
        return wire.pack({"counts": self._models.get(header["model"]).token_counts(texts)})
