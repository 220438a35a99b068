// One order on the board: its place and clock, the caller, photos, one next step, and all else in a menu.
import { $, Refusal, api, el, fill, given, icon, inDialog, joined, link, named, placed, press, say, steady, t, unique, until, urgency, when, word, orderStanding } from "./core.js";
import { actionFields, ask as askFields, caller, hide, performing, reveal, schemaOf } from "./forms.js";
import { backAndForth } from "./panel.js";
import { placeOf } from "./board.js";
import { clock, tickClocks } from "./clocks.js";
import { doDeed } from "./deed.js";
import { ask, cut, latest, waiting, whatOf } from "./outbox.js";
import { filesOf, framer, taker, takesFiles } from "./photos.js";

export { doDeed };

const panel = $("#panel");
const aside = steady(panel);
const seen = new Map(); // tickets as last seen, for when there is no line
let machine = null; // of assignments: what may be done after what waits to be sent
let shown = null; // { number, id, hooks, view }
const ONLINE = new Set(["reveal", "assist", "dispatch", "split", "merge"]); // these ask the server while they are filled in

/** What is opened in a tunnel was read before: the most urgent ones, one after the other. */
export async function remember(orders) {
  machine ??= schemaOf("accept", true).then(() => ask("/v1/lifecycle")).then((cycle) => cycle.assignment.moves, () => { machine = null; return []; });
  if (!given.person.departments.length) return;
  for (const one of orders.slice(0, 20)) {
    if (seen.get(one.number)?.version === one.version) continue;
    try { seen.set(one.number, await ask(`/v1/tickets/${one.number}`)); } catch { return; }
  }
}
async function load(number) {
  try {
    const ticket = await ask(`/v1/tickets/${number}`);
    seen.set(number, ticket);
    return ticket;
  } catch (failed) {
    const known = [seen.get(number), latest.get(number)].filter(Boolean).sort((a, b) => b.version - a.version)[0];
    if (failed instanceof Refusal || !known) throw failed;
    return known;
  }
}
/** An order with what waits here to be sent: its state then, and what may be done from there. */
async function ahead(ticket, order) {
  const deeds = waiting(ticket.number).filter((deed) => deed.order === order.id && !deed.problem);
  let { status, allowed_actions: moves } = order;
  const rows = deeds.length ? await machine ?? [] : [];
  for (const deed of deeds) {
    const row = rows.find((one) => one.at === status && one.action === deed.action);
    if (!row) continue;
    status = deed.action === "report" && order.part === "assist" ? "done" : row.to;
    const next = rows.filter((one) => one.at === status && one.by.some((role) => given.person.roles.includes(role)) && !["claim", "undo"].includes(one.action));
    moves = [...new Map(next.map((one) => [one.action, one])).values()];
  }
  return { status, moves, deeds };
}
const told = async (work) => { const wrong = await work; if (wrong) say(wrong, true); };
/** A press that asks for the fields of an action and keeps the deed. */
const asking = (move, ticket, order, title) => press(async (event) => {
  if (event.detail > 1) return;
  const fields = actionFields(await schemaOf(move.action, Boolean(order)), move.needs);
  if (!fields.length || (!move.needs.length && ["accept", "claim"].includes(move.action))) { await told(doDeed(ticket, order, move.action, {}, title)); return; }
  await askFields(move.action, `${word("action", move.action)} · ${ticket.number}`, fields, async (body) => {
    const wrong = await doDeed(ticket, order, move.action, body, title);
    return wrong ? { wrong } : { done: true };
  });
});

export async function open(number, id, brief, hooks) {
  if (shown?.id !== id) hide();
  shown = { number, id, hooks, view: "order", brief };
  await refresh(true);
}
/** Shows the order anew, where nobody is in the midst of something. */
export async function refresh(own = false) {
  const now = shown;
  if (!now || (now.view !== "order" && !own)) return;
  let ticket;
  try { ticket = await load(now.number); } catch (failed) {
    if (shown !== now) return;
    if (failed instanceof Refusal) close(); else say(t("outbox.not_read"), true);
    return;
  }
  const [files, back] = await Promise.all([filesOf(ticket).catch(() => []), cut ? null : backAndForth(ticket).catch(() => null)]);
  const order = ticket.assignments.find((one) => one.id === now.id);
  const next = order ? await ahead(ticket, order) : { status: "", moves: [], deeds: [] };
  if (shown !== now) return;
  const lay = () => { if (shown === now && (own || now.view === "order")) draw(ticket, order, next, files, back, own); };
  if (own || inDialog()) lay(); else aside(lay);
}
export function back() {
  if (shown?.view === "report") { shown.view = "order"; refresh(true); } else close();
}
function close() {
  panel.hidden = true;
  document.body.classList.remove("opened");
  hide();
  const { hooks } = shown ?? {};
  shown = null;
  hooks?.closed();
}
const titleOf = (ticket) => placeOf({ ...ticket.location, area: ticket.area, category: ticket.category });
const head = (ticket, menu) => el("header", { class: "hd" }, el("button", { type: "button", class: "shut btn gho ico", "aria-label": t("board.back"), onclick: back }, icon("left", 24)),
  el("p", { class: "grow" }, link(ticket.number), " ", urgency(ticket.priority)), menu);
