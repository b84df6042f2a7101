"""Running the application until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from webbrain.errors import ConfigError
from webbrain.server.app import create_app
from webbrain.server.desk import Desk
from webbrain.server.settings import ServerSettings
from webbrain.writing.pipeline import ArticleWriter

HEADER_BYTES = 16 * 1024
IDLE_SECONDS = 15  # a connection kept open between requests
BACKLOG = 256


def serve(writer: ArticleWriter, settings: ServerSettings, ready: Callable[[str], None]) -> None:
    """Answer requests until SIGINT or SIGTERM; articles being written are finished first.

    `ready` gets the address of the page once it can be opened. Raises ConfigError when it cannot be listened on.
    """
    app = create_app(writer, settings)
    desk: Desk = app.state.desk
    with _listen(settings) as listener:
        desk.warm()
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=4 * settings.readers,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=settings.shutdown_seconds,
            h11_max_incomplete_event_size=HEADER_BYTES,
        )
        ready(page_address(settings, listener.getsockname()[1]))
        _Server(config, desk).run(sockets=[listener])


def page_address(settings: ServerSettings, port: int) -> str:
    """Where the page is; the token rides behind the #, which browsers send to no server."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{port}/{f'#token={settings.token}' if settings.token else ''}"


def _listen(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise ConfigError(f"cannot serve on {settings.host}:{settings.port} ({error}); try another --port") from error


class _Server(uvicorn.Server):
    """Sends waiting readers home as soon as a signal arrives."""

    def __init__(self, config: uvicorn.Config, desk: Desk) -> None:
        super().__init__(config)
        self.desk = desk
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.desk.close)
