// Offers to undo what was just dispatched, by the bar that every page has.

/** `tickets`: [{ number, version, status, undo_until }], `undo_until` null: it cannot be undone; `text`: what was done. An event
 *  `undone` of the document tells of each that was taken back. */
export function offerUndo(tickets, text) {
  const held = tickets.filter((one) => one.undo_until);
  if (held.length === 1) document.dispatchEvent(new CustomEvent("undoable", { detail: held[0] }));
  if (held.length > 1) document.dispatchEvent(new CustomEvent("undoable-many", { detail: { tickets: held, text } }));
}
