// The wallboard: the state of the hotline on one screen. Read only; every number leads to the tickets that make it up.
import { $, can, directory, el, fill, get, given, isolated, joined, label, listen, named, soon, spent, t, when, word } from "./core.js";
import { dangerNames } from "./danger_names.js";
import { asParameters } from "./views.js";
import { drawMap, forgetOutlines, listOf, shortName, svg } from "./wall_map.js";

const TURN = 10_000; // ms that one view of a list stands
const STALE = 75_000; // ms after which what is shown is no longer called live
const narrow = matchMedia("(max-width: 1100px)");
const unit = () => (narrow.matches ? 0.72 : Math.min(innerWidth / 1920, innerHeight / 1080));
const clockTime = (moment) => new Date(moment).toLocaleTimeString("en-GB", { timeZone: given.zone, hour: "2-digit", minute: "2-digit" });
const percent = (a, b) => (b ? ((a / b) * 100).toFixed(1) : "–");
let wall = null;
let active = []; // incidents that have not ended
let parents = new Map(); // of areas, where an incident has to be drawn
let held = false;
let drawnAt = null;

/** A list of which a page is shown at a time: `turn()` shows the next. `room()`: how many there is room for. */
function turning(draw, room) {
  let page = 0;
  let items = [];
  const show = () => {
    const size = narrow.matches ? Math.max(1, items.length) : Math.max(1, room());
    const pages = Math.max(1, Math.ceil(items.length / size));
    page %= pages;
    draw(items.slice(page * size, page * size + size), { page: page + 1, pages });
    return pages > 1;
  };
  const one = { set(found) { items = found; return one.show(); }, show: () => { one.more = show(); offerHold(); }, turn() { page += 1; one.show(); }, more: false };
  lists.push(one);
  return one;
}
const lists = [];
const offerHold = () => { $("#turning").hidden = !lists.some((one) => one.more); };
const rows = (root, high) => () => Math.floor(($(root).clientHeight + 1) / (high * unit()));
const none = (key) => el("p", { class: "none" }, t(key));
const paged = ({ page, pages }) => (pages > 1 ? `${page}/${pages}` : "");
/** A department's name without that of the one community. */
const ownName = (item) => (wall.communities.length === 1 ? shortName(item, wall.communities[0].area) : named(item));
const place = (one) => joined([one.area && named(one.area), one.dangers.length ? dangerNames(one.dangers) : one.category && named(one.category)], " ");

const duty = turning((some) => fill($("#onduty"), some.map((one) => el("span", {}, ownName(one.department), " ", one.members.length ? one.members.map((m) => el("b", {}, joined([m.name, m.phone], " "))) : el("span", { class: "gap" }, t("wall.nobody"))))), () => (innerWidth < 1500 ? 2 : 3));
const emergencies = turning((some) => {
  const bar = $("#em");
  bar.className = wall.emergency_count ? "em on" : "em off";
  if (!wall.emergency_count) { fill(bar, el("span", {}, t("wall.no_emergency"))); return; }
  fill(bar, el("a", { class: "n", href: listFor("emergency") }, t("wall.emergency_n", { n: wall.emergency_count })),
    some.map((x) => el("a", { class: "one", href: `/console/tickets/${x.number}` }, el("span", { class: "t" }, place(x) || t("wall.no_area")),
      el("span", { class: "w" }, joined([x.department ? named(x.department) : t("wall.not_dispatched"), x.lead && word("order", x.unsigned ? "issued" : x.lead)], " ")), el("span", {}, t("wall.since", { at: Date.parse(wall.at) - Date.parse(x.since) < 72_000_000 ? clockTime(x.since) : when(x.since) })))));
}, () => 2);
const COLOURS = [["red", "red"], ["amber", "yellow"], ["green", "green"], ["grey", "grey"]];
const departments = turning((some, at) => {
  $("#departments-note").textContent = at.pages > 1 ? `${t("wall.late_first")} ${paged(at)}` : t("wall.late_first");
  const most = Math.max(1, ...wall.departments.map((d) => d.open));
  fill($("#departments"), some.length ? some.map((d) => {
    const of = { ...d.colours, yellow: (d.colours.yellow ?? 0) + (d.colours.blue ?? 0) };
    const bar = el("span", { class: "bar", "aria-hidden": "true" }, COLOURS.filter(([, code]) => of[code]).map(([look, code]) => { const part = el("i", { class: look }, String(of[code])); part.style.flex = `${of[code]} 0 auto`; return part; }));
    bar.style.width = `${Math.max(12, (d.open / most) * 100)}%`;
    return el("a", { class: "dep", href: `/console/board?department=${d.department?.code}`, "aria-label": joined([named(d.department), String(d.open), ...COLOURS.filter(([, code]) => of[code]).map(([, code]) => `${word("colour", code)} ${of[code]}`)], " ") }, el("span", { class: ownName(d.department).length > 8 ? "name long" : "name" }, ownName(d.department)), bar, el("b", {}, String(d.open)));
  }) : none("wall.no_orders"));
}, rows("#departments", 43));
const incidents = turning((some, at) => {
  $("#incidents-note").textContent = paged(at);
  fill($("#incidents"), some.length ? some.map((x) => el("a", { class: "inci", href: `/console/incidents/${x.code}` }, el("span", { class: "k" }, String(x.callers)), el("span", { class: "cut" }, el("b", {}, label(x.title)), el("small", {}, t("wall.incident_says", { n: x.callers, tickets: x.ticket_count }))), el("span", {}, word("incident_state", x.state)))) : none("wall.no_incident"));
}, rows("#incidents", 76));
const maps = turning(([view], at) => { currentView = view; $("#map-title").textContent = joined([t("wall.where"), view && named(view.area)], " · "); $("#map-note").textContent = joined([t("wall.map_note"), paged(at)], " "); redrawMap(); }, () => 1);
let currentView = null;
const redrawMap = () => drawMap($("#map"), currentView, wall.places, active.map(under), unit());

