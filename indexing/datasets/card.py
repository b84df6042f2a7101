"""The data card of a dataset, from its manifest and statistics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEMPLATE = """# Dataset card

{summary}

| | |
|---|---|
| kind of source | `{kind}` |
| source | `{source}`, fingerprint `{fingerprint}` |
| licence of the source | {licence} |
| build | `{plan_id}`, index build `{index_build}` |

The texts are the source's and stay under its licence. Files and their sha256 are in `dataset.json`.

## Counts
{counts}

## Turned away
Pages and references, each with its reason in `rejects.jsonl`; sentences cut out of leads are counted under `sentence/`.

{rejects}

## What is in it
{statistics}

## Rules
1. Target: the first section of a page, its title the query. Pronunciations and foreign spellings in brackets, editors'
   notes and sentences with holes, markup or formulas are cut out; a lead whose first sentence falls is rejected.
2. Evidence is cleaned as in the WebBrain paper: under 16 words, more than 0.3 non-English tokens, sentences over
   256 tokens, tables, URLs and bare markup are dropped. For `articles` and `wiki` a page's evidence is its own body
   and passages of other bodies that name it; no lead of any page is evidence, so no target leaks into an input.
3. A passage is as many whole sentences as fit in `passage_tokens`, from every sentence on. P_ST is the share of a
   sentence's stems, stop words left out, that occur in a passage. The passage with the highest P_ST above `rho`
   supports the sentence; without one it is marked `[0]`.
4. Places that supporting passages leave are filled with ranked passages that support nothing; numbers are shuffled.
5. `<split>.retrieved` has the head of the title's ranking as its references instead, marked by the same rule.
6. WebBrain-R: positives are supporting passages, negatives are drawn from ranks {first_negative} to
   {last_negative}, and from the whole corpus where a title has too few; none is of a document that supports the query.
7. Splits by sha256 of the normalised title. Text is neutral: `[1]`, `[SPLIT]` and other control tokens have round
   brackets.

## Known limits
Marks are made by word overlap, not by reading: a passage that shares words with a sentence need not support all of it.
A page's body was written to go with its lead, so evidence here is easier to find and closer than on the open web.

## Settings
{settings}
"""


def card(manifest: Mapping[str, Any], statistics: Mapping[str, Any]) -> str:
    """Markdown."""
    counts, settings = manifest["counts"], manifest["settings"]
    total = sum(counts.get(f"examples/{split}", 0) for split in ("train", "dev", "test"))
    refused = {name: number for name, number in counts.items() if name.startswith(("reject/", "sentence/", "skipped/"))}
    kept = {name: number for name, number in counts.items() if name not in refused}
    return _TEMPLATE.format(
        summary=f"{total:,} examples from {counts.get('pages', 0):,} pages: WebBrain-G, WebBrain-R.",
        counts=_table(("what", "number"), kept),
        rejects=_table(("reason", "number"), refused),
        statistics=statistics_table(statistics),
        settings=_table(("setting", "value"), settings),
        first_negative=settings["first_negative"],
        last_negative=settings["last_negative"],
        **{name: manifest[name] for name in ("kind", "source", "fingerprint", "licence", "plan_id", "index_build")},
    )


def statistics_table(statistics: Mapping[str, Any]) -> str:
    """Means of each set as a Markdown table."""
    names = list(dict.fromkeys(name for one in statistics.values() for name in one["means"]))
    lines = [" | ".join(["", "set", "examples", *names, ""]).strip(), "|" + "---|" * (len(names) + 2)]
    for set_name, one in statistics.items():
        means = [f"{one['means'][name]:.2f}" if name in one["means"] else "-" for name in names]
        lines.append(" | ".join(["", set_name, f"{one['examples']:,}", *means, ""]).strip())
    return "\n".join(lines)


def _table(head: tuple[str, str], rows: Mapping[str, Any]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    lines += [f"| {name} | {f'{value:,}' if isinstance(value, int) else value} |" for name, value in rows.items()]
    return "\n".join(lines)
