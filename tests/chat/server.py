"""A real server on loopback that speaks the chat completions protocol from a script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Turn:
    """How one request is answered; `drop` closes the line without an end, `pause` waits between two pieces."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish: str | None = "stop"
    refusal: str | None = None
    drop: bool = False
    pause: float = 0.0
    stream: bool = True
    raw: bytes | None = None


@dataclass
class ChatServer:
    """Answers with `turns` in order, the last one again and again; keeps the requests it got."""

    turns: list[Turn]
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def running(self) -> Iterator[ChatServer]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                turn = script.turns[min(len(script.requests), len(script.turns) - 1)]
                script.requests.append({"path": self.path, **body})
                script.headers.append(dict(self.headers))
                _answer(self, turn)

            def log_message(self, *_: object) -> None:
                return

        return Handler


def _answer(handler: BaseHTTPRequestHandler, turn: Turn) -> None:
    handler.send_response(turn.status)
    streamed = turn.status == 200 and turn.stream
    handler.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
    for name, value in turn.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    for piece in _pieces(turn, streamed):
        try:
            handler.wfile.write(piece)
            handler.wfile.flush()
        except OSError:  # the reader has gone
            return
        time.sleep(turn.pause)


def _pieces(turn: Turn, streamed: bool) -> Iterator[bytes]:
    if turn.raw is not None:
        yield turn.raw
    elif turn.status != 200:
        yield json.dumps({"error": {"message": "the script says no"}}).encode()
    elif not streamed:
        message = {"role": "assistant", "content": turn.text, "refusal": turn.refusal}
        yield json.dumps({"choices": [{"message": message, "finish_reason": turn.finish}]}).encode()
    else:
        yield b": keep-alive\n\n"
        yield _event({"role": "assistant", "refusal": turn.refusal}, None)
        for start in range(0, len(turn.text), 7):
            yield _event({"content": turn.text[start : start + 7]}, None)
        if not turn.drop:
            yield _event({}, turn.finish)
            yield b"data: [DONE]\n\n"


def _event(delta: dict[str, Any], finish: str | None) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(chunk)}\n\n".encode()
