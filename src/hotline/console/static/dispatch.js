// The dispatcher's page: what waits for a department, in a table that is gone through by keys; decisions that wait; texts that
// nobody could read; incidents; results of the dispatch catalogue.
import { $, MARKS, api, can, directory, el, fill, get, heads, icon, inDialog, isolated, joined, listed, listen, choices, named, press, row, say, settled, soon, steady, t, until, when, word } from "./core.js";
import { clock } from "./clocks.js";
import { incidents } from "./incidents.js";
import { preview, whyText } from "./preview.js";
import { byPlace, certainty, isForPage, matterOf, placeOf, ticketTable, two, waited } from "./ticket_table.js";
import { offerUndo } from "./undo_offer.js";
import { asParameters, formQuery, savedViews, setForm } from "./views.js";
import { stateOf, waitingDangers } from "./waiting_dangers.js";

const LISTS = ["area", "category"];
const TABS = { waiting: {}, emergency: { priority: "emergency" }, due_soon: { due_soon: "true" }, returned: { returned: "true" }, unsure: { unsure: "true" } };
const form = $("#filters");
const places = { waiting: $("#waiting"), rulings: $("#rulings"), review: $("#review"), odd: $("#odd") };
// one for each list: of several things that wait for the hand to rest only the last is done
const hand = steady($("#list"));
const [handOfRulings, handOfReview, handOfOdd] = [steady($("#list")), steady($("#list")), steady($("#list"))];
let tab = "waiting";
let next = null;
let asked = 0; // of several answers about the list only the last is shown
let local = null; // an order of what is on the page alone: the API has none
let running = []; // incidents that have not ended

// ---- the tables
const incidentOf = (x) => running.find((one) => one.code === x.incident && one.parent === x.number);
function matter(x) {
  const one = incidentOf(x);
  const tags = [x.returns ? el("span", { class: "tag amber" }, t("dispatch.returned_times", { n: x.returns })) : null, x.confidential ? el("span", { class: "tag" }, icon("lock", 14), t("flag.confidential")) : null, x.attachments ? el("span", { class: "tag" }, t("dispatch.n_files", { n: x.attachments })) : null].filter(Boolean);
  const back = x.returned_by.length ? ` · ${t("dispatch.by_returned", { names: joined(x.returned_by.map(named), MARKS[1]) })}` : "";
  if (!one) return el("div", { class: "matter" }, matterOf(x, back), tags.length ? el("span", { class: "tags" }, tags.flatMap((tag) => [tag, " "])) : null);
  return el("div", { class: "row" }, el("span", { class: "pile", "aria-hidden": "true" }, String(one.callers)), el("div", { class: "grow" }, el("button", { type: "button", class: "t open", "data-key": x.number }, isolated((document.body.dataset.language === "en" ? one.title.en : one.title.zh))),
    two(t("dispatch.one_of", { n: one.callers, tickets: one.ticket_count }), ` · ${x.number}`, back)));
}
function proposed(x) {
  if (x.fixed) return stateOf(x);
  const [first] = x.proposals;
  const unsorted = x.status === "received" && !first?.category;
  if (!first || unsorted) return [el("b", { class: "muted" }, t("dispatch.look_first")), two(certainty(1), t("dispatch.not_sorted"), x.ranked_by.length ? ` · ${t("dispatch.ranked_by", { priority: word("priority", x.priority), words: joined(x.ranked_by, MARKS[1]) })}` : "")];
  const why = el("span", {});
  whyText(first.because).then((text) => { why.textContent = isolated(text); });
  return [el("b", {}, named(first.department)), first.assists.length ? [" ", el("span", { class: "tag" }, t("dispatch.with", { names: joined(first.assists.map(named), MARKS[1]) }))] : null, two(certainty(first.level), why)];
}
const place = (x) => { const [large, rest] = placeOf(x); return [el("span", {}, large), rest ? two(rest) : null]; };
const COLUMNS = [
  { key: "limit", head: "dispatch.limit", sort: ["due", "-due"], class: "c-limit", cell: (x) => clock(x.next_clock && { ...x.next_clock, metric: x.next_clock.metric === "dispatch" ? "" : x.next_clock.metric }) },
  { key: "matter", head: "dispatch.matter", class: "c-matter", cell: matter },
  { key: "place", head: "dispatch.place", sort: ["place"], class: "c-place", cell: place },
  { key: "to", head: "dispatch.proposed", sort: ["to"], class: "c-to", cell: proposed },
  { key: "waited", head: "dispatch.waited", sort: ["waited", "-waited"], class: "c-waited r", cell: (x) => waited(x.created_at) },
];
const table = ticketTable(places.waiting, COLUMNS, { caption: t("dispatch.waiting"), onCurrent: (x) => { if (x) look.show(x.number); }, onSelect: () => { if (bulk || table.selected.length) bulkOf().then((bar) => bar.show()); }, onSort: sortBy });
const decideBy = (x) => clock(x.next_clock && { ...x.next_clock, metric: "" });
const askedFor = (x) => (x.asked_due_at ? t("dispatch.asks_extension", { until: until(x.asked_due_at) }) : word("order", x.status));
const rulings = ticketTable(places.rulings, [
  { key: "limit", head: "field.due_at", class: "c-limit", cell: decideBy },
  { key: "matter", head: "dispatch.matter", class: "c-matter", cell: (x) => [matterOf(x), two(el("b", {}, askedFor(x)), " ", joined([x.return_reason ? word("return_reason", x.return_reason) : "", x.return_basis], " · "))] },
  { key: "to", head: "field.department", class: "c-to", cell: (x) => [el("b", {}, named(x.department)), x.suggested ? two(t("dispatch.suggests", { name: named(x.suggested) })) : null] },
], { caption: t("dispatch.rulings"), onCurrent: (x) => { if (x) look.show(x.number); } });
const review = ticketTable(places.review, [
  { key: "limit", head: "dispatch.review_by", class: "c-limit", cell: decideBy },
  { key: "matter", head: "dispatch.matter", class: "c-matter", cell: (x) => [matterOf(x), two(el("b", {}, t("field.internal_result")), " ", x.result?.internal_result ?? "–")] },
  { key: "to", head: "field.department", class: "c-to", cell: (x) => [el("b", {}, named(x.department)), two(when(x.reported_at))] },
], { caption: t("dispatch.review"), onCurrent: (x) => { if (x) look.show(x.number); } });
const shownTable = () => (tab === "rulings" ? rulings : tab === "review" ? review : tab === "odd" ? null : table);

