// An article on the page, sentence by sentence as it is verified. `record` is all that is needed to show it again.
import { button, byId, count, element, plain } from "/static/dom.js";
import { keepButtons } from "/static/keep.js";
import { leftOut, made, sourceItem } from "/static/notes.js";
import { LEVELS, level } from "/static/support.js";

const LAST_WORD = /\S{1,24}$/u; // kept together with its marks, so that no line begins with one
const LEGEND = { supported: "Supported by its passage", partly: "Supported in part", unchecked: "Not checked" };

export const emptyRecord = (query) => ({ query, status: null, sentences: [], references: [], dropped: [] });

export class ArticleView {
  constructor(card, record, onSense) {
    this.card = card;
    this.record = record;
    this.onSense = onSense;
    this.card.close({ refocus: false });
    for (const id of ["senses", "stages", "notice", "legend", "keep", "sources", "left-out", "made"]) byId(id).hidden = true;
    for (const id of ["senses", "summary", "text", "sources-list"]) byId(id).replaceChildren();
    byId("title").replaceChildren(plain(record.query));
    byId("article").hidden = false;
    byId("article").classList.toggle("empty", false);
  }

  /** Draw a finished record at once. */
  showAll() {
    this.record.references.forEach((reference) => this.showReference(reference));
    this.record.sentences.forEach((sentence) => this.showSentence(sentence));
    this.finish();
  }

  /** Take the data of a `sentence` event. */
  add({ sentence, references, evidence }) {
    const kept = { ...sentence, evidence };
    this.record.sentences.push(kept);
    this.record.references.push(...references);
    references.forEach((reference) => this.showReference(reference));
    this.showSentence(kept);
  }

  /** Take the data of a `done` event. */
  done({ article, set_aside, files }) {
    const { status, other_senses, provenance } = article;
    const aside = set_aside.map(({ title, doc_id, reason }) => ({ title, doc_id, reason })); // no texts: it is remembered
    Object.assign(this.record, { status, other_senses, provenance, set_aside: aside, files });
    this.finish();
  }

  showSentence(sentence) {
    const marks = sentence.citations.map((number) => this.mark(sentence, number));
    const words = plain(sentence.text);
    const last = LAST_WORD.exec(words)?.[0] ?? "";
    const shown = element("span", { className: `sentence ${level(sentence.support)}`, dir: "auto" },
      words.slice(0, words.length - last.length), element("span", { className: "last" }, last, ...marks));
    byId("text").append(shown, " ");
    if (shown === byId("text").firstChild) byId("text").dir = getComputedStyle(shown).direction;
  }

  mark(sentence, number) {
    const reference = this.record.references.find((candidate) => candidate.marker === number);
    const label = `Source ${number}, ${plain(reference.title || reference.doc_id)}: ${LEVELS[level(sentence.support)].toLowerCase()}`;
    const spans = sentence.evidence.find((evidence) => evidence.marker === number)?.spans ?? [];
    return this.card.makeMark(number, label, () => ({ sentence, reference, spans }));
  }

  showReference(reference) {
    byId("sources").hidden = false;
    byId("sources-list").append(sourceItem(reference));
  }

  finish() {
    byId("stages").hidden = true;
    byId("article").classList.toggle("empty", this.record.status === "no_evidence");
    byId("summary").replaceChildren(summary(this.record));
    this.showSenses();
    fill("legend", legend(this.record.sentences));
    fill("keep", this.record.sentences.length ? keepButtons(this.record) : []);
    fill("left-out", leftOut(this.record));
    fill("made", made(this.record));
  }

  showSenses() {
    const senses = this.record.other_senses ?? [];
    const choices = senses.flatMap((sense, at) => [
      at ? ", " : "",
      button("", () => this.onSense(sense), { className: "quiet sense", dir: "auto", textContent: plain(sense) }),
    ]);
    fill("senses", senses.length ? ["This name has other senses: ", ...choices, "."] : []);
  }
}

function fill(id, children) {
  byId(id).replaceChildren(...children.filter((child) => child !== ""));
  byId(id).hidden = children.length === 0;
}

function summary({ status, sentences, references, dropped }) {
  if (status === "no_evidence") return "Nothing in this library bears on that, so no article was written.";
  const pages = new Set(references.map((reference) => reference.doc_id)).size;
  const without = dropped.length ? `; ${count(dropped.length, "sentence")} did not hold` : "";
  return `${count(sentences.length, "sentence")} from ${count(pages, "page")}, each checked against its passage${without}.`;
}

/** What the lines under the words mean: one entry per level in use. */
function legend(sentences) {
  const used = new Set(sentences.map((sentence) => level(sentence.support)));
  if (!used.size) return [];
  const keys = Object.entries(LEGEND).filter(([name]) => used.has(name));
  return [...keys.map(([name, label]) => element("span", { className: `key ${name}` }, label)), "A number opens the passage."];
}
