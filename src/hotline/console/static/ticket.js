// A ticket on one page: contacts, state, clocks, texts sent, history.
import { $, MARKS, api, authorOf, can, countdown, directory, el, fill, get, given, incidentLink, joined, language, link, listen, isolated, named, placed, press, soon, state, steady, t, tick, toldOf, urgency, when, word } from "./core.js";
import { stateBadge } from "./incidents.js";
import { buttons, caller, mattersOf, partsOf, performing } from "./forms.js";
import { backAndForth, filesPlace } from "./panel.js";
import { becauseTexts, flagText, reasonTexts } from "./reasons.js";

const number = given.given.number;
const tried = async (path) => { try { return await get(path); } catch { return { items: [], escalations: [] }; } };
const drawing = async (machine, at) => (await fetch(`/console/machine/${machine}.svg?at=${at}&in=${language}`)).text();
function facts(...pairs) {
  return el("dl", { class: "facts" }, pairs.filter(([, value]) => value != null && value !== "").flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}
const hand = steady($("#ticket"));
let code = ""; // the resident's, once it was asked for
async function draw(own) {
  const place = $("#ticket");
  let x;
  try { x = await get(`/v1/tickets/${number}`); } catch (refused) { fill(place, el("p", { class: "error" }, refused.message)); place.removeAttribute("aria-busy"); return; }
  const merge = x.allowed_actions.find((move) => move.action === "merge");
  const [back, incident, repeats, story, calls, clocks, texts, machine, ...orders] = await Promise.all([backAndForth(x), x.incident ? get(`/v1/incidents/${x.incident}`).catch(() => null) : null,
    can("auditor") || (merge && can("operator", "dispatcher", "supervisor")) ? tried(`/v1/tickets/${number}/duplicates`) : {},
    tried(`/v1/tickets/${number}/timeline?limit=200`), tried(`/v1/tickets/${number}/calls`), tried(`/v1/tickets/${number}/clocks`), tried(`/v1/tickets/${number}/texts`),
    drawing("ticket", x.status), ...x.assignments.map((order) => drawing("assignment", order.status))]);
  const picture = (svg, name) => { const holder = el("figure", { class: "machine" }); holder.innerHTML = svg; holder.append(el("figcaption", { class: "note" }, name)); return holder; };
  const reasons = await reasonTexts(story.items);
  const units = new Map((clocks.escalations ?? []).length ? (await directory("departments")).map((one) => [one.code, named(one)]) : []);
  const unit = new Map(x.assignments.map((order) => [order.id, named(order.department)]));
  const lay = () => fill(place,
    el("header", { class: "head card" },
      el("h1", {}, urgency(x.priority), " ", x.title),
      el("p", {}, el("strong", { id: "status" }, word("status", x.status)), " · ", x.number, " · ", t("ticket.received"), " ", when(x.created_at), " · ", t("ticket.promised"), " ", when(x.promised_at),
        x.clocks.due_at ? el("span", {}, " · ", countdown(x.clocks.due_at, x.status === "dispatched")) : null),
      x.flags.length ? el("p", {}, x.flags.map((flag) => el("span", { class: "badge" }, flag.startsWith("names:") ? [t("flag.names"), " ", link(flag.slice(6))] : flagText(flag)))) : null,
      buttons(x, () => draw(true)),
      el("p", { class: "noprint" }, el("button", { type: "button", onclick: () => print() }, t("ticket.print")), " ",
        can("operator", "dispatcher", "supervisor") ? el("button", { type: "button", "data-key": "code", onclick: press(async () => { code = (await get(`/v1/tickets/${number}/query-code`)).query_code; lay(); tick(); }) }, t("take.code")) : null, " ", code ? el("strong", { id: "code", role: "status" }, code) : null)),
    el("div", {},
      el("section", { class: "card" }, el("h2", {}, t("take.matter")), el("p", { class: "words" }, x.narrative), severalMatters(x), (x.unread ?? []).map((e) => el("p", { class: "error" }, toldOf(e))),
        facts([t("field.category"), named(x.category)], [t("field.kind"), word("kind", x.kind)], [t("take.channel"), word("channel", x.channel)], [t("field.area"), placed(x.area, x.location)],
          [t("take.caller"), x.caller ? caller(x) : null], [t("ticket.parent"), x.parent ? link(x.parent) : null], [t("field.incident"), incident ? el("span", {}, incidentLink(incident.code), " ", stateBadge(incident), incident.final_word ? el("div", { class: "words" }, incident.final_word) : null) : x.incident ? incidentLink(x.incident) : null],
          [t("ticket.outer"), x.outer ? joined([x.outer.system, x.outer.number], " ") : null], [t("field.public_reply"), x.result.public_reply], [t("ticket.published"), x.publication.public ? t("ticket.public_yes") : null], [t("field.public_text"), x.publication.text], [t("field.internal_result"), x.result.internal_result],
          [t("field.satisfaction"), x.result.satisfaction.final ? `${word("satisfaction", x.result.satisfaction.first)} → ${word("satisfaction", x.result.satisfaction.final)}` : null])),
      back, x.assignments.map((order, n) => el("section", { class: "card order-card", "data-order": order.id },
        el("h2", {}, named(order.department), " ", el("small", {}, `${word("part", order.part)} · ${word("order", order.status)}`)),
        facts([t("ticket.issued"), when(order.issued_at)], [t("board.accept_by"), order.accept_by ? when(order.accept_by) : null], [t("ticket.accepted"), order.accepted_at ? when(order.accepted_at) : null],
          [word("action", "contact_caller"), order.contacted_at ? when(order.contacted_at) : null], [t("field.due_at"), order.due_at ? when(order.due_at) : null], [t("ticket.reported"), order.reported_at ? when(order.reported_at) : null], [t("field.performer"), named(order.performer)], [t("field.assignee"), order.assignee], [t("field.internal_result"), order.result?.internal_result]),
        buttons(x, () => draw(true), order), order.closed_at ? null : picture(orders[n], t("ticket.order_machine")))),
      filesPlace(x, { heading: "h2" }),
      el("section", { class: "card" }, el("h2", {}, t("ticket.story")),
        el("ol", { class: "story" }, story.items.map((line, n) => el("li", {}, el("div", { class: "at" }, joined([when(line.at), authorOf(line.by)], " · ")), el("strong", {}, word("action", line.action)),
          line.from && line.from !== line.to && line.to ? ` ${state(line, "from")} → ${state(line, "to")}` : "", changedIncident(line), splitLinks(line), line.reason ? el("div", { class: "words" }, reasons[n]) : null))))),
    el("div", {},
      repeats.result?.length ? el("section", { class: "card", id: "duplicates" }, el("h2", {}, t("take.alike")), el("ul", { class: "plainlist" }, repeats.result.map((one) => el("li", {}, link(one.number), " ", one.title, " ",
        el("small", {}, `${word("status", one.status)} ${when(one.created_at)} ${one.same_caller ? t("take.same_caller") : ""}`), " ",
        one.open && merge ? el("button", { type: "button", "data-key": `merge ${one.number}`, onclick: performing(merge, x, null, { target: one.number }, () => draw(true)) }, word("action", "merge")) : null)))) : null,
      el("section", { class: "card" }, el("h2", {}, t("ticket.machine")), picture(machine, word("status", x.status))),
      el("section", { class: "card" }, el("h2", {}, t("ticket.clocks")),
        el("ul", { class: "plainlist" }, clocks.items.map((clock) => el("li", {}, el("strong", {}, word("metric", clock.metric)), " ", unit.get(clock.assignment) ?? "", " ", clock.stopped_at && clock.colour !== "red" ? "" : el("span", { class: clock.colour === "red" ? "late" : "" }, word("colour", clock.colour)), " ",
          clock.stopped_at ? `${when(clock.due_at)} · ${t("ticket.stopped")} ${when(clock.stopped_at)}` : clock.due_at ? el("span", {}, when(clock.due_at), " · ", countdown(clock.due_at, !clock.paused_at)) : "",
          el("div", { class: "note" }, t("ticket.why", { source: (language === "en" && clock.source_en) || clock.source })))),
        (clocks.escalations ?? []).map((e) => el("li", { class: "note" }, t("ticket.escalated", { level: e.level, colour: word("level", e.colour), at: when(e.at) }), " ", joined(e.told.map((one) => (one.startsWith("role:") ? word("role", one.slice(5)) : units.get(one.split(":")[1]))), MARKS[1]))))),
      el("section", { class: "card noprint" }, el("h2", {}, t("ticket.why_due")), el("button", { type: "button", onclick: why }, t("ticket.tell_why")), el("div", { id: "why", "aria-live": "polite" })),
      el("section", { class: "card" }, el("h2", {}, t("ticket.calls")), el("ul", { class: "plainlist" }, calls.items.map((call) => el("li", {}, `${when(call.at)} · ${word("channel", call.channel)} `, el("div", { class: "words" }, call.narrative))))),
      el("section", { class: "card" }, el("h2", {}, t("ticket.texts")), el("ul", { class: "plainlist" }, texts.items.length ? texts.items.map((text) => el("li", {}, `${when(text.created_at)} · ${word("text", text.status)} `, text.waits_for ? el("span", { class: "badge" }, text.waits_for === "cap" ? t("ticket.waits_cap", { at: when(text.waits_until) }) : t("ticket.waits_quiet", { at: when(text.waits_until) })) : null, el("div", { class: "words" }, text.body ?? text.template))) : el("li", { class: "note" }, t("app.none"))))));
  const put = own ? (work) => work() : hand; // what one did oneself is shown at once
  put(() => { lay(); place.removeAttribute("aria-busy"); document.title = `${x.number} ${isolated(x.title)}`; tick(); });
}
/** The matters of a ticket that tells of several: which one stays, and a button that makes tickets of the others. */
function severalMatters(x) {
  const [split, matters] = [x.allowed_actions.find((move) => move.action === "split"), mattersOf(x)];
  if (!split || !matters.length) return null;
  const { narrative } = partsOf(x);
  const rows = matters.map((one, n) => el("label", {}, el("input", { type: "radio", name: "stays", value: n, checked: one.text.trim() === narrative }), " ", el("span", { class: "words" }, one.text), " ", el("small", {}, t("ticket.stays"))));
  const chosen = () => rows.findIndex((row) => $("input", row).checked);
  return el("fieldset", { id: "matters", class: "noprint" }, el("legend", {}, t("take.several", { n: matters.length })), rows,
    el("button", { type: "button", "data-key": "split", onclick: (event) => performing(split, x, null, partsOf(x, Math.max(0, chosen())), () => draw(true))(event) }, word("action", "split")));
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
  return codes.length ? el("div", {}, codes.flatMap((code) => [incidentLink(code), " "]), became ? word("incident_state", became) : null) : null;
}
/** How a deadline was set, step by step. */
async function why() {
  const told = await api("POST", "/v1/explain/deadline", { body: { ticket: number } });
  fill($("#why"), el("p", {}, el("strong", {}, when(told.result?.due_at ?? told.result?.limit_at))), el("ol", {}, (await becauseTexts(told.because)).map(([rule, found]) => el("li", {}, `${rule} `, el("small", {}, joined(found.filter((one) => !rule.includes(one)), " · "))))));
}
const redraw = soon(() => draw(), 150);
listen([], (event) => { if (event.number === number) redraw(); }, redraw);
