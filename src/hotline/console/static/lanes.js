// Both machines as lanes: the states a matter went through, where it stands, and those of the usual way that lie ahead.
import { authorOf, el, joined, t, when, word } from "./core.js";

const OF_TICKET = ["received", "triaged", "dispatched", "resolved", "closed"];
const OF_ORDER = ["issued", "accepted", "reported", "done"];
const ENDS = new Set(["closed", "declined", "merged", "withdrawn", "void", "done", "returned", "recalled"]);

/** The states entered, in order: [state, line]; a later visit replaces the first. */
function visits(first, lines) {
  const found = new Map(first ? [first] : []);
  for (const line of lines) if (line.to && line.to !== line.from) { found.delete(line.to); found.set(line.to, line); }
  return found;
}
/** [{ name, note, is: "done" | "now" | "" }]: the way so far, and what of the usual way follows. */
function steps(family, usual, status, entered) {
  const at = usual.indexOf(status);
  const ended = ENDS.has(status);
  const past = at >= 0 ? usual.slice(0, at).filter((name) => entered.has(name) || !ended) : usual.filter((name) => entered.has(name));
  const ahead = ended ? [] : at >= 0 ? usual.slice(at + 1) : usual.slice(Math.max(...past.map((name) => usual.indexOf(name)), -1) + 1);
  const note = (name) => { const line = entered.get(name); return line ? joined([when(line.at), line.by ? authorOf(line.by) : ""], " ") : ""; };
  return [...past.map((name) => ({ name: word(family, name), note: note(name), is: "done" })), { name: word(family, status), note: note(status), is: "now" }, ...ahead.map((name) => ({ name: word(family, name), note: "", is: "" }))];
}
export function stepsOfTicket(ticket, story) {
  const own = story.filter((line) => !line.assignment || OF_TICKET.includes(line.to));
  return steps("status", OF_TICKET, ticket.status, visits(["received", { at: ticket.created_at }], own));
}
export function stepsOfOrder(order, story) {
  const entered = visits(["issued", { at: order.issued_at }], story.filter((line) => line.assignment === order.id));
  const known = { accepted: order.unsigned ? null : order.accepted_at, reported: order.reported_at, done: order.status === "done" ? order.closed_at : null, [order.status]: order.closed_at };
  for (const [name, at] of Object.entries(known)) if (at && !entered.get(name)?.by) entered.set(name, { at });
  return steps("order", OF_ORDER, order.unsigned ? "issued" : order.status, entered);
}
export const lane = (found, name) => el("ol", { class: "lane", "aria-label": name }, found.map((step) => el("li", { class: `stp ${step.is}`, "aria-current": step.is === "now" ? "step" : null }, el("b", {}, step.name), step.note ? el("small", {}, step.note) : step.is === "" ? el("small", { class: "sr" }, t("ticket.ahead")) : null)));
