// Search tickets, keep the search as a view, and export the results.
import { $, api, choices, el, fill, get, given, instant, isolated, joined, language, link, listed, named, press, say, settled, t, until, when, word, standing } from "./core.js";
import { clock } from "./clocks.js";
import { isForPage, priorityTag, saidOf, ticketTable, two, unlessIn } from "./ticket_table.js";
import { asParameters, savedViews, setForm } from "./views.js";

const form = $("#find");
const LATE = ["overdue", "accept_overdue"]; // the promised answer, and the limit to sign
const LISTS = ["status", "category", "area", "department", "colour"];
const blank = () => el("span", { class: "blank" }, "–");
const SORTS = { received: ["created_at", "-created_at"], changed: ["updated_at", "-updated_at"] };
const table = ticketTable($("#list"), [
  { key: "matter", head: "field.title", class: "c-matter", cell: (x) => [el("a", { class: "t open", href: `/console/tickets/${x.number}`, "data-key": x.number }, priorityTag(x.priority), " ", isolated(x.title)), two(saidOf(x), link(x.number), ` · ${joined([unlessIn(x.title, named(x.category)), word("channel", x.channel)], " · ")}`)] },
  { key: "status", head: "ticket.status", class: "c-limit", cell: (x) => standing(x) },
  { key: "place", head: "field.area", class: "c-place", cell: (x) => named(x.area) || blank() },
  { key: "to", head: "field.department", class: "c-to", cell: (x) => named(x.department) || blank() },
  { key: "received", head: "ticket.received", sort: SORTS.received, class: "c-place", cell: (x) => [when(x.created_at), two(`${t("tickets.changed")} ${when(x.updated_at)}`)] },
  { key: "due", head: "field.due_at", class: "c-place", cell: (x) => (x.next_clock ? [clock(x.next_clock), two(until(x.next_clock.due_at))] : blank()) },
], { caption: t("page.tickets"), onSort: (by) => { form.elements.sort.value = [...form.elements.sort.options].some((one) => one.value === by) ? by : "-created_at"; find(); } });
let next = null;
let sought = new URLSearchParams(); // what the list shows, whatever the form says meanwhile
/** The first moment of the day, and the last of the other, as the API takes them. */
const filters = () => {
  const asked = new URLSearchParams(fixed);
  for (const [name, value] of new FormData(form)) {
    if (!value) continue;
    if (name === "from") asked.set("created_from", instant(value));
    else if (name === "to") asked.set("created_before", new Date(Date.parse(instant(value)) + 864e5).toISOString());
    else if (!asked.has(name)) asked.append(name, value);
  }
  return asked;
};
/** What an address or a view asks for that the form has no field for: what a figure counted, what looks so on a board, several codes.
 *  It is told above the list, and can be taken away. */