// ---- beside them
const look = preview($("#panel"), {
  sent(ticket, department, result) {
    const text = t("dispatch.was_sent", { name: named(department) });
    table.mark(ticket.number, text, true);
    say(joined([ticket.number, text], " "));
    offerUndo([undoOf(result)], text);
    if (table.current?.number === ticket.number) table.step(1);
    if (shownTable() !== table) look.show(ticket.number, { anew: true }); else if (!table.current) look.shut();
    counted();
  },
  changed: () => redraw(),
  walk: (by) => shownTable()?.step(by, false),
  closed: () => { const open = document.querySelector("tr.cur .open"); for (const one of [table, rulings, review]) one.go(null); if (open?.isConnected) open.focus(); },
});
const undoOf = ({ number, version, ticket_status: status, undo_until, began, sorted }) => ({ number, version, status, undo_until, began, sorted });
let bulk = null; // loaded when something is selected
const bulkOf = () => (bulk ??= import("./bulk.js").then(({ bulkBar }) => bulkBar($("#bulk"), table, (results, text) => { offerUndo(results.map(undoOf), text); counted(); }, () => draw(true))));
document.addEventListener("undone", ({ detail: ticket }) => { table.unmark(ticket.number); redraw(); });

// ---- filters, order, views
function sortBy(by) {
  local = ["place", "to"].includes(by) ? by : null;
  if (local) { arrange(table.items); views.left(); return; }
  form.elements.sort.value = by;
  draw(true);
}
function arrange(items) {
  const to = (x) => named(x.proposals[0]?.department) || "\uffff";
  if (local) items = [...items].sort(local === "place" ? byPlace : (a, b) => to(a).localeCompare(to(b)));
  table.draw(items, { sorted: local ?? (form.elements.sort.value === "urgency" ? null : form.elements.sort.value) });
}
/** The filters now, as a view keeps them. */
function read() {
  const found = formQuery(form, LISTS);
  if (found.sort === "due") delete found.sort;
  return tab !== "waiting" && TABS[tab] ? { tab, ...found } : found;
}
function apply(query) {
  setForm(form, query);
  local = null;
  goTo(query.tab ?? "waiting");
}
const views = savedViews({ page: "dispatch", place: $("#saved"), read, apply });
form.addEventListener("change", () => { local = null; draw(true); });
$("#clear").addEventListener("click", () => { setForm(form, {}); local = null; draw(true); });

