// The card beside a mark: its passage with the supporting words highlighted. Hover previews it; a tap or Enter keeps it.
import { button, byId, element, hostOf, isolated, outward, plain, webAddress } from "/static/dom.js";
import { level, verdict } from "/static/support.js";

const CLOSE_AFTER = 250; // ms, so that the pointer can travel from the mark to the card
const MARGIN = 12;
const PHONE = matchMedia("(max-width: 40rem)");

export class Card {
  constructor() {
    this.root = byId("card");
    this.mark = null;
    this.kept = false;
    this.root.addEventListener("pointerenter", () => clearTimeout(this.closing));
    this.root.addEventListener("pointerleave", () => this.closeSoon());
    document.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerdown", (event) => this.onPress(event));
    addEventListener("resize", () => this.mark && this.place());
  }

  /** A mark for one source of a sentence; `find` gives {sentence, reference, spans} when it is opened. */
  makeMark(number, label, find) {
    const mark = element("button", {
      type: "button",
      className: "mark",
      "aria-label": label,
      "aria-haspopup": "dialog",
      "aria-expanded": "false",
      "data-mark": number,
    }, String(number));
    mark.addEventListener("click", () => this.toggle(mark, find));
    mark.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && !PHONE.matches && this.preview(mark, find));
    mark.addEventListener("pointerleave", () => this.closeSoon());
    return mark;
  }

  toggle(mark, find) {
    if (this.mark === mark && this.kept) {
      this.close();
      return;
    }
    this.open(mark, find());
    this.kept = true;
    this.root.focus({ preventScroll: true });
  }

  preview(mark, find) {
    clearTimeout(this.closing);
    if (!this.kept && this.mark !== mark) this.open(mark, find());
  }

  open(mark, { sentence, reference, spans }) {
    this.close({ refocus: false });
    this.mark = mark;
    mark.setAttribute("aria-expanded", "true");
    mark.closest(".sentence").classList.add("lit");
    this.root.dataset.level = level(sentence.support);
    this.root.replaceChildren(head(reference, () => this.close()), passage(reference.text, spans), foot(sentence, reference));
    this.root.hidden = false;
    this.place();
    showFirst(this.root.querySelector(".passage"));
  }

  close({ refocus = true } = {}) {
    clearTimeout(this.closing);
    if (!this.mark) return;
    const mark = this.mark;
    const held = this.root.contains(document.activeElement);
    this.mark = null;
    this.kept = false;
    this.root.hidden = true;
    mark.setAttribute("aria-expanded", "false");
    mark.closest(".sentence")?.classList.remove("lit");
    if (refocus && held) mark.focus({ preventScroll: true });
  }

  closeSoon() {
    clearTimeout(this.closing);
    if (!this.kept) this.closing = setTimeout(() => this.close(), CLOSE_AFTER);
  }

  onKey(event) {
    if (!this.mark) return;
    if (event.key === "Escape") {
      this.close();
    } else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && this.kept) {
      this.step(event.key === "ArrowRight" ? 1 : -1);
      event.preventDefault();
    }
  }

  /** Open the next or the previous mark's card. */
  step(by) {
    const marks = [...document.querySelectorAll("button.mark")];
    const next = marks[marks.indexOf(this.mark) + by];
    if (!next) return;
    next.scrollIntoView({ block: "nearest" });
    next.click();
  }

  onPress(event) {
    if (!this.mark || this.root.contains(event.target) || event.target.closest?.("button.mark")) return;
    this.close({ refocus: false });
  }

  /** In the margin where there is one, else under the mark; a sheet at the bottom of a phone (by style alone). */
  place() {
    const { style } = this.root;
    style.top = style.left = "";
    if (PHONE.matches) {
      this.mark.closest(".sentence").scrollIntoView({ block: "start" });
      return;
    }
    const mark = this.mark.getBoundingClientRect();
    const column = byId("text").getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.root;
    const inMargin = column.right + 2 * MARGIN + width <= innerWidth;
    const left = inMargin ? column.right + 2 * MARGIN : Math.min(Math.max(mark.left - width / 3, MARGIN), innerWidth - width - MARGIN);
    const below = mark.bottom + MARGIN / 2;
    const fits = below + height <= innerHeight || mark.top < height + MARGIN;
    const top = inMargin ? Math.max(Math.min(mark.top - 2 * MARGIN, innerHeight - height - MARGIN), MARGIN) : fits ? below : mark.top - height - MARGIN / 2;
    style.left = `${left + scrollX}px`;
    style.top = `${top + scrollY}px`;
  }
}

function head(reference, close) {
  const title = isolated("h2", reference.title || reference.doc_id, { id: "card-title" });
  return element("div", { className: "card-head" }, element("span", { className: "number" }, String(reference.marker)), title,
    button("×", close, { className: "quiet close", "aria-label": "Close" }));
}

function passage(text, spans) {
  const letters = Array.from(text); // spans count code points
  const block = element("blockquote", { className: "passage", dir: "auto", tabIndex: 0, "aria-label": "Passage" });
  let at = 0;
  for (const [start, end] of spans) {
    block.append(plain(letters.slice(at, start).join("")), element("mark", {}, plain(letters.slice(start, end).join(""))));
    at = end;
  }
  block.append(plain(letters.slice(at).join("")));
  return block;
}

function foot(sentence, reference) {
  const name = level(sentence.support);
  const url = webAddress(reference.url);
  const source = url ? outward(url, element("bdi", {}, hostOf(url)), " ↗") : isolated("span", reference.passage_id);
  if (url) source.setAttribute("aria-label", `Open the source at ${hostOf(url)}`);
  return element("div", { className: "card-foot" }, element("span", { className: `support ${name}` }, verdict(sentence)), source);
}

function showFirst(block) {
  const first = block.querySelector("mark");
  if (first) block.scrollTop = Math.max(first.offsetTop - block.offsetTop - block.clientHeight / 4, 0);
}
