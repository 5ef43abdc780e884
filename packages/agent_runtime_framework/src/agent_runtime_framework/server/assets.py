"""The files that browsers get: the widget, a page that is nothing but the chat, and the developer page's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The Content-Security-Policy of a page that needs nothing from anywhere else."""

_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class _Files(StaticFiles):
    """Scripts and styles; they hold no secret, and pages of other origins use the widget."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({**_HEADERS, "Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"})
        return response


def page(name: str, policy: str = STRICT) -> Response:
    """An HTML file of ours, with its policy."""
    headers: Mapping[str, str] = {**_HEADERS, "Content-Security-Policy": policy, "Cache-Control": "no-cache"}
    return FileResponse(STATIC / name, headers=headers, media_type="text/html")


async def _chat(request: Request) -> Response:
    return page("chat.html")


def routes() -> list[BaseRoute]:
    """The files, and the page at `/chat`."""
    return [Route("/chat", _chat, name="chat"), Mount("/static", _Files(directory=STATIC), name="static")]
