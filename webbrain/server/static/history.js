// Articles read before, whole, in this browser only.
import { button, byId, element, isolated } from "/static/dom.js";

const KEY = "webbrain.history.1";
const MOST = 30;
const SHOWN = 8;

function load() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter(isEntry) : [];
  } catch {
    return [];
  }
}

const isEntry = (entry) => typeof entry?.record?.query === "string" && Array.isArray(entry.record.sentences);

function save(entries) {
  for (let most = Math.min(entries.length, MOST); most >= 0; most = most > 1 ? most >> 1 : most - 1) {
    try {
      localStorage.setItem(KEY, JSON.stringify(entries.slice(0, most)));
      return;
    } catch {
      // Full: keep the newer half. Switched off: nothing is kept.
    }
  }
}

export const find = (query) => load().find((entry) => entry.record.query === query);

export function remember(record) {
  save([{ time: Date.now(), record }, ...load().filter((entry) => entry.record.query !== record.query)]);
}

/** Fill the list on the first page; `open` gets an entry. */
export function showHistory(open) {
  const entries = load();
  byId("history").hidden = entries.length === 0;
  byId("history-list").replaceChildren(...entries.slice(0, SHOWN).map((entry) =>
    element("li", {}, button("", () => open(entry), { className: "quiet entry", dir: "auto", textContent: entry.record.query }),
      isolated("span", entry.record.sentences[0]?.text ?? "No article", { className: "where" }))));
  byId("forget").onclick = () => {
    save([]);
    showHistory(open);
    byId("query").focus();
  };
}
