// The page: ask, watch, read; the address bar, the history and what goes wrong.
import { ArticleView, emptyRecord } from "/static/article.js";
import { Card } from "/static/card.js";
import { button, byId, count, element, plain } from "/static/dom.js";
import { find, remember, showHistory } from "/static/history.js";
import { article, health, setToken, takeToken } from "/static/service.js";
import { showStage } from "/static/stages.js";

const card = new Card();
let examples = [];
let asking = null; // the AbortController of the article being written

const asked = () => new URLSearchParams(location.search).get("q")?.trim() ?? "";

function view(name, title) {
  asking?.abort();
  asking = null;
  document.body.dataset.view = name;
  document.title = title ? `${plain(title)} · WebBrain` : "WebBrain";
  byId("home").hidden = name !== "home";
  byId("article").hidden = name === "home";
  scrollTo(0, 0);
}

function showHome() {
  view("home");
  card.close({ refocus: false });
  byId("query").value = "";
  showHistory(open);
}

/** Go to a query's own address and write its article. */
function go(query) {
  history.pushState({}, "", `/?q=${encodeURIComponent(query)}`);
  write(query);
}

/** Show an article from the history again. */
function open({ time, record }) {
  history.pushState({}, "", `/?q=${encodeURIComponent(record.query)}`);
  show(time, record);
}

function show(time, record) {
  view("article", record.query);
  byId("query").value = record.query;
  new ArticleView(card, record, go).showAll();
  const when = new Date(time).toLocaleString("en", { dateStyle: "long", timeStyle: "short" });
  byId("summary").append(` Read on ${when}. `, button("Ask again", () => write(record.query)));
  byId("title").focus();
}

async function write(query) {
  view("article", query);
  const control = (asking = new AbortController());
  byId("query").value = query;
  const record = emptyRecord(query);
  const shown = new ArticleView(card, record, go);
  byId("title").focus();
  try {
    for await (const event of article(query, control.signal)) take(event, shown, control);
    remember(record);
  } catch (error) {
    if (error.name === "AbortError") halted(control, shown);
    else trouble(error, shown);
  }
}

function take(event, shown, control) {
  if (event.event === "wait") {
    byId("summary").replaceChildren(`Waiting: ${count(event.ahead, "reader is", "readers are")} before you.`);
  } else if (event.event === "stage") {
    byId("summary").replaceChildren();
    showStage(event.stage, event.counts, button("Stop", () => control.abort()));
  } else if (event.event === "sentence") {
    shown.add(event);
  } else if (event.event === "dropped") {
    shown.record.dropped.push(event);
  } else if (event.event === "done") {
    shown.done(event);
    if (shown.record.status === "no_evidence") suggest();
  }
}

/** Stopped by the reader; left for another article when `asking` has moved on. */
function halted(control, shown) {
  if (asking !== control) return;
  byId("stages").hidden = true;
  byId("summary").replaceChildren("Stopped. ", button("Ask again", () => write(shown.record.query)));
}

function trouble(error, shown) {
  byId("stages").hidden = true;
  byId("summary").replaceChildren();
  const part = shown.record.sentences.length ? " What stands above has been checked." : "";
  const again = button("Try again", () => write(shown.record.query));
  notice(...(error.code === "unauthorized" ? tokenForm(shown.record.query) : [element("p", {}, said(error) + part), again]));
}

const SAID = {
  unreachable: "The server cannot be reached. Is it still running?",
  lost: "The connection was lost while the article was being written.",
  bad_request: "That question is empty or too long; 300 characters are the most.",
};

const said = (error) => SAID[error.code] ?? error.message;

function notice(...children) {
  byId("notice").replaceChildren(...children);
  byId("notice").hidden = false;
}

function tokenForm(query) {
  const input = element("input", { id: "token", type: "password", autocomplete: "off", required: true });
  const form = element("form", { className: "token" },
    element("label", { htmlFor: "token" }, "This server asks for its token, which it printed when it started."),
    input, element("button", { type: "submit" }, "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    setToken(input.value.trim());
    write(query);
  });
  return [form];
}

function suggest() {
  if (!examples.length) return;
  byId("text").replaceChildren(element("span", { className: "senses" }, "This library knows about ", ...choices(), "."));
}

const choices = () => examples.flatMap((example, at) => [
  at ? ", " : "",
  button("", () => go(example), { className: "quiet sense", dir: "auto", textContent: plain(example) }),
]);

async function greet() {
  try {
    const found = await health();
    examples = found.examples;
    byId("library").replaceChildren(`${count(found.documents, "page")} in this library.`);
    byId("examples").replaceChildren(...(examples.length ? ["Try ", ...choices()] : []));
    byId("examples").hidden = examples.length === 0;
  } catch (error) {
    byId("library").replaceChildren(said(error));
  }
}

function route() {
  const query = asked();
  if (query) write(query);
  else showHome();
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const query = byId("query").value.trim();
  if (query) go(query);
});
document.querySelector(".name").addEventListener("click", (event) => {
  event.preventDefault();
  history.pushState({}, "", "/");
  showHome();
  byId("query").focus();
});
addEventListener("popstate", () => {
  const known = find(asked());
  if (known) show(known.time, known.record);
  else route();
});

takeToken();
greet();
route();
if (!asked()) byId("query").focus();
