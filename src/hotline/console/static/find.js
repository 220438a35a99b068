// The search box in the bar of every page: "/" focuses it, Enter looks, Escape closes what was found.
import { $, inDialog } from "./core.js";
import { searchBox } from "./search.js";

const form = $("#bar-search");
const found = $("#bar-found");
const shut = () => { found.hidden = true; };
searchBox(form, $("#bar-hits"));
form.addEventListener("submit", () => { found.hidden = !form.q.value.trim(); });
form.q.addEventListener("input", () => { if (!form.q.value) shut(); });
addEventListener("click", (event) => { if (!form.contains(event.target) && !found.contains(event.target)) shut(); });
addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !inDialog()) { event.preventDefault(); form.q.focus(); form.q.select(); }
  else if (event.key === "Escape" && !found.hidden) { event.stopImmediatePropagation(); shut(); form.q.focus(); }
}, true);
form.dataset.ready = ""; // the keys of the bar are heard from here on
