"""Names to parts: built-ins by lazy import path, third-party ones by entry point; imported when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from webbrain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Registry:
    """One kind of part; `group` is the entry-point group that third parties register under."""

    kind: str
    group: str
    builtin: dict[str, str]

    def names(self) -> list[str]:
        return sorted({*self.builtin, *(point.name for point in entry_points(group=self.group))})

    def load(self, name: str) -> Any:
        """The class or factory registered under `name`; raises ConfigError that lists the known names."""
        if name in self.builtin:
            module, _, attribute = self.builtin[name].partition(":")
            return getattr(import_module(module), attribute)
        for point in entry_points(group=self.group):
            if point.name == name:
                return point.load()
        raise ConfigError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        close = get_close_matches(name, self.names(), n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"unknown {self.kind} {name!r}; known are: {', '.join(self.names())}{hint}"


RETRIEVERS = Registry(
    "retriever",
    "webbrain.retrievers",
    {
        "bm25": "webbrain.retrieval.bm25:Bm25Retriever",
        "dense": "webbrain.retrieval.dense:DenseRetriever",
        "hybrid": "webbrain.retrieval.hybrid:HybridRetriever",
        "sparse": "webbrain.retrieval.sparse:SparseRetriever",
        "milvus": "webbrain.retrieval.milvus:MilvusRetriever",
        "milvus-bm25": "webbrain.retrieval.milvus:MilvusBm25Retriever",
        "milvus-dense": "webbrain.retrieval.milvus:MilvusDenseRetriever",
        "hybrid3": "webbrain.retrieval.hybrid:ThreeRetriever",
    },
)
RERANKERS = Registry("reranker", "webbrain.rerankers", {"maxsim": "webbrain.retrieval.maxsim:MaxSimScorer"})
FUSERS = Registry(
    "fuser",
    "webbrain.fusers",
    {"rrf": "webbrain.retrieval.fusion:ReciprocalRank", "score": "webbrain.retrieval.fusion:ScoreSum"},
)
WRITERS = Registry(
    "writer",
    "webbrain.writers",
    {
        "extractive": "webbrain.writing.extractive:ExtractiveWriter",
        "fid": "webbrain.writing.fid.writer:FidWriter",
        "compact": "webbrain.writing.compact.writer:CompactWriter",
        "chat": "webbrain.writing.chat.writer:ChatWriter",
    },
)
SCORERS = Registry(
    "support scorer",
    "webbrain.scorers",
    {
        "exact": "webbrain.grounding.exact:ExactScorer",
        "tier1": "webbrain.grounding.tier1:Tier1Scorer",
        "nli": "webbrain.grounding.nli:NliScorer",
        "joint": "webbrain.grounding.joint:JointScorer",
        "judge": "webbrain.grounding.judge:JudgeScorer",
    },
)
