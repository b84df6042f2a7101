"use strict";
// Marks and signs show their evidence beside the text instead of jumping to it.
function show(link) {
  const block = document.getElementById(link.hash.slice(1));
  const evidence = block && block.closest(".evidence");
  if (!evidence) return false;
  const article = evidence.closest(".article");
  evidence.classList.add("live");
  for (const other of evidence.children) other.classList.toggle("shown", other === block);
  evidence.querySelector(".hint").hidden = true;
  for (const other of article.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
  for (const other of article.querySelectorAll(".mark, .sign")) if (other.hash === link.hash) other.setAttribute("aria-current", "true");
  return true;
}
document.addEventListener("click", event => {
  const link = event.target.closest("a.mark, a.sign");
  if (link && show(link)) event.preventDefault();
});
document.addEventListener("pointerover", event => {
  const link = event.pointerType === "mouse" && event.target.closest(".prose a.mark, .prose a.sign");
  if (link) show(link);
});

// A link to an article opens it.
function open() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const article = target && target.closest(".article");
  if (!article) return;
  article.open = true;
  article.scrollIntoView();
  article.querySelector("summary").focus({ preventScroll: true });
}
addEventListener("hashchange", open);
open();

// The table of queries: sort by a column, filter by a word.
const table = document.querySelector(".sortable");
const rows = [...table.tBodies[0].rows];
const value = (row, at) => {
  const text = row.cells[at].textContent;
  return at === 0 ? text.toLowerCase() : text === "–" ? -Infinity : Number(text);
};
table.tHead.addEventListener("click", event => {
  const head = event.target.closest("th");
  if (!head) return;
  const at = head.cellIndex;
  const down = at === 0 ? head.getAttribute("aria-sort") === "ascending" : head.getAttribute("aria-sort") !== "descending";
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  rows.sort((a, b) => {
    const [x, y] = [value(a, at), value(b, at)];
    return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
  });
  table.tBodies[0].append(...rows);
});
document.getElementById("filter").addEventListener("input", event => {
  const wanted = event.target.value.trim().toLowerCase();
  let left = 0;
  for (const row of rows) {
    const id = row.cells[0].firstElementChild.hash.slice(1);
    row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    document.getElementById(id).hidden = row.hidden;
    left += !row.hidden;
  }
  document.getElementById("count").textContent = wanted ? `${left} of ${rows.length}` : "";
});
