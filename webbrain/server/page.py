"""The page and its files: read once from the package, served from memory, so that no path can name another file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    media_type: str
    etag: str

    def answer(self, request: Request) -> Response:
        headers = {"etag": self.etag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type=self.media_type, headers=headers)


def page_routes() -> list[Route]:
    """`/` is the page, `/static/NAME` the rest."""
    static = {file.name: _load(file) for file in (files("webbrain.server") / "static").iterdir() if file.is_file()}

    async def page(request: Request) -> Response:
        return static["index.html"].answer(request)

    async def asset(request: Request) -> Response:
        file = static.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404, "There is no such file")
        return file.answer(request)

    return [Route("/", page), Route("/static/{name}", asset)]


def _load(file: Traversable) -> File:
    body = file.read_bytes()
    media_type = TYPES[file.name.rpartition(".")[2]]
    return File(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
