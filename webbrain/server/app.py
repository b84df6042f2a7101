"""The application: guard, API, page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

import webbrain
from webbrain.server.desk import Desk
from webbrain.server.guard import Guard
from webbrain.server.metrics import Metrics
from webbrain.server.page import page_routes
from webbrain.server.problems import answer_problems
from webbrain.server.routes import api_routes
from webbrain.server.schema import ArticleEvent
from webbrain.server.settings import ServerSettings
from webbrain.writing.pipeline import ArticleWriter

DESCRIPTION = "Ask a corpus a question, get a short article in which every sentence is cited and checked."


def create_app(writer: ArticleWriter, settings: ServerSettings) -> FastAPI:
    """The service over one opened index; `app.state.desk` is its desk. Raises ConfigError for unsafe settings."""
    settings.check()
    metrics = Metrics()
    desk = Desk(writer, settings, metrics)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.shut()

    # No docs_url, no redoc_url: those pages load their scripts from other hosts.
    app = _WithEvents(
        title="WebBrain",
        version=webbrain.__version__,
        description=DESCRIPTION,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.desk = desk
    app.add_middleware(Guard, settings=settings, metrics=metrics)
    answer_problems(app)
    app.include_router(api_routes(desk))
    app.routes.extend(page_routes())
    return app


class _WithEvents(FastAPI):
    """Its OpenAPI schema describes the events of an article too, and the token."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            schema = super().openapi()
            events = TypeAdapter(ArticleEvent).json_schema(ref_template="#/components/schemas/{model}")
            schema["components"]["schemas"] |= events["$defs"]
            schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            schema["security"] = [{}, {"token": []}]
        return super().openapi()
