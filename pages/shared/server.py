"""What the web server does besides drawing pages: it serves pictures and opens the browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Timer

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pages.shared import errors, handle
from workbench.errors import InputError, WorkbenchError

__all__ = ["FRAME", "SIZES", "lifespan", "picture_url", "routes", "show_error"]

FRAME = Path(__file__).with_name("frame.py")
"""The script of every page. It is not imported here: the server answers before that is done, so
that a browser loads Streamlit's own files meanwhile."""

SIZES = (96, 192, 320, 1024)
"""Longest sides of the pictures that can be asked for, so that nobody fills the disk with sizes."""

_PATH = "/picture/{dataset}/{row:int}"
# The rows of a dataset never change, so its pictures may be kept for ever; ``v`` in the address
# differs when a dataset of the same name is imported anew.
_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
}


def picture_url(dataset: str, row: int, version: float, size: int = 192) -> str:
    """Address of an item's picture, at most ``size`` pixels a side.

    Args:
        dataset: name; rows are counted inside it.
        row: the item's row.
        version: when the dataset was created, so that a browser's cache never shows another's.
        size: one of ``SIZES``.
    """
    return f"{_base()}/picture/{dataset}/{row}?size={size}&v={int(version * 1000):x}"


def _base() -> str:
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def routes() -> list[BaseRoute]:
    """The routes that the pages' pictures come from."""
    return [Route(_base() + _PATH, _picture)]


def _picture(request: Request) -> Response:
    """One thumbnail as WebP: only decoded and re-encoded pixels leave, never a file as it is."""
    host = request.headers.get("host", "").rsplit(":", 1)[0]
    allowed = st.get_option("server.allowedHosts") or ["*"]
    if "*" not in allowed and host not in allowed:
        return Response("this host name is not allowed", status_code=403)
    try:
        size = int(request.query_params.get("size", "192"))
        if size not in SIZES:
            raise InputError("size", expected=f"one of {SIZES}", got=str(size))
        dataset, row = request.path_params["dataset"], request.path_params["row"]
        data = handle.api().thumbnail(dataset, row, size)
    except (WorkbenchError, ValueError) as error:
        return Response(str(error), status_code=404, media_type="text/plain")
    return Response(data, media_type="image/webp", headers=_HEADERS)


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Start the worker beside the server, and open the browser where there is a screen."""
    handle.prepare()
    if not st.get_option("server.headless") and _has_screen():
        port = st.get_option("server.port")
        Timer(0.3, webbrowser.open, (f"http://localhost:{port}{_base()}/",)).start()
    yield


def _has_screen() -> bool:
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show_error(error: Exception) -> bool:
    """Show what a page or callback raised in our own box; True: Streamlit adds nothing."""
    errors.show(error)
    return True
