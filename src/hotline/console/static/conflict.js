// A deed that was refused because the ticket has changed meanwhile: both sides, and a decision.
import { Refusal, authorOf, el, get, given, joined, openDialog, t, unique, when, word } from "./core.js";
import { drop, goOnFrom, keep, sendWaiting, tell, whatOf } from "./outbox.js";

/** What was done here and what was done there meanwhile, side by side; whoever did it says what becomes of theirs. */
export async function decide(deed) {
  let ticket = null;
  let lines = [];
  try { [ticket, { items: lines }] = await Promise.all([get(`/v1/tickets/${deed.number}`), get(`/v1/tickets/${deed.number}/timeline?limit=500`)]); } catch { /* no longer ours to see */ }
  const order = ticket?.assignments.find((one) => deed.path.includes(one.id));
  const allowed = deed.photo ? ticket : ticket && (order ?? ticket).allowed_actions.some((move) => move.action === deed.action);
  const theirs = lines.filter((line) => new Date(line.at) >= new Date(deed.seen) && line.by.id !== given.person.id);
  const told = (name, value) => el("li", {}, name, " ", el("span", { class: "words" }, String(value)));
  const end = async (work) => {
    if (ticket) await goOnFrom(deed.number, deed.version, ticket.version);
    await work();
    close();
    await tell(deed.number);
    sendWaiting();
  };
  const close = openDialog(el("dialog", { class: "sides", "aria-label": t("outbox.conflict") }, el("h2", {}, t("outbox.conflict")), el("p", {}, deed.title, " · ", deed.number),
    el("section", {}, el("h3", {}, t("outbox.mine")), el("p", {}, joined([whatOf(deed), when(deed.at)], " · ")),
      el("ul", { class: "plainlist" }, ["internal_result", "public_reply", "contacted", "text", "reason"].filter((name) => deed.body?.[name]).map((name) => told(t(`field.${name}`), deed.body[name])))),
    el("section", {}, el("h3", {}, t("outbox.theirs")), ticket ? el("p", {}, order ? word("order", order.status) : word("status", ticket.status)) : el("p", {}, t("problem.not-found")),
      el("ul", { class: "plainlist" }, theirs.map((line) => el("li", {}, joined([when(line.at), authorOf(line.by), word("action", line.action)], " · ")))), el("p", { class: "error" }, new Refusal(deed.problem.status, deed.problem).said)),
    el("div", { class: "go" }, allowed ? el("button", { type: "button", class: "first", onclick: () => end(async () => { const { problem: _, ...rest } = deed; await drop(deed); await keep({ ...rest, seq: deed.seq, id: unique(), version: ticket.version }); }) }, t("outbox.send_still")) : null,
      el("button", { type: "button", onclick: () => end(() => drop(deed)) }, t("outbox.drop")), el("button", { type: "button", onclick: () => close() }, t("outbox.later")))), () => close());
}
