// An incident on one page: where it stands, its tickets with what was said, its history.
import { $, el, fill, get, given, incidentLink, joined, label, link, listen, press, soon, steady, t, when, word } from "./core.js";
import { actions, counted, stateBadge, told } from "./incidents.js";

const path = `/v1/incidents/${given.given.code}`;
const place = $("#incident");
const later = steady(place);
let further = []; // tickets of the pages behind the first
let next;

async function draw(own) {
  let x;
  let story;
  try { [x, story] = await Promise.all([get(path), get(`${path}/timeline`)]); } catch (refused) { fill(place, el("p", { class: "error" }, refused.message)); place.removeAttribute("aria-busy"); return; }
  if (!further.length) next = x.tickets_next;
  const show = () => { lay(x, story); place.removeAttribute("aria-busy"); document.title = `${x.code} ${label(x.title)}`; };
  if (own === true) show(); else later(show);
}

function lay(x, story) {
  fill(place,
    el("header", { class: "head card" }, el("h1", {}, label(x.title)), el("p", {}, stateBadge(x), " ", counted(x)),
      x.merged_into ? el("p", {}, t("incidents.merged_into"), " ", incidentLink(x.merged_into)) : null,
      x.final_word ? el("p", { class: "words" }, x.final_word) : null, actions(x, draw)),
    el("div", {},
      el("section", { class: "card" }, el("h2", {}, t("incidents.tickets")), el("ul", { class: "plainlist", id: "members" }, [...x.tickets, ...further].map((m) => el("li", {}, told(m)))),
        next ? el("button", { type: "button", onclick: press(async () => { const page = await get(`${path}/tickets?cursor=${encodeURIComponent(next)}`); further.push(...page.items); next = page.next; lay(x, story); }) }, t("app.more")) : null),
      x.related.length ? el("section", { class: "card", id: "related" }, el("h2", {}, t("incidents.related")), el("ul", { class: "plainlist" }, x.related.map((one) => el("li", {}, el("strong", {}, label(one.title)), " ", stateBadge(one), " ", counted(one))))) : null),
    el("div", {}, el("section", { class: "card" }, el("h2", {}, t("ticket.story")), el("ol", { class: "story" }, story.items.map((line) => el("li", {},
      el("div", { class: "at" }, joined([when(line.at), ["rules", "clock"].includes(line.by.kind) ? word("actor", line.by.kind) : line.by.name], " · ")), el("strong", {}, word("incident_action", line.action)),
      line.from && line.from !== line.to ? ` ${word("incident_state", line.from)} → ${word("incident_state", line.to)}` : "", named(line), line.reason && line.by.kind === "person" ? el("div", { class: "words" }, line.reason) : null))))));
}
/** The incidents and tickets that a line of the history names. */
function named(line) {
  const codes = (line.changes.incident ?? []).filter(Boolean).flatMap((code) => [" ", incidentLink(code)]);
  const numbers = ["ticket", "tickets"].flatMap((name) => line.changes[name] ?? []).flat().filter(Boolean);
  return el("div", {}, codes, numbers.slice(0, 20).flatMap((number) => [" ", link(number)]), numbers.length > 20 ? " …" : "");
}
const redraw = soon(() => draw(), 400);
listen([], redraw, redraw);
