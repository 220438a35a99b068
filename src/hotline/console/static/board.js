// A department's open assignments, live: columns by state, time left, allowed actions.
import { $, countdown, directory, el, fill, get, given, inDialog, link, listed, listen, named, placed, say, soon, steady, t, tick, urgency, when, word } from "./core.js";
import { buttons, caller, hide } from "./forms.js";
import { backAndForth } from "./panel.js";

const COLUMNS = ["issued", "accepted", "return_requested", "reported"];
const select = $("#department");
// what is pressed while the departments are read counts: only what needs them waits
const filled = listed("departments").then((all) => {
  const theirs = given.person.departments.length ? all.filter(([code]) => given.person.departments.includes(code)) : all;
  fill(select, theirs.map(([code, name]) => el("option", { value: code }, name)));
  const wished = new URLSearchParams(location.search).get("department");
  if (wished && theirs.some(([code]) => code === wished)) select.value = wished;
  else if (given.person.departments.length) select.value = theirs[0]?.[0] ?? "";
});
let open = null; // the order that was chosen, and the ticket it belongs to: the panel may still show the one before
let matter = null;
let known = null;
let asked = 0; // an answer to an earlier question comes too late
const columns = steady($("#columns"));
const aside = steady($("#panel"));
const sound = $("#sound");
sound.checked = localStorage.getItem("sound") === "1";
sound.addEventListener("change", () => localStorage.setItem("sound", sound.checked ? "1" : "0"));

/** The clock that ends first: before acceptance that may be the time to accept. */
function limit(order) {
  const limits = [order.due_at, order.status === "issued" ? order.accept_by : null].filter(Boolean);
  return limits.sort((a, b) => new Date(a) - new Date(b))[0] ?? null;
}
function card(order, before) {
  const fresh = before && !before.has(order.id);
  return el("button", {
    type: "button", class: `order ${order.colour} ${fresh ? "fresh" : ""}`, "data-id": order.id, "data-key": order.id, "aria-pressed": open === order.id ? "true" : "false",
    onclick: () => show(order.number, order.id),
  },
  el("span", { class: "title" }, urgency(order.priority), " ", order.title),
  el("span", { class: "small" }, el("span", {}, order.number), el("span", {}, named(order.category)), el("span", {}, named(order.area) || order.address || ""),
    countdown(limit(order), !["reported"].includes(order.status) && order.ticket_status === "dispatched"),
    order.urges ? el("span", { class: "late" }, t("board.urged", { n: order.urges })) : null,
    order.part === "assist" ? el("span", {}, word("part", "assist")) : null,
    order.asked_due_at ? el("span", {}, t("board.extension_asked")) : null));
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
/** A department's whole queue, page by page. */
async function queue(code, performing) {
  const found = [];
  for (let cursor = ""; found.length < 2000;) {
    const page = await get(`/v1/departments/${code}/queue?colours=true&limit=200${performing ? "&performing=true" : ""}${cursor}`);
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
  const codes = await below();
  const orders = (await Promise.all(codes.map((code) => queue(code, performing)))).flat();
  if (mine !== asked) return;
  const before = known;
  columns(() => place(orders, before));
  const late = orders.filter((order) => order.colour === "red").length;
  const waiting = orders.filter((order) => order.status === "issued" && order.priority !== "normal");
  $("#counts").textContent = t("board.counts", { open: orders.length, late });
  document.title = `${waiting.length ? `(${waiting.length}) ` : ""}${t("page.board")} · ${t("app.name")}`;
  const fresh = known ? waiting.filter((order) => !known.has(order.id)) : [];
  if (fresh.length) { say(t("board.fresh", { title: fresh[0].title }), true); ping(); }
  known = new Set(orders.map((order) => order.id));
}
function place(orders, before) {
  fill($("#columns"), COLUMNS.map((status) => {
    const here = orders.filter((order) => order.status === status);
    return el("section", { class: "column", "data-status": status, "aria-label": word("order", status) }, el("h2", {}, word("order", status), el("span", { class: "badge" }, String(here.length))), here.map((order) => card(order, before)));
  }));
  tick();
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
async function show(number, id, quietly = false) {
  const panel = $("#panel");
  if (open !== id) hide();
  open = id;
  matter = number;
  let ticket;
  let back;
  try { ticket = await get(`/v1/tickets/${number}`); back = await backAndForth(ticket); } catch { if (open === id) { panel.hidden = true; open = null; } return; }
  if (open !== id) return; // another one was chosen meanwhile
  if (quietly) aside(() => { if (open === id) laid(ticket, id, back, true); }); else laid(ticket, id, back, false);
}
function laid(ticket, id, back, quietly) {
  const panel = $("#panel");
  const order = ticket.assignments.find((a) => a.id === id);
  const place = placed(ticket.area, ticket.location);
  fill(panel, el("button", { type: "button", class: "shut", onclick: shut }, t("app.close")),
    el("h2", {}, urgency(ticket.priority), " ", ticket.title),
    el("p", {}, link(ticket.number), " · ", word("status", ticket.status), " · ", countdown(order?.due_at ?? ticket.clocks.due_at, ticket.status === "dispatched" && order?.status !== "reported")),
    el("p", { class: "words" }, ticket.narrative),
    el("dl", { class: "facts" },
      el("dt", {}, t("field.area")), el("dd", {}, place || "–"),
      el("dt", {}, t("take.caller")), el("dd", {}, caller(ticket)),
      el("dt", {}, t("ticket.received")), el("dd", {}, when(ticket.created_at)),
      ...(order?.performer ? [el("dt", {}, t("field.performer")), el("dd", {}, named(order.performer))] : []),
      ...(order?.accept_by && order.status === "issued" ? [el("dt", {}, t("board.accept_by")), el("dd", {}, when(order.accept_by))] : [])),
    back, order ? buttons(ticket, again, order) : null,
    ticket.allowed_actions.length ? el("details", {}, el("summary", {}, t("board.of_ticket")), buttons(ticket, again)) : null);
  panel.hidden = false;
  for (const button of document.querySelectorAll(".order")) button.setAttribute("aria-pressed", String(button.dataset.id === id));
  tick();
  if (!quietly) $(".actions button", panel)?.focus();
}
async function again() {
  await draw();
  if (open) await show(matter, open);
}
function shut() {
  $("#panel").hidden = true;
  const was = open;
  open = null;
  hide();
  for (const button of document.querySelectorAll(".order")) button.setAttribute("aria-pressed", "false");
  if (was) $(`[data-id="${was}"]`)?.focus();
}
addEventListener("keydown", (event) => {
  if (inDialog()) return;
  if (event.key === "Escape" && open) shut();
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || !document.activeElement?.classList.contains("order")) return;
  event.preventDefault();
  const cards = [...document.querySelectorAll(".order")];
  cards[cards.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
});
const redraw = soon(draw, 120);
select.addEventListener("change", () => { known = null; history.replaceState(null, "", `?department=${select.value}`); draw(); });
$("#performing").addEventListener("change", () => { known = null; draw(); });
const look = soon(() => { if (open) return show(matter, open, true); }, 150);
await filled;
listen([], (event) => {
  redraw();
  if (open && event.number === matter) look();
}, redraw, { always: true });
setInterval(draw, 60000);
