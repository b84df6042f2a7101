"""A client of `webbrain serve`: the same types as in the library, over HTTP, with nothing to install.

client = Client("http://127.0.0.1:8080")
for event in client.stream("Ada Lovelace"): ...
article = client.write("Ada Lovelace")
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from webbrain.errors import ConfigError, WebBrainError
from webbrain.types import Article, Passage, Reference, ScoredPassage, Sentence
from webbrain.writing.events import Dropped, Event, Finished, SetAside, Stage, Verified


class ServerError(WebBrainError):
    """The server refused or failed; `code` is one of the API's, or "unreachable" or "lost", `status` is HTTP's."""

    def __init__(self, message: str, code: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Health:
    """What the server serves: sizes of its index, and queries worth trying."""

    status: str
    version: str
    documents: int
    passages: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """One server; every call opens a connection of its own, so that a client may be shared by threads.

    `timeout` in seconds bounds the wait for each piece of an answer, not the whole of it.
    """

    address: str = "http://127.0.0.1:8080"
    token: str | None = field(default=None, repr=False)
    timeout: float = 120.0

    def health(self) -> Health:
        found = self._json("/api/health")
        return Health(**{**found, "examples": tuple(found["examples"])})

    def search(self, query: str, k: int = 10) -> list[ScoredPassage]:
        """The best `k` passages, best first; raises ServerError."""
        hits = self._json("/api/search", query=query, k=k)["hits"]
        return [ScoredPassage(_passage(hit), hit["score"], hit["rank"], "server") for hit in hits]

    def write(self, query: str) -> Article:
        """The finished article; raises ServerError."""
        *_, last = self.stream(query)
        assert isinstance(last, Finished)
        return last.article

    def stream(self, query: str) -> Generator[Event, None, None]:
        """Events as they happen, the last is Finished; closing the iterator stops the work on the server.

        Raises ServerError, also when the stream ends early.
        """
        connection, answer = self._open("/api/articles", query=query)
        with closing(connection):
            for data in _events(answer):
                if data["event"] == "error":
                    raise ServerError(data["message"], data["code"])
                event = _event(data)
                if event is not None:
                    yield event
                if isinstance(event, Finished):
                    return
        raise ServerError(f"{self.address} closed the connection before the article was finished; ask again", "lost")

    def _json(self, path: str, **parameters: str | int) -> dict[str, Any]:
        connection, answer = self._open(path, **parameters)
        with closing(connection):
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def _open(self, path: str, **parameters: str | int) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = self._connection()
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            if answer.status == 200:
                return connection, answer
            problem = _problem(answer)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ServerError(
                f"{self.address} cannot be reached ({error}); start it with `webbrain serve`", "unreachable"
            ) from error
        connection.close()
        raise problem

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"{self.address!r} is no address of a server; give one such as http://127.0.0.1:8080")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname, parts.port, timeout=self.timeout)


def _problem(answer: http.client.HTTPResponse) -> ServerError:
    try:
        problem = json.loads(answer.read())
        return ServerError(problem["message"], problem["code"], answer.status)
    except (ValueError, KeyError, TypeError):
        return ServerError(f"the server answered {answer.status} {answer.reason}", "failed", answer.status)


def _events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The data of each server-sent event; ends without an error when the connection breaks."""
    try:
        for line in answer:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
    except (OSError, http.client.HTTPException):
        return


def _event(data: Mapping[str, Any]) -> Event | None:
    """None for a kind of event that the library has not, such as `wait`."""
    match data["event"]:
        case "stage":
            return Stage(data["stage"], data["counts"])
        case "sentence":
            return Verified(_sentence(data["sentence"]), tuple(map(_reference, data["references"])))
        case "dropped":
            return Dropped(data["text"], data["reason"])
        case "done":
            return Finished(_article(data["article"]), tuple(map(_set_aside, data["set_aside"])))
    return None


def _article(data: Mapping[str, Any]) -> Article:
    return Article(
        data["query"],
        tuple(map(_sentence, data["sentences"])),
        tuple(map(_reference, data["references"])),
        data["status"],
        data["provenance"],
        tuple(data["other_senses"]),
    )


def _sentence(data: Mapping[str, Any]) -> Sentence:
    return Sentence(data["text"], tuple(data["citations"]), data["support"], data["origin"])


def _reference(data: Mapping[str, Any]) -> Reference:
    return Reference(data["marker"], _passage(data))


def _set_aside(data: Mapping[str, Any]) -> SetAside:
    return SetAside(_passage(data), data["reason"])


def _passage(data: Mapping[str, Any]) -> Passage:
    keys = ("passage_id", "doc_id", "title", "text", "start", "end", "url")
    return Passage(**{key: data[key] for key in keys})
