"""The chat writer against `transformers serve` with a tiny random model: the protocol as others speak it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="`transformers serve` is not installed: pip install 'transformers[serving]'")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: pip install '.[train]'")

from webbrain.types import Passage  # noqa: E402
from webbrain.writing.chat.endpoint import complete  # noqa: E402
from webbrain.writing.chat.prompt import make_messages  # noqa: E402
from webbrain.writing.chat.settings import ChatSettings  # noqa: E402
from webbrain.writing.chat.writer import ChatWriter  # noqa: E402

START_SECONDS = 120
TEXT = "Ada Lovelace was an English mathematician and writer of the nineteenth century."
EVIDENCE = [Passage("a#0", "a", "Ada Lovelace", TEXT, 0, len(TEXT))]


def make_model(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        [TEXT], trainers.BpeTrainer(special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    )
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    fast.save_pretrained(folder)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    ids = {"bos_token_id": 0, "eos_token_id": 1, "max_position_embeddings": 4096}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=len(fast), **shape, **ids))
    # A model of random weights now and then ends before the limit: its end token is forbidden.
    model.generation_config.suppress_tokens = [ids["eos_token_id"]]
    model.save_pretrained(folder)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatSettings]:
    folder = tmp_path_factory.mktemp("model")
    make_model(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(folder), "--port", str(port)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    server = subprocess.Popen([*command, "--device", "cpu"], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server)
        yield ChatSettings(f"http://127.0.0.1:{port}/v1", str(folder), max_tokens=12)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(START_SECONDS * 4):
        assert server.poll() is None, "the server died while starting"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"the server did not answer within {START_SECONDS} s")


@pytest.mark.slow
def test_a_real_server_streams_and_cuts_off_at_the_limit(settings: ChatSettings) -> None:
    answer = complete(settings, make_messages("Ada Lovelace", EVIDENCE))
    assert answer.text
    assert answer.end == "cut"


@pytest.mark.slow
def test_nonsense_of_a_model_becomes_quotations(settings: ChatSettings) -> None:
    found = ChatWriter(settings=settings).write("Ada Lovelace", EVIDENCE)
    assert [(sentence.text, sentence.origin) for sentence in found] == [(TEXT, "quoted")]
