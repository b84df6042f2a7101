// Building the page from text and elements only. Nothing on this page parses a string as markup.

/** An element; names with a dash become attributes, others are set as properties; children are nodes or text. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

export const byId = (id) => document.getElementById(id);

const BIDI = /[\u202a-\u202e\u2066-\u2069]/g;
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Corpus text as it may be shown: what would reorder or hide the words around it is taken out, lengths stay. */
export const plain = (text) => text.replace(BIDI, "\u200b").replace(CONTROL, " ");

/** Corpus text in an element of its own, so that its direction is its own too. */
export const isolated = (tag, text, properties = {}) => element(tag, { dir: "auto", ...properties }, plain(text));

/** The address if it is plain http(s), else "". */
export function webAddress(url) {
  try {
    const parsed = new URL(url);
    return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed.href : "";
  } catch {
    return "";
  }
}

export const hostOf = (url) => new URL(url).host.replace(/^www\./, "");

/** A link that tells the other side nothing and cannot reach back. */
export const outward = (url, ...children) =>
  element("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);

export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

export const button = (label, onclick, properties = {}) =>
  element("button", { type: "button", className: "quiet", onclick, ...properties }, label);
