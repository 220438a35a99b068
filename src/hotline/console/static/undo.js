// Ten seconds to undo the last step, of one ticket or of many together: in the bar, so that it never lies over the work; of one,
// on the next page, too.
import { $, Refusal, TYPED, api, el, fill, icon, inDialog, link, press, say, t, word } from "./core.js";
import { returnsForm, setRecalled } from "./undo_offer.js";

const place = $("#undo");
const KEPT = "undo"; // number, version and end of the last step: nothing that tells of a person
const SPAN = 10_000; // ms
const AT_ONCE = 8; // tickets that are undone together: each has its own ten seconds
let every = null;

function hide() {
  clearInterval(every);
  every = null;
  sessionStorage.removeItem(KEPT);
  fill(place);
}
/** Shows in the bar what was done, and the button that takes it back, until `ends`. */
function lay(ends, text, button) {
  clearInterval(every);
  const seconds = () => Math.max(0, Math.ceil((ends - Date.now()) / 1000));
  const ring = el("span", { class: "ring", "aria-hidden": "true" });
  let left = Math.min(seconds(), SPAN / 1000);
  const turn = () => { ring.textContent = left; ring.style.setProperty("--left", left * 1000 / SPAN); };
  fill(place, el("div", { class: "toast" }, ring, el("span", {}, text), button));
  turn();
  every = setInterval(() => { left = Math.min(left - 1, seconds()); if (left <= 0) hide(); else turn(); }, 1000);
}
const button = (id, text, work) => el("button", { type: "button", class: "btn", id, "aria-keyshortcuts": "Z Alt+Z", "data-undo": true, onclick: press(work) }, icon("undo", 16), text, " ", el("span", { class: "either" }, el("kbd", { class: "bare" }, "Z"), el("kbd", { class: "typed" }, "Alt Z")));
function offer(step) {
  sessionStorage.setItem(KEPT, JSON.stringify(step));
  lay(step.ends, [link(step.number), " ", step.did ? word("action", step.did) : word("status", step.status)], button("undo-step", t("undo.take_back"), () => take(step)));
}
function offerMany(tickets, text) {
  sessionStorage.removeItem(KEPT);
  lay(Math.min(...tickets.map((step) => step.ends)), text, button("undo-many", t("bulk.undo", { n: tickets.length }), () => takeMany(tickets)));
}
async function undo(step) {
  const path = `/v1/tickets/${step.number}/actions/undo`;
  const after = await api("POST", path, { body: {}, version: step.version, key: step.key });
  if (!step.sorted) return after;
  // sorted and sent by one gesture: both are taken back, or the sorting stays where its seconds are over
  try { return await api("POST", path, { body: {}, version: after.version }); } catch (refused) { if (!(refused instanceof Refusal)) throw refused; return after; }
}
/** A call goes back into the form of whoever took it, and its ticket ends: it is sent anew when it is right. Resolves to whether it
 *  did; else the ticket waits for the desk. */
async function recall(step, after) {
  try {
    const ended = await api("POST", `/v1/tickets/${step.number}/actions/void`, { body: { reason_code: "mistake", reason: t("undo.call_reason") }, version: after.version });
    hide(); // ending it is no step that was asked for, and offers nothing
    say(t("undo.call_back", { number: step.number }));
    document.dispatchEvent(new CustomEvent("undone", { detail: { ...ended, recalled: true } }));
    return true;
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    setRecalled(step.number, false);
    return false;
  }
}
async function take(step) {
  if (step.call) setRecalled(step.number, true);
  try {
    const after = await undo(step);
    hide();
    if (step.did === "report") await (await import("./report_draft.js")).bringBack(step.number); // on whatever page it is taken back
    if (step.call && await recall(step, after)) return;
    say(after.opened ? t("undo.opened", { number: step.number, own: after.opened }) : t("undo.taken_back", { number: step.number, status: word("status", after.status) }));
    document.dispatchEvent(new CustomEvent("undone", { detail: after }));
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    setRecalled(step.number, false);
    hide();
    say(refused.said, true);
  }
}
/** Undoes each by its own version; says how many could not be. */
async function takeMany(tickets) {
  hide();
  let refused = 0;
  const left = [...tickets];
  const work = async () => {
    for (let one = left.shift(); one; one = left.shift()) {
      try { document.dispatchEvent(new CustomEvent("undone", { detail: await undo(one) })); } catch (failed) {
        if (!(failed instanceof Refusal)) throw failed;
        refused += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  say(t(refused ? "bulk.partly" : "bulk.undone", { done: tickets.length - refused, refused }), refused > 0);
}
const stepOf = (ticket) => ({ number: ticket.number, version: ticket.version, status: ticket.status, did: ticket.did, sorted: Boolean(ticket.sorted), call: Boolean(ticket.call && returnsForm(ticket)), ends: (ticket.began ?? Date.now()) + SPAN, key: crypto.randomUUID?.() });
document.addEventListener("undoable", ({ detail: ticket }) => offer(stepOf(ticket)));
document.addEventListener("undoable-many", ({ detail: { tickets, text } }) => offerMany(tickets.map(stepOf), text));
document.addEventListener("overtaken", ({ detail: number }) => { if (number === JSON.parse(sessionStorage.getItem(KEPT))?.number) hide(); });
addEventListener("keydown", (event) => {
  const typing = event.target.matches?.(TYPED);
  if (event.code !== "KeyZ" || !every || inDialog() || event.ctrlKey || event.metaKey || event.shiftKey || (typing && !event.altKey)) return;
  event.preventDefault();
  $("[data-undo]", place)?.click();
});
const before = JSON.parse(sessionStorage.getItem(KEPT));
if (before && before.ends > Date.now() && before.ends <= Date.now() + SPAN) offer(before); else hide();
