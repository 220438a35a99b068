// A button in the top bar with a box below it: open by a press, shut by Escape, by a press elsewhere, or by leaving it.
import { $, el, fill, icon, inDialog } from "./core.js";

/** Puts the button `drawing` into `place`; `show(box)` fills the box whenever it is opened. Gives `count(n)`, `label(…)` and
 *  `toggle()`. */
export function dropDown(place, drawing, name, show) {
  const number = el("span", { class: "n", hidden: true });
  const face = el("span", {});
  const box = el("div", { class: "drop", role: "group", "aria-label": name, hidden: true });
  const button = el("button", { type: "button", class: "btn bell", "aria-label": name, "aria-expanded": "false", onclick: () => toggle() }, icon(drawing, 18), face, number);
  function toggle(open = box.hidden) {
    box.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) show(box);
  }
  fill(place, button);
  $("header.top").append(box);
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !box.hidden && !inDialog()) { event.preventDefault(); event.stopImmediatePropagation(); toggle(false); button.focus(); } }, true);
  addEventListener("pointerdown", (event) => { if (!box.hidden && !box.contains(event.target) && !button.contains(event.target)) toggle(false); });
  return {
    count(n) { number.hidden = !n; number.textContent = n; },
    /** What the button says; it names itself then. */
    label(...parts) { button.removeAttribute("aria-label"); fill(face, ...parts); },
    toggle,
  };
}
