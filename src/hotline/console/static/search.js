// Finds tickets by number, phone number, name or words. What is looked for goes in the body of a request, never in an address.
import { $, api, el, fill, isolated, link, press, t, urgency, when, word, standing } from "./core.js";

/** Makes `form` (with a field `q`) look things up and show them in the list `place`. */
export function searchBox(form, place) {
  const more = el("button", { type: "button", hidden: true, onclick: press(() => find(true)) }, t("app.more"));
  place.after(more);
  let sought = null; // { q, next } of what is shown
  async function find(further) {
    const q = form.q.value.trim();
    if (!further && !q) { sought = null; fill(place); more.hidden = true; return; }
    const mine = further ? sought : (sought = { q, next: null });
    const page = await api("POST", "/v1/search", { body: { q: mine.q, limit: 20, ...(further ? { cursor: mine.next } : {}) } });
    if (mine !== sought) return; // something else was looked for meanwhile
    const items = page.items.map((x) => el("li", {}, link(x.number), " ", urgency(x.priority), " ", isolated(x.title), " ", el("small", {}, standing(x), " · ", when(x.created_at))));
    if (further) place.append(...items); else fill(place, items.length ? items : el("li", { class: "note" }, t("app.none")));
    mine.next = page.next;
    more.hidden = !page.next;
  }
  form.addEventListener("submit", (event) => { event.preventDefault(); find(false); });
}
if (document.body.dataset.page === "search") searchBox($("#search"), $("#hits"));
