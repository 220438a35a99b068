// A form for every action, made from what the reply says it needs and the published life cycle says it may carry.
import { $, Refusal, api, choices, el, family, fill, get, given, instant, link, listed, named, say, t, urgency, word } from "./core.js";

const LONG = new Set(["text", "reason", "answer", "basis", "public_reply", "internal_result", "narrative"]);
const CODES = { category: "categories", area: "areas", department: "departments", performer: "departments" };
const WORDS = { kind: "kind", priority: "priority", level: "level", satisfaction: "satisfaction", reached: "reached", fault: "fault", funding: "funding" };
const REASONS = { decline: "decline_reason", void: "void_reason", request_return: "return_reason" };
const TICKS = new Set(["confidential", "solved"]);
const NUMBERS = new Set(["lat", "lon", "cost"]);
const AT_ONCE = new Set(["accept", "claim"]); // what is done a hundred times a day is one press
const MOMENTS = new Set(["due_at", "review_at"]);

let cycle;
async function takes(action, ofOrder) {
  cycle ??= get("/v1/lifecycle");
  const moves = (await cycle)[ofOrder ? "assignment" : "ticket"].moves.filter((move) => move.action === action);
  return [...new Set(moves.flatMap((move) => [...move.takes, ...move.needs]))];
}

function input(field, action, needed) {
  const common = { name: field, required: needed };
  const one = (words) => {
    // nothing is chosen beforehand: what stands there by chance would be sent by chance
    const select = el("select", { ...common, "data-empty": needed ? "app.choose" : "app.unchanged" });
    choices(select, words);
    return select;
  };
  if (field === "reason_code") return one(family(REASONS[action] ?? "return_reason"));
  if (WORDS[field]) return one(family(WORDS[field]));
  if (CODES[field]) {
    const select = el("select", { ...common, "data-empty": "app.choose" });
    listed(CODES[field]).then((items) => choices(select, items, select.dataset.chosen));
    return select;
  }
  if (field === "assists") {
    const select = el("select", { ...common, multiple: true, size: 6 });
    listed("departments").then((items) => choices(select, items));
    return select;
  }
  if (field === "flags") return el("input", { ...common, placeholder: t("form.codes") });
  if (TICKS.has(field)) return one([["true", t("app.yes")], ["false", t("app.no")]]);
  if (MOMENTS.has(field)) return el("input", { ...common, type: "datetime-local" });
  if (NUMBERS.has(field)) return el("input", { ...common, type: "number", step: "any" });
  return LONG.has(field) ? el("textarea", { ...common, rows: 3, maxlength: 5000 }) : el("input", { ...common, maxlength: 200 });
}

function read(form) {
  const sent = {};
  for (const [field, value] of new FormData(form)) {
    if (value === "") continue;
    if (TICKS.has(field)) sent[field] = value === "true";
    else if (MOMENTS.has(field)) sent[field] = instant(value);
    else if (NUMBERS.has(field)) sent[field] = Number(value);
    else if (field === "assists") (sent.assists ??= []).push(value);
    else if (field === "flags") sent[field] = value.split(/[,，\s]+/).filter(Boolean);
    else sent[field] = value;
  }
  return sent;
}

/** Do one allowed action. `seen` is the ticket as shown; `order` its assignment, if one is meant. Asks for what it needs;
 *  tells kindly where somebody else was quicker. Resolves to the ticket after it, to "late", or to null: given up. */
export async function perform(move, seen, order, first = {}) {
  const path = order
    ? `/v1/tickets/${seen.number}/assignments/${order.id}/actions/${move.action}`
    : `/v1/tickets/${seen.number}/actions/${move.action}`;
  const may = (await takes(move.action, Boolean(order))).filter((field) => !move.needs.includes(field));
  if (!move.needs.length && (!may.length || AT_ONCE.has(move.action))) return send(path, {}, seen);
  return new Promise((done) => {
    const wrong = el("p", { class: "error", role: "alert" });
    const asked = (field, needed) => el("label", {}, word("field", field) + (needed ? " *" : "") + (MOMENTS.has(field) ? ` (${given.zone})` : ""), input(field, move.action, needed));
    const form = el("form", { method: "dialog" },
      el("h2", {}, `${word("action", move.action)} · ${seen.number}`),
      move.needs.map((field) => asked(field, true)),
      may.length ? el("details", { open: !move.needs.length }, el("summary", {}, t("form.more")), may.map((field) => asked(field, false))) : null,
      wrong,
      el("div", { class: "go" }, el("button", { class: "first" }, word("action", move.action)),
        el("button", { type: "button", onclick: () => finish(null) }, t("app.cancel"))));
    const box = el("dialog", { "aria-label": word("action", move.action) }, form);
    const finish = (result) => { box.close(); box.remove(); done(result); };
    box.addEventListener("cancel", () => finish(null));
    for (const [field, value] of Object.entries(first)) {
      const place = form.elements[field];
      if (place && value) { place.value = value; place.dataset.chosen = value; }
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.textContent = "";
      const button = form.querySelector("button.first");
      button.disabled = true;
      try {
        finish(await send(path, read(form), seen));
      } catch (refused) {
        if (!(refused instanceof Refusal)) throw refused;
        wrong.textContent = refused.said;
      } finally {
        button.disabled = false;
      }
    });
    document.body.append(box);
    box.showModal();
  });
}