let fixed = new URLSearchParams();
const COUNTED = ["counted", "counted_from", "counted_before"];
function toldFixed() {
  const parts = [];
  const code = fixed.get("counted");
  const days = (name, shift) => new Date(Date.parse(fixed.get(name)) - shift).toLocaleDateString(language === "en" ? "en-GB" : language, { timeZone: given.zone, month: "long", day: "numeric" });
  if (code) {
    const [from, to] = fixed.has("counted_from") && fixed.has("counted_before") ? [days("counted_from", 0), days("counted_before", 1000)] : ["", ""];
    parts.push(joined([code.startsWith("failed.") ? t("tickets.failed", { figure: word("figure", code.slice(7)) }) : word("measure", code), from === to ? from : `${from} – ${to}`], " "));
  }
  if (fixed.has("colour")) parts.push(joined(fixed.getAll("colour").map((one) => word("colour", one)), " / "));
  for (const name of ["status", "category", "area", "department"]) {
    const chosenCodes = fixed.getAll(name);
    if (!chosenCodes.length) continue;
    const texts = [...form.elements[name].options].filter((one) => chosenCodes.includes(one.value)).map((one) => one.textContent);
    parts.push(texts.length > 4 ? t("tickets.some", { what: t({ status: "tickets.status" }[name] ?? `field.${name}`), n: chosenCodes.length }) : joined(texts, " / "));
  }
  fill($("#fixed"), parts.length ? [el("span", { class: "chip" }, joined(parts, " · ")), " ", el("button", { type: "button", class: "btn sm gho", onclick: () => { fixed = new URLSearchParams(); history.replaceState(null, "", location.pathname); toldFixed(); find(); } }, t("tickets.show_all"))] : []);
}
/** Filters as the API takes them: into the form where it has a field, the others are kept beside it. */
function setFilters(asked) {
  fixed = new URLSearchParams();
  const plainOnes = {};
  for (const name of new Set(asked.keys())) {
    const values = asked.getAll(name);
    if ([...COUNTED, "colour"].includes(name) || (LISTS.includes(name) && values.length > 1)) values.forEach((value) => fixed.append(name, value));
    else if (name === "created_from") plainOnes.from = day(values[0]);
    else if (name === "created_before") plainOnes.to = day(values[0], 1000);
    else plainOnes[name] = LATE.includes(name) ? values[0] === "true" : values[0];
  }
  form.reset();
  setForm(form, plainOnes);
  toldFixed();
}
/** The filters but the words and the order, as a body has them. */
function chosen(asked) {
  const found = {};
  for (const name of asked.keys()) if (!["q", "sort"].includes(name)) found[name] = LATE.includes(name) ? true : LISTS.includes(name) ? asked.getAll(name) : asked.get(name);
  return found;
}
async function find(more) {
  const mine = more ? sought : (sought = filters());
  if (!more) views.left();
  const on = more ? { cursor: next } : {};
  const page = mine.has("q") ? await api("POST", "/v1/search", { body: { q: mine.get("q"), filters: chosen(mine), clocks: true, limit: 50, ...on } }) // words may name somebody: not in an address
    : await get(`/v1/tickets?${new URLSearchParams([...mine, ["clocks", "true"], ["limit", "50"], ...Object.entries(on)])}`);
  if (mine !== sought) return; // something else was looked for meanwhile
  if (more) table.append(page.items); else table.draw(page.items, { sorted: mine.has("q") ? null : mine.get("sort") });
  next = page.next;
  $("#more").hidden = !next;
}
/** The search as a view keeps it: without its words, which may name somebody. */
function read() {
  const asked = filters();
  const found = chosen(asked);
  if (asked.get("sort") !== "-created_at") found.sort = asked.get("sort");
  return found;
}
const day = (moment, shift = 0) => (moment ? new Date(Date.parse(moment) - shift).toLocaleDateString("sv-SE", { timeZone: given.zone }) : "");
const views = savedViews({ page: "tickets", place: $("#saved"), read, apply: (query) => { setFilters(asParameters(query)); find(); } });
form.addEventListener("submit", (event) => { event.preventDefault(); find(); });
form.addEventListener("change", () => views.left());
$("#more").addEventListener("click", press(() => find(true)));
$("#export").addEventListener("click", press(async () => {
  await find(); // what is taken along is what is seen
  const q = sought.has("q") ? { q: sought.get("q") } : {};
  await settled(api("POST", "/v1/exports", { body: { form: $("#form").value, kind: $("#kind").value, filters: { ...chosen(sought), ...q } } }));
  say(t("export.begun"));
  exports();
}));
async function exports() {
  const page = await get("/v1/exports");
  fill($("#exports"), page.items.slice(0, 5).map((x) => el("p", {}, `${word("export", x.kind)} ${x.form.toUpperCase()} · ${when(x.created_at)} · ${word("export_status", x.status)} · ${t("export.rows", { n: x.rows })} `,
    x.status === "ready" ? el("a", { href: `/v1/exports/${x.id}/file`, download: true }, t("export.download")) : "")));
  if (page.items.some((x) => ["waiting", "making"].includes(x.status))) setTimeout(exports, 1500);
}
// J and K move; Enter opens what has the focus
addEventListener("keydown", (event) => {
  if (!isForPage(event) || !["j", "k"].includes(event.key.toLowerCase())) return;
  event.preventDefault();
  table.step(event.key.toLowerCase() === "j" ? 1 : -1);
});
for (const [name, noun] of [["category", "categories"], ["department", "departments"], ["area", "areas"]]) choices(form[name], await listed(noun, true));
if (!(await views.begin())) {
  const asked = new URLSearchParams(location.search);
  for (const name of ["view", "q"]) asked.delete(name); // words may name somebody: not from an address
  if ([...asked].length) setFilters(asked); // else what was chosen while the lists came stays
  find();
}
exports();
