"""A run of articles as a report: JSON, Markdown, or one HTML file in which a reader can open every article."""

from __future__ import annotations

import json
from pathlib import Path

from webbrain.errors import ConfigError

from .gather import Report, gather

FORMS = (".html", ".md", ".json")

__all__ = ["FORMS", "Report", "gather", "render", "write_report"]


def render(report: Report, form: str) -> str:
    """`form` is one of FORMS; raises ConfigError for another."""
    if form == ".html":
        from .page import render_page

        return render_page(report)
    if form == ".md":
        from .markdown import render_markdown

        return render_markdown(report)
    if form == ".json":
        return json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n"
    raise ConfigError(f"a report ends in one of {', '.join(FORMS)}, not {form!r}; mend --output")


def write_report(report: Report, path: Path) -> None:
    """In the form that the path's ending says; written beside and renamed."""
    text = render(report, path.suffix.lower())
    partial = Path(f"{path}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
