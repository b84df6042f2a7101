"""The API: search, articles as a stream of events, health, metrics."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Response
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

import webbrain
from webbrain.server.desk import Desk, Job
from webbrain.server.problems import DOCUMENTED
from webbrain.server.schema import ArticleEvent, Health, SearchResult
from webbrain.server.settings import MOST_HITS, QUERY_CHARS

QueryText = Annotated[
    str,
    Query(
        min_length=1, max_length=QUERY_CHARS, pattern=r"[^\s\x00-\x1f\x7f-\x9f]", description="A title or a question."
    ),
]
EVENT_SCHEMA = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": [event.model_fields["event"].default for event in get_args(ArticleEvent)]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [{"$ref": f"#/components/schemas/{e.__name__}"} for e in get_args(ArticleEvent)]
            },
        },
    },
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events `wait`, `stage`, `sentence`, `dropped`; the last is `done` or `error`.",
        "content": {"text/event-stream": {"schema": EVENT_SCHEMA}},
    }
}
PROMETHEUS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}


class ArticleStream(Response):
    """An article as server-sent events; the work stops when the reader leaves."""

    media_type = "text/event-stream"

    def __init__(self, desk: Desk, query: str) -> None:
        super().__init__()
        self.desk = desk
        self.query = query
        del self.headers["content-length"]
        self.headers["x-accel-buffering"] = "no"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.desk.seat() as job:
            writing = asyncio.ensure_future(self._send(job, send))
            leaving = asyncio.ensure_future(_disconnect(receive))
            try:
                await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                writing.cancel()
                await asyncio.gather(writing, leaving, return_exceptions=True)
            if not writing.cancelled():
                writing.result()

    async def _send(self, job: Job, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with contextlib.aclosing(self.desk.article(job, self.query)) as events:
            async for event in events:
                data = f"event: {event.event}\ndata: {event.model_dump_json()}\n\n"
                await send({"type": "http.response.body", "body": data.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def api_routes(desk: Desk) -> APIRouter:
    """All routes of the API over one desk."""
    router = APIRouter(responses=DOCUMENTED)

    @router.get("/api/search", summary="The best passages for a query")
    async def search(query: QueryText, k: Annotated[int, Query(ge=1, le=MOST_HITS)] = 10) -> SearchResult:
        return await desk.search(_flat(query), k)

    @router.get("/api/articles", summary="Write an article", response_class=Response, responses=STREAM)
    async def articles(query: QueryText) -> Response:
        return ArticleStream(desk, _flat(query))

    @router.get("/api/health", summary="Is the service well, and what does it serve")
    async def health() -> Health:
        totals = desk.writer.index.manifest.totals
        return Health(
            status="stopping" if desk.closing else "ok",
            version=webbrain.__version__,
            documents=totals["documents"],
            passages=totals["passages"],
            examples=list(desk.settings.examples),
        )

    @router.get("/metrics", summary="Counts and times for Prometheus", responses=PROMETHEUS)
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(desk.metrics.text(), media_type="text/plain; version=0.0.4")

    return router


def _flat(query: str) -> str:
    return " ".join(query.split())
