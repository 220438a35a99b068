// Administration: every noun of the directory, people, keys and subscriptions. The API validates.
import { $, Refusal, api, el, fill, forget, get, heads, joined, listed, named, openDialog, press, row, say, settled, t, unique, when, word } from "./core.js";
import { Unclear, formOf } from "./items.js";

const NOUNS = ["departments", "areas", "categories", "routes", "policies", "ladders", "calendars", "rosters", "words", "danger_frames", "symptoms", "hazards", "word_lists", "incident_rules", "house"];
const MORE = ["people", "keys", "subscriptions"];
const wished = () => ([...NOUNS, ...MORE].includes(location.hash.slice(1)) ? location.hash.slice(1) : "departments");
let noun = wished();
function nav() {
  fill($("#nouns"), [...NOUNS, ...MORE].map((code) => el("button", { type: "button", "aria-current": code === noun ? "true" : null, onclick: () => { location.hash = code; } }, t(`noun.${code}`))));
}
let draws = 0; // a list that comes after another was asked for is not shown: its rows would open the other's form
async function draw() {
  const mine = ++draws;
  nav();
  $("#noun").textContent = t(`noun.${noun}`);
  const table = $("#items");
  if (NOUNS.includes(noun)) {
    const page = await get(`/v1/directory/${noun}`);
    if (mine !== draws) return;
    heads(table, "admin.code", "admin.name", "admin.state", "admin.change");
    const names = Object.fromEntries(await Promise.all(["departments", "categories", "areas"].map(async (of) => [of, Object.fromEntries(await listed(of, true))])));
    if (mine !== draws) return;
    fill($("tbody", table), page.items.map((item) => row(item.code, named(item) || gist(item, names), item.active === false ? t("admin.retired") : t("admin.live"),
      el("button", { type: "button", onclick: () => edit(item) }, t("admin.change")))));
  } else {
    const page = await get(`/v1/${noun}`);
    if (mine !== draws) return;
    page.items.sort((a, b) => Boolean(a.revoked_at) - Boolean(b.revoked_at)); // what is in use stands first
    heads(table, "admin.code", "admin.name", "admin.state", "admin.change");
    fill($("tbody", table), page.items.map((item) => row(item.login ?? item.id, item.name, [item.roles?.map((r) => word("role", r)).join(", "), item.active === false || item.revoked_at ? t("admin.retired") : null, item.created_at ? when(item.created_at) : null].filter(Boolean).join(" · "),
      noun === "keys" ? (item.revoked_at ? null : el("button", { type: "button", onclick: press(() => revoke(item)) }, t("admin.revoke"))) : el("button", { type: "button", onclick: () => edit(item) }, t("admin.change")))));
  }
}
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
async function shape(fresh) {
  return NOUNS.includes(noun) ? get(`/v1/directory-shapes/${noun}`) : BODIES[noun][fresh ? "made" : "changed"];
}
/** The first name in the JSON that the form has no field for. */
function unknown(written, held) {
  if (written === null || typeof written !== "object") return null;
  for (const [name, value] of Object.entries(written)) {
    if (held === null || typeof held !== "object" || !(name in held)) return name;
    const within = unknown(value, held[name]);
    if (within) return within;
  }
  return null;
}
/** An item as a form or as JSON; the API reports errors field by field. */
async function edit(item) {
  const fresh = item === null;
  const inDirectory = NOUNS.includes(noun);
  // sends the version that is shown, so that a colleague's later change is not overwritten
  const opened = inDirectory ? await etag(fresh ? `/v1/directory/${noun}` : `/v1/directory/${noun}/${item.code}`) : null;
  const schema = await shape(fresh);
  const shown = Object.fromEntries(Object.entries(item ?? {}).filter(([name]) => name in schema.properties));
  const lines = el("textarea", { rows: 18, spellcheck: "false", "aria-label": t("admin.body") });
  const place = el("div", {});
  const wrong = el("p", { class: "error", role: "alert" });
  let fields = formOf(schema, shown, fresh ? [] : ["code"]);
  let raw = false;
  const read = () => (raw ? JSON.parse(lines.value) : fields.read());
  const turn = el("button", { type: "button", onclick: () => {
    wrong.textContent = "";
    try {
      if (raw) {
        const body = read();
        const form = formOf(schema, body, fresh ? [] : ["code"]);
        const name = unknown(body, form.read());
        if (name) throw new Unclear(t("admin.not_in_form", { name }));
        fields = form;
      } else lines.value = JSON.stringify(read(), null, 2);
    } catch (wrote) { wrong.textContent = wrote instanceof Unclear ? wrote.message : t("admin.not_json"); return; }
    raw = !raw;
    lay();
  } });
  function lay() {
    turn.textContent = t(raw ? "admin.as_form" : "admin.as_json");
    fill(place, raw ? lines : fields.node);
  }
  const keep = el("button", { class: "first" }, t("admin.keep"));
  const form = el("form", { method: "dialog", autocomplete: "off" }, el("h2", {}, `${t(`noun.${noun}`)} ${item?.code ?? item?.login ?? ""}`), place, wrong,
    el("div", { class: "go" }, keep, inDirectory && !fresh ? el("button", { type: "button", onclick: retire }, t("admin.retire")) : null, turn, el("button", { type: "button", onclick: shut }, t("app.cancel"))));
  const box = el("dialog", { class: "wide", "aria-label": t("admin.change") }, form);
  function shut() { close(); }
  async function tried(work) {
    if (keep.disabled) return; // it is on its way
    keep.disabled = true;
    wrong.textContent = "";
    fields.mark([]);
    try {
      const done = await settled(work());
      shut();
      if (done?.secret || done?.secrets) tellSecret(done.secret ?? done.secrets.join(" "));
      say(done?.held && noun !== "routes" ? t("admin.given_back", { n: done.held }) : t("form.done"));
      forget(noun);
      draw();
    } catch (refused) {
      if (!(refused instanceof Refusal)) { wrong.textContent = refused instanceof Unclear ? refused.message : t("admin.not_json"); return; }
      const left = raw ? refused.errors : fields.mark(refused.errors, inDirectory ? `${noun}.${item?.code ?? fields.read().code}.` : "");
      wrong.textContent = [refused.message, ...left.map((e) => `${e.field}: ${e.rule}`)].join(" · ");
    } finally { keep.disabled = false; }
  }
  let sent = [];
  /** The key of a request: repeated after a lost answer, it creates nothing twice. */
  function keyOf(body) { if (sent[0] !== body) sent = [body, unique()]; return sent[1]; }
  /** Refuses to replace an existing item when adding one. */
  async function refuseKnown(code) {
    const rule = !code ? t("item_form.required") : (await get(`/v1/directory/${noun}`)).items.some((known) => known.code === code) ? t("item_form.taken") : null;
    if (rule) throw new Refusal(422, { type: "urn:hotline:problem:invalid", errors: [{ field: "code", rule, rule_zh: rule, rule_zh_hant: rule }] });
  }
  async function retire() {
    if (confirm(t("admin.sure", { name: named(item) || item.code }))) await tried(() => api("DELETE", `/v1/directory/${noun}/${item.code}`, { version: opened }));
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tried(async () => {
      const body = read();
      if (inDirectory && fresh) await refuseKnown(body.code);
      if (inDirectory) return api("PUT", `/v1/directory/${noun}/${encodeURIComponent(item?.code ?? body.code)}`, { body, version: opened });
      if (fresh) return api("POST", `/v1/${noun}`, { body, key: keyOf(JSON.stringify(body)) });
      return api("PATCH", `/v1/${noun}/${item.id}`, { body, version: item.version });
    });
  });
  lay();
  const close = openDialog(box, shut);
}
addEventListener("hashchange", () => { noun = wished(); draw(); });
$("#add").addEventListener("click", () => edit(null));
draw();