async function send(path, body, seen) {
  try {
    const after = await api("POST", path, { body, version: seen.version });
    say(t("form.done"));
    return after;
  } catch (refused) {
    if (!(refused instanceof Refusal) || ![404, 409, 412].includes(refused.status)) throw refused;
    await tellLate(seen, refused);
    return "late";
  }
}

/** Who was quicker, and what they did. */
async function tellLate(seen, refused) {
  let who = "";
  try {
    const lines = (await get(`/v1/tickets/${seen.number}/timeline?limit=200`)).items;
    const last = lines.at(-1);
    who = t("form.they_did", { who: last.by.name, what: word("action", last.action) });
  } catch { /* no longer ours to see */ }
  say(`${refused.status === 409 ? refused.message : t("form.late")} ${who}`, true);
}

/** What is known already, so that nobody types it again: how the ticket stands, and what the rules advise. */
function known(seen, action) {
  if (action === "dispatch") return { department: seen.advice?.routing?.lead };
  if (action !== "triage") return {};
  return { category: seen.category?.code ?? seen.advice?.triage?.category, kind: seen.kind, priority: seen.priority, area: seen.area?.code, address: seen.location?.address };
}

/** Buttons for every allowed action of a ticket and of its orders; `after(result)` when one was done. */
export function buttons(seen, after, order = null) {
  // what an order offers is not offered a second time by its ticket
  const ofOrders = new Set(order ? [] : seen.assignments.flatMap((a) => a.allowed_actions.map((move) => move.action)));
  const moves = ((order ?? seen).allowed_actions ?? []).filter((move) => !ofOrders.has(move.action));
  return el("div", { class: "actions", role: "group", "aria-label": t("ticket.actions") }, moves.map((move, place) =>
    el("button", {
      type: "button", class: place === 0 ? "first" : "", "data-action": move.action,
      onclick: async (event) => {
        event.stopPropagation();
        try {
          const result = await perform(move, seen, order, order ? {} : known(seen, move.action));
          if (result !== null) after(result);
        } catch (refused) {
          if (!(refused instanceof Refusal)) throw refused;
          say(refused.said, true);
        }
      },
    }, word("action", move.action))));
}

/** A matter beside the list it was chosen from, with all that may be done about it: `show(number)`. `more(ticket)`: what
 *  this page says of it besides; `changed()`: something was done. Escape puts it away. */
export function panelled(more, changed) {
  const panel = $("#panel");
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !$("dialog[open]")) panel.hidden = true; });
  return async function show(number) {
    const ticket = await get(`/v1/tickets/${number}`);
    const after = () => { changed(); show(number); };
    fill(panel, el("button", { type: "button", class: "shut", onclick: () => { panel.hidden = true; } }, t("app.close")),
      el("h2", {}, urgency(ticket.priority), " ", ticket.title), el("p", {}, link(ticket.number), " · ", word("status", ticket.status)),
      el("p", { class: "words" }, ticket.narrative),
      el("p", { class: "note" }, [named(ticket.category), named(ticket.area), ticket.location?.address].filter(Boolean).join(" · ")),
      more(ticket),
      ticket.assignments.map((order) => el("section", {}, el("h3", {}, named(order.department), " ", el("small", {}, `${word("part", order.part)} · ${word("order", order.status)}`)), buttons(ticket, after, order))),
      el("h3", {}, t("board.of_ticket")), buttons(ticket, after));
    panel.hidden = false;
    $(".actions button", panel)?.focus();
  };
}
