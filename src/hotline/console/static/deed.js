// What somebody does to an order or a ticket, kept until it is sent.
import { Refusal, say, t, word } from "./core.js";
import { cut, drop, put, tell, waiting } from "./outbox.js";

/** Keeps a deed on an order (null: on its ticket) and says what became of it. Resolves to the error to be shown, or to "". */
export async function doDeed(ticket, order, action, body, title, more = {}) {
  const path = order ? `/v1/tickets/${ticket.number}/assignments/${order.id}/actions/${action}` : `/v1/tickets/${ticket.number}/actions/${action}`;
  const { id, settled } = await put({ number: ticket.number, order: order?.id ?? null, action, path, version: ticket.version, seen: ticket.updated_at, body, title, ...more });
  const end = await Promise.race([settled, new Promise((late) => setTimeout(late, cut ? 0 : 4000, "waiting"))]);
  const deed = end === "refused" ? waiting(ticket.number).find((one) => one.id === id) : null;
  if (deed && [403, 422].includes(deed.problem.status)) { // nothing to be decided: it is said where it was typed
    await drop(deed);
    await tell();
    return new Refusal(deed.problem.status, deed.problem).said;
  }
  if (end === "sent") say(t("form.did", { what: word("action", action), number: ticket.number }));
  else if (end === "waiting") say(t("outbox.kept_one", { what: word("action", action) }));
  return "";
}
