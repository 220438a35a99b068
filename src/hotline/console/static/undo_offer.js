// Offers to undo what was just dispatched: one ticket by the bar that every page has, several together here.
import { $, Refusal, api, el, fill, icon, inDialog, press, say, t } from "./core.js";

const SPAN = 10_000; // ms
const place = $("#undo");
/** `tickets`: [{ number, version, status, undo_until }], `undo_until` null: it cannot be undone; `text`: what was done. An event
 *  `undone` of the document tells of each that was taken back. */
export function offerUndo(tickets, text) {
  const held = tickets.filter((one) => one.undo_until);
  if (held.length === 1) document.dispatchEvent(new CustomEvent("undoable", { detail: held[0] }));
  if (held.length < 2) return;
  const button = el("button", { type: "button", class: "btn", id: "undo-many", onclick: press(async () => { toast.remove(); await takeBack(held); }) }, icon("undo", 16), t("bulk.undo", { n: held.length }), " ", el("kbd", {}, "Z"));
  const toast = el("div", { class: "toast" }, el("span", {}, text), button);
  fill(place, toast);
  setTimeout(() => toast.remove(), SPAN);
}
/** Undoes each by its own version; says how many could not be. */
async function takeBack(tickets) {
  let refused = 0;
  for (const one of tickets) {
    try {
      const after = await api("POST", `/v1/tickets/${one.number}/actions/undo`, { body: {}, version: one.version });
      document.dispatchEvent(new CustomEvent("undone", { detail: after }));
    } catch (failed) {
      if (!(failed instanceof Refusal)) throw failed;
      refused += 1;
    }
  }
  say(t(refused ? "bulk.partly" : "bulk.undone", { done: tickets.length - refused, refused }), refused > 0);
}
addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (event.code !== "KeyZ" || typing || inDialog() || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  $("#undo-many")?.click();
});
