// A form for every action, made from what the reply says it needs and the published life cycle says it may carry.
import { $, Refusal, api, choices, el, family, fill, get, given, instant, joined, language, listed, named, openDialog, plain, press, say, settled, t, unique, word } from "./core.js";

const LONG = new Set(["text", "reason", "answer", "basis", "public_reply", "internal_result", "narrative"]);
const CODES = { category: "categories", area: "areas", department: "departments", performer: "departments" };
const WORDS = { kind: "kind", priority: "priority", level: "level", satisfaction: "satisfaction", reached: "reached", fault: "fault", funding: "funding" };
const REASONS = { decline: "decline_reason", void: "void_reason", request_return: "return_reason" };
const TICKS = new Set(["confidential", "solved"]);
const NUMBERS = new Set(["lat", "lon", "cost"]);
const AT_ONCE = new Set(["accept", "claim"]); // what is done a hundred times a day is one press
const MOMENTS = new Set(["due_at", "review_at"]);
const SENDS = new Set(["dispatch", "assist"]); // these give a department an order
export const MARKS = language === "en" ? [": ", ", "] : ["：", "，"]; // between a name and what it is, and between two things
const SHOWN_FOR = 60; // seconds a revealed caller stays in sight

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
  if (!move.needs.length && (!may.length || AT_ONCE.has(move.action))) return send(move, path, {}, seen);
  return new Promise((done) => {
    const wrong = el("p", { class: "error", role: "alert" });
    const asked = (field, needed) => el("label", {}, word("field", field) + (needed ? " *" : "") + (MOMENTS.has(field) ? ` (${given.zone})` : ""), input(field, move.action, needed));
    const again = el("div", {}); // asks whether it is to go where it came from
    const button = el("button", { class: "first" }, word("action", move.action), " ", el("kbd", {}, "Ctrl ⏎"));
    const form = el("form", { method: "dialog", autocomplete: "off" },
      el("h2", {}, `${word("action", move.action)} · ${seen.number}`),
      move.needs.map((field) => asked(field, true)),
      may.length ? el("details", { open: !move.needs.length }, el("summary", {}, t("form.more")), may.map((field) => asked(field, false))) : null,
      again, wrong,
      el("div", { class: "go" }, button, el("button", { type: "button", onclick: () => finish(null) }, t("app.cancel"))));
    const finish = (result) => { close(); done(result); };
    for (const [field, value] of Object.entries(first)) {
      const place = form.elements[field];
      if (place && value) { place.value = plain(value); place.dataset.chosen = value; }
    }
    form.addEventListener("change", (event) => { if (["department", "assists"].includes(event.target.name)) fill(again); });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled) return; // it is on its way
      wrong.textContent = "";
      const body = read(form);
      const back = SENDS.has(move.action) ? returned(seen).find((one) => [body.department, ...(body.assists ?? [])].includes(one.department.code)) : null;
      if (back && !$("input:checked", again)) {
        const tick = el("input", { type: "checkbox" });
        fill(again, el("label", { class: "tick" }, tick, t("form.came_back", { name: named(back.department), why: why(back) })));
        tick.focus();
        return;
      }
      button.disabled = true;
      try {
        finish(await send(move, path, body, seen));
      } catch (refused) {
        wrong.textContent = `${move.action === "reveal" ? `${t("caller.not_shown")} ` : ""}${refused instanceof Refusal ? refused.said : t("app.failed")}`;
        if (!(refused instanceof Refusal)) throw refused;
      } finally {
        button.disabled = false;
      }
    });
    const close = openDialog(el("dialog", { "aria-label": word("action", move.action) }, form), () => finish(null));
  });
}

const tried = new Map(); // what was sent and not done for certain: a second try is the same request
async function send(move, path, body, seen) {
  const what = `${path} ${seen.version} ${JSON.stringify(body)}`;
  if (!tried.has(what)) tried.set(what, unique());
  try {
    const after = await settled(api("POST", path, { body, version: seen.version, key: tried.get(what) }));
    tried.delete(what);
    say(t("form.did", { what: word("action", move.action), number: seen.number }));
    return after;
  } catch (refused) {
    if (!(refused instanceof Refusal) || ![404, 409, 412].includes(refused.status)) throw refused;
    await tellLate(move, seen, refused);
    return "late";
  }
}

/** Who was quicker, and what they did. */
async function tellLate(move, seen, refused) {
  let who = "";
  try {
    const lines = (await get(`/v1/tickets/${seen.number}/timeline?limit=200`)).items;
    const last = lines.at(-1);
    who = t("form.they_did", { who: last.by.name, what: word("action", last.action) });
  } catch { /* no longer ours to see */ }
  say([move.action === "reveal" ? t("caller.not_shown") : "", refused.status === 409 ? refused.message : t("form.late"), who].join(" "), true);
}

