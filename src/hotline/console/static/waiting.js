// Residents to call back, callers to ask for information, deferred tickets to review.
import { $, countdown, el, fill, get, heads, isolated, listen, named, row, soon, steady, t, tick, urgency, when } from "./core.js";
import { panelled } from "./panel.js";

const LISTS = ["call_back", "information", "shelf"];
/** The text for the resident: the departments' public replies. */
const answers = (ticket) => (ticket.result.public_reply ? [ticket.result.public_reply] : ticket.assignments.map((order) => order.result?.public_reply).filter(Boolean));
const show = panelled((ticket) => el("div", {}, answers(ticket).map((answer) => el("blockquote", { class: "words" }, answer))), () => draw());
const places = LISTS.map((queue) => steady($(`#${queue}`)));
async function draw() {
  const pages = await Promise.all(LISTS.map((queue) => get(`/v1/worklists/${queue}?limit=200`)));
  for (const [place, page] of pages.entries()) {
    const table = $(`#${LISTS[place]}`);
    $(`#n-${LISTS[place]}`).textContent = page.items.length + (page.next ? "+" : "");
    heads(table, "ticket.number", "field.title", "field.area", "waiting.until", "waiting.tries", "ticket.received");
    places[place](() => { fill($("tbody", table), page.items.length ? page.items.map((x) => row(
      el("button", { type: "button", class: "plain", "data-key": x.number, onclick: () => show(x.number) }, x.number), el("span", {}, urgency(x.priority), " ", x.title, x.said ? el("small", { class: "said" }, el("br"), t("table.said", { words: isolated(x.said) })) : null), named(x.area),
      countdown(x.until), el("span", {}, el("span", { class: "phone" }, t("waiting.tries"), " "), x.call_backs), el("span", {}, el("span", { class: "phone" }, t("ticket.received"), " "), when(x.created_at)))) : row(t("app.none"))); tick(); });
  }
}
const redraw = soon(draw, 200);
listen([], redraw, redraw);
setInterval(redraw, 60000);
