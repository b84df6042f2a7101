"""Which endpoint writes, and how long it may take."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from webbrain.errors import ConfigError

URL_VARIABLE, MODEL_VARIABLE, KEY_VARIABLE = "WEBBRAIN_CHAT_URL", "WEBBRAIN_CHAT_MODEL", "WEBBRAIN_CHAT_KEY"
DEFAULT_URL = "http://127.0.0.1:8000/v1"


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """`url` ends before `/chat/completions`; `key` is never shown. Times in seconds: `silence` between two pieces of an
    answer, `deadline` for a whole article with its retries."""

    url: str = DEFAULT_URL
    model: str = ""
    key: str = field(default="", repr=False)
    silence: float = 60.0
    deadline: float = 300.0
    retries: int = 4
    max_tokens: int = 1024
    max_chars: int = 40_000
    references: int = 10
    seed: int = 0

    @classmethod
    def from_environment(cls, model: str | None = None) -> ChatSettings:
        """Endpoint, model and key from WEBBRAIN_CHAT_URL, _MODEL and _KEY."""
        return cls(
            url=os.environ.get(URL_VARIABLE, DEFAULT_URL).rstrip("/"),
            model=model or os.environ.get(MODEL_VARIABLE, ""),
            key=os.environ.get(KEY_VARIABLE, ""),
        )

    def facts(self) -> dict[str, object]:
        """What an answer depends on; the endpoint's address is nobody's business."""
        return {"model": self.model, "seed": self.seed, "max_tokens": self.max_tokens}

    def check(self) -> None:
        """Raises ConfigError for an address that is no http(s) URL, a key sent in the clear, or no model."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{self.url!r} is no http(s) address; set {URL_VARIABLE}, for example to {DEFAULT_URL}")
        if self.key and parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ConfigError(f"the key would cross the network unencrypted; give {URL_VARIABLE} an https address")
        if not self.model:
            raise ConfigError(f"writer 'chat' needs a model; add --model NAME or set {MODEL_VARIABLE}")