// ---- reading
/** `own`: by one's own act, so the list moves at once; otherwise it waits for the hand to rest. */
async function draw(own = false) {
  const mine = (asked += 1);
  const { tab: _, ...query } = read();
  $("#clear").hidden = !Object.keys(query).some((name) => name !== "sort");
  for (const select of form.querySelectorAll("select")) select.classList.toggle("on", select.name !== "sort" && Boolean(select.value));
  views.left();
  if (!TABS[tab]) return;
  const wanted = asParameters({ sort: "due", ...query, ...TABS[tab], limit: 100 });
  const [page, dangers] = await Promise.all([get(`/v1/queue?${wanted}`), tab === "emergency" ? waitingDangers(query) : { items: [] }]);
  if (mine !== asked) return;
  const undispatched = new Set(page.items.map((x) => x.number));
  page.items = [...page.items, ...dangers.items.filter((one) => !undispatched.has(one.number))];
  if (tab === "unsure" && !Object.keys(query).some((name) => name !== "sort")) { told.unsure = page.next ? `${page.items.length}+` : page.items.length; tabs(); }
  const put = () => { next = page.next && { cursor: page.next, wanted }; $("#more").hidden = !next; arrange(page.items); const open = look.number; const fresh = page.items.find((x) => x.number === open); if (fresh && !fresh.fixed && look.ready && fresh.version !== look.version) look.show(open, { anew: true }); };
  if (own === true) put(); else hand(put);
}
$("#more").addEventListener("click", press(async () => {
  const page = await get(`/v1/queue?${next.wanted}&cursor=${encodeURIComponent(next.cursor)}`);
  table.append(page.items);
  next = page.next && { cursor: page.next, wanted: next.wanted };
  $("#more").hidden = !next;
}));
let told = {};
async function drawRulings() {
  if (!can("dispatcher", "supervisor", "auditor")) return;
  const found = (await get("/v1/rulings")).items;
  const [decide, check] = [found.filter((x) => x.status !== "reported" || x.asked_due_at), found.filter((x) => x.status === "reported" && !x.asked_due_at)];
  Object.assign(told, { rulings: decide.length, review: check.length });
  handOfRulings(() => rulings.draw(decide));
  handOfReview(() => review.draw(check));
}
async function drawOdd() {
  if (!can("operator", "dispatcher", "supervisor")) return;
  const page = await get("/v1/inbound?status=odd&limit=50");
  told.odd = page.next ? `${page.items.length}+` : page.items.length;
  handOfOdd(() => fill(places.odd, page.items.length ? page.items.map((x) => el("li", {}, el("span", { class: "words" }, x.text || x.kind), " ", el("small", {}, joined([x.gateway, when(x.received_at), x.why], " · ")), " ",
    el("button", { type: "button", class: "btn sm", "data-key": x.id, onclick: press(async () => { await settled(api("POST", `/v1/inbound/${x.id}/dismiss`, { body: { reason: t("dispatch.looked_at") } })); await drawOdd(); tabs(); }) }, t("dispatch.dismiss")))) : el("li", { class: "empty" }, t("app.none"))));
}
async function counted() {
  const [{ complete, ...counts }, dangers] = await Promise.all([get("/v1/queue/counts"), waitingDangers()]);
  counts.emergency += dangers.items.filter((one) => one.waits_for !== "dispatch").length; // these wait for somebody, too
  counts.unsure ??= told.unsure ?? ""; // counted by its own list alone
  for (const [name, n] of Object.entries(counts)) if (name === "unsure") told.unsure = n; else told[name] = name === "waiting" || (complete && !(name === "emergency" && dangers.more)) ? n : `${n}+`;
  tabs();
}
const HOT = new Set(["emergency", "due_soon"]);
const LABELS = { waiting: "dispatch.waiting", emergency: "dispatch.danger", due_soon: "dispatch.due_soon", rulings: "dispatch.rulings", review: "dispatch.review", returned: "dispatch.returned", unsure: "dispatch.unsure", odd: "dispatch.odd" };
function tabs() {
  fill($("#tabs"), Object.entries(LABELS).filter(([name]) => name in told).map(([name, key]) => el("a", { href: `?tab=${name}`, "data-key": name, "data-tab": name, class: HOT.has(name) && told[name] ? "hot" : "", "aria-current": name === tab ? "true" : null, onclick: (event) => { event.preventDefault(); goTo(name); } },
    t(key), told[name] === "" ? null : el("b", { id: `n-${name}` }, String(told[name])))));
}
function goTo(name) {
  tab = LABELS[name] ? name : "waiting";
  for (const [which, place_] of Object.entries(places)) place_.hidden = which !== (TABS[tab] ? "waiting" : tab);
  form.hidden = !TABS[tab];
  $("#more").hidden = true;
  table.selectAll(false);
  if (look.number) look.shut();
  tabs();
  draw(true);
}
const incidentBox = incidents($("#incidents"), $("#n-incidents"), true, (found) => {
  running = found;
  $("#incidents-box").hidden = found.length === 0;
});
$("#results").addEventListener("toggle", async () => {
  if (!$("#results").open) return;
  const page = await get("/v1/catalogue-rows");
  const texts = new Map((await directory("routes")).map((route) => [route.code, route.basis || route.code]));
  const made = el("table", {}, el("caption", { class: "sr" }, t("dispatch.catalogue")), el("thead"), el("tbody"));
  heads(made, "dispatch.row", "field.department", "dispatch.orders", "dispatch.came_back");
  fill($("tbody", made), page.items.map((x) => row(x.route ? texts.get(x.route) ?? x.route : t("dispatch.by_hand"), named(x.lead), String(x.orders), `${x.returned} (${x.orders ? Math.round((x.returned / x.orders) * 100) : 0} %)`)));
  fill($("#catalogue"), page.items.length ? made : el("p", { class: "note" }, t("app.none")));
});