/** The codes of the places under an incident's area. */
function under(incident) {
  if (!incident.area) return [];
  const within = (code) => { for (let at = code, n = 0; at && n < 9; at = parents.get(at), n += 1) if (at === incident.area.code) return true; return false; };
  return [incident.area.code, ...[...parents.keys()].filter(within)];
}
const listFor = (code) => `/console/tickets?${asParameters(wall.tiles.find((one) => one.code === code).filters)}`;

function drawTiles() {
  const n = Object.fromEntries(wall.tiles.map((one) => [one.code, one.count]));
  const tile = (look, href, value, name, more = "", unitOf = "", note = "") => el("a", { class: `tl8 ${look}`, href, title: note }, el("span", { class: "v" }, String(value), unitOf && el("small", {}, unitOf)), el("span", { class: "l" }, name, more && el("small", {}, more)));
  const today = new Date(wall.at).toLocaleDateString("sv-SE", { timeZone: given.zone });
  const kept = wall.today.shares.on_time; // orders, as on the page of figures: a ticket may have several
  const waited = wall.waiting_since ? (Date.parse(wall.at) - Date.parse(wall.waiting_since)) / 60_000 : null;
  fill($("#tiles"),
    tile(n.red ? "r" : "", listFor("red"), n.red, word("colour", "red")), tile(n.yellow ? "a" : "", listFor("yellow"), n.yellow, t("wall.warned")),
    tile("", listFor("waiting"), n.waiting, t("wall.waiting"), n.waiting && waited != null ? t("wall.longest", { time: spent(waited) }) : ""), tile("", listFor("in_hand"), n.in_hand, t("wall.in_hand")),
    tile("", listFor("paused"), n.paused, t("wall.paused"), "", "", t("wall.paused_note")), tile("", listFor("call_back"), n.call_back, word("status", "resolved"), t("wall.all_open", { n: wall.open })), tile("", listFor("matters"), n.matters, t("wall.today_matters"), "", "", t("wall.matters_note")), tile("", listFor("closed"), n.closed, t("wall.today_closed"), t("wall.answered_of", { n: wall.today.counts.answered ?? 0 }), "", t("wall.closed_note")),
    tile("", `/console/figures?first=${today}&last=${today}&figure=on_time`, percent(kept?.numerator, kept?.denominator), word("figure", "on_time"), t("wall.due_today", { n: kept?.numerator ?? 0, of: kept?.denominator ?? 0 }), kept?.denominator ? "%" : "", t("wall.on_time_note")));
}
function drawHours() {
  const [before, today] = wall.hours.slice(-2).map((day) => day.hours);
  const [root, u] = [$("#hours"), unit()];
  const [wide, high] = [root.clientWidth, root.clientHeight];
  const most = Math.max(1, ...before, ...today);
  const foot = 28 * u;
  const step = wide / 24;
  const drawn = svg("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": t("wall.hours_say", { n: today.reduce((a, b) => a + b, 0), before: before.reduce((a, b) => a + b, 0) }) });
  for (let hour = 0; hour < 24; hour += 1) {
    const tall = (count) => (count ? Math.max(3, ((high - foot) * count) / most) : 0);
    const bar = (kind, count, left, part) => drawn.append(svg("rect", { class: kind, x: hour * step + left * step, width: step * part, y: high - foot - tall(count), height: tall(count), rx: 1 }));
    bar("before", before[hour], 0.08, 0.84);
    bar(today[hour] > before[hour] * 1.5 && today[hour] > 3 ? "more" : "today", today[hour], 0.24, 0.52);
    if (hour % 3 === 0) drawn.append(Object.assign(svg("text", { x: hour * step + step / 2, y: high - 6 * u }), { textContent: hour }));
  }
  drawn.append(svg("rect", { class: "before", x: 0, y: high - foot, width: wide, height: 1 }));
  fill(root, drawn);
}
function drawCalls() {
  const one = (href, value, name) => el("a", { href }, el("b", {}, String(value)), el("span", {}, name));
  if (!wall.exchange) { // without one nothing is known of calls that nobody took
    const today = new Date(wall.at).toLocaleDateString("sv-SE", { timeZone: given.zone });
    $("#acd").textContent = t("wall.no_exchange");
    fill($("#calls"), one(`/console/figures?first=${today}&last=${today}&measure=calls#listed`, wall.today.counts.calls ?? 0, t("wall.taken_today")));
    return;
  }
  const figure = wall.today.acd?.figures.find((one) => one.name === "service_level_of_offered");
  $("#acd").textContent = figure?.denominator ? t("wall.answered_in", { seconds: wall.today.acd.threshold_seconds, share: percent(figure.numerator, figure.denominator), n: figure.numerator, of: figure.denominator }) : t("wall.no_calls");
  const counts = wall.today.acd?.counts ?? {};
  fill($("#calls"), one("/console/figures", wall.calls.answered ?? 0, t("wall.speaking")), one("/console/figures", wall.calls.offered ?? 0, t("wall.ringing")), one("/console/figures", counts.offered ?? 0, t("wall.calls_today")), one("/console/waiting", counts.abandoned ?? 0, t("wall.abandoned")));
}
const HOT = ["escalate", "urge", "reopen", "supervise"];
function drawLately() {
  const shown = wall.entries.slice(0, narrow.matches ? 8 : Math.max(1, rows("#lately", 40)()));
  fill($("#lately"), shown.length ? shown.map((e) => el("a", { class: `ev${HOT.includes(e.action) ? " hot" : ""}`, href: `/console/tickets/${e.number}` }, el("time", {}, clockTime(e.at)), el("span", { class: "cut" }, joined([place(e) || t("wall.no_area"), e.department && named(e.department), word("action", e.action)], " ")))) : none("wall.nothing_yet"));
}
function drawClock() {
  const now = wall ? new Date(Date.parse(wall.at) + (performance.now() - drawnAt)) : new Date();
  $("#clock").textContent = clockTime(now);
  $("#date").textContent = now.toLocaleDateString(document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang, { timeZone: given.zone, month: "long", day: "numeric", weekday: "long" });
}
/** Says whether what is shown is live. */
function tellAge() {
  const live = $("#live");
  const cut = $("#line").classList.contains("off");
  const stale = drawnAt !== null && (cut || performance.now() - drawnAt > STALE);
  live.classList.toggle("stale", stale || drawnAt === null);
  const text = drawnAt === null ? t("wall.loading") : stale ? t("wall.stale", { at: clockTime(wall.at) }) : t("wall.live");
  if (live.textContent !== text) live.textContent = text;
}
function drawAll() {
  duty.set(wall.duty);
  emergencies.set(wall.emergencies);
  drawTiles();
  departments.set(wall.departments);
  incidents.set(active);
  drawHours();
  drawCalls();
  drawLately();
  const views = wall.communities.filter((one) => one.open);
  maps.set(views.length ? views : wall.communities.slice(0, 1));
  const away = wall.places.filter((one) => one.lat == null || one.area.code === one.community || !one.community);
  const link = $("#elsewhere");
  link.hidden = !away.length;
  if (away.length) { link.href = listOf(away.map((one) => one.area.code)); link.textContent = t("wall.elsewhere", { n: away.reduce((sum, one) => sum + one.open, 0) }); }
  $("#whose").textContent = isolated(wall.communities.length === 1 ? named(wall.communities[0].area) : t("wall.communities", { n: wall.communities.length }));
}
async function draw() {
  const [read, page] = await Promise.all([get("/v1/wall"), get("/v1/incidents?state=open&state=contained&state=proposed&limit=50")]);
  [wall, active] = [read, page.items];
  if (active.some((one) => one.area) && !parents.size) parents = new Map((await directory("areas")).map((area) => [area.code, area.parent]));
  drawnAt = performance.now();
  drawAll();
  drawClock();
  tellAge();
}
const redraw = soon(draw, 1200);
listen([], redraw, redraw, { always: true });
draw();
setInterval(redraw, 30_000);
setInterval(() => { drawClock(); tellAge(); }, 5_000);
setInterval(() => { if (!held && wall && !$(".wall").contains(document.activeElement)) for (const one of lists) one.turn(); }, TURN);
setInterval(forgetOutlines, 3_600_000);
new MutationObserver(tellAge).observe($("#line"), { attributes: true });
const hold = $("#turning");
hold.addEventListener("click", () => { held = !held; hold.setAttribute("aria-pressed", String(held)); });
let resized;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => { if (wall) drawAll(); }, 150); });
drawClock();
tellAge();
