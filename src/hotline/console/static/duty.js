// Who is on duty now, with number and gaps, in the bar of the operator's, the dispatcher's and the wall's page: a line that is
// always there, and all rosters in a box below it (`G D`). Another page shows it by loading this module.
import { $, el, fill, get, given, named, t } from "./core.js";
import { officer } from "./alerts.js";
import { dropDown } from "./drop.js";

const place = $("#duty");
const drop = dropDown(place, "users", t("duty.title"), (box) => fill(box, el("h2", {}, t("duty.title")), posts.length ? el("ul", { class: "plainlist" }, posts.map(post)) : el("p", { class: "note" }, t("duty.no_roster"))));
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: given.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const hour = (moment) => clock.format(new Date(moment));
let posts = [];

/** A time without anybody, as a sentence. */
function gapOf(gap) {
  const values = { from: hour(gap.start), until: hour(gap.end) };
  return new Date(gap.start) <= Date.now() ? t("duty.nobody_now", values) : t("duty.nobody_from", values);
}
function post(one) {
  return el("li", {}, el("b", {}, named(one.department)), " ",
    one.now.length ? one.now.map((who) => el("div", {}, ...officer(who), " ", t("duty.until", { time: hour(who.until) }))) : null,
    one.gaps.map((gap) => el("div", { class: "gap" }, gapOf(gap))), one.now.length || one.gaps.length ? null : el("div", { class: "note" }, t("duty.nobody")));
}
/** The line of the bar: whoever is on duty for the whole organisation, and the first gap of any roster. */
function draw() {
  const first = posts.find((one) => one.now.length);
  const gap = posts.flatMap((one) => one.gaps.map((at) => [one, at])).sort(([, a], [, b]) => new Date(a.start) - new Date(b.start))[0];
  place.hidden = !posts.length;
  drop.label(first ? [t("duty.now"), " ", el("b", {}, first.now[0].name), first.now[0].phone ? ` ${first.now[0].phone}` : null] : t("duty.title"),
    gap ? el("div", { class: "gap" }, named(gap[0].department), " ", gapOf(gap[1])) : null);
}
async function look() {
  try { posts = (await get("/v1/duty")).items; } catch { return; } // what was read stays
  draw();
}
let before = null; // G D
addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input, textarea, select, [contenteditable], dialog");
  if (writing || event.ctrlKey || event.metaKey || event.altKey) { before = null; return; }
  const key = event.key.toLowerCase();
  if (before && key === "d" && Date.now() - before < 1500) { event.preventDefault(); before = null; drop.toggle(); return; }
  before = key === "g" ? Date.now() : null;
});
addEventListener("online", look);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
await look();
setInterval(() => { if (!document.hidden) look(); }, 300_000);