// ---- keys: J K move, X selects, Enter sends the current one, Shift+Enter the selected ones, 1 to 3 choose a department
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !inDialog() && !$("#panel").hidden) { look.shut(); return; }
  const here = shownTable();
  if (!here || !isForPage(event)) return;
  const key = event.key.toLowerCase();
  const own = () => event.preventDefault();
  if (key === "j" || event.key === "ArrowDown") { own(); here.step(1); } else if (key === "k" || event.key === "ArrowUp") { own(); here.step(-1); } else if (here !== table) return;
  else if (key === "x" && event.shiftKey) { own(); table.selectAll(table.selected.length === 0); } else if (key === "x") {
    own();
    if (!table.current) table.step(1);
    if (table.current) table.select(table.current.number, !table.isSelected(table.current.number));
  } else if (key === "enter" && event.shiftKey) { own(); bulk?.then((bar) => bar.sendSure()); } else if (key === "enter") {
    own();
    if (!table.current) table.step(1); else if (look.ready && look.number === table.current.number && !table.isDone(look.number)) look.dispatch();
    else if (!look.number) look.show(table.current.number);
  } else if (["1", "2", "3"].includes(key)) { own(); look.choose(Number(key) - 1); }
});

for (const [name, noun] of [["area", "areas"], ["category", "categories"]]) choices(form[name], await listed(noun, true));
const redraw = soon(() => Promise.all([draw(), counted(), drawRulings(), incidentBox()]), 200);
await Promise.all([counted(), drawRulings(), drawOdd(), incidentBox()]);
tabs();
const given = new URLSearchParams(location.search).get("tab");
if (!(await views.begin())) goTo(given ?? "waiting");
listen([], redraw, redraw);
setInterval(() => { drawOdd().then(tabs); redraw(); }, 30000);
