// Oversight: who did what, what is overdue, which rules changed. Read only.
import { reasonText } from "./reasons.js";
import { $, MARKS, addWords, authorOf, can, choices, directory, el, family, fill, get, given, heads, instant, isolated, joined, link, named, row, state, t, until, when, word } from "./core.js";

heads($("#audit"), "oversight.at", "ticket.number", "oversight.what", "oversight.who", "oversight.unit", "oversight.why", "ticket.status");
const form = $("#who");
let next = null;
let people = [];
const day = (date, step) => new Date(Date.parse(`${date}T00:00Z`) + step * 864e5).toISOString().slice(0, 10);
const today = new Date().toLocaleDateString("sv-SE", { timeZone: given.zone });

/** The people and keys of the select: those whose name is typed, in Chinese or in pinyin. */
function offer() {
  const typed = form.sought.value.trim().toLowerCase();
  const chosen = form.person.value;
  const found = people.filter((one) => !typed || one.id === chosen || one.name.toLowerCase().includes(typed) || one.login?.startsWith(typed) || one.sounds.some((sound) => sound.startsWith(typed.replace(/[\s']/g, ""))));
  const said = (one) => joined([one.name, one.roles.map((role) => word("role", role)).join(MARKS[1]), one.department && named(one.department), one.active ? null : t("oversight.left")], " · ");
  choices(form.person, [["", typed ? t("oversight.fitting", { n: found.length }) : t("app.any")], ...found.map((one) => [one.id, said(one)])], chosen);
  form.person.value = chosen;
}
form.sought.addEventListener("input", () => {
  form.person.value = "";
  offer();
  if (form.sought.value && form.person.options.length === 2) form.person.selectedIndex = 1; // nobody else is meant
});
/** The department somebody works for: of a deed that was about no order. */
const unitOf = (id) => named(people.find((one) => one.id === id)?.department) || "";
const COMMAND_LINE = "command-line";
const nameOf = (by) => (by.id === COMMAND_LINE ? t("oversight.command_line") : isolated(authorOf(by)));
/** Why: the reason, that it is withheld, or that nobody gave one. */
const why = (x, reasons) => (x.reason ? isolated(reasons.get(x.reason)) : el("span", { class: "note" }, t(x.withheld ? `oversight.withheld.${x.withheld}` : ["rules", "clock"].includes(x.by.kind) ? "oversight.by_rule" : "oversight.no_reason")));
let asks = 0;
async function audit(more) {
  const mine = ++asks;
  const asked = new URLSearchParams({ limit: "50" });
  for (const name of ["person", "kind", "action"]) if (form[name].value) asked.set(name, form[name].value);
  if (form.first.value) asked.set("since", instant(form.first.value));
  if (form.last.value) asked.set("before", instant(day(form.last.value, 1)));
  if (more) asked.set("cursor", next);
  const page = await get(`/v1/audit?${asked}`);
  const reasons = new Map(await Promise.all([...new Set(page.items.map((x) => x.reason).filter(Boolean))].map(async (text) => [text, await reasonText(text)])));
  if (mine !== asks) return; // something else was asked for meanwhile
  const rows = page.items.map((x) => row(when(x.at), link(x.number), word("action", x.action), `${nameOf(x.by)} (${word("actor", x.by.kind)})`, named(x.department) || unitOf(x.by.id), why(x, reasons), !x.from || x.from === x.to ? state(x, "to") : `${state(x, "from")} → ${state(x, "to")}`));
  if (more) $("#audit tbody").append(...rows); else fill($("#audit tbody"), rows.length ? rows : row(t("app.none")));
  next = page.next;
  $("#more").hidden = !next;
}
form.addEventListener("submit", (event) => { event.preventDefault(); audit(); });
form.addEventListener("reset", () => setTimeout(() => { offer(); audit(); }));
form.addEventListener("change", (event) => { if (event.target !== form.sought) audit(); });
form.addEventListener("click", (event) => {
  const days = Number(event.target.dataset?.days);
  if (!days) return;
  [form.first.value, form.last.value] = [day(today, 1 - days), today];
  audit();
});
$("#more").addEventListener("click", () => audit(true));
people = (await get("/v1/audit-authors")).items;
offer();
await audit();
const late = await get("/v1/tickets?overdue=true&limit=20");
fill($("#overdue"), late.items.length ? late.items.map((x) => el("li", {}, link(x.number), " ", x.title, " ", el("span", { class: "late" }, until(x.due_at)))) : el("li", { class: "note" }, t("app.none")));
if (can("auditor", "supervisor", "admin")) {
  await addWords("nouns");
  const log = await get("/v1/directory-log?newest=true&limit=20");
  const changed = (x) => t(!x.before ? "oversight.added" : !x.after ? "oversight.removed" : "oversight.changed", { what: joined([t(`noun.${x.noun}`), named(x.after ?? x.before)], " ") });
  fill($("#directory"), log.items.length ? log.items.map((x) => el("li", {}, joined([when(x.at), x.by?.name === "seed" ? t("oversight.seed") : x.by?.name === "command line" ? t("oversight.command_line") : x.by?.name, changed(x)], " · "))) : el("li", { class: "note" }, t("app.none")));
}

// ---- the security log: people, keys, rules, webhooks, robots, log-ins, files
async function securityLog() {
  await addWords("deeds");
  await addWords("nouns");
  const box = $("#deeds");
  const table = $("#events");
  heads(table, "oversight.at", "oversight.what", "oversight.about", "oversight.who", "oversight.unit");
  choices(box.by, [["", t("app.any")], ...people.map((one) => [one.id, joined([one.name, one.department && named(one.department)], " · ")])]);
  choices(box.deed, [["", t("app.any")], ...family("deed")]);
  const NOUNS = Object.fromEntries(family("noun"));
  const items = {};
  /** What a row was about, as people call it. */
  function about(x) {
    if (x.deed === "caller_looked_up") return joined([word("subject", "caller"), t(`take.match.${x.details.match}`)], " · ");
    if (!x.about) return x.address ? t("oversight.from_address", { address: x.address }) : el("span", { class: "note" }, t("oversight.no_object"));
    const { kind, id } = x.about;
    if (kind === "ticket") return link(id);
    if (NOUNS[kind]) return joined([NOUNS[kind], named(items[kind]?.find((one) => one.code === id))], " ");
    return joined([word("subject", kind), people.find((one) => one.id === id)?.name ?? (kind === "gateway" ? id : "")], " ");
  }
  const who = (by) => (["system", "nobody"].includes(by.kind) ? word("subject", by.kind) : nameOf(by));
  let after = null;
  let turn = 0;
  const asked = () => {
    const found = new URLSearchParams();
    for (const name of ["by", "deed"]) if (box[name].value) found.set(name, box[name].value);
    if (box.first.value) found.set("since", instant(box.first.value));
    if (box.last.value) found.set("before", instant(day(box.last.value, 1)));
    return found;
  };
  async function show(more) {
    turn += 1;
    const mine = turn;
    $("#deeds-file").href = `/v1/security-log.csv?${asked()}`;
    const page = await get(`/v1/security-log?limit=30&${asked()}${more ? `&cursor=${encodeURIComponent(after)}` : ""}`);
    for (const kind of new Set(page.items.map((x) => x.about?.kind))) if (NOUNS[kind]) items[kind] ??= await directory(kind).catch(() => []);
    if (mine !== turn) return;
    const rows = page.items.map((x) => row(when(x.at), joined([word("deed", x.deed), x.outcome === "done" ? null : word("subject", x.outcome)], " · "), about(x), who(x.by), unitOf(x.by.id)));
    if (more) $("tbody", table).append(...rows); else fill($("tbody", table), rows.length ? rows : row(t("app.none")));
    after = page.next;
    $("#more-events").hidden = !after;
  }
  box.addEventListener("submit", (event) => { event.preventDefault(); show(); });
  box.addEventListener("change", () => show());
  $("#more-events").addEventListener("click", () => show(true));
  $("#security").hidden = false;
  await show();
}
if (can("auditor", "admin") && !given.person.area) await securityLog();
