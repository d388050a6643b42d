"""One open workspace, and the one connection to its worker."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.client import Client

__all__ = ["Opened"]


class Opened:
    """A workspace that this process has open; the other classes of this package ask it.

    Safe to share between threads. Nothing here imports torch: what needs a model is asked of
    the worker.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._client: Client | None = None
        self._lock = Lock()

    @property
    def root(self) -> Path:
        """The workspace folder."""
        return self.workspace.root

    def close(self) -> None:
        """Close files and connections; jobs in the worker go on."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None
        self.workspace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def setting(self, key: str, default: Any = None) -> Any:
        """A stored JSON value of this workspace, or the default."""
        return self.workspace.catalog.setting(key, default)

    def set_setting(self, key: str, value: Any) -> None:
        """Store a JSON value under a key, for every process that opens this workspace."""
        self.workspace.catalog.set_setting(key, value)

    def _worker_client(self) -> Client:
        """The connection to a live worker; starts one when none is alive.

        Raises:
            WorkerError: no worker came up in time.
        """
        from workbench.worker.client import Client
        from workbench.worker.supervisor import ensure

        ensure(self.workspace)
        with self._lock:
            if self._client is None:
                self._client = Client(self.workspace)
            return self._client
