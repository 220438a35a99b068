// A ticket beside the list it was chosen from, with its returns, for dispatching and deciding.
import { $, MARKS, authorOf, el, fill, get, inDialog, joined, link, listed, named, placed, t, until, urgency, when, word, standing, orderStanding } from "./core.js";
import { buttons, caller, hide } from "./forms.js";
import { reasonTexts } from "./reasons.js";

const CAME_BACK = new Set(["request_return", "approve_return", "refuse_return", "recall", "request_extension", "refuse_extension", "report", "reject_report", "reopen"]);

/** The lines of a history that were undone: of each undo the step before it, in the same change. */
export function undoneLines(story) {
  const found = new Set();
  for (const [place, line] of story.entries()) {
    if (line.action !== "undo" || line.assignment) continue;
    const step = story.slice(0, place).findLast((one) => one.action !== "undo" && !(one.action === "recall" && one.assignment) && !found.has(one));
    if (step) found.add(step);
  }
  return found;
}
/** A line that was taken back says so. */
export const undoneTag = (is) => (is ? [" ", el("span", { class: "tag" }, t("back.undone"))] : null);

/** Returns and requests that wait for a decision, newest first: who, when, why, and the suggested department. Empty if there
 *  are none. */
export async function backAndForth(ticket) {
  if (!ticket.counters.reopens && !ticket.assignments.some((order) => order.return || order.closed_at || order.redos || order.extensions || order.asked_due_at || order.reported_at)) return null;
  const [story, units] = await Promise.all([get(`/v1/tickets/${ticket.number}/timeline?limit=500`).catch(() => ({ items: [] })), listed("departments", true).catch(() => [])]);
  const name = new Map(units);
  const [colon] = MARKS;
  const undone = undoneLines(story.items);
  const shown = story.items.filter((line) => CAME_BACK.has(line.action)).reverse();
  const reasons = await reasonTexts(shown);
  const lines = shown.map((line, n) => {
    const order = ticket.assignments.find((one) => one.id === line.assignment);
    const asked = line.action === "request_return" && order?.return;
    const lastReport = shown.find((one) => one.action === "report" && one.assignment === line.assignment && !undone.has(one));
    const result = line === lastReport ? order?.result : null; // the words of one before are not these
    return el("li", {}, el("strong", {}, named(order?.department), " ", word("action", line.action)), undoneTag(undone.has(line)), " ", el("small", {}, joined([authorOf(line.by), when(line.at)], " · ")),
      [[reasons[n]], asked ? [t("field.basis"), order.return.basis] : [], asked ? [t("back.suggests"), name.get(order.return.suggested) ?? order.return.suggested] : [],
        line.action === "request_extension" && order?.asked_due_at ? [t("field.due_at"), until(order.asked_due_at)] : [],
        ...["internal_result", "public_reply"].map((field) => (result?.[field] ? [t(`field.${field}`), result[field]] : [])),
      ].filter((part) => part.filter(Boolean).length).map((part) => el("div", { class: "words" }, joined(part, colon))));
  });
  return lines.length ? el("section", { class: "back", "data-back": ticket.number }, el("h3", {}, t("back.title")), el("ul", { class: "plainlist" }, lines)) : null;
}

/** Where the files of a ticket will stand: what shows them is loaded with the first ticket. */
export function filesPlace(ticket, options) {
  const place = el("div", { hidden: true });
  import("./photos.js").then(({ into }) => into(place, ticket, ticket.title, options));
  return place;
}

/** A ticket beside the list it was chosen from, with its allowed actions: `show(number)`. `more(ticket)`: further content
 *  of the page; `changed()`: an action was done. Escape closes it. */
export function panelled(more, changed) {
  const panel = $("#panel");
  let wanted = null; // the last one that was chosen: an answer about one before it comes too late
  let from = null;
  const shut = () => { panel.hidden = true; wanted = null; hide(); from?.isConnected && from.focus(); };
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !inDialog() && !panel.hidden) shut(); });
  return async function show(number) {
    if (wanted !== number) hide();
    if (!panel.contains(document.activeElement)) from = document.activeElement;
    wanted = number;
    const ticket = await get(`/v1/tickets/${number}`);
    const back = await backAndForth(ticket);
    if (wanted !== number) return;
    const after = () => { changed(); show(number); };
    fill(panel, el("button", { type: "button", class: "shut", onclick: shut }, t("app.close")),
      el("h2", {}, urgency(ticket.priority), " ", ticket.title), el("p", {}, link(ticket.number), " · ", standing(ticket), ticket.parent ? [` · ${t("ticket.parent")} `, link(ticket.parent)] : null),
      el("p", { class: "words" }, ticket.narrative),
      el("p", { class: "note" }, joined([named(ticket.category), placed(ticket.area, ticket.location)], " · ")),
      el("p", {}, `${t("take.caller")} `, caller(ticket)),
      more(ticket), back, filesPlace(ticket),
      ticket.assignments.map((order) => el("section", {}, el("h3", {}, named(order.department), " ", el("small", {}, `${word("part", order.part)} · ${orderStanding(order)}`)), buttons(ticket, after, order))),
      el("h3", {}, t("board.of_ticket")), buttons(ticket, after));
    panel.hidden = false;
    $(".actions button", panel)?.focus();
  };
}
