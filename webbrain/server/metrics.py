"""What the service counts, in Prometheus text: no query and no address is ever a label."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)


class Metrics:
    """One registry a server, so that two servers in a process do not share counts."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "webbrain_requests", "Requests by path and status.", ["path", "status"], registry=registry
        )
        self.articles = Counter("webbrain_articles", "Articles by how they ended.", ["outcome"], registry=registry)
        self.readers = Gauge("webbrain_readers", "Readers served or waiting now.", registry=registry)
        self.first = Histogram(
            "webbrain_first_sentence_seconds", "From request to first sentence.", buckets=SECONDS, registry=registry
        )
        self.whole = Histogram(
            "webbrain_article_seconds", "From request to last event.", buckets=SECONDS, registry=registry
        )

    def text(self) -> bytes:
        return generate_latest(self.registry)
