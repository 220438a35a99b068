// A ticket on one page: place and next step first, both machines as lanes, what happened in sentences, the clocks beside it.
import { $, MARKS, Refusal, api, authorOf, can, el, fill, get, given, icon, incidentLink, isolated, joined, language, link, listen, named, placed, press, say, soon, spent, state, steady, t, toldOf, until, when, withNames, word, standing } from "./core.js";
import { clock, tickClocks } from "./clocks.js";
import { dangerPanel, dutyOf, guidance, inOrder, serviceName, tellByKey } from "./danger.js";
import { stateBadge } from "./incidents.js";
import { actionButton, caller, mattersOf, partsOf, performing } from "./forms.js";
import { lane, stepsOfOrder, stepsOfTicket } from "./lanes.js";
import { backAndForth, filesPlace, undoneLines, undoneTag } from "./panel.js";
import { becauseTexts, flagText, reasonText, reasonTexts } from "./reasons.js";
import { placeOf, priorityTag } from "./ticket_table.js";

const number = given.given.number;
const EMPTY = { items: [], escalations: [] };
const tried = (path) => get(path).catch(() => EMPTY);
const READS_TEXTS = can("operator", "dispatcher", "supervisor", "auditor");
// lines that tell of the clocks alone; whoever wants them asks for all
const QUIET = new Set(["reckon", "escalate", "absorb", "reveal"]);
// which limit a step ends
const ENDS = { accept: "accept", auto_accept: "accept", contact_caller: "contact", report: "report", dispatch: "dispatch", accept_report: "audit", reject_report: "audit", approve_return: "ruling", refuse_return: "ruling", call_back: "call_back", confirm: "call_back" };
const hand = steady($("#ticket"));
let code = ""; // the resident's, once it was asked for
let whole = false; // every line of the history
const again = () => draw(true);
const facts = (...pairs) => el("dl", { class: "facts" }, pairs.filter(([, value]) => value != null && value !== "").flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
const card = (name, title, ...children) => el("section", { class: `card tk-${name}`, "data-part": name }, title ? el("h2", {}, title) : null, children.flat(Infinity));

async function draw(own) {
  const place = $("#ticket");
  let x;
  try { x = await get(`/v1/tickets/${number}`); } catch (refused) { fill(place, el("p", { class: "error" }, refused.message)); place.removeAttribute("aria-busy"); return; }
  const merge = x.allowed_actions.find((move) => move.action === "merge");
  const [back, incident, alike, story, calls, clocks, texts] = await Promise.all([backAndForth(x), x.incident ? get(`/v1/incidents/${x.incident}`).catch(() => null) : null,
    can("auditor") || (merge && can("operator", "dispatcher", "supervisor")) ? tried(`/v1/tickets/${number}/duplicates`) : EMPTY,
    tried(`/v1/tickets/${number}/timeline?limit=500`), tried(`/v1/tickets/${number}/calls`), tried(`/v1/tickets/${number}/clocks`), READS_TEXTS ? tried(`/v1/tickets/${number}/texts`) : null]);
  const reasons = await reasonTexts(story.items);
  const danger = await inDanger(x, story.items);
  const spans = await Promise.all(clocks.items.map((one) => (one.span ? reasonText(one.span) : "")));
  clocks.items.forEach((one, n) => { one.long = spans[n]; });
  const seen = { x, danger, merge, back, incident, alike: alike.result ?? [], story: story.items, calls: calls.items, clocks, texts: texts?.items, reasons, units: new Map(x.assignments.map((order) => [order.id, order])) };
  const lay = () => fill(place, headOf(seen, lay), el("div", { class: "tk-main" }, matterCard(seen), back, filesPlace(x, { heading: "h2" }), storyCard(seen, lay)),
    el("div", { class: "tk-side" }, callerCard(seen), clocksCard(seen), alikeCard(seen), textsCard(seen), callsCard(seen)));
  const put = own ? (work) => work() : hand; // what one did oneself is shown at once
  put(() => {
    lay();
    place.removeAttribute("aria-busy");
    document.title = `${joined([x.number, titleOf(x)], " ")} ${isolated(x.title)}`;
    tickClocks();
    if (own === true) $(".tk-head", place).scrollIntoView({ block: "nearest" });
  });
}
const placeWords = (x) => placeOf({ ...x.location, area: x.area });
const titleOf = (x) => joined([placeWords(x)[0] === "–" ? "" : placeWords(x)[0], named(x.category)], " ") || x.title;

// ---- the head: where, what, the next step, both machines
function headOf(seen, lay) {
  const { x } = seen;
  const shown = (order) => (order.allowed_actions ?? []).filter((move) => move.action !== "undo");
  const ofOrders = new Set(x.assignments.flatMap((order) => shown(order).map((move) => move.action)));
  const own = shown(x).filter((move) => !ofOrders.has(move.action)); // what is done to an order stands with it
  const next = own.find((move) => move.primary);
  const moving = own.filter((move) => move !== next && move.to !== x.status);
  const rest = own.filter((move) => move !== next && move.to === x.status && move.action !== "reveal");
  const step = x.next_step;
  const print_ = el("button", { type: "button", onclick: () => print() }, t("ticket.print"));
  const codes = can("operator", "dispatcher", "supervisor") ? el("button", { type: "button", "data-key": "code", onclick: press(async () => { code = (await get(`/v1/tickets/${number}/query-code`)).query_code; lay(); }) }, t("take.code")) : null;
  const chips = (moves, order) => moves.map((move) => actionButton(move, x, order, again, "chip dash"));
  const stages = el("div", { class: "lanes" },
    el("div", { class: "lane-row" }, el("div", { class: "lane-name" }, el("b", {}, t("ticket.one")), el("small", {}, x.closed_at ? t("ticket.took", { time: spent((Date.parse(x.closed_at) - Date.parse(x.created_at)) / 60000) }) : t("ticket.takes", { time: spent((Date.now() - Date.parse(x.created_at)) / 60000) }))),
      lane(stepsOfTicket(x, seen.story), t("ticket.machine")), el("div", { class: "actions chips", role: "group", "aria-label": t("ticket.actions") }, chips(moving, null))),
    x.assignments.map((order) => {
      const moves = shown(order);
      const first = moves.find((move) => move.primary);
      const [ways, others] = [moves.filter((move) => move !== first && move.to !== order.status), moves.filter((move) => move !== first && move.to === order.status)];
      return el("div", { class: "lane-row order-card", "data-order": order.id }, el("div", { class: "lane-name" }, el("b", {}, named(order.department)), el("small", {}, joined([word("part", order.part), order.assignee_name, order.performer ? t("dispatch.performer", { name: named(order.performer) }) : ""], " · "))),
        lane(stepsOfOrder(order, seen.story), t("ticket.order_machine")), el("div", { class: "actions chips", role: "group", "aria-label": t("ticket.actions") }, first ? actionButton(first, x, order, again, "first") : null, chips(ways, order), chips(others, order)));
    }));
  return el("header", { class: "card head tk-head" },
    el("div", { class: "tk-top" }, el("div", { class: "grow" },
      el("p", { class: "tk-line" }, priorityTag(x.priority), " ", el("strong", { id: "status" }, standing(x)), " ", el("b", {}, x.number), " ", joined([word("channel", x.channel), word("kind", x.kind), named(x.category)], " · "), x.counters.calls > 1 ? [" ", el("span", { class: "tag" }, t("ticket.n_calls", { n: x.counters.calls }))] : null, x.counters.urges ? [" ", el("span", { class: "tag amber" }, t("board.urged", { n: x.counters.urges }))] : null,
        x.flags.flatMap((flag) => [" ", el("span", { class: flag.startsWith("danger") ? "tag red" : "tag" }, flag.startsWith("names:") ? [t("flag.names"), " ", link(flag.slice(6))] : flagText(flag))])),
      el("h1", {}, titleOf(x)), el("p", { class: "tk-title" }, isolated(x.title)), withNames(x.title).includes(placed(x.area, x.location)) ? null : el("p", { class: "note" }, icon("pin", 16), " ", placed(x.area, x.location)),
      x.clocks.next ? el("p", { class: "tk-next" }, clock(x.clocks.next), " ", el("small", {}, t("board.until", { at: until(x.clocks.next.due_at) }))) : null),
    el("div", { class: "tk-do noprint" }, step ? el("p", { class: "note" }, t("ticket.next_step"), " ", t(`step_reason.${step.because}`)) : null,
      el("div", { class: "actions", role: "group", "aria-label": t("ticket.actions") }, next ? actionButton(next, x, null, again, "first") : null,
        el("details", { class: "menu-more" }, el("summary", { class: "btn", "data-key": "more" }, icon("more", 18), " ", t("board.more")), el("div", { class: "menu-list" }, rest.map((move) => actionButton(move, x, null, again)), print_, codes))), code ? el("strong", { id: "code", role: "status" }, code) : null)),
    seen.danger, stages);
}
/** What to say, ask and do while there is a danger; null: there is none, or it is over. */
async function inDanger(x, lines) {
  const dangers = x.flags.filter((flag) => flag.startsWith("danger:")).map((flag) => flag.slice(7));
  const comment = x.allowed_actions.find((move) => move.action === "comment");
  if (!dangers.length || !["received", "awaiting_info", "triaged", "dispatched"].includes(x.status)) return null;
  const known = await guidance();
  const notes = lines.filter((line) => line.action === "comment" || line.action === "add_call").map((line) => line.reason ?? "").join("\n");
  const note = (text) => press(async () => {
    try { await api("POST", `/v1/tickets/${number}/actions/comment`, { body: { text }, version: x.version }); } catch (refused) { if (!(refused instanceof Refusal)) throw refused; say(refused.said, true); }
    await draw(true);
  });
  const services = inOrder(dangers, known).flatMap((one) => one.call);
  const lead = x.assignments.find((order) => order.part === "lead" && !order.closed_at);
  const saying = (service) => t("danger_panel.told", { service: serviceName(service) });
  return dangerPanel({
    dangers, known, told: services.filter((service) => notes.includes(saying(service))).map((service) => service.code), done: [], onAsk() {}, onDeny: null, duty: lead ? dutyOf(...[lead.performer, lead.department].filter(Boolean).map((one) => one.code)) : null,
    onTell: comment && can("operator", "dispatcher", "supervisor") ? (service, event) => note(saying(service))(event) : null,
  });
}
tellByKey(() => $("#ticket"));

// ---- what was said, and what happened
function matterCard({ x, incident }) {
  return card("matter", t("take.matter"), el("blockquote", { class: "quote words" }, x.narrative), severalMatters(x), (x.unread ?? []).map((e) => el("p", { class: "error" }, toldOf(e))),
    facts([t("ticket.promised"), x.promised_at ? until(x.promised_at) : null], [t("ticket.parent"), x.parent ? link(x.parent) : null], [t("field.incident"), incident ? el("span", {}, incidentLink(incident.code), " ", stateBadge(incident), incident.final_word ? el("div", { class: "words" }, incident.final_word) : null) : x.incident ? incidentLink(x.incident) : null],
      [t("ticket.outer"), x.outer ? joined([x.outer.system, x.outer.number], " ") : null], [t("field.public_reply"), x.result.public_reply], [t("ticket.published"), x.publication.public ? t("ticket.public_yes") : null], [t("field.public_text"), x.publication.text], [t("field.internal_result"), x.result.internal_result],
      [t("field.satisfaction"), x.result.satisfaction.final ? [...new Set([x.result.satisfaction.first, x.result.satisfaction.final])].map((one) => word("satisfaction", one)).join(" → ") : null]));
}
/** Whether the step of a line kept its limit, and by how much. */
function punctuality(line, clocks) {
  const ended = ENDS[line.action] && clocks.items.find((one) => one.metric === ENDS[line.action] && (one.assignment ?? null) === (one.assignment ? line.assignment : null) && one.stopped_at && Math.abs(Date.parse(one.stopped_at) - Date.parse(line.at)) < 2000);
  const limit = ended && (ended.limit_at ?? ended.due_at);
  if (!limit) return null;
  const early = (Date.parse(limit) - Date.parse(line.at)) / 60000;
  return el("span", { class: `tag ${early >= 0 ? "green" : "red"}` }, t(early >= 0 ? "ticket.early" : "ticket.late", { time: spent(early) }));
}
function storyCard({ story, reasons, clocks, units }, lay) {
  const undone = undoneLines(story);
  const lines = story.map((line, n) => [line, reasons[n]]).filter(([line]) => whole || !QUIET.has(line.action)).reverse();
  const pick = (all, key) => el("button", { type: "button", "data-key": key, "aria-pressed": String(whole === all), onclick: () => { whole = all; lay(); } }, t(key, { n: story.length }));
  return card("story", null, el("div", { class: "tk-bar" }, el("h2", {}, t("ticket.story")), el("div", { class: "seg end noprint", role: "group", "aria-label": t("ticket.story") }, pick(false, "ticket.story_told"), pick(true, "ticket.story_whole"))),
    el("ol", { class: "story" }, lines.map(([line, reason]) => {
      const order = units.get(line.assignment);
      const moved = line.from && line.from !== line.to && line.to && !line.assignment ? `${state(line, "from")} → ${state(line, "to")}` : "";
      return el("li", {}, el("span", { class: "at" }, when(line.at)), el("p", {}, el("b", {}, authorOf(line.by)), " ", word("action", line.action), order ? [" ", named(order.department)] : null, undoneTag(undone.has(line)), " ", undone.has(line) ? null : punctuality(line, clocks), moved ? el("small", {}, " ", moved) : null),
        changedIncident(line), splitLinks(line), reason ? el("div", { class: "words" }, reason) : null);
    })));
}

// ---- beside it
function callerCard({ x, story }) {
  const reveal = x.allowed_actions.find((move) => move.action === "reveal");
  const looked = story.filter((line) => line.action === "reveal");
  return x.caller ? card("caller", t("take.caller"), el("div", { class: "tk-who" }, el("span", { class: "grow" }, caller(x)), reveal && x.caller.masked ? el("button", { type: "button", class: "btn", "data-action": "reveal", "data-key": `${x.number} reveal`, onclick: performing(reveal, x, null, {}, again) }, icon("eye", 16), " ", t("board.reveal")) : null),
    el("p", { class: "note" }, looked.length ? t("ticket.looked", { who: looked.slice(-4).map((line) => `${authorOf(line.by)} ${when(line.at)}`).join(MARKS[1]) }) : t("ticket.nobody_looked"))) : null;
}
function clocksCard({ clocks, units }) {
  const row = (one) => {
    const limit = one.limit_at ?? one.due_at;
    const done = one.stopped_at;
    const early = done && limit ? (Date.parse(limit) - Date.parse(done)) / 60000 : null;
    const share = limit ? Math.min(1, Math.max(0, (Date.now() - Date.parse(one.started_at)) / Math.max(1, Date.parse(limit) - Date.parse(one.started_at)))) : 0;
    const bar = el("i");
    bar.style.setProperty("--w", `${Math.round(share * 100)}%`);
    bar.style.setProperty("--c", `var(--${{ blue: "teal", yellow: "amber" }[one.colour] ?? one.colour})`);
    return el("li", {}, el("div", { class: "tk-clock" }, el("b", {}, word("metric", one.metric)), " ", units.has(one.assignment) ? el("small", {}, named(units.get(one.assignment).department)) : null, el("span", { class: "end" }, done ? (early == null ? when(done) : el("span", { class: `clk ${early >= 0 ? "green" : "red"}` }, t(early >= 0 ? "ticket.kept" : "ticket.missed", { time: spent(early) }))) : clock({ colour: one.colour, due_at: limit, running: !one.paused_at }))),
      done ? null : [el("div", { class: "meter", "aria-hidden": "true" }, bar), el("p", { class: "note" }, joined([limit ? until(limit) : "", one.long, (language === "en" && one.source_en) || one.source], " · "))]);
  };
  const told = (one) => ({ role: () => word("role", one.role), duty: () => joined([named(one.department), one.name], " "), head: () => t("ticket.head_of", { name: named(one.department) }), department: () => named(one.department) })[one.kind]();
  const [open, ended] = [clocks.items.filter((one) => !one.stopped_at), clocks.items.filter((one) => one.stopped_at && one.metric !== "silence")];
  const steps = clocks.escalations ?? [];
  return card("clocks", t("ticket.clocks"), open.length ? el("ul", { class: "plainlist" }, open.map(row)) : null, ended.length ? el("ul", { class: "plainlist ended" }, ended.map(row)) : null,
    steps.length ? el("ul", { class: "plainlist" }, steps.map((e) => el("li", { class: "note" }, t("ticket.escalated", { level: e.level, colour: word("level", e.colour), at: when(e.at) }), " ", joined((e.told_to ?? []).map(told), MARKS[1])))) : null,
    el("div", { class: "noprint" }, el("button", { type: "button", class: "btn sm", onclick: why }, t("ticket.how_counted")), el("div", { id: "why", "aria-live": "polite" })));
}
function alikeCard({ x, alike, merge }) {
  return alike.length ? el("section", { class: "card tk-alike", id: "duplicates" }, el("h2", {}, t("take.alike")), el("ul", { class: "plainlist" }, alike.map((one) => el("li", {}, link(one.number), " ", one.title, " ",
    el("small", {}, joined([word("status", one.status), when(one.created_at), one.same_caller ? t("take.same_caller") : ""], " · ")), " ",
    one.open && merge ? el("button", { type: "button", class: "btn sm", "data-key": `merge ${one.number}`, onclick: performing(merge, x, null, { target: one.number }, again) }, word("action", "merge")) : null)))) : null;
}
const DELIVERY = { delivered: "green", undelivered: "red", technical_failure: "red", rejected: "red", expired: "red" };
function textsCard({ texts }) {
  if (!texts) return null; // not theirs to see
  return card("texts", t("ticket.texts"), el("ul", { class: "plainlist" }, texts.length ? texts.map((text) => el("li", {}, el("div", { class: "tk-clock" }, el("small", {}, when(text.created_at)), el("span", { class: `end tag ${DELIVERY[text.status] ?? ""}` }, word("text", text.status))), text.waits_for ? el("span", { class: "badge" }, t(text.waits_for === "cap" ? "ticket.waits_cap" : "ticket.waits_quiet", { at: when(text.waits_until) })) : null, el("div", { class: "words" }, text.body ?? text.template))) : el("li", { class: "note" }, t("app.none"))));
}
function callsCard({ calls }) {
  return calls.length ? card("calls", t("ticket.calls"), el("ul", { class: "plainlist" }, calls.map((call) => el("li", {}, el("small", {}, joined([when(call.at), word("channel", call.channel)], " · ")), el("div", { class: "words" }, call.narrative))))) : null;
}
/** The matters of a ticket that tells of several: which one stays, and a button that makes tickets of the others. */
function severalMatters(x) {
  const [split, matters] = [x.allowed_actions.find((move) => move.action === "split"), mattersOf(x)];
  if (!split || !matters.length) return null;
  const { narrative } = partsOf(x);
  const rows = matters.map((one, n) => el("label", {}, el("input", { type: "radio", name: "stays", value: n, checked: one.text.trim() === narrative }), " ", el("span", { class: "words" }, one.text), " ", el("small", {}, t("ticket.stays"))));
  const chosen = () => rows.findIndex((row) => $("input", row).checked);
  return el("fieldset", { id: "matters", class: "noprint" }, el("legend", {}, t("take.several", { n: matters.length })), rows,
    el("button", { type: "button", "data-key": "split", onclick: (event) => performing(split, x, null, partsOf(x, Math.max(0, chosen())), again)(event) }, word("action", "split")));
}
/** The tickets that a line of the history says were split off, or that this one was split off. */
function splitLinks(line) {
  const [had, has] = line.action === "split" ? line.changes.flags ?? [[], []] : [[], []];
  const into = has.filter((flag) => !had.includes(flag)).map((flag) => flag.split(":")[1]);
  const from = (line.changes.split_from ?? []).filter(Boolean);
  return into.length || from.length ? el("div", {}, t(into.length ? "flag.split_into" : "flag.split_from"), " ", [...into, ...from].flatMap((one) => [link(one), " "])) : null;
}
/** The incidents that a line of the history names, and what became of the one the ticket carries. */
function changedIncident(line) {
  const codes = (line.changes.incident ?? []).filter(Boolean);
  const became = line.changes.incident_state?.[1];
  return codes.length ? el("div", {}, codes.flatMap((one) => [incidentLink(one), " "]), became ? word("incident_state", became) : null) : null;
}
/** How a deadline was set, step by step. */
async function why() {
  const told = await api("POST", "/v1/explain/deadline", { body: { ticket: number } });
  fill($("#why"), el("p", {}, el("strong", {}, until(told.result?.due_at ?? told.result?.limit_at))), el("ol", {}, (await becauseTexts(told.because)).map(([rule, found]) => el("li", {}, `${rule} `, el("small", {}, joined(found.filter((one) => !rule.includes(one)), " · "))))));
}
addEventListener("click", (event) => { for (const menu of document.querySelectorAll("details.menu-more[open]")) if (!menu.contains(event.target) || event.target.closest(".menu-list button")) menu.open = false; });
addEventListener("keydown", (event) => { const menu = $("details.menu-more[open]"); if (event.key === "Escape" && menu) { menu.open = false; $("summary", menu).focus(); } });
document.addEventListener("undone", () => draw(true));
const redraw = soon(() => draw(), 150);
listen([], (event) => { if (event.number === number) redraw(); }, redraw);
