// A table of tickets that is gone through by keys: one row is the current one, several may be selected. The list of tickets
// and the dispatcher's page are made of it.
import { tickClocks as tickNext } from "./clocks.js";
import { $, PARTS, el, fill, isolated, joined, named, spent, t, withNames, word } from "./core.js";

/** The words of a place: what stands large, and the rest of it. */
export function placeOf(x) {
  const parts = joined(PARTS.map((part) => x[part] && t(`address.${part}`, { n: x[part] })), " ");
  const rest = x.address && parts && x.address.includes(parts) ? "" : x.address ?? "";
  return parts ? [parts, rest || named(x.area)] : [named(x.area) || "–", rest];
}
/** Buildings in the order of their numbers: 2 before 10. */
export const byPlace = (a, b) => placeOf(a).join(" ").localeCompare(placeOf(b).join(" "), undefined, { numeric: true });
/** A priority as a word in a box; an ordinary one shows nothing. */
export const priorityTag = (priority) => (priority === "normal" ? null : el("span", { class: `pr ${priority === "emergency" ? "e" : "u"}` }, word("priority", priority)));
/** How certain a proposal is: bars for the eye, words for everybody. */
export const certainty = (level) => [el("span", { class: "conf", "data-n": level, "aria-hidden": "true" }, [1, 2, 3, 4, 5].map(() => el("i"))), el("span", { class: level > 2 ? "sr" : "doubt" }, t(`certainty.${level}`)), level > 2 ? "" : " · "];
/** Keeps the times of a table right. */
export function tickClocks(root = document) {
  tickNext();
  for (const place of root.querySelectorAll("[data-since]")) place.textContent = spent((Date.now() - Date.parse(place.dataset.since)) / 60000);
}
setInterval(tickClocks, 1000);
export const waited = (since) => el("span", { "data-since": since }, "");
/** A line with smaller print below it. */
export const two = (...children) => el("span", { class: "two" }, children.flat(Infinity));

/** The table in `table` (an empty one). `columns`: [{ key, head, sort, cell(x), class }]; `sort`: [up, down], the words of both
 *  orders. `onCurrent(x)`: another row became the current one; `onSelect(numbers)`; `onSort(word)`. Rows are drawn by
 *  `draw(items, more)`; `mark(number, text, done)` leaves a row where it is and says what became of it. */
