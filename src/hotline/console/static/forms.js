// A form for every action, made from the JSON Schema of its body; what the state needs is required.
import { $, MARKS, PARTS, Refusal, api, authorOf, el, fill, get, joined, language, named, openDialog, plain, press, say, settled, t, unique, word } from "./core.js";
import { fieldsOf } from "./schema_fields.js";

const ACTION = { family: "field", none: { word: "app.unchanged", code: "app.choose" } };
const AT_ONCE = new Set(["accept", "claim"]); // what is done a hundred times a day is one press
const SENDS = new Set(["dispatch", "assist"]); // these give a department an order
const JUDGES = new Set(["accept_report", "reject_report", "confirm", "call_back", "explain", "reopen"]); // what a department reported
const SHOWN_FOR = 60; // seconds a revealed caller stays in sight

let cycle = null;
/** The JSON Schema of an action's body, or of an order's. */
export async function schemaOf(action, ofOrder = false) {
  cycle ??= get("/v1/lifecycle").catch((failed) => { cycle = null; throw failed; }); // the next one asks again
  return (await cycle)[ofOrder ? "assignment" : "ticket"].schemas[action];
}
/** The fields of an action: required ones in the order of `needs`, then optional ones. `known` is filled in. */
export function actionFields(schema, needs, known = {}) {
  const required = ({ anyOf, default: _, ...property }) => ({ ...property, anyOf: anyOf?.filter((option) => option.type !== "null") });
  const names = [...new Set([...needs, ...Object.keys(schema.properties)])].filter((name) => name in schema.properties && name !== "photos"); // photos are chosen as pictures
  const properties = Object.fromEntries(names.map((name) => [name, needs.includes(name) ? required(schema.properties[name]) : schema.properties[name]]));
  const value = Object.fromEntries(Object.entries(known).filter(([, held]) => held).map(([name, held]) => [name, Array.isArray(held) ? held.map(plain) : plain(held)]));
  return fieldsOf({ ...schema, properties, required: needs }, value, ACTION).map((field) => {
    Object.assign(field.node, { name: field.name, required: field.needed });
    return { ...field, line: el("label", {}, field.label, field.node) };
  });
}
/** A dialog that asks for the fields of an action, and `more` below them. `send(body)` resolves to `{ done }`, or to
 *  `{ wrong }`: it is shown and the dialog stays. Resolves to the result; null: cancelled. */
export function ask(action, title, fields, send, more = null) {
  return new Promise((settle) => {
    const wrong = el("p", { class: "error", role: "alert" });
    const button = el("button", { class: "first" }, word("action", action), " ", el("kbd", {}, "Ctrl ⏎"));
    const [needed, optional] = [true, false].map((is) => fields.filter((field) => field.needed === is).map((field) => field.line));
    const form = el("form", { method: "dialog", autocomplete: "off" }, el("h2", {}, title), needed,
      optional.length ? el("details", { open: !needed.length || action === "amend" }, el("summary", {}, t("form.more")), optional) : null, more, wrong,
      el("div", { class: "go" }, button, el("button", { type: "button", onclick: () => finish(null) }, t("app.cancel"))));
    const finish = (result) => { close(); settle(result); };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.disabled) return; // it is on its way
      button.disabled = true;
      wrong.textContent = "";
      try {
        const read = fields.map((field) => [field.name, field.read()]);
        const sent = await send(Object.fromEntries(read.filter(([, value]) => value != null && value.length !== 0)));
        if ("done" in sent) finish(sent.done); else wrong.textContent = sent.wrong;
      } catch (failed) {
        wrong.textContent = t("app.failed");
        throw failed;
      } finally { button.disabled = false; }
    });
    const close = openDialog(el("dialog", { "aria-label": word("action", action) }, form), () => finish(null));
  });
}

/** Do one allowed action. `seen` is the ticket as shown; `order` its assignment, if one is meant. Asks for the fields it needs;
 *  says who has changed the ticket meanwhile. Resolves to the new ticket, to "late", or to null: cancelled. */
export async function perform(move, seen, order, known = {}) {
  if (move.action === "report") {
    const own = order ?? seen.assignments.find((one) => one.part === "lead" && !one.closed_at);
    return (await import("./report_dialog.js")).reportInDialog(seen, own);
  }
  const path = order
    ? `/v1/tickets/${seen.number}/assignments/${order.id}/actions/${move.action}`
    : `/v1/tickets/${seen.number}/actions/${move.action}`;
  const fields = actionFields(await schemaOf(move.action, Boolean(order)), move.needs, known);
  if (!move.needs.length && (!fields.length || AT_ONCE.has(move.action))) return send(move, path, {}, seen);
  const pictures = JUDGES.has(move.action) ? el("div", { hidden: true }) : null; // what the work came to is seen where it is judged
  if (pictures) import("./photos.js").then(({ look }) => look(pictures, seen));
  const again = el("div", {}); // asks whether it is to go where it came from
  for (const { name, node } of fields) if (["department", "assists"].includes(name)) node.addEventListener("change", () => fill(again));
  return ask(move.action, `${word("action", move.action)} · ${seen.number}`, fields, async (body) => {
    const back = SENDS.has(move.action) ? returned(seen).find((one) => [body.department, ...(body.assists ?? [])].includes(one.department.code)) : null;
    if (back && !$("input:checked", again)) {
      const tick = el("input", { type: "checkbox" });
      fill(again, el("label", { class: "tick" }, tick, t("form.came_back", { name: named(back.department), why: why(back) })));
      tick.focus();
      return { wrong: "" };
    }
    try { return { done: await send(move, path, move.action === "amend" ? amended(body, known) : body, seen) }; } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      return { wrong: `${move.action === "reveal" ? `${t("caller.not_shown")} ` : ""}${refused.said}` };
    }
  }, [pictures, again]);
}

