// Keys of the call's page. Each has a button or field of its own; "?" shows them all.
import { $, TYPED, el, inDialog, openDialog, t } from "./core.js";

const KEYS = [["Ctrl ⏎", "go"], ["Alt A", "pick_up"], ["Alt A", "answer"], ["Alt R", "ring_back"], ["F9", "told"], ["Alt T", "phone"], ["Alt N", "words"], ["Alt P", "place"], ["Alt D", "category"], ["Alt 1–3", "join"], ["Alt S", "split"], ["Alt K", "earlier"], ["/", "find"], ["Alt Z", "undo"], ["Esc", "back"], ["?", "all"]];
const list = () => el("dl", { class: "keys" }, KEYS.flatMap(([key, name]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, t(`keys.${name}`))]));
function showAll() {
  const close = openDialog(el("dialog", { "aria-label": t("keys.title") }, el("h2", {}, t("keys.title")), list(),
    el("div", { class: "go" }, el("button", { type: "button", class: "first", onclick: () => close() }, t("app.close")))), () => close());
}
/** `form`: of the call. The key of a place is read where it stands on the keyboard, whatever the input method makes of it. */
export function takeKeys(form) {
  const focus = (field) => { field.focus(); field.select?.(); };
  const nth = (n) => document.querySelectorAll("#alike [data-key^='take.join'], #card [name=matter]")[n - 1]?.click();
  const does = {
    KeyT: () => focus(form.phone), KeyN: () => form.narrative.focus(), KeyP: () => focus(form.building), KeyD: () => form.category.focus(),
    KeyS: () => $("#split").click(), KeyK: () => $("#answers button")?.focus(), Digit1: () => nth(1), Digit2: () => nth(2), Digit3: () => nth(3),
  };
  addEventListener("keydown", (event) => {
    if (inDialog()) return;
    const typing = event.target.matches?.(TYPED);
    if (event.key === "?" && !typing) { event.preventDefault(); showAll(); return; }
    if (!event.altKey || event.ctrlKey || event.metaKey || !does[event.code]) return;
    event.preventDefault();
    does[event.code]();
  });
  $("#show-keys").addEventListener("click", showAll);
}
