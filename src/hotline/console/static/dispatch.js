// Tickets to dispatch, decisions that wait, unreadable messages, and results of the dispatch catalogue.
import { $, api, can, countdown, el, fill, get, heads, joined, link, listed, listen, named, press, row, settled, soon, steady, t, tick, urgency, when, word } from "./core.js";
import { incidents } from "./incidents.js";
import { panelled } from "./panel.js";

const units = new Map(await listed("departments", true));
const line = (number, ...rest) => el("li", {}, el("button", { type: "button", class: "plain", "data-key": number, onclick: () => show(number) }, number), " ", ...rest);
const places = Object.fromEntries(["waiting", "rulings", "odd"].map((name) => [name, steady($(`#${name}`))]));
async function draw() {
  const [waiting, rulings] = await Promise.all([get("/v1/queue?limit=100"), get("/v1/rulings")]);
  $("#n-waiting").textContent = waiting.items.length + (waiting.next ? "+" : "");
  places.waiting(() => fill($("#waiting"), waiting.items.length ? waiting.items.map((x) => line(x.number, urgency(x.priority), " ", x.title, " ", el("small", {}, joined([named(x.category), named(x.area), when(x.created_at)], " · ")))) : el("li", { class: "note" }, t("app.none"))));
  $("#n-rulings").textContent = rulings.items.length;
  places.rulings(() => { fill($("#rulings"), rulings.items.length ? rulings.items.map((x) => line(x.number, urgency(x.priority), " ", x.title, " ", el("strong", {}, x.asked_due_at ? t("dispatch.asks_extension", { until: when(x.asked_due_at) }) : word("order", x.status)),
    el("br"), el("small", {}, joined([named(x.department), x.return_reason ? word("return_reason", x.return_reason) : "", x.return_basis, x.suggested ? t("dispatch.suggests", { name: named(x.suggested) }) : ""], " · ")), " ", countdown(x.due_at))) : el("li", { class: "note" }, t("app.none"))); tick(); });
}
async function odd() {
  if (!can("operator", "supervisor", "admin")) { $("#odd").closest("section").hidden = true; return; }
  const page = await get("/v1/inbound?status=odd&limit=50");
  $("#n-odd").textContent = page.items.length;
  places.odd(() => fill($("#odd"), page.items.length ? page.items.map((x) => el("li", {}, el("span", { class: "words" }, x.text || x.kind), " ", el("small", {}, joined([x.gateway, when(x.received_at), x.why], " · ")), " ",
    el("button", { type: "button", "data-key": x.id, onclick: press(async () => { await settled(api("POST", `/v1/inbound/${x.id}/dismiss`, { body: { reason: t("dispatch.looked_at") } })); odd(); }) }, t("dispatch.dismiss")))) : el("li", { class: "note" }, t("app.none"))));
}
async function catalogue() {
  const page = await get("/v1/catalogue-rows");
  const table = el("table", {}, el("caption", { class: "hidden" }, t("dispatch.catalogue")), el("thead"), el("tbody"));
  heads(table, "dispatch.row", "field.department", "dispatch.orders", "dispatch.came_back");
  fill($("tbody", table), page.items.map((x) => row(x.route ?? t("dispatch.by_hand"), named(x.lead), String(x.orders), `${x.returned} (${x.orders ? Math.round((x.returned / x.orders) * 100) : 0} %)`)));
  fill($("#catalogue"), page.items.length ? table : el("p", { class: "note" }, t("app.none")));
}
const show = panelled((ticket) => {
  const routing = ticket.advice?.routing;
  return routing?.route ? el("p", {}, t("dispatch.advice", { lead: units.get(routing.lead) ?? routing.lead ?? "–", route: routing.route })) : null;
}, () => draw());
const drawIncidents = incidents($("#incidents"), $("#n-incidents"), true);
const redraw = soon(() => Promise.all([draw(), drawIncidents()]), 200);
listen([], redraw, redraw);
odd();
catalogue();
setInterval(() => { odd(); redraw(); }, 30000);
