// What stands under an article: its sources, what was left out and why, how it was made.
import { count, element, hostOf, isolated, outward, plain, webAddress } from "/static/dom.js";

const BEGINNING = 140; // characters of a passage that stand for it until it is opened
const MOST_TITLES = 8; // named per reason

export function sourceItem(reference) {
  const url = webAddress(reference.url);
  const title = isolated("span", reference.title || reference.doc_id, { className: "source-title" });
  const place = url ? element("bdi", { className: "where" }, hostOf(url)) : isolated("span", reference.passage_id, { className: "where" });
  return element("li", { id: `source-${reference.marker}`, value: reference.marker },
    url ? outward(url, title) : title, " ", place,
    element("details", {}, isolated("summary", beginning(reference)), isolated("blockquote", reference.text)));
}

/** The first words of a passage, its page's title not said again. */
function beginning({ title, text }) {
  const rest = text.startsWith(title) ? text.slice(title.length).trimStart() : text;
  return (rest || text).slice(0, BEGINNING);
}

/** Dropped sentences and passages set aside, grouped by reason. */
export function leftOut({ dropped, set_aside: aside = [] }) {
  if (!dropped.length && !aside.length) return [];
  const groups = Map.groupBy(aside, (passage) => passage.reason);
  const total = [dropped.length && count(dropped.length, "sentence"), aside.length && count(aside.length, "passage")];
  return [
    element("summary", {}, `What was left out, and why: ${total.filter(Boolean).join(", ")}`),
    ...dropped.map(({ text, reason }) => element("div", { className: "dropped" },
      isolated("p", text, { className: "struck" }), isolated("p", `Dropped: ${reason}.`, { className: "reason" }))),
    ...[...groups].map(([reason, passages]) => group(reason, passages)),
  ];
}

function group(reason, passages) {
  const titles = Map.groupBy(passages, (passage) => passage.title || passage.doc_id);
  const named = [...titles].slice(0, MOST_TITLES).map(([title, same]) =>
    element("li", {}, isolated("span", title), same.length > 1 ? ` (${count(same.length, "passage")})` : ""));
  const more = titles.size - named.length;
  return element("section", {},
    element("h3", {}, sentenceCase(reason), element("span", { className: "where" }, count(passages.length, "passage"))),
    element("ul", {}, ...named, more > 0 ? element("li", { className: "where" }, `and ${count(more, "more page", "more pages")}`) : null));
}

const sentenceCase = (text) => plain(text.charAt(0).toUpperCase() + text.slice(1));

const LABELS = {
  retriever: "Retriever",
  encoder: "Encoder",
  writer: "Writer",
  scorer: "Checked by",
  index: "Index build",
  webbrain: "WebBrain",
};
const STEPS = {
  retrieved: "passages retrieved",
  suspect: "set aside as suspect",
  evidence: "used as evidence",
  written: "sentences written",
  recited: "cited anew",
  dropped: "dropped",
};

export function made({ provenance }) {
  if (!provenance) return [];
  const rows = Object.entries(LABELS).filter(([key]) => provenance[key])
    .flatMap(([key, label]) => [element("dt", {}, label), isolated("dd", String(provenance[key]))]);
  const steps = Object.entries(STEPS).filter(([key]) => provenance.counts?.[key])
    .map(([key, label]) => `${provenance.counts[key]} ${label}`);
  return [
    element("summary", {}, "How this article was made"),
    element("p", {}, `${steps.join(", ")}.`),
    element("dl", {}, ...rows),
  ];
}
