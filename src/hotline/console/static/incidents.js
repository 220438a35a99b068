// Incidents: many calls about one matter. On the dispatch page with what may be done, on the wall to be read.
import { Refusal, api, el, fill, get, joined, link, named, openDialog, press, say, settled, steady, t, when, word } from "./core.js";

const ACTIVE = "/v1/incidents?state=proposed&state=open&state=contained&limit=50";
const LISTS = new Set(["ticket", "tickets"]); // fields that are chosen among the incident's tickets

/** Keeps the incidents that have not ended in this list, and their number in `badge`. `acts`: with a button for each
 *  allowed action. Gives `draw()`. */
export function incidents(place, badge, acts) {
  const later = steady(place);
  let found = [];
  const show = () => fill(place, found.length ? found.map((x) => line(x, acts, draw)) : el("li", { class: "note" }, t("app.none")));
  /** `own`: after an action of one's own the list moves at once, for the next action needs the new version. */
  async function draw(own = false) {
    found = (await get(ACTIVE)).items;
    if (badge) badge.textContent = found.length;
    if (own === true) show(); else later(show);
  }
  return draw;
}

function line(x, acts, draw) {
  return el("li", {}, el("strong", {}, joined([named(x.symptom) || named(x.category), named(x.area)], " · ")), " ", el("span", { class: "badge" }, word("incident_state", x.state)), " ",
    t("incidents.callers", { n: x.callers, tickets: x.ticket_count }), " ", el("small", {}, joined([x.code, `${when(x.first_call_at)} – ${when(x.last_call_at)}`], " · "), x.parent ? [" · ", link(x.parent)] : null),
    acts && x.allowed_actions.length ? el("span", { class: "go" }, x.allowed_actions.map((move) => el("button", { type: "button", class: "small", "data-key": `${x.code}-${move.action}`, onclick: press(() => perform(x, move, draw)) }, word("incident_action", move.action)))) : null);
}

/** Do one allowed action: at once, or after asking for what it needs. */
async function perform(x, move, draw) {
  if (!move.needs.length) { await send(x, move, {}); await draw(true); return; }
  const tickets = move.action !== "join" && move.needs.some((name) => LISTS.has(name)) ? (await get(`/v1/incidents/${x.code}`)).tickets.filter((m) => m.number !== x.parent) : [];
  const asked = move.needs.map((name) => field(name, tickets));
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

function field(name, tickets) {
  const label = LISTS.has(name) ? t("incidents.ticket") : word("field", name);
  if (!tickets.length || !LISTS.has(name)) {
    const input = name === "ticket" ? el("input", { required: true, inputmode: "numeric" }) : el("textarea", { rows: 3, required: true });
    return { name, line: el("label", {}, label, input), read: () => input.value.trim() };
  }
  const many = name === "tickets";
  const choice = el("select", { required: true, multiple: many, size: many ? Math.min(10, tickets.length) : null }, tickets.map((m) => el("option", { value: m.number }, `${m.number} · ${word("status", m.status)} · ${when(m.created_at)}`)));
  return { name, line: el("label", {}, label, choice), read: () => (many ? [...choice.selectedOptions].map((option) => option.value) : choice.value) };
}

async function send(x, move, body) {
  await settled(api("POST", `/v1/incidents/${x.code}/actions/${move.action}`, { body, version: x.version }));
  say(t("form.did", { what: word("incident_action", move.action), number: x.code }));
}