function draw(ticket, order, { status, moves, deeds }, files, story, own) {
  const title = titleOf(ticket);
  const may = (action) => moves.find((move) => move.action === action);
  const revealing = ticket.allowed_actions.find((move) => move.action === "reveal");
  const next = step(ticket, order, status, may, title);
  const rest = [...moves.filter((move) => move !== next?.move && move.action !== "report").map((move) => [move, order]),
    ...ticket.allowed_actions.filter((move) => !["reveal", "undo"].includes(move.action) && !moves.some((one) => one.action === move.action)).map((move) => [move, null])];
  const item = ([move, of]) => el("button", { type: "button", "data-action": move.action, "data-key": `${move.action} ${of?.id ?? ""}`, onclick: ONLINE.has(move.action) ? performing(move, ticket, of, {}, () => again()) : asking(move, ticket, of, title) }, word("action", move.action));
  const menu = rest.length ? el("details", { class: "more" }, el("summary", { class: "btn gho ico", "aria-label": t("board.more") }, icon("more", 24)), el("div", { class: "actions", role: "group", "aria-label": t("ticket.actions") }, rest.map(item))) : null;
  fill(panel, head(ticket, menu),
    el("div", { class: "body" },
      el("div", {}, el("h2", {}, title), el("p", { class: "t" }, ticket.title)),
      order ? clocks(order, status) : null, order ? dots(order, status, ticket) : null,
      deeds.length ? el("p", {}, deeds.map((deed) => el("span", { class: "tag teal" }, icon("off", 14), t("outbox.waits", { what: whatOf(deed) })))) : null,
      el("div", { class: "callc" }, el("div", { class: "grow" }, el("span", { class: "note" }, t("take.caller")), el("br", {}), caller(ticket)),
        revealing && ticket.caller?.masked ? el("button", { type: "button", class: "btn", "data-action": "reveal", "data-key": "reveal", onclick: press(() => show(ticket)) }, t("board.reveal")) : null),
      el("blockquote", { class: "quote words" }, ticket.narrative),
      el("div", { class: "photos" }, files.map(framer(ticket, title, again)), takesFiles(ticket) ? [taker(ticket, "before", title, again), may("report") ? taker(ticket, "after", title, again) : null] : null),
      el("p", {}, el("a", { class: "btn", href: mapLink(ticket) }, icon("map", 20), t("board.map")), " ", el("span", { class: "note" }, placed(ticket.area, ticket.location))),
      el("dl", { class: "facts" }, el("dt", {}, t("ticket.received")), el("dd", {}, when(ticket.created_at)),
        ...(order?.performer ? [el("dt", {}, t("field.performer")), el("dd", {}, named(order.performer))] : []),
        ...ticket.assignments.filter((one) => one.id !== order?.id).flatMap((one) => [el("dt", {}, word("part", one.part)), el("dd", {}, joined([named(one.department), orderStanding(one)], " · "))])),
      story),
    next || may("report") ? el("footer", { class: "foot" }, next?.node,
      may("report") ? el("button", { type: "button", class: `btn lg full ${next ? "" : "pri"}`, "data-action": "report", "data-key": "report", onclick: () => report(ticket, order, may("report"), title) }, icon("check", 20), t("board.report")) : null, next?.note) : null);
  panel.hidden = false;
  document.body.classList.add("opened");
  tickClocks();
  if (own && !panel.contains(document.activeElement)) $(".foot button, .shut", panel)?.focus({ preventScroll: true });
}
async function again() {
  shown?.hooks.changed();
  await refresh(true);
}
function clocks(order, status) {
  const next = order.next_clock;
  if (!next) return null;
  // what waits here to be sent has ended the limit to sign; the next one is known when it was sent
  const first = next.metric === "accept" && order.status === "issued" && status !== "issued" ? { ...next, metric: "report", due_at: order.due_at } : next;
  return el("div", { class: "bigclk" }, el("span", { class: "note" }, word("metric", first.metric)), el("span", { class: "note" }, t("board.until", { at: until(first.due_at) })), clock({ ...first, metric: "", of: first.metric }),
    first.metric !== "report" && order.due_at ? el("span", { class: "note" }, `${word("metric", "report")} ${until(order.due_at)}`) : null);
}
function dots(order, status, ticket) {
  const place = order.unsigned && status === order.status ? 0 : { issued: 0, accepted: 1, return_requested: 1, reported: 2, done: 3 }[status] ?? 3;
  const steps = [["action.accept", order.unsigned ? null : order.accepted_at], [`order.${status === "return_requested" ? status : "accepted"}`, null], ["action.report", order.reported_at], ["status.closed", ticket.closed_at]];
  return el("ol", { class: "dots" }, steps.map(([key, at], n) => el("li", { class: n < place ? "done" : n === place ? "now" : "", "aria-current": n === place ? "step" : null }, t(key), el("br", {}), at ? when(at) : "\u00a0")));
}
/** A point on the phone's own map: nothing is asked from elsewhere. */
function mapLink(ticket) {
  const { lat, lon } = ticket.location;
  const words = encodeURIComponent(placed(ticket.area, ticket.location));
  return lat != null && lon != null ? `geo:${lat},${lon}?q=${lat},${lon}(${words})` : `geo:0,0?q=${words}`;
}
/** The one next step: accept, then reach the caller. Null: the report, or nothing. */
function step(ticket, order, status, may, title) {
  if (may("accept")) {
    const move = may("accept");
    return { move, node: el("button", { type: "button", class: `btn lg full ${ticket.priority === "emergency" ? "dan" : "pri"}`, "data-action": "accept", "data-key": "accept", onclick: press(async (event) => { if (event.detail < 2) await told(doDeed(ticket, order, "accept", {}, title)); }) }, t(ticket.priority === "emergency" ? "board.accept_now" : "action.accept")) };
  }
  const move = may("contact_caller");
  if (!move || order.contacted_at || !ticket.caller?.phone || waiting(ticket.number).some((deed) => deed.action === "contact_caller")) return null;
  const end = (action, body) => press(() => told(doDeed(ticket, action === "comment" ? null : order, action, body, title)));
  const answer = (key, action, field) => el("button", { type: "button", class: "btn", "data-answer": key, onclick: end(action, { [field]: t("board.called", { what: t(`board.${key}`) }) }) }, t(`board.${key}`));
  return { move, node: el("button", { type: "button", class: "btn lg full pri", "data-key": "call", onclick: press(() => show(ticket, true)) }, icon("phone", 20), t("board.call")),
    note: el("div", { class: "answers", role: "group", "aria-label": t("board.afterwards") }, answer("reached", "contact_caller", "contacted"), answer("no_reply", "comment", "text"), answer("wrong_number", "comment", "text")) };
}
/** The caller's number, logged with its reason, for a minute; `dial`: called at once. */
async function show(ticket, dial = false) {
  const open = $(`[data-caller="${ticket.number}"] a[href^="tel:"]`, panel);
  if (open) { if (dial) open.click(); return; }
  if (cut) { say(t("outbox.needs_line"), true); return; }
  try {
    const result = await api("POST", `/v1/tickets/${ticket.number}/actions/reveal`, { body: { reason: t("board.reveal_reason") }, version: ticket.version, key: unique() });
    ticket.version = result.version;
    seen.set(ticket.number, { ...ticket, version: result.version });
    reveal(result);
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    say([t("caller.not_shown"), refused.said].join(" "), true);
    await refresh(true);
  }
}
async function report(ticket, order, move, title) {
  const { reportForm } = await import("./report_form.js");
  if (!shown) return;
  shown.view = "report";
  const files = await filesOf(ticket).catch(() => []);
  const form = await reportForm({ ticket, order, title, files, send: (body, wants) => doDeed(ticket, order, "report", body, title, { wants }), done: () => { if (shown) shown.view = "order"; again(); }, anew: () => report(ticket, order, move, title) });
  fill(panel, head(ticket, null), form);
  tickClocks();
  $("h2", form).focus({ preventScroll: true });
}
