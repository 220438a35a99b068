// The wallboard: the state of the hotline on one screen, read only.
import { $, can, el, fill, get, heads, listen, isolated, named, row, soon, steady, t, when, word } from "./core.js";
import { incidents } from "./incidents.js";

const lately = [];
const share = (figure) => (figure?.value == null ? "–" : `${(figure.value * 100).toFixed(1)} %`);
function tile(name, value, look = "") { return el("div", { class: `tile ${look}` }, el("b", {}, String(value)), name); }
async function draw() {
  const x = await get("/v1/wall");
  fill($("#tiles"), tile(t("wall.open"), x.open), tile(word("colour", "red"), x.colours.red ?? 0, "red"), tile(word("colour", "yellow"), (x.colours.yellow ?? 0) + (x.colours.blue ?? 0), "yellow"),
    tile(word("status", "triaged"), (x.counts.received ?? 0) + (x.counts.triaged ?? 0), "blue"), tile(word("status", "resolved"), x.counts.resolved ?? 0),
    tile(t("wall.today_calls"), x.today.counts.calls ?? 0), tile(t("wall.today_matters"), x.today.counts.matters ?? 0), tile(t("wall.today_closed"), x.today.counts.closed ?? 0, "green"),
    tile(t("wall.ringing"), x.calls.offered ?? 0), tile(t("wall.speaking"), x.calls.answered ?? 0),
    tile(word("figure", "on_time"), share(x.today.shares.on_time)), tile(word("figure", "first_call"), share(x.today.shares.first_call)));
  const departments = el("table", { class: "numbers" }, el("caption", { class: "hidden" }, t("wall.departments")), el("thead"), el("tbody"));
  heads(departments, "field.department", "wall.open", "colour.red", "colour.yellow", "colour.green", "colour.grey");
  fill($("tbody", departments), x.departments.slice(0, 14).map((d) => row(el("a", { href: `/console/board?department=${d.department?.code}` }, named(d.department)), String(d.open), el("span", { class: d.colours.red ? "late" : "" }, String(d.colours.red ?? 0)), String((d.colours.yellow ?? 0) + (d.colours.blue ?? 0)), String(d.colours.green ?? 0), String(d.colours.grey ?? 0))));
  fill($("#departments"), departments);
  const areas = el("table", { class: "numbers" }, el("caption", { class: "hidden" }, t("wall.areas")), el("thead"), el("tbody"));
  heads(areas, "field.area", "wall.open");
  fill($("tbody", areas), x.areas.slice(0, 14).map((a) => row(named(a.area) || t("wall.no_area"), String(a.open))));
  fill($("#areas"), areas);
  $("#hours").innerHTML = await (await fetch("/console/hours.svg")).text();
}
const svg = (tag, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};
async function map() {
  const found = (await get("/v1/map")).features;
  if (!found.length) { fill($("#map"), el("p", { class: "note" }, t("wall.no_dots"))); return; }
  const [west, east] = [Math.min(...found.map((f) => f.geometry.coordinates[0])), Math.max(...found.map((f) => f.geometry.coordinates[0]))];
  const [south, north] = [Math.min(...found.map((f) => f.geometry.coordinates[1])), Math.max(...found.map((f) => f.geometry.coordinates[1]))];
  const [wide, high] = [Math.max(east - west, 0.002), Math.max(north - south, 0.002)];
  const drawn = svg("svg", { viewBox: "0 0 600 420", role: "img", "aria-label": t("wall.map_says", { n: found.length }) });
  for (let n = 1; n < 6; n += 1) drawn.append(svg("line", { x1: n * 100, x2: n * 100, y1: 0, y2: 420, stroke: "#d9dfe4" }), svg("line", { x1: 0, x2: 600, y1: n * 70, y2: n * 70, stroke: "#d9dfe4" }));
  for (const f of found) {
    const [lon, lat] = f.geometry.coordinates;
    const p = f.properties;
    const title = svg("title", {});
    title.textContent = `${p.number} ${isolated(p.title)} · ${word("status", p.status)}`;
    drawn.append(svg("circle", { cx: 20 + ((lon - west) / wide) * 560, cy: 400 - ((lat - south) / high) * 380, r: p.priority === "emergency" ? 9 : 6, fill: p.late ? "#b3261e" : p.priority === "normal" ? "#1f5fa8" : "#c79100", stroke: "#fff" }, title));
  }
  fill($("#map"), drawn, el("p", { class: "note" }, t("wall.map_says", { n: found.length })));
}
fill($("#lately"), el("li", { class: "note" }, t("app.none")));
const later = steady($("#lately"));
const drawIncidents = incidents($("#incidents"), null, can("dispatcher", "supervisor"));
const redraw = soon(() => Promise.all([draw(), drawIncidents()]), 400);
const remap = soon(map, 2000);
listen([], (event) => {
  lately.unshift(event);
  lately.length = Math.min(lately.length, 12);
  later(() => fill($("#lately"), lately.map((e) => el("li", {}, el("small", {}, when(e.at)), " ", el("a", { href: `/console/tickets/${e.number}` }, e.number), " ", word("action", e.action)))));
  redraw();
  remap();
}, () => { redraw(); remap(); }, { back: 30 });
setInterval(redraw, 30000);
