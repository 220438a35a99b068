// Administration: every noun of the directory, people, keys and subscriptions. The API validates.
import { $, MARKS, api, directory, el, fill, get, heads, joined, listed, named, openDialog, press, row, say, settled, t, when, word } from "./core.js";

const GROUPS = {
  organisation: ["departments", "areas", "categories", "house"],
  time: ["rosters", "calendars", "policies", "ladders"],
  rules: ["routes", "incident_rules", "hazards", "danger_frames", "symptoms", "words", "word_lists"],
  access: ["people", "keys", "subscriptions", "robots"],
};
const MORE = GROUPS.access; // not of the directory
const EVERY = Object.values(GROUPS).flat();
const NOUNS = EVERY.filter((code) => !MORE.includes(code));
/** Nouns whose items have a page of their own, beside the form of their other fields. */
const VIEWS = { calendars: "admin.months", rosters: "admin.plan", subscriptions: "admin.change", robots: "admin.change" };
const OWN = ["subscriptions", "robots"]; // their form is on their page
const SHOWN_ELSEWHERE = { calendars: ["days", "names", "notices", "papers"], rosters: ["members", "shifts", "overrides"] };
const place = () => {
  const [noun, ...code] = decodeURIComponent(location.hash.slice(1)).split("/");
  return EVERY.includes(noun) ? [noun, code.join("/")] : ["departments", ""];
};
let [noun, code] = place();
const go = (hash) => { location.hash = hash; };
function nav() {
  const buttons = (codes) => codes.map((one) => el("button", { type: "button", "aria-current": one === noun ? "true" : null, "data-key": one, onclick: () => go(one) }, t(`noun.${one}`)));
  fill($("#nouns"), Object.entries(GROUPS).map(([group, codes]) => [el("h3", {}, t(`admin.group.${group}`)), ...buttons(codes)]).flat());
  fill($("#noun-choice"), Object.entries(GROUPS).map(([group, codes]) => { const part = el("optgroup", {}, codes.map((one) => el("option", { value: one, selected: one === noun }, t(`noun.${one}`)))); part.label = t(`admin.group.${group}`); return part; }));
}
$("#noun-choice").addEventListener("change", (event) => go(event.target.value));
let draws = 0; // a list that comes after another was asked for is not shown: its rows would open the other's form
async function draw() {
  const mine = ++draws;
  nav();
  $("#noun").textContent = t(`noun.${noun}`);
  $("#back").hidden = $("#view").hidden = !code;
  $("#table-part").hidden = Boolean(code);
  if (code) { await view(mine); return; }
  fill($("#view"));
  $("#sought").value = "";
  const table = $("#items");
  fill($("tbody", table));
  $("#counted").textContent = "";
  const names = Object.fromEntries(await Promise.all(["departments", "categories", "areas"].map(async (of) => [of, Object.fromEntries(await listed(of, true))])));
  const items = NOUNS.includes(noun) ? (await get(`/v1/directory/${noun}`)).items : await all(`/v1/${noun}`);
  const robots = noun === "robots" ? await import("./robots.js") : null;
  const units = robots && new Map((await directory("departments")).map((one) => [one.code, one]));
  if (mine !== draws) return;
  items.sort((a, b) => Boolean(a.revoked_at) - Boolean(b.revoked_at)); // what is in use stands first
  heads(table, "admin.name", "admin.about", "admin.state", "account.feed_change");
  fill($("tbody", table), items.map((item) => {
    const made = row(NOUNS.includes(noun) ? named(item) || gist(item, names) : robots ? robots.titleOf(item) : item.name, robots ? robots.gistOf(item, units) : about(item, names), item.active === false || item.revoked_at ? t("admin.retired") : item.address_refused ? el("span", { class: "error" }, t("admin.address_refused")) : t("admin.live"), el("span", { class: "actions" }, buttonsOf(item)));
    made.dataset.sought = [made.textContent, item.login, item.code, ...(item.sounds ?? []), ...(item.aliases ?? [])].join(" ").toLowerCase();
    if (item.revoked_at) made.dataset.closed = "1";
    return made;
  }));
  sift();
}
async function all(path) {
  const items = [];
  for (let after = ""; after !== null;) {
    const page = await get(`${path}${OWN.some((one) => path.endsWith(one)) ? "" : `?limit=200&after=${encodeURIComponent(after)}`}`);
    items.push(...page.items);
    after = page.next;
  }
  return items;
}
/** Hides the rows that do not hold what is sought. */
function sift() {
  const typed = $("#sought").value.trim().toLowerCase();
  const rows = [...$("#items tbody").rows];
  const closed = rows.filter((one) => one.dataset.closed);
  $("#closed").parentElement.hidden = !closed.length;
  for (const one of rows) one.hidden = (Boolean(typed) && !one.dataset.sought.includes(typed)) || (Boolean(one.dataset.closed) && !$("#closed").checked);
  $("#counted").textContent = t("admin.counted", { n: rows.filter((one) => !one.hidden).length, all: rows.length });
}
$("#sought").addEventListener("input", sift);
$("#closed").addEventListener("change", sift);
/** What an item is, beside its name. */
function about(item, { departments, areas }) {
  const where = [item.department && departments[item.department], item.area && item.area !== "*" && areas[item.area]];
  if (noun === "people") return joined([item.login, item.roles.map((role) => word("role", role)).join(MARKS[1]), ...where], " · ");
  if (noun === "keys") return joined([item.roles.map((role) => word("role", role)).join(MARKS[1]), ...where, item.last_used_at ? t("admin.used", { at: when(item.last_used_at) }) : t("admin.unused"), item.expires_at ? t("admin.until", { at: when(item.expires_at) }) : null], " · ");
  if (noun === "subscriptions") return joined([new URL(item.url).host, item.events.length && !item.events.includes("*") ? t("admin.events", { n: item.events.length }) : t("admin.every_event"), ...where], " · ");
  if (noun === "departments") return joined([word("department_kind", item.kind), item.parent && departments[item.parent], item.phone], " · ");
  if (noun === "areas") return joined([word("area_level", item.level), item.parent && areas[item.parent]], " · ");
  if (noun === "categories") return joined([word("kind", item.kind), item.priority !== "normal" ? word("priority", item.priority) : null], " · ");
  if (noun === "rosters") return joined([departments[item.department], item.members.map((one) => one.name).join(MARKS[1])], " · ");
  if (noun === "calendars") return item.always ? t("admin.always") : joined([item.hours.join(MARKS[1]), item.confirmed_to && t("admin.announced", { day: item.confirmed_to })], " · ");
  if (noun === "symptoms") return item.patterns.slice(0, 3).join(" ");
  return "";
}
function buttonsOf(item) {
  const button = (text, onclick) => el("button", { type: "button", "aria-label": `${t(text)} ${named(item) || item.name || ""}`, onclick }, t(text));
  if (noun === "keys") return item.revoked_at ? [] : [button("admin.revoke", press(() => revoke(item)))];
  const own = VIEWS[noun] && !(noun === "calendars" && item.always) ? [button(VIEWS[noun], () => go(`${noun}/${item.code ?? item.id ?? item.name}`))] : [];
  return OWN.includes(noun) ? own : [...own, button(own.length ? "admin.settings" : "admin.change", () => edit(item))];
}
/** The page of one item. */
async function view(mine) {
  const root = el("div", {});
  const opened = code;
  if (noun === "robots") {
    $("#noun").textContent = t("noun.robots");
    await (await import("./robots.js")).showRobot(root, opened, { made: (name) => go(`robots/${name}`), ended: () => go("robots") });
    if (mine === draws) fill($("#view"), root);
    return;
  }
  $("#noun").textContent = `${t(`noun.${noun}`)} · ${noun === "subscriptions" ? (opened === "new" ? t("admin.add") : (await all("/v1/subscriptions")).find((one) => one.id === opened)?.name ?? "") : named((await directory(noun)).find((one) => one.code === opened))}`;
  if (noun === "calendars") await (await import("./calendar_year.js")).showCalendar(root, opened, etag);
  else if (noun === "rosters") await (await import("./roster_plan.js")).showRoster(root, opened, etag);
  else if (noun === "subscriptions") {
    await (await import("./webhooks.js")).showWebhook(root, opened, { types: BODIES.subscriptions.made.properties.events.items.enum, told: tellSecret, ended: () => { say(t("form.done")); go(noun); },
      made: (reply) => { tellSecret(reply.secret); go(`${noun}/${reply.id}`); } });
  }
  if (mine === draws) fill($("#view"), root);
}
$("#back").addEventListener("click", () => go(noun));
/** The title of an item without a name. */
function gist(item, { departments, categories, areas }) {
  const one = (of, code) => (code && code !== "*" ? of[code] ?? code : null);
  const holds = [one(categories, item.category), item.kind && item.kind !== "*" ? word("kind", item.kind) : null, one(areas, item.area), item.priority && item.priority !== "*" ? word("priority", item.priority) : null,
    typeof item.hours === "string" && item.hours !== "always" ? word("hours", item.hours) : null].filter(Boolean).join(" · ") || t("app.any");
  if (item.lead) return `${holds} → ${[item.lead, ...item.assists].map((code) => one(departments, code)).join(" + ")}`;
  if (item.metrics) return [item.metrics.map((metric) => word("metric", metric)).join(" · "), item.priority !== "*" ? word("priority", item.priority) : null].filter(Boolean).join(" · ");
  return item.words ? joined(item.words.slice(0, 12), " ") : `${holds}: ${item.source ?? ""}`;
}
async function revoke(item) {
  if (!confirm(t("admin.sure", { name: item.name }))) return;
  await settled(api("DELETE", `/v1/keys/${item.id}`));
  say(t("form.done"));
  draw();
}
const etag = async (path) => (await fetch(path)).headers.get("etag")?.replaceAll('"', "") ?? null;
/** A secret that is shown once: it stays until it is dismissed, and can be copied. */
function tellSecret(secret) {
  const field = el("input", { value: secret, readonly: true, "aria-label": t("admin.secret") });
  async function copy() {
    field.select();
    try { await navigator.clipboard.writeText(secret); } catch { if (!document.execCommand("copy")) return; } // no clipboard without https
    say(t("admin.copied"));
  }
  const box = el("dialog", { "aria-label": t("admin.secret") }, el("h2", {}, t("admin.secret")), field,
    el("div", { class: "go" }, el("button", { type: "button", onclick: copy }, t("admin.copy")), el("button", { type: "button", onclick: () => close() }, t("app.close"))));
  const close = openDialog(box, null);
}
const BODIES = JSON.parse($("#items").dataset.bodies); // what is not of the directory: as `POST`, and as `PATCH` takes it
async function edit(item) {
  const { editItem } = await import("./admin_form.js");
  await editItem(item, { noun, inDirectory: NOUNS.includes(noun), bodies: BODIES, hides: SHOWN_ELSEWHERE[noun] ?? [], etag, told: tellSecret, done: draw });
}
addEventListener("hashchange", () => { [noun, code] = place(); draw(); });
$("#add").addEventListener("click", () => (OWN.includes(noun) ? go(`${noun}/new`) : edit(null)));
draw();
