// What becomes of deeds that were not sent yet, when somebody logs out: asked, never decided for them.
import { el, openDialog, t } from "./core.js";
import { dropAll } from "./deed_store.js";
import { sendWaiting } from "./outbox.js";

/** `out()` logs out. */
export function askBefore(waiting, out) {
  const choice = (text, work, kind = "") => el("button", { type: "button", class: kind, onclick: async () => { await work(); close(); } }, text);
  const close = openDialog(el("dialog", { "aria-label": t("outbox.leaving", { n: waiting }) }, el("h2", {}, t("outbox.leaving", { n: waiting })), el("p", {}, t("outbox.leaving_note")),
    el("div", { class: "go" }, choice(t("outbox.stay"), sendWaiting, "first"), choice(t("outbox.leave_kept"), out),
      choice(t("outbox.leave_dropped"), async () => { await dropAll(); out(); }))), () => close());
}