export function ticketTable(table, columns, { onCurrent = () => {}, onSelect = null, onSort = () => {}, caption }) {
  let items = [];
  let current = null;
  let order = null;
  const selected = new Set();
  const marks = new Map();
  const all = onSelect ? el("input", { type: "checkbox", class: "box", "aria-label": t("table.all"), onchange: () => selectAll(all.checked) }) : null;
  fill(table, el("caption", { class: "sr" }, caption), el("thead"), el("tbody"));
  const head = () => fill($("thead", table), el("tr", {}, onSelect ? el("th", { scope: "col", class: "pick" }, all) : null, columns.map((column) => {
    const at = column.sort ? column.sort.indexOf(order) : -1;
    return el("th", { scope: "col", class: column.class, "aria-sort": at === 0 ? "ascending" : at === 1 ? "descending" : null },
      column.sort ? el("button", { type: "button", class: "sort", "data-key": `sort ${column.key}`, onclick: () => onSort(column.sort[at === 0 && column.sort[1] ? 1 : 0]) }, t(column.head), at < 0 ? "" : el("span", { "aria-hidden": "true" }, at ? " ↓" : " ↑")) : t(column.head));
  })));
  const rowOf = (number) => table.querySelector(`tr[data-number="${CSS.escape(number)}"]`);
  const at = () => items.findIndex((x) => x.number === current);
  const isDone = (number) => marks.get(number)?.done;
  const mayBeChosen = (x) => !isDone(x.number) && !x.fixed; // of one that another page is for, nothing is sent with others
  function line(x) {
    const mark = marks.get(x.number);
    const box = onSelect ? el("input", { type: "checkbox", class: "box", checked: selected.has(x.number), disabled: !mayBeChosen(x), "aria-label": t("table.select", { number: x.number }), onchange: () => select(x.number, box.checked) }) : null;
    const row = el("tr", { "data-number": x.number, class: [x.number === current ? "cur" : "", selected.has(x.number) ? "sel-row" : "", mark?.done ? "done" : "", x.row ?? ""].join(" ") },
      box ? el("td", { class: "pick" }, box) : null, columns.map((column) => el("td", { class: column.class }, [column.cell(x)].flat(Infinity), column.key === "matter" && mark ? el("span", { class: `mark ${mark.done ? "green" : "red"}` }, mark.text) : null)));
    row.addEventListener("click", (event) => { if (!event.target.closest("a, input, label") && !getSelection().toString()) go(x.number, Boolean(event.target.closest("button"))); });
    return row;
  }
  function refresh() {
    fill($("tbody", table), items.length ? items.map(line) : el("tr", { class: "none" }, el("td", { colspan: columns.length + (onSelect ? 1 : 0) }, el("div", { class: "empty" }, t("app.none")))));
    if (all) {
      const open = items.filter(mayBeChosen);
      all.checked = open.length > 0 && open.every((x) => selected.has(x.number));
      all.classList.toggle("some", !all.checked && selected.size > 0);
    }
    tickClocks(table);
  }
  function told() { onSelect?.([...selected]); refresh(); }
  function select(number, is) {
    const x = items.find((one) => one.number === number);
    if (!x || !mayBeChosen(x)) return;
    if (is) selected.add(number); else selected.delete(number);
    told();
  }
  function selectAll(is) {
    selected.clear();
    if (is) for (const x of items) if (mayBeChosen(x)) selected.add(x.number);
    told();
  }
  function go(number, focus = false) {
    const was = current;
    current = number;
    for (const row of table.querySelectorAll("tr.cur")) row.classList.remove("cur");
    const row = number && rowOf(number);
    row?.classList.add("cur");
    if (focus && row) { $(".open", row)?.focus({ preventScroll: true }); row.scrollIntoView({ block: "nearest" }); }
    if (was !== number) onCurrent(items.find((x) => x.number === number) ?? null);
  }
  /** The row after this one that is not done; before the first, or behind the last: that. */
  function step(by, focus = true) {
    const open = items.filter((x) => !isDone(x.number) || x.number === current);
    if (!open.length) { go(null); return; }
    const here = open.findIndex((x) => x.number === current);
    const next = open[here < 0 ? 0 : Math.min(open.length - 1, Math.max(0, here + by))];
    if (isDone(next.number)) { const left = open.filter((x) => !isDone(x.number)); go(left.at(by > 0 ? -1 : 0)?.number ?? null, focus); } else go(next.number, focus);
  }
  head();
  return {
    /** Shows these instead of those before. What was dealt with leaves its row; what is no longer there is selected no more. */
    draw(found, { sorted = order } = {}) {
      items = found;
      order = sorted;
      for (const [number, mark] of marks) if (mark.done || !items.some((x) => x.number === number)) marks.delete(number);
      for (const number of selected) if (!items.some((x) => x.number === number)) selected.delete(number);
      head();
      told();
      if (current && at() < 0) go(null);
    },
    append(found) { items = [...items, ...found]; told(); },
    mark(number, text, done) { marks.set(number, { text: isolated(text), done }); if (done) selected.delete(number); told(); },
    unmark(number) { marks.delete(number); told(); },
    isDone,
    go,
    step,
    select,
    selectAll,
    get current() { return items.find((x) => x.number === current) ?? null; },
    get selected() { return items.filter((x) => selected.has(x.number)); },
    get items() { return items; },
    isSelected: (number) => selected.has(number),
  };
}
/** Whether a key is meant for the page, and for no field, button or dialog. */
export function isForPage(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing || event.defaultPrevented) return false;
  if (document.querySelector("dialog[open]")) return false;
  const at = event.target;
  return !at.closest?.("input:not([type=checkbox]), select, textarea, [contenteditable], summary") && !(event.key === "Enter" && at.closest?.("a, button:not(.open), input"));
}
/** The first words of what was said, where the title is not made of them. */
export const saidOf = (x) => (x.said ? el("span", { class: "said" }, t("table.said", { words: isolated(x.said) }), " ") : null);
/** What a ticket is about: title, and what it is known by. */
export const matterOf = (x, ...more) => [el("button", { type: "button", class: "t open", "data-key": x.number }, priorityTag(x.priority), " ", isolated(x.title)), two(saidOf(x), joined([x.number, unlessIn(x.title, named(x.category)), word("channel", x.channel)], " · "), more)];
/** A name that the title does not tell already. */
export const unlessIn = (title, name) => (name && !withNames(title).includes(name) ? name : "");
