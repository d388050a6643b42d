"""A running app, and a browser's side of a session with it, without a browser.

Streamlit's page speaks protobuf over a WebSocket: it sends the address and the widgets' values,
and receives what to show. That is enough to open a page and press a button.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from workbench.settings import REPOSITORY

__all__ = ["App", "press"]


class App:
    """``streamlit run app.py`` on a workspace, started at once and not waited for."""

    def __init__(self, workspace: Path, log: Path):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--server.port", str(self.port)],
                cwd=REPOSITORY,
                env={**os.environ, "WORKBENCH_WORKSPACE": str(workspace), "OMP_NUM_THREADS": "1"},
                stdout=output,
                stderr=output,
            )

    def connect(self, seconds: float = 60.0):
        """A WebSocket to the app as soon as it serves."""
        until = time.monotonic() + seconds
        while True:
            try:
                return connect(
                    f"ws://localhost:{self.port}/_stcore/stream",
                    subprotocols=["streamlit"],
                    max_size=None,
                )
            except (OSError, WebSocketException):
                assert self.process.poll() is None, "the app ended by itself"
                assert time.monotonic() < until, "the app does not serve"
                time.sleep(0.05)

    def kill(self):
        """End it as a crash would: no handler runs."""
        self.process.kill()
        self.process.wait()


def press(page, name: str, address: str, label: str) -> None:
    """Open a page and press a button on it; returns once the press is sent.

    Args:
        page: the WebSocket.
        name: the page's name in the address.
        address: its query string.
        label: of the button.
    """
    page.send(_rerun(name, address).SerializeToString())
    button = None
    while True:
        message = ForwardMsg.FromString(page.recv(timeout=60))
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.new_element.button.label == label:
            button = message.delta.new_element.button.id
        if kind == "script_finished":
            break
    assert button, f"the page {name} shows no button {label!r}"
    pressed = _rerun(name, address)
    pressed.rerun_script.widget_states.widgets.add(id=button, trigger_value=True)
    page.send(pressed.SerializeToString())


def _rerun(name: str, address: str) -> BackMsg:
    message = BackMsg()
    message.rerun_script.page_name = name
    message.rerun_script.query_string = address
    return message
