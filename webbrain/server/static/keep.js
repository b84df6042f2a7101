// Taking an article along: copied as Markdown, or downloaded. The server rendered and escaped the files already.
import { button, element } from "/static/dom.js";

const TYPES = { html: "text/html", json: "application/json", bib: "application/x-bibtex", md: "text/markdown" };
const LABELS = { html: "HTML", json: "JSON", bib: "BibTeX" };

export function keepButtons(record) {
  const copy = button("Copy as Markdown", () => copyMarkdown(record, copy));
  const downloads = Object.entries(LABELS).map(([form, label]) =>
    button(label, () => download(record, form), { "aria-label": `Download as ${label}` }));
  return [copy, element("span", { className: "where", "aria-hidden": "true" }, "Download"), ...downloads];
}

async function copyMarkdown(record, control) {
  try {
    await navigator.clipboard.writeText(record.files.md);
  } catch {
    download(record, "md"); // no clipboard outside a secure context
    return;
  }
  control.textContent = "Copied";
  setTimeout(() => (control.textContent = "Copy as Markdown"), 1600);
}

function download(record, form) {
  const url = URL.createObjectURL(new Blob([record.files[form]], { type: TYPES[form] }));
  element("a", { href: url, download: `${fileName(record.query)}.${form}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const fileName = (query) => query.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "article";
