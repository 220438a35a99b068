// One call, several matters: each becomes a call of its own, of the same caller and place.
import { el, inDialog, openDialog, t } from "./core.js";

/** The matters as they are proposed: those that were found, else the sentences. */
const proposed = (narrative, matters) => (matters.length > 1 ? matters.map((one) => one.text.trim()) : narrative.split(/(?<=[。！？!?；;\n])|(?<=\.\s)/).map((one) => one.trim()).filter(Boolean));
/** Shows the matters, one in each line, to be put right; `split(texts)` gets two or more of them. */
export function splitByHand(narrative, matters, split) {
  if (inDialog()) return;
  const lines = el("textarea", { name: "matters", rows: 6, maxlength: 10000 });
  lines.value = proposed(narrative.trim(), matters).join("\n");
  const wrong = el("p", { class: "error", role: "alert" });
  const form = el("form", { method: "dialog", autocomplete: "off" }, el("h2", {}, t("take.split_title")), el("p", { class: "note" }, t("take.split_how")),
    el("label", {}, t("take.split_lines"), lines), wrong,
    el("div", { class: "go" }, el("button", { class: "first" }, t("take.split_do"), " ", el("kbd", {}, "Ctrl ⏎")), el("button", { type: "button", onclick: () => close() }, t("app.cancel"))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const texts = lines.value.split("\n").map((one) => one.trim()).filter(Boolean);
    if (texts.length < 2) { wrong.textContent = t("take.split_one"); return; }
    close();
    split(texts);
  });
  const close = openDialog(el("dialog", { "aria-label": t("take.split_title") }, form), () => close());
  lines.focus();
}
