// Incidents: many calls about one matter. On the dispatch page with what may be done, on the wall to be read.
import { Refusal, api, el, fill, get, incidentLink, joined, label, link, openDialog, press, say, settled, steady, t, when, word } from "./core.js";

const ACTIVE = "/v1/incidents?state=proposed&state=open&state=contained&limit=50";
const LISTS = new Set(["ticket", "tickets"]); // fields that are chosen among the incident's tickets

/** Keeps the incidents that have not ended in this list, and their number in `badge`. `acts`: with a button for each
 *  allowed action; `seen(found)`: they were read. Gives `draw()`. */
export function incidents(place, badge, acts, seen = () => {}) {
  const later = steady(place);
  let found = [];
  const show = () => fill(place, found.length ? found.map((x) => line(x, acts, draw)) : el("li", { class: "note" }, t("app.none")));
  /** `own`: after an action of one's own the list moves at once, for the next action needs the new version. */
  async function draw(own = false) {
    found = (await get(ACTIVE)).items;
    if (badge) badge.textContent = found.length;
    seen(found);
    if (own === true) show(); else later(show);
  }
  return draw;
}

function line(x, acts, draw) {
  return el("li", {}, el("strong", {}, label(x.title)), " ", stateBadge(x), " ", counted(x), " ", acts ? actions(x, draw) : null);
}
export const stateBadge = (x) => el("span", { class: "badge" }, word("incident_state", x.state));
/** How many called, since when, and by which codes it is found. */
export const counted = (x) => [t("incidents.callers", { n: x.callers, tickets: x.ticket_count }), " ", el("small", {}, incidentLink(x.code), ` · ${when(x.first_call_at)} – ${when(x.last_call_at)}`, x.parent ? [" · ", link(x.parent)] : null)].flat();
export const actions = (x, draw) => (x.allowed_actions.length ? el("span", { class: "go" }, x.allowed_actions.map((move) => el("button", { type: "button", class: "small", "data-key": `${x.code}-${move.action}`, onclick: press(() => perform(x, move, draw)) }, word("incident_action", move.action)))) : null);

/** Who called: name and number, as far as they are shown. */
export const callerOf = (ticket) => joined([ticket.caller?.name, ticket.caller?.phone], " ");
/** A ticket of an incident in one line: what was said, and by whom. */
export const told = (ticket, number = link(ticket.number)) => [number, " ", el("small", {}, joined([word("status", ticket.status), when(ticket.created_at), callerOf(ticket)], " · ")), el("div", { class: "words" }, ticket.narrative)];

/** Do one allowed action: at once, or after asking for what it needs. */
async function perform(x, move, draw) {
  if (!move.needs.length) { await send(x, move, {}); await draw(true); return; }
  const chosen = move.action !== "join" && move.needs.some((name) => LISTS.has(name));
  const asked = await Promise.all(move.needs.map((name) => (name === "incident" ? others(x) : chosen && LISTS.has(name) ? tickets(x, name) : typed(name))));
  const wrong = el("p", { class: "error", role: "alert" });
  const title = `${word("incident_action", move.action)} · ${x.code}`;
  const form = el("form", { method: "dialog", autocomplete: "off" }, el("h2", {}, title), asked.map((one) => one.line), wrong,
    el("div", { class: "go" }, el("button", { class: "first" }, word("incident_action", move.action)), el("button", { type: "button", onclick: () => close() }, t("app.cancel"))));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await send(x, move, Object.fromEntries(asked.map((one) => [one.name, one.read()])));
      await draw(true);
      close();
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      wrong.textContent = refused.said;
    }
  });
  const close = openDialog(el("dialog", { "aria-label": title }, form), () => close());
}

function typed(name) {
  const input = name === "ticket" ? el("input", { required: true, inputmode: "numeric" }) : el("textarea", { rows: 3, required: true });
  return { name, line: el("label", {}, LISTS.has(name) ? t("incidents.ticket") : word("field", name), input), read: () => input.value.trim() };
}

/** The tickets of an incident to choose from, page by page, each with its text and caller. */
async function tickets(x, name) {
  const many = name === "tickets";
  const list = el("ul", { class: "plainlist choices" });
  const more = el("button", { type: "button", class: "small" }, t("app.more"));
  let next = null;
  async function read() {
    const page = await get(`/v1/incidents/${x.code}/tickets?limit=50${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
    list.append(...page.items.filter((m) => m.number !== x.parent).map((m) => el("li", {}, el("label", {}, el("input", { type: many ? "checkbox" : "radio", name, value: m.number, required: !many }), " ", told(m, m.number)))));
    next = page.next;
    more.hidden = !next;
  }
  more.addEventListener("click", press(read));
  await read();
  const chosen = () => [...list.querySelectorAll("input:checked")].map((input) => input.value);
  return { name, line: el("fieldset", {}, el("legend", {}, t("incidents.ticket")), list, more), read: () => (many ? chosen() : chosen()[0]) };
}

/** The other incidents that have not ended, those that may be the same matter first. */
async function others(x) {
  const [page, { related }] = await Promise.all([get(ACTIVE), get(`/v1/incidents/${x.code}`)]);
  const near = new Set(related.map((one) => one.code));
  const found = page.items.filter((one) => one.code !== x.code).sort((a, b) => near.has(b.code) - near.has(a.code));
  const choice = el("select", { required: true }, found.map((one) => el("option", { value: one.code }, joined([label(one.title), t("incidents.callers", { n: one.callers, tickets: one.ticket_count }), one.code], " · "))));
  return { name: "incident", line: el("label", {}, word("field", "incident"), choice), read: () => choice.value };
}

async function send(x, move, body) {
  await settled(api("POST", `/v1/incidents/${x.code}/actions/${move.action}`, { body, version: x.version }));
  say(t("form.did", { what: word("incident_action", move.action), number: x.code }));
}
