"""How a call between app and worker is written: a JSON header, then raw bytes. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from workbench import errors
from workbench.errors import WorkbenchError, WorkerError
from workbench.types import Floats

__all__ = ["error_header", "floats", "pack", "pack_floats", "raise_error", "unpack"]

_LENGTH = 4


def pack(header: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """A message: 4 bytes with the length of the header, the header as JSON, the payload."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return len(text).to_bytes(_LENGTH, "little") + text + payload


def unpack(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a message from ``pack``.

    Raises:
        WorkerError: the message is cut off or is not one of ours.
    """
    size = int.from_bytes(message[:_LENGTH], "little")
    if len(message) < _LENGTH + size:
        raise _broken(message)
    try:
        header = json.loads(message[_LENGTH : _LENGTH + size])
    except ValueError as error:
        raise _broken(message) from error
    if not isinstance(header, dict):
        raise _broken(message)
    return header, message[_LENGTH + size :]


def _broken(message: bytes) -> WorkerError:
    return WorkerError(
        "a message between app and worker cannot be read",
        expected="a JSON header and its payload",
        got=f"{len(message)} bytes",
        do="Restart the worker; app and worker must be of the same version.",
    )


def pack_floats(values: Floats) -> bytes:
    """A message that carries one float32 array."""
    array = np.ascontiguousarray(values, dtype="<f4")
    return pack({"shape": list(array.shape)}, array.tobytes())


def floats(header: Mapping[str, Any], payload: bytes) -> Floats:
    """The float32 array of a message from ``pack_floats``."""
    return np.frombuffer(payload, dtype="<f4").reshape(header["shape"]).astype(np.float32)


def error_header(error: Exception) -> dict[str, Any]:
    """An error as data; one that is not ours becomes a WorkerError with its text."""
    if not isinstance(error, WorkbenchError):
        error = WorkerError(f"the worker failed: {type(error).__name__}: {error}")
    parts = {name: getattr(error, name) for name in ("what", "expected", "got", "do")}
    return {"error": type(error).__name__, **parts}


def raise_error(header: Mapping[str, Any]) -> None:
    """Raise the error that a header carries, as the class it had; do nothing without one."""
    name = header.get("error")
    if name is None:
        return
    kind = getattr(errors, str(name), WorkerError)
    kind = kind if isinstance(kind, type) and issubclass(kind, WorkbenchError) else WorkerError
    error = kind.__new__(kind)
    parts = {key: str(header.get(key, "")) for key in ("expected", "got", "do")}
    WorkbenchError.__init__(error, str(header.get("what", "")), **parts)
    raise error
