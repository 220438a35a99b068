// A department's open assignments, live: place first, counts by state, the time left, what to do next.
import { $, can, directory, el, fill, get, given, icon, inDialog, isolated, listed, listen, named, say, soon, steady, t, urgency, word } from "./core.js";
import { COLOURS, byClock, clock, tickClocks } from "./clocks.js";

const COLUMNS = ["issued", "accepted", "return_requested", "reported"];
const ARRIVED = 11_000; // ms after which whoever sent an order can no longer take it back: then it rings
const select = $("#department");
const order = { open: null, number: null, detail: null }; // the assignment that is shown, and the module that shows it
const columns = steady($("#columns"));
const sound = $("#sound");
const sorting = $("#sort");
export let queue = null; // of deeds, once it is loaded
let orders = []; // as last seen
let known = null;
let asked = 0; // an answer to an earlier question comes too late
let state = "issued"; // the column a phone shows
let picked = false; // by whoever looks: it stays when it is empty

sound.checked = localStorage.getItem("sound") === "1";
sound.addEventListener("change", () => localStorage.setItem("sound", sound.checked ? "1" : "0"));
sorting.value = localStorage.getItem("board-sort") ?? "due";
sorting.addEventListener("change", () => { localStorage.setItem("board-sort", sorting.value); lay(); });

