"""One streamed chat completion over HTTP: server-sent events, retries when told to come back, bounds on everything."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, Literal
from urllib.parse import urlsplit

from webbrain.errors import WriterFailed
from webbrain.writing.chat.settings import KEY_VARIABLE, URL_VARIABLE, ChatSettings

BUSY = (429, 500, 502, 503, 504)
MAX_LINE = 1 << 20  # bytes of one event
MAX_REASON = 300  # characters of a server's complaint that are passed on
End = Literal["stop", "cut", "refused"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`end`: the model ended it, it was cut off (by a limit or a broken line), or the model declined."""

    text: str
    end: End


class _Busy(Exception):
    """The server asks to come back later; `after` in seconds, when it says."""

    def __init__(self, reason: str, after: float | None) -> None:
        super().__init__(reason)
        self.after = after


def complete(settings: ChatSettings, messages: list[dict[str, str]]) -> Answer:
    """The answer to the messages; raises WriterFailed with the cause and what to do about it."""
    settings.check()
    deadline = time.monotonic() + settings.deadline
    for attempt in range(settings.retries + 1):
        try:
            return _attempt(settings, messages, deadline)
        except _Busy as busy:
            wait = busy.after if busy.after is not None else float(2**attempt)
            if attempt == settings.retries or time.monotonic() + wait > deadline:
                raise WriterFailed(
                    f"{settings.url} is busy ({busy}) and asks to wait {wait:.0f} s; try again later, or add "
                    "--writer extractive"
                ) from busy
            time.sleep(wait)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _attempt(settings: ChatSettings, messages: list[dict[str, str]], deadline: float) -> Answer:
    connection = _connect(settings, deadline)
    try:
        _send(connection, settings, messages)
        response = connection.getresponse()
        if response.status != 200:
            _raise_for(response, settings)
        if "event-stream" in response.headers.get_content_type():
            return _read_stream(response, settings, deadline)
        return _read_whole(response, settings)
    except TimeoutError as error:
        raise WriterFailed(
            f"{settings.url} said nothing for {settings.silence:.0f} s; look at the server, or add --writer extractive"
        ) from error
    except ConnectionRefusedError as error:
        raise WriterFailed(
            f"no server answers at {settings.url}; start one there, set {URL_VARIABLE}, or add --writer extractive"
        ) from error
    except (OSError, HTTPException) as error:
        raise WriterFailed(f"{settings.url} broke off ({error!r}); try again, or add --writer extractive") from error
    finally:
        connection.close()


def _connect(settings: ChatSettings, deadline: float) -> HTTPConnection:
    parts = urlsplit(settings.url)
    assert parts.hostname is not None
    timeout = max(0.1, min(settings.silence, deadline - time.monotonic()))
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return kind(parts.hostname, parts.port, timeout=timeout)


def _send(connection: HTTPConnection, settings: ChatSettings, messages: list[dict[str, str]]) -> None:
    body = {
        "model": settings.model,
        "messages": messages,
        "stream": True,
        "temperature": 0,
        "seed": settings.seed,
        "max_tokens": settings.max_tokens,
    }
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    if settings.key:
        headers["Authorization"] = f"Bearer {settings.key}"
    connection.request("POST", f"{urlsplit(settings.url).path}/chat/completions", json.dumps(body), headers)


def _raise_for(response: HTTPResponse, settings: ChatSettings) -> None:
    reason = " ".join(response.read(MAX_LINE).decode("utf-8", "replace").split())[:MAX_REASON]
    if response.status in BUSY:
        raise _Busy(f"HTTP {response.status}", _retry_after(response.headers.get("Retry-After")))
    hint = {
        401: f"set {KEY_VARIABLE}",
        403: f"set {KEY_VARIABLE}",
        404: f"check {URL_VARIABLE} and --model",
    }.get(response.status, "check the model and the server")
    raise WriterFailed(f"{settings.url} answers HTTP {response.status} for model {settings.model!r} ({reason}); {hint}")


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, which is a number of seconds or a date."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _read_stream(response: HTTPResponse, settings: ChatSettings, deadline: float) -> Answer:
    """Text until the end of the stream; what came before a break counts as cut off."""
    pieces: list[str] = []
    size, end = 0, None
    try:
        for choice in _choices(response, settings, deadline):
            delta = choice.get("delta") or {}
            piece = delta.get("content") or ""
            pieces.append(piece)
            size += len(piece)
            end = _end(choice.get("finish_reason"), bool(delta.get("refusal"))) or end
            if size > settings.max_chars:
                end = "cut"
                break
    except (OSError, HTTPException):
        if not size:
            raise
    return Answer("".join(pieces), end or "cut")


def _choices(response: HTTPResponse, settings: ChatSettings, deadline: float) -> Iterator[dict[str, Any]]:
    """The first choice of each event until the deadline; events that are no completion chunk are passed over."""
    while (line := response.readline(MAX_LINE)) and time.monotonic() < deadline:
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            return
        event = _json(data, settings)
        if event.get("error"):
            reason = " ".join(str(event["error"]).split())[:MAX_REASON]
            raise WriterFailed(f"{settings.url} failed while writing ({reason}); look at the server's log")
        if event.get("choices"):
            yield event["choices"][0]


def _read_whole(response: HTTPResponse, settings: ChatSettings) -> Answer:
    """The answer of a server that does not stream."""
    event = _json(response.read(MAX_LINE), settings)
    choice = (event.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    end = _end(choice.get("finish_reason"), bool(message.get("refusal")))
    return Answer((message.get("content") or "")[: settings.max_chars], end or "cut")


def _json(data: bytes, settings: ChatSettings) -> dict[str, Any]:
    try:
        return dict(json.loads(data))
    except (ValueError, TypeError) as error:
        raise WriterFailed(
            f"{settings.url} does not speak the chat completions protocol (got {data[:60]!r}); check {URL_VARIABLE}"
        ) from error


def _end(finish_reason: str | None, refused: bool) -> End | None:
    if refused or finish_reason == "content_filter":
        return "refused"
    if finish_reason is None:
        return None
    return "stop" if finish_reason == "stop" else "cut"
