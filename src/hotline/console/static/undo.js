// Ten seconds to undo the last step: in the bar, so that it never lies over the work, and on the next page, too.
import { $, Refusal, api, el, fill, icon, inDialog, link, press, say, t, word } from "./core.js";

const place = $("#undo");
const KEPT = "undo"; // number, version and end of the last step: nothing that tells of a person
const SPAN = 10_000; // ms
let every = null;

function hide() {
  clearInterval(every);
  every = null;
  sessionStorage.removeItem(KEPT);
  fill(place);
}
/** Offers to undo the last step of a ticket until `ends`. */
function offer(step) {
  clearInterval(every);
  const seconds = () => Math.max(0, Math.ceil((step.ends - Date.now()) / 1000));
  const ring = el("span", { class: "ring", "aria-hidden": "true" });
  let left = Math.min(seconds(), SPAN / 1000);
  const turn = () => { ring.textContent = left; ring.style.setProperty("--left", left * 1000 / SPAN); };
  sessionStorage.setItem(KEPT, JSON.stringify(step));
  fill(place, el("div", { class: "toast" }, ring, el("span", {}, link(step.number), " ", word("status", step.status)),
    el("button", { type: "button", class: "btn", id: "undo-step", "aria-keyshortcuts": "Z Alt+Z", onclick: press(() => take(step)) }, icon("undo", 16), t("undo.take_back"), " ", el("kbd", {}, "Z"))));
  turn();
  every = setInterval(() => { left = Math.min(left - 1, seconds()); if (left <= 0) hide(); else turn(); }, 1000);
}
async function take(step) {
  try {
    const after = await api("POST", `/v1/tickets/${step.number}/actions/undo`, { body: {}, version: step.version, key: step.key });
    hide();
    say(after.opened ? t("undo.opened", { number: step.number, own: after.opened }) : t("undo.taken_back", { number: step.number, status: word("status", after.status) }));
    document.dispatchEvent(new CustomEvent("undone", { detail: after }));
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    hide();
    say(refused.said, true);
  }
}
document.addEventListener("undoable", ({ detail: ticket }) => offer({ number: ticket.number, version: ticket.version, status: ticket.status, ends: Date.now() + SPAN, key: crypto.randomUUID?.() }));
document.addEventListener("overtaken", ({ detail: number }) => { if (number === JSON.parse(sessionStorage.getItem(KEPT))?.number) hide(); });
addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (event.code !== "KeyZ" || !every || inDialog() || event.ctrlKey || event.metaKey || event.shiftKey || (typing && !event.altKey)) return;
  event.preventDefault();
  $("#undo-step")?.click();
});
const before = JSON.parse(sessionStorage.getItem(KEPT));
if (before && before.ends > Date.now() && before.ends <= Date.now() + SPAN) offer(before); else hide();
