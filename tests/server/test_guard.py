"""Who may ask, and what no request can do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.serving import article_writer
from webbrain.errors import ConfigError
from webbrain.server.app import create_app
from webbrain.server.settings import ServerSettings

TOKEN = "a token of thirty-two characters"
EVERYWHERE = ["/", "/static/main.js", "/api/health", "/openapi.json", "/metrics", "/api/search?query=x", "/nothing"]


@pytest.fixture(scope="module")
def client(library: Path) -> Iterator[TestClient]:
    app = create_app(article_writer(library), ServerSettings(hosts=("library.example",)))
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture(scope="module")
def open_client(library: Path) -> Iterator[TestClient]:
    app = create_app(article_writer(library), ServerSettings(host="0.0.0.0", token=TOKEN))
    with TestClient(app, base_url="http://192.0.2.7") as client:
        yield client


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]:8080", "library.example", "library.example."],
)
def test_its_own_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.0.2.7",
        "",
        "[::2]",
        "library.example.evil",
    ],
)
@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_rebound_name_is_refused_everywhere(client: TestClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_host"


def test_a_network_server_answers_to_addresses_but_to_no_name(open_client: TestClient) -> None:
    assert open_client.get("/api/health").status_code == 200
    assert open_client.get("/api/health", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", EVERYWHERE[2:6])
def test_pages_of_other_sites_may_not_ask(client: TestClient, path: str, site: str) -> None:
    answer = client.get(path, headers={"sec-fetch-site": site})
    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_site"


def test_a_link_on_another_site_may_lead_here(client: TestClient) -> None:
    assert client.get("/?q=rye", headers={"sec-fetch-site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_answer_may_be_read_by_another_origin(client: TestClient, origin: str) -> None:
    answer = client.get("/api/health", headers={"origin": origin})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.options("/api/health", headers={"origin": origin}).status_code == 405


@pytest.mark.parametrize("path", ["/api/search?query=x", "/api/articles?query=x", "/metrics"])
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer é"]
)
def test_without_the_token_nothing_is_read(open_client: TestClient, path: str, header: str) -> None:
    answer = open_client.get(path, headers={"authorization": header.encode()} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthorized"


def test_with_the_token_everything_is(open_client: TestClient) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert open_client.get("/api/search?query=bread", headers=headers).status_code == 200
    assert open_client.get("/metrics", headers=headers).status_code == 200
    assert open_client.get("/").status_code == 200  # the page that asks for the token


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "library.example"])
def test_a_network_server_without_a_token_does_not_start(library: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="WEBBRAIN_TOKEN"):
        create_app(article_writer(library), ServerSettings(host=host))


@pytest.mark.parametrize("token", ["short", "", "é" * 20])
def test_a_weak_token_does_not_start(library: Path, token: str) -> None:
    with pytest.raises(ConfigError, match="too weak"):
        create_app(article_writer(library), ServerSettings(token=token))


def test_a_token_is_made_where_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBBRAIN_TOKEN", raising=False)
    assert ServerSettings.from_environment().token is None
    first, second = (ServerSettings.from_environment(host="0.0.0.0").token for _ in range(2))
    assert first is not None
    assert len(first) >= 32
    assert first != second
    monkeypatch.setenv("WEBBRAIN_TOKEN", TOKEN)
    assert ServerSettings.from_environment().token == TOKEN


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", EVERYWHERE)
def test_bodies_are_not_taken(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, content=b"x")
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", EVERYWHERE[:6])
def test_nothing_can_be_changed(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.json()["code"] == "method"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../guard.py", "/static/%2e%2e/guard.py", "/static/..%2fguard.py", "/static/%2fetc%2fpasswd",
        "/static//etc/passwd", "/static/..\\guard.py", "/static/", "/static/main.js/", "/static/none.js", "/docs",
        "/redoc", "/static/main.js%00", "//etc/passwd", "/etc/passwd",
    ],
)  # fmt: skip
def test_no_path_names_another_file(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("path", [*EVERYWHERE, "/api/search", "/api/articles?query=bread"])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-cache" if path in EVERYWHERE[:2] else "no-store")
    assert "server" not in headers


def test_the_page_holds_no_inline_script_and_names_no_other_host(client: TestClient) -> None:
    static = Path("webbrain/server/static")
    for path in ["/", *(f"/static/{file.name}" for file in static.iterdir() if file.suffix in {".js", ".css"})]:
        text = client.get(path).text
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text
    page = client.get("/").text
    assert page.count("<script") == page.count("<script src=") + page.count('<script type="module" src=')
    assert " style=" not in page
    assert " on" not in page.replace(" only", "").replace(" one", "")


def test_files_are_kept_by_their_tag(client: TestClient) -> None:
    first = client.get("/static/page.css")
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    again = client.get("/static/page.css", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_a_failure_inside_is_a_sentence_without_its_cause(library: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(article_writer(library), ServerSettings())
    app.state.desk.search = None  # what is called next raises TypeError
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        answer = client.get("/api/search?query=x")
    assert answer.status_code == 500
    assert answer.json() == {"code": "failed", "message": "The request failed; the server's log says why."}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "TypeError" in caplog.text


def test_an_answer_that_takes_too_long_is_given_up(library: Path) -> None:
    settings = ServerSettings(wait_seconds=0, article_seconds=-29.8)  # 0.2 seconds for the whole response
    with TestClient(create_app(article_writer(library, pause=0.1), settings), base_url="http://127.0.0.1") as client:
        answer = client.get("/api/articles?query=Gull+Point+Lighthouse")
    assert "event: done" not in answer.text