/** What was changed of the values that were filled in; a part of the address that was emptied is sent as empty. */
function amended(body, known) {
  const emptied = PARTS.filter((part) => known[part] && !(part in body)).map((part) => [part, ""]);
  return Object.fromEntries([...Object.entries(body).filter(([name, value]) => name === "reason" || value !== plain(known[name] ?? "")), ...emptied]);
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

/** Who changed the ticket meanwhile, and how. */
async function tellLate(move, seen, refused) {
  let who = "";
  try {
    const lines = (await get(`/v1/tickets/${seen.number}/timeline?limit=200`)).items;
    const last = lines.at(-1);
    who = t("form.they_did", { who: authorOf(last.by), what: word("action", last.action) });
  } catch { /* no longer ours to see */ }
  say([move.action === "reveal" ? t("caller.not_shown") : "", refused.status === 409 ? refused.message : t("form.late"), who].join(" "), true);
}

/** The matters that a ticket tells of, as triage parted them; none where there is one alone, or where the words were changed. */
export function mattersOf(seen) {
  const matters = seen.advice?.triage?.matters ?? [];
  return matters.length > 1 && matters.every((one) => seen.narrative.includes(one.text)) ? matters : [];
}
/** What a split sends: the words of the matter that stays, by its place, and those of each of the others. Without a place
 *  that of the ticket's category stays. */
export function partsOf(seen, place = null) {
  const matters = mattersOf(seen);
  if (!matters.length) return { narrative: seen.narrative };
  const stays = place ?? Math.max(0, matters.findIndex((one) => one.category === seen.category?.code));
  return { narrative: matters[stays].text.trim(), matters: matters.filter((_, n) => n !== stays).map((one) => one.text.trim()) };
}

/** Values to fill in: the ticket's own and the rules' suggestions. */
function known(seen, action) {
  if (action === "dispatch") return { department: seen.advice?.routing?.lead };
  if (action === "split") return partsOf(seen);
  const place = { area: seen.area?.code, address: seen.location?.address, building: seen.location?.building, unit: seen.location?.unit, floor: seen.location?.floor, room: seen.location?.room };
  const sorted = { kind: seen.kind, priority: seen.priority, ...place };
  if (action === "amend") return { ...sorted, category: seen.category?.code, title: seen.title, narrative: seen.narrative, ...(seen.caller && !seen.caller.masked ? { caller_name: seen.caller.name, phone: seen.caller.phone, contact: seen.caller.contact } : {}) };
  if (action !== "triage") return {};
  return { ...sorted, category: seen.category?.code ?? seen.advice?.triage?.category };
}

// The caller of a ticket. Revealed details are shown for a while, then hidden again.
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
/** The caller of a ticket as the API shows them, a complete number as a link to call. */
export function caller(ticket) {
  const place = el("span", { class: "caller", "data-caller": ticket.number, tabindex: "-1" });
  place.masked = ticket.caller;
  showCaller(place);
  return place;
}
/** Shows a revealed caller for a while, where the page has a place for them, else in a dialog. */
export function reveal(ticket) {
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
/** Hides every revealed number. */
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
/** Buttons for the allowed actions of a ticket and its assignments; `after(result)` when one was done. */
export function buttons(seen, after, order = null) {
  // an action of the assignment is not repeated for the ticket
  const ofOrders = new Set(order ? [] : seen.assignments.flatMap((a) => a.allowed_actions.map((move) => move.action)));
  const moves = ((order ?? seen).allowed_actions ?? []).filter((move) => !ofOrders.has(move.action) && move.action !== "undo"); // it is in the bar
  const first = moves.filter((move) => move.primary);
  return el("div", { class: "actions", role: "group", "aria-label": t("ticket.actions") }, [...first, ...moves.filter((move) => !move.primary)].map((move) => actionButton(move, seen, order, after, move.primary ? "first" : "")));
}
/** The button of one allowed action. */
export const actionButton = (move, seen, order, after, look = "") => el("button", {
  type: "button", class: look, "data-action": move.action, "data-key": `${order?.id ?? seen.number} ${move.action}`,
  onclick: performing(move, seen, order, order ? {} : known(seen, move.action), after),
}, word("action", move.action));
/** A press on the button of an action, with values filled in. */
export const performing = (move, seen, order, values, after) => press(async (event) => {
  if (event.detail > 1) return; // the second half of a double press
  try {
    const result = await perform(move, seen, order, values);
    if (move.action === "reveal" && result?.number) { seen.version = result.version; reveal(result); } else if (result !== null) after(result);
  } catch (refused) {
    say(refused instanceof Refusal ? refused.said : t("app.failed"), true);
    if (!(refused instanceof Refusal)) throw refused;
  }
});
