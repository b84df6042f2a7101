"""The service in a process of its own, spoken to by the client that ships with it."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.serving import LiveServer, article_writer, live_server
from webbrain.client import Client, ServerError
from webbrain.errors import ConfigError
from webbrain.writing.events import Finished, Stage, Verified

QUERY = "Gull Point Lighthouse"
PAUSE = 0.4  # seconds for the checker of a slow server


@pytest.fixture(scope="module")
def server(library: Path) -> Iterator[LiveServer]:
    with live_server(library) as server:
        yield server


@pytest.fixture
def slow_server(library: Path) -> Iterator[LiveServer]:
    with live_server(library, "1", pause=PAUSE) as server:
        yield server


def metrics(server: LiveServer) -> dict[str, float]:
    parts = urlsplit(server.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_the_client_gets_what_the_library_gives(server: LiveServer, library: Path) -> None:
    client = Client(server.address)
    writer = article_writer(library)
    assert client.write(QUERY) == writer.write(QUERY)
    assert list(client.stream(QUERY)) == list(writer.stream(QUERY))
    expected = [replace(hit, row=-1, source="server") for hit in writer.retriever.search(QUERY, 3)]
    assert client.search(QUERY, 3) == expected
    assert client.health().documents == 4


def test_the_client_says_what_is_wrong(server: LiveServer) -> None:
    with pytest.raises(ServerError, match="query: ") as caught:
        Client(server.address).search("")
    assert (caught.value.code, caught.value.status) == ("bad_request", 422)
    with pytest.raises(ServerError, match="webbrain serve") as caught:
        Client("http://127.0.0.1:9").health()
    assert caught.value.code == "unreachable"
    with pytest.raises(ConfigError, match="no address"):
        Client("ftp://127.0.0.1").health()


def test_a_token_lets_the_client_in(library: Path) -> None:
    token = "0123456789abcdef0123"
    with live_server(library, token=token) as server:
        assert server.token == token  # in the address that is printed
        with pytest.raises(ServerError, match="token"):
            Client(server.address).write(QUERY)
        assert Client(server.address, token).write(QUERY).status == "ok"


def test_a_network_address_gets_a_token_of_its_own(library: Path) -> None:
    with live_server(library, "--host", "0.0.0.0") as server:
        assert server.token
        local = server.address.replace("0.0.0.0", "127.0.0.1")
        with pytest.raises(ServerError, match="token"):
            Client(local).search(QUERY)
        assert Client(local, server.token).search(QUERY)


def test_a_taken_port_is_one_sentence(library: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "webbrain", "serve", "--index", str(library), "--port", port]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "try another --port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_the_extra_a_sentence_says_what_to_install(library: Path) -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from webbrain.__main__ import main; main()"
    command = [sys.executable, "-c", code, "serve", "--index", str(library)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr == 'webbrain: serving needs uvicorn; run `pip install "webbrain[serve]"`\n'


def test_an_article_is_left_when_its_reader_leaves(slow_server: LiveServer) -> None:
    events = Client(slow_server.address).stream(QUERY)
    assert any(isinstance(event, Verified) for event in events)
    events.close()
    deadline = time.monotonic() + 20
    while metrics(slow_server)["webbrain_readers"] and time.monotonic() < deadline:
        time.sleep(0.05)
    found = metrics(slow_server)
    assert found["webbrain_readers"] == 0
    assert found['webbrain_articles_total{outcome="left"}'] == 1


def test_a_killed_server_is_a_lost_stream(slow_server: LiveServer) -> None:
    events = Client(slow_server.address).stream(QUERY)
    kept = next(event for event in events if isinstance(event, Verified))
    assert kept.references
    slow_server.process.kill()
    with pytest.raises(ServerError) as caught:
        list(events)
    assert caught.value.code == "lost"


def test_a_stopping_server_finishes_its_article_and_sends_waiting_readers_home(slow_server: LiveServer) -> None:
    writing = Client(slow_server.address).stream(QUERY)
    assert any(isinstance(event, Stage) for event in writing)
    waiting = http.client.HTTPConnection(urlsplit(slow_server.address).netloc)
    waiting.request("GET", "/api/articles?query=bread")
    answer = waiting.getresponse()
    assert answer.readline() == b"event: wait\n"
    slow_server.process.send_signal(signal.SIGTERM)
    assert b'"code":"stopping"' in answer.read()
    *_, last = writing
    assert isinstance(last, Finished)
    assert last.article.status == "ok"
    assert slow_server.process.wait(timeout=10) == -signal.SIGTERM
    with pytest.raises(ServerError, match="cannot be reached"):
        Client(slow_server.address).health()