// what is pressed while the departments are read counts: only what needs them waits
const filled = departments();
/** The departments one can choose: one's own, or all with their open work. Opens one that has work. */
async function departments() {
  const all = await listed("departments");
  const own = given.person.departments;
  const theirs = own.length ? all.filter(([code]) => own.includes(code)) : all;
  const held = can("supervisor", "auditor", "dispatcher", "admin", "operator") && !own.length ? await get("/v1/wall").then((wall) => wall.departments, () => []) : [];
  const open = new Map(held.map((one) => [one.department?.code, one.open]));
  const rank = ([code]) => -(open.get(code) ?? 0);
  fill(select, [...theirs].sort((a, b) => rank(a) - rank(b)).map(([code, name]) => el("option", { value: code }, open.get(code) ? t("board.department_open", { name, n: open.get(code) }) : name)));
  const wished = new URLSearchParams(location.search).get("department");
  if (wished && theirs.some(([code]) => code === wished)) select.value = wished;
}
/** Where the work is, as people say it: building, unit, and what it is about. */
export function placeOf(one, category = one.category) {
  const [building, unit] = ["building", "unit"].map((part) => (one[part] ? t(`address.${part}`, { n: one[part] }) : ""));
  return [building || named(one.area) || one.address, unit, named(category)].filter(Boolean).join(" ");
}
/** The state of an order with what waits here to be sent. */
const waits = (one) => queue?.waiting(one.number).filter((deed) => deed.photo || deed.order === one.id) ?? [];
function card(one, before) {
  const fresh = before && !before.has(one.id) && !one.arriving;
  const deeds = waits(one);
  const now = one.priority === "emergency" && one.status === "issued" && !deeds.length && can("handler");
  return el("article", { class: `od ${COLOURS[one.colour] ?? "grey"} ${fresh ? "fresh" : ""}`, "data-slot": one.id },
    el("button", { type: "button", class: `order ${one.colour}`, "data-id": one.id, "data-key": one.id, "aria-pressed": String(order.open === one.id), onclick: () => show(one.number, one.id) },
      el("span", { class: "tp" }, urgency(one.priority), clock(one.next_clock), one.arriving ? el("span", { class: "tag" }, t("board.arriving")) : null, one.urges ? el("span", { class: "tag amber" }, t("board.urged", { n: one.urges })) : null,
        one.part === "assist" ? el("span", { class: "tag" }, word("part", "assist")) : null, one.asked_due_at ? el("span", { class: "tag" }, t("board.extension_asked")) : null,
        one.attachments ? el("span", { class: "tag" }, icon("cam", 14), String(one.attachments)) : null),
      el("span", { class: "w" }, placeOf(one)), el("span", { class: "t" }, one.title, one.said ? [" ", el("span", { class: "said" }, t("table.said", { words: isolated(one.said) }))] : null),
      el("span", { class: "x" }, one.number, deeds.map((deed) => el("span", { class: `tag ${deed.problem ? "red" : "teal"}` }, icon("off", 14), deed.problem ? t("outbox.refused_short") : t("outbox.waits", { what: queue.whatOf(deed) }))))),
    now ? el("button", { type: "button", class: "btn dan full", "data-action": "accept", "data-key": `accept ${one.id}`, onclick: () => accept(one) }, t("board.accept_now")) : null);
}
async function accept(one) {
  const { doDeed } = await detail();
  await doDeed({ number: one.number, updated_at: new Date().toISOString(), version: one.version }, one, "accept", {}, placeOf(one));
}
/** What a column holds: an order with a deed that waits here stands where the deed leads. */
const LEADS = { accept: "accepted", report: "reported", request_return: "return_requested" };
const stateOf = (one) => waits(one).filter((deed) => !deed.problem).map((deed) => LEADS[deed.action]).filter(Boolean).at(-1) ?? stands(one);
/** An order that the clock alone has accepted is not signed for: it stands where it stood. */
function stands(one) { return one.unsigned ? "issued" : one.status; }
const numeric = new Intl.Collator(undefined, { numeric: true });
const byPlace = (a, b) => numeric.compare(placeOf(a), placeOf(b));
function lay(before = known) {
  const sorted = [...orders].sort(sorting.value === "place" ? byPlace : byClock);
  const found = COLUMNS.map((status) => [status, sorted.filter((one) => stateOf(one) === status)]);
  if (!picked && !found.find(([status]) => status === state)?.[1].length) state = found.find(([, here]) => here.length)?.[0] ?? state;
  fill($("#states"), found.map(([status, here]) => el("button", { type: "button", "data-key": `state ${status}`, "aria-pressed": String(status === state), onclick: () => { state = status; picked = true; lay(); } }, el("b", {}, String(here.length)), word("order", status))));
  fill($("#columns"), found.map(([status, here]) => el("section", { class: `column ${status === state ? "now" : ""}`, "data-status": status, "aria-label": word("order", status) },
    el("h2", {}, word("order", status), " ", el("span", { class: "badge" }, String(here.length))), here.length ? here.map((one) => card(one, before)) : el("p", { class: "note" }, t("board.empty")))));
  tickClocks();
}
async function below() {
  const items = await directory("departments");
  const found = new Set([select.value]);
  for (let grew = true; grew;) {
    grew = false;
    for (const item of items) if (item.parent && found.has(item.parent) && !found.has(item.code)) { found.add(item.code); grew = true; }
  }
  return [...found];
}
const ask = (path) => (queue ? queue.ask(path) : get(path));
/** A department's whole queue, page by page. */
async function queued(code, performing) {
  const found = [];
  for (let cursor = ""; found.length < 2000;) {
    const page = await ask(`/v1/departments/${code}/queue?colours=true&limit=200${performing ? "&performing=true" : ""}${cursor}`);
    found.push(...page.items);
    if (!page.next) break;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
  return found;
}
async function draw() {
  await filled;
  if (!select.value) { fill($("#columns"), el("p", {}, t("board.none"))); return; }
  const performing = $("#performing").checked;
  const mine = asked += 1;
  let found;
  try { found = (await Promise.all((await below()).map((code) => queued(code, performing)))).flat(); } catch { return; } // the line is cut: what was seen stays
  if (mine !== asked) return;
  orders = found;
  const before = known;
  columns(() => lay(before));
  const late = orders.filter((one) => one.colour === "red").length;
  const urgent = orders.filter((one) => stands(one) === "issued" && one.priority !== "normal" && !one.arriving);
  if (orders.some((one) => one.arriving)) setTimeout(redraw, ARRIVED);
  $("#counts").textContent = t("board.counts", { open: orders.length, late });
  document.title = `${urgent.length ? `(${urgent.length}) ` : ""}${t("page.board")} · ${t("app.name")}`;
  const fresh = known ? urgent.filter((one) => !known.has(one.id)) : [];
  if (fresh.length) { say(t("board.fresh", { title: fresh[0].title }), true); ping(); }
  known = new Set(orders.filter((one) => !one.arriving).map((one) => one.id));
  if (order.detail) order.detail.remember(orders);
}
function ping() {
  if (!sound.checked) return;
  const context = new AudioContext();
  for (const [n, pitch] of [880, 1175, 880].entries()) {
    const tone = context.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(context.destination);
    tone.start(context.currentTime + n * 0.22);
    tone.stop(context.currentTime + n * 0.22 + 0.16);
  }
}
/** The detail, and the queue of deeds, loaded after the list is there. */
let loading = null;
function detail() {
  loading ??= import("./order.js").then(async (module) => {
    queue = await import("./outbox.js");
    order.detail = module;
    queue.whenChanged((sent) => { lay(); if (sent) redraw(); if (order.open && (!sent || sent === order.number)) module.refresh(); });
    lay();
    module.remember(orders);
    return module;
  });
  return loading;
}
async function show(number, id) {
  order.open = id;
  order.number = number;
  for (const button of document.querySelectorAll(".order")) button.setAttribute("aria-pressed", String(button.dataset.id === id));
  await (await detail()).open(number, id, orders.find((one) => one.id === id), { closed, changed: redraw });
}
function closed() {
  const was = order.open;
  order.open = null;
  for (const button of document.querySelectorAll(".order")) button.setAttribute("aria-pressed", "false");
  if (was) $(`[data-id="${was}"]`)?.focus();
}
addEventListener("keydown", (event) => {
  if (inDialog()) return;
  if (event.key === "Escape" && order.open) order.detail?.back();
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || !document.activeElement?.classList.contains("order")) return;
  event.preventDefault();
  const cards = [...document.querySelectorAll(".order")].filter((one) => one.offsetParent);
  cards[cards.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
});
const redraw = soon(draw, 120);
select.addEventListener("change", () => { known = null; history.replaceState(null, "", `?department=${select.value}`); draw(); });
$("#performing").addEventListener("change", () => { known = null; draw(); });
await filled;
listen([], (event) => {
  redraw();
  if (order.open && event.number === order.number) order.detail?.refresh();
}, redraw, { always: true });
setInterval(draw, 60000);
setTimeout(() => { detail(); navigator.serviceWorker?.register("/console/worker.js", { scope: "/console" }).catch(() => {}); }, 2500); // not before the list is there