/** What is known already, so that nobody types it again: how the ticket stands, and what the rules advise. */
function known(seen, action) {
  if (action === "dispatch") return { department: seen.advice?.routing?.lead };
  if (action !== "triage") return {};
  return { category: seen.category?.code ?? seen.advice?.triage?.category, kind: seen.kind, priority: seen.priority, area: seen.area?.code, address: seen.location?.address };
}

// The caller, where a ticket shows them. Who was revealed stands there for a while, then is hidden again.
let revealed = null;
const full = (phone) => el("a", { href: `tel:${phone.replace(/[^+\d*#;,=a-z]/g, "")}`, "data-key": "tel", dir: "ltr" }, phone);
function showCaller(place) {
  const open = revealed?.number === place.dataset.caller ? revealed.caller : null;
  const who = open ?? place.masked;
  const parts = who ? [who.name, who.phone && (who.masked ? el("bdi", { dir: "ltr" }, who.phone) : full(who.phone)), who.contact].filter(Boolean).flatMap((part) => [part, " "]) : [];
  fill(place, parts.length ? parts : t(open ? "caller.nothing" : "ticket.hidden"),
    open ? el("span", { class: "noprint" }, el("small", { "data-left": true }, t("caller.left", { n: revealed.left })), " ", el("button", { type: "button", class: "small", onclick: hide }, t("caller.hide"))) : null);
}
const showCallers = () => document.querySelectorAll("[data-caller]").forEach(showCaller);
/** The caller of a ticket as the API shows them, a whole number to be rung with a press. */
export function caller(ticket) {
  const place = el("span", { class: "caller", "data-caller": ticket.number, tabindex: "-1" });
  place.masked = ticket.caller;
  showCaller(place);
  return place;
}
function reveal(ticket) {
  hide();
  const ends = Date.now() + SHOWN_FOR * 1000;
  const every = setInterval(() => {
    revealed.left -= 1;
    if (revealed.left <= 0 || Date.now() >= ends) { hide(); say(t("caller.hidden_again")); return; }
    for (const left of document.querySelectorAll("[data-left]")) left.textContent = t("caller.left", { n: revealed.left });
  }, 1000);
  revealed = { number: ticket.number, caller: ticket.caller ?? {}, left: SHOWN_FOR, every };
  showCallers();
  let place = [...document.querySelectorAll(`[data-caller="${ticket.number}"]`)].find((one) => one.offsetParent);
  if (!place) { // the page has no place for it
    const close = openDialog(el("dialog", { "aria-label": word("action", "reveal") }, el("h2", {}, `${t("take.caller")} · ${ticket.number}`), el("p", {}, place = caller(ticket)),
      el("div", { class: "go" }, el("button", { type: "button", onclick: () => leave() }, t("app.close")))), () => leave());
    const leave = () => { close(); hide(); };
  }
  ($("a", place) ?? place).focus();
  say(t("caller.shown", { n: SHOWN_FOR }));
}
/** Nobody's number is in sight any more. */
export function hide() {
  if (!revealed) return;
  clearInterval(revealed.every);
  const at = document.activeElement?.closest("[data-caller]");
  revealed = null;
  showCallers();
  at?.focus();
}
addEventListener("pagehide", hide);

const returned = (seen) => seen.assignments.filter((order) => order.status === "returned");
const why = (order) => joined([word("return_reason", order.return?.reason_code), order.return?.basis], MARKS[1]);
/** Buttons for every allowed action of a ticket and of its orders; `after(result)` when one was done. */
export function buttons(seen, after, order = null) {
  // what an order offers is not offered a second time by its ticket
  const ofOrders = new Set(order ? [] : seen.assignments.flatMap((a) => a.allowed_actions.map((move) => move.action)));
  const moves = ((order ?? seen).allowed_actions ?? []).filter((move) => !ofOrders.has(move.action));
  return el("div", { class: "actions", role: "group", "aria-label": t("ticket.actions") }, moves.map((move, place) =>
    el("button", {
      type: "button", class: place === 0 ? "first" : "", "data-action": move.action, "data-key": `${order?.id ?? seen.number} ${move.action}`,
      onclick: press(async (event) => {
        if (event.detail > 1) return; // the second half of a double press
        try {
          const result = await perform(move, seen, order, order ? {} : known(seen, move.action));
          if (move.action === "reveal" && result?.number) { seen.version = result.version; reveal(result); } else if (result !== null) after(result);
        } catch (refused) {
          say(refused instanceof Refusal ? refused.said : t("app.failed"), true);
          if (!(refused instanceof Refusal)) throw refused;
        }
      }),
    }, word("action", move.action))));
}
