// The form of a result in a dialog: on every page but the board's, which shows it in its panel.
import { $, el, openDialog, t, word } from "./core.js";
import { doDeed } from "./deed.js";
import { latest } from "./outbox.js";
import { filesOf } from "./photos.js";
import { reportForm } from "./report_form.js";

/** Resolves to the ticket as the report left it; null: it was closed, or waits to be sent. */
export function reportInDialog(ticket, order) {
  return new Promise((settle) => {
    const box = el("dialog", { class: "report-box", "aria-label": word("action", "report") });
    const title = ticket.title;
    let close = null;
    const finish = (result) => { close?.(); settle(result); };
    const draw = async () => {
      const files = await filesOf(ticket).catch(() => []);
      const form = await reportForm({ ticket, order, title, files, send: (body, wants) => doDeed(ticket, order, "report", body, title, { wants }), done: () => finish(latest.get(ticket.number) ?? null), anew: draw });
      form.addEventListener("input", (event) => event.stopPropagation()); // what is typed is kept: closing need not ask
      $("footer", form).append(el("button", { type: "button", class: "btn full", "data-key": "close", onclick: () => finish(null) }, t("app.close")));
      box.replaceChildren(form);
      close ??= openDialog(box, () => finish(null));
      $("h2", form).focus({ preventScroll: true });
    };
    draw();
  });
}
