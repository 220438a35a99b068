// Offers to undo what was just dispatched, by the bar that every page has.

const RECALLED = "recalled"; // numbers of calls that were taken back: nothing that tells of a person
/** Whether a call that is taken back goes back into the form. A danger, and a call that joined a ticket, stay with the desk. */
export const returnsForm = (ticket) => ticket.counters?.calls === 1 && ticket.priority !== "emergency" && !ticket.flags?.some((flag) => flag.startsWith("danger:"));
export const recalled = () => JSON.parse(sessionStorage.getItem(RECALLED) ?? "[]");
export const setRecalled = (number, is) => sessionStorage.setItem(RECALLED, JSON.stringify([...recalled().filter((one) => one !== number), ...(is ? [number] : [])]));

/** `tickets`: [{ number, version, status, undo_until }], `undo_until` null: it cannot be undone; `text`: what was done. An event
 *  `undone` of the document tells of each that was taken back. */
export function offerUndo(tickets, text) {
  const held = tickets.filter((one) => one.undo_until);
  if (held.length === 1) document.dispatchEvent(new CustomEvent("undoable", { detail: held[0] }));
  if (held.length > 1) document.dispatchEvent(new CustomEvent("undoable-many", { detail: { tickets: held, text } }));
}
