"""The API as a reader of its schema sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving import article_writer
from webbrain.server.app import create_app
from webbrain.server.schema import Source
from webbrain.server.settings import ServerSettings
from webbrain.types import Passage
from webbrain.writing.render import as_json

QUERY = "Gull Point Lighthouse"


@pytest.fixture(scope="module")
def client(library: Path) -> Iterator[TestClient]:
    settings = ServerSettings(examples=(QUERY,))
    with TestClient(create_app(article_writer(library), settings), base_url="http://127.0.0.1") as client:
        yield client


def events(body: str) -> list[dict[str, Any]]:
    found = []
    for block in body.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['event']}"
    return found


def write(client: TestClient, query: str) -> list[dict[str, Any]]:
    answer = client.get("/api/articles", params={"query": query})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    return events(answer.text)


def test_an_article_comes_as_stages_then_sentences_then_the_whole(client: TestClient) -> None:
    found = write(client, QUERY)
    kinds = [event["event"] for event in found]
    assert kinds[:4] == ["stage"] * 4
    assert [event["stage"] for event in found[:4]] == ["retrieve", "select", "write", "check"]
    assert set(kinds[4:-1]) == {"sentence"}
    assert kinds[-1] == "done"
    assert [event["sentence"] for event in found[4:-1]] == found[-1]["article"]["sentences"]


def test_the_article_is_the_one_that_the_library_writes(client: TestClient, library: Path) -> None:
    expected = as_json(article_writer(library).write(QUERY))
    found = write(client, QUERY)[-1]
    assert json.loads(found["files"]["json"]) == expected
    assert found["article"]["sentences"] == expected["sentences"]
    assert found["article"]["provenance"] == expected["provenance"]


def test_every_mark_resolves_when_its_sentence_arrives_and_its_spans_hold_its_words(client: TestClient) -> None:
    known: dict[int, dict[str, Any]] = {}
    for event in write(client, QUERY):
        if event["event"] != "sentence":
            continue
        known |= {reference["marker"]: reference for reference in event["references"]}
        assert [evidence["marker"] for evidence in event["evidence"]] == event["sentence"]["citations"]
        for evidence in event["evidence"]:
            text = known[evidence["marker"]]["text"]
            shown = " ".join(text[start:end] for start, end in evidence["spans"])
            assert len(shown) > len(event["sentence"]["text"]) / 2
            assert shown in event["sentence"]["text"]


def test_what_was_left_out_comes_with_its_reason(client: TestClient) -> None:
    aside = {passage["doc_id"]: passage["reason"] for passage in write(client, QUERY)[-1]["set_aside"]}
    assert "instructions" in aside["orders"]
    assert aside["bread"] == "does not bear on the query"
    assert "lighthouse" not in aside


def test_no_evidence_is_an_honest_article_without_sentences(client: TestClient) -> None:
    found = write(client, "qwzx flurb")
    assert [event["event"] for event in found] == [*["stage"] * 4, "done"]
    assert found[-1]["article"]["status"] == "no_evidence"
    assert found[-1]["article"]["sentences"] == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://a b"])
def test_only_web_addresses_leave_the_server(url: str) -> None:
    assert Source.of(Passage("p", "d", "", "", 0, 0, url)).url == ""
    assert Source.of(Passage("p", "d", "", "", 0, 0, "https://ok.example/a")).url == "https://ok.example/a"


def test_search_ranks_passages(client: TestClient) -> None:
    found = client.get("/api/search", params={"query": "  rye\n bread ", "k": 2}).json()
    assert found["query"] == "rye bread"
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    assert found["hits"][0]["doc_id"] == "bread"
    assert found["hits"][0]["text"].startswith("Rye bread is")
    assert found["hits"][0]["end"] - found["hits"][0]["start"] == len(found["hits"][0]["text"])


@pytest.mark.parametrize(
    "parameters",
    [{}, {"query": ""}, {"query": " \n\t"}, {"query": "\x00\x1f"}, {"query": "a" * 301}],
    ids=["missing", "empty", "blank", "control", "long"],
)
@pytest.mark.parametrize("path", ["/api/search", "/api/articles"])
def test_a_query_that_is_none_is_refused(client: TestClient, path: str, parameters: dict[str, str]) -> None:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 422
    assert answer.json()["code"] == "bad_request"
    assert answer.json()["message"].startswith("query: ")


@pytest.mark.parametrize("k", ["0", "51", "ten", "1e3"])
def test_k_has_bounds(client: TestClient, k: str) -> None:
    assert client.get("/api/search", params={"query": "bread", "k": k}).status_code == 422


@pytest.mark.parametrize(("query", "k"), [("é" * 300, 1), ("bread", 50)])
def test_the_most_that_may_be_asked_is_answered(client: TestClient, query: str, k: int) -> None:
    assert client.get("/api/search", params={"query": query, "k": k}).status_code == 200


@pytest.mark.parametrize("path", ["/api/search", "/api/articles"])
def test_a_full_house_is_told_when_to_come_back(library: Path, path: str) -> None:
    app = create_app(article_writer(library), ServerSettings(readers=0))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.get(path, params={"query": QUERY})
    assert answer.status_code == 503
    assert answer.json()["code"] == "busy"
    assert int(answer.headers["retry-after"]) > 0


def test_health_says_what_is_served(client: TestClient) -> None:
    found = client.get("/api/health").json()
    assert found["status"] == "ok"
    assert found["documents"] == 4
    assert found["examples"] == [QUERY]


def test_metrics_count_by_route_and_never_by_words(client: TestClient) -> None:
    write(client, QUERY)
    client.get("/api/search", params={"query": "secretword"})
    client.get("/secretpath")
    text = client.get("/metrics").text
    assert 'webbrain_requests_total{path="/api/search",status="200"}' in text
    assert 'webbrain_articles_total{outcome="ok"}' in text
    assert "webbrain_first_sentence_seconds_bucket" in text
    assert "webbrain_readers 0.0" in text
    assert "secret" not in text


def test_the_schema_describes_events_problems_and_the_token(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    named = schema["components"]["schemas"]
    for event in ("WaitEvent", "StageEvent", "SentenceEvent", "DroppedEvent", "DoneEvent", "ErrorEvent"):
        assert named[event]["properties"]["event"]["const"] == event.removesuffix("Event").lower()
    assert set(schema["paths"]) == {"/api/search", "/api/articles", "/api/health", "/metrics"}
    refusals = schema["paths"]["/api/articles"]["get"]["responses"]["503"]
    assert refusals["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
