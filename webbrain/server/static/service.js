// Talking to the server: JSON, and an article as server-sent events read from one fetch.

const KEY = "webbrain.token";

export class Trouble extends Error {
  /** `code` is the server's, or "unreachable" or "lost". */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** The token stands behind the # of the address printed by `webbrain serve`; it is kept for this tab only. */
export function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!found) return;
  setToken(found);
  history.replaceState(history.state, "", location.pathname + location.search);
}

let token = null;

export function setToken(value) {
  token = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Storage is switched off: the token lasts as long as the page.
  }
}

function headers() {
  try {
    token ??= sessionStorage.getItem(KEY);
  } catch {
    // As above.
  }
  return token ? { authorization: `Bearer ${token}` } : {};
}

async function ask(path, signal) {
  let answer;
  try {
    answer = await fetch(path, { headers: headers(), signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("unreachable", "The server cannot be reached.");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Trouble(problem.code ?? "failed", problem.message ?? `The server answered ${answer.status}.`);
}

export const health = async () => (await ask("/api/health")).json();

/** The events of an article, up to `done`; anything else at the end is thrown as Trouble. */
export async function* article(query, signal) {
  const answer = await ask(`/api/articles?query=${encodeURIComponent(query)}`, signal);
  for await (const event of events(answer.body, signal)) {
    if (event.event === "error") throw new Trouble(event.code, event.message);
    yield event;
    if (event.event === "done") return;
  }
  throw new Trouble("lost", "The connection was lost.");
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    throw new Trouble("garbled", "The server's answer could not be read.");
  }
}

async function* events(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      if (signal.aborted) throw error;
      return { done: true };
    });
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data: "));
      yield parsed(data.map((line) => line.slice(6)).join("\n"));
    }
  }
}
