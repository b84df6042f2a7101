// The four stages of an article, with what each has found.
import { byId, count, element } from "/static/dom.js";

const STAGES = [
  ["retrieve", "Search", (counts) => count(counts.retrieved, "passage")],
  ["select", "Choose", (counts) => `${counts.evidence} bear on it`],
  ["write", "Write", (counts) => count(counts.written, "sentence")],
  ["check", "Check", () => ""],
];

export function showStage(stage, counts, stop) {
  const at = STAGES.findIndex(([name]) => name === stage);
  const items = STAGES.map(([, label, found], place) => element("li", {
    className: place < at ? "past" : place === at ? "now" : "next",
    "aria-current": place === at ? "step" : "false",
  }, label, place < at ? element("span", { className: "found" }, found(counts)) : null));
  byId("stages").replaceChildren(...items, element("li", { className: "stop" }, stop));
  byId("stages").hidden = false;
}
