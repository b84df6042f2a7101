"""Where the service listens, whom it lets in, and its limits."""

from __future__ import annotations

import ipaddress
import os
import secrets
from dataclasses import dataclass, replace
from typing import Any

from webbrain.errors import ConfigError

QUERY_CHARS = 300
MOST_HITS = 50
SLOW_READER_SECONDS = 30
TOKEN_VARIABLE = "WEBBRAIN_TOKEN"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`token` is needed unless `host` is a loopback address; `hosts` are names, beside addresses, that a request may
    call this server by. `threads` articles are written at once, `readers` are served or waiting; times in seconds: how
    long a reader waits for a thread, what an article may take then, and what a shutdown waits for."""

    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = None
    hosts: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    threads: int = os.cpu_count() or 1
    readers: int = 100
    wait_seconds: float = 120.0
    article_seconds: float = 120.0
    shutdown_seconds: int = 10

    @property
    def response_seconds(self) -> float:
        """The most a response may take, for readers too slow to take it as well."""
        return self.wait_seconds + self.article_seconds + SLOW_READER_SECONDS

    @classmethod
    def from_environment(cls, **options: Any) -> ServerSettings:
        """With the token of WEBBRAIN_TOKEN; where one is needed and none is set, a new one."""
        settings = cls(**options)
        token = os.environ.get(TOKEN_VARIABLE) or None
        if token is None and not is_loopback(settings.host):
            token = secrets.token_urlsafe(24)
        return replace(settings, token=token)

    def check(self) -> None:
        """Raises ConfigError for settings that would leave the service open to a network."""
        if self.token is None and not is_loopback(self.host):
            raise ConfigError(
                f"serving on {self.host} needs a token; set WEBBRAIN_TOKEN, or leave --host out to serve this machine"
            )
        if self.token is not None and (not self.token.isascii() or len(self.token) < 16):
            raise ConfigError("the token is too weak; give WEBBRAIN_TOKEN at least 16 ASCII characters")

    def knows(self, host_header: str) -> bool:
        """Whether a request's Host is one of this server's: a page that rebinds its own name to us is not."""
        name = _host_name(host_header)
        if name in {"localhost", self.host.casefold(), *(host.casefold() for host in self.hosts)}:
            return True
        address = _address(name)
        return address is not None and (address.is_loopback or not is_loopback(self.host))


def is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _host_name(header: str) -> str:
    """The name or address of a Host header, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0].casefold()
    return header.partition(":")[0].rstrip(".").casefold()
