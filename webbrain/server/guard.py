"""What stands before the application: who may ask, how much, how long; and the headers of every answer."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webbrain.server.metrics import Metrics
from webbrain.server.problems import problem
from webbrain.server.schema import ErrorCode
from webbrain.server.settings import ServerSettings

log = logging.getLogger("webbrain.server")
OPEN_PATHS = ("/", "/static/", "/api/health", "/openapi.json")
# No script, style, font or connection but from here, no frame, no form; and no DOM sink takes a string as markup.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """ASGI middleware; also counts requests by route, never by what was asked."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(message)
                self.metrics.requests.labels(_route(scope), str(message["status"])).inc()
            await send(message)

        refusal = self._refusal(scope["path"], Headers(scope=scope))
        app = problem(*refusal) if refusal else self.app
        try:
            async with asyncio.timeout(self.settings.response_seconds):
                await app(scope, receive, send_guarded)
            return
        except TimeoutError:
            answer = problem(503, "timeout", "The answer took too long and was given up.")
        except Exception:  # the reader is told, the log has the trace
            log.exception("a request failed")
            answer = problem(500, "failed", "The request failed; the server's log says why.")
        if not started:  # a reader that has had a part of the answer is cut off instead
            await answer(scope, receive, send_guarded)

    def _refusal(self, path: str, headers: Mapping[str, str]) -> tuple[int, ErrorCode, str] | None:
        """Status, code and message of the first rule that a request breaks."""
        if not self.settings.knows(headers.get("host", "")):
            return 400, "bad_host", "This server does not answer to that host name; see --allow-host."
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            return 413, "too_large", "This service takes no request body."
        if path in OPEN_PATHS[:1] or path.startswith(OPEN_PATHS[1]):
            return None
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
            return 403, "cross_site", "Pages of other sites may not ask this server."
        if path not in OPEN_PATHS and not self._is_let_in(headers.get("authorization", "")):
            return 401, "unauthorized", "Send the server's token as `Authorization: Bearer TOKEN`."
        return None

    def _is_let_in(self, authorization: str) -> bool:
        if self.settings.token is None:
            return True
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and secrets.compare_digest(token.encode(), self.settings.token.encode())


def _add_headers(message: Message) -> None:
    headers = MutableHeaders(scope=message)
    headers.update(HEADERS)
    headers.setdefault("cache-control", "no-store")


def _route(scope: Scope) -> str:
    """The path of a known route, else "other": what people type must not become a label."""
    route = scope.get("route")
    return str(getattr(route, "path", "other"))
