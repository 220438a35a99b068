// The organisation as data: every noun of the directory, people, keys and subscriptions. The API says what is wrong.
import { $, Refusal, api, el, fill, get, heads, named, row, say, t, when, word } from "./core.js";

const NOUNS = ["departments", "areas", "categories", "routes", "policies", "ladders", "calendars", "rosters", "words", "house"];
const MORE = ["people", "keys", "subscriptions"];
let noun = location.hash.slice(1) || "departments";
const NEW = {
  people: { login: "", name: "", password: "", roles: ["operator"], department: null, area: null },
  keys: { name: "", roles: ["gateway"], department: null, area: null },
  subscriptions: { name: "", url: "https://", events: ["*"] },
};
function nav() {
  fill($("#nouns"), [...NOUNS, ...MORE].map((code) => el("button", { type: "button", "aria-current": code === noun ? "true" : null, onclick: () => { noun = code; location.hash = code; draw(); } }, t(`noun.${code}`))));
}
async function draw() {
  nav();
  $("#noun").textContent = t(`noun.${noun}`);
  const table = $("#items");
  if (NOUNS.includes(noun)) {
    const page = await get(`/v1/directory/${noun}`);
    heads(table, "admin.code", "admin.name", "admin.state", "admin.change");
    fill($("tbody", table), page.items.map((item) => row(item.code, named(item) || item.source || "", item.active === false ? t("admin.retired") : t("admin.live"),
      el("button", { type: "button", onclick: () => edit(item) }, t("admin.change")))));
  } else {
    const page = await get(`/v1/${noun}`);
    page.items.sort((a, b) => Boolean(a.revoked_at) - Boolean(b.revoked_at)); // what is in use stands first
    heads(table, "admin.code", "admin.name", "admin.state", "admin.change");
    fill($("tbody", table), page.items.map((item) => row(item.login ?? item.id, item.name, [item.roles?.map((r) => word("role", r)).join(", "), item.active === false || item.revoked_at ? t("admin.retired") : null, item.created_at ? when(item.created_at) : null].filter(Boolean).join(" · "),
      noun === "keys" ? (item.revoked_at ? null : el("button", { type: "button", onclick: () => revoke(item) }, t("admin.revoke"))) : el("button", { type: "button", onclick: () => edit(item) }, t("admin.change")))));
  }
}
async function revoke(item) {
  if (!confirm(t("admin.sure", { name: item.name }))) return;
  await api("DELETE", `/v1/keys/${item.id}`);
  say(t("form.done"));
  draw();
}
const etag = async (path) => (await fetch(path)).headers.get("etag")?.replaceAll('"', "") ?? null;
/** A secret that is told once: it stays until it was put away, and can be copied. */
function tellSecret(secret) {
  const field = el("input", { value: secret, readonly: true, "aria-label": t("admin.secret") });
  const box = el("dialog", { "aria-label": t("admin.secret") }, el("h2", {}, t("admin.secret")), field,
    el("div", { class: "go" }, el("button", { type: "button", onclick: () => { field.select(); navigator.clipboard?.writeText(secret); } }, t("admin.copy")), el("button", { type: "button", onclick: () => { box.close(); box.remove(); } }, t("app.close"))));
  box.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(box);
  box.showModal();
}
/** The item as JSON: what it may hold is the API's to say, field by field. */
async function edit(item) {
  const fresh = item === null;
  const inDirectory = NOUNS.includes(noun);
  // the version that is shown is the version that is changed: what a colleague did meanwhile is not undone
  const opened = inDirectory ? await etag(fresh ? `/v1/directory/${noun}` : `/v1/directory/${noun}/${item.code}`) : null;
  const shown = fresh ? NEW[noun] ?? { code: "" } : noun === "people" ? { name: item.name, roles: item.roles, department: item.department, area: item.area, active: item.active } : item;
  const text = el("textarea", { rows: 18, name: "body", spellcheck: "false", "aria-label": t("admin.body") });
  text.value = JSON.stringify(shown, null, 2);
  const wrong = el("p", { class: "error", role: "alert" });
  const form = el("form", { method: "dialog" }, el("h2", {}, `${t(`noun.${noun}`)} ${item?.code ?? item?.login ?? ""}`), el("p", { class: "note" }, t("admin.json_note")), text, wrong,
    el("div", { class: "go" }, el("button", { class: "first" }, t("admin.keep")), inDirectory && !fresh ? el("button", { type: "button", onclick: retire }, t("admin.retire")) : null, el("button", { type: "button", onclick: shut }, t("app.cancel"))));
  const box = el("dialog", { "aria-label": t("admin.change") }, form);
  function shut() { box.close(); box.remove(); }
  async function tried(work) {
    wrong.textContent = "";
    try {
      const done = await work();
      shut();
      if (done?.secret || done?.secrets) tellSecret(done.secret ?? done.secrets.join(" "));
      say(t("form.done"));
      draw();
    } catch (refused) {
      wrong.textContent = refused instanceof Refusal ? refused.said : t("admin.not_json");
    }
  }
  async function retire() {
    if (confirm(t("admin.sure", { name: named(item) || item.code }))) await tried(() => api("DELETE", `/v1/directory/${noun}/${item.code}`, { version: opened }));
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tried(async () => {
      const body = JSON.parse(text.value);
      if (inDirectory) return api("PUT", `/v1/directory/${noun}/${encodeURIComponent(body.code)}`, { body, version: opened });
      if (fresh) return api("POST", `/v1/${noun}`, { body });
      return api("PATCH", `/v1/${noun}/${item.id}`, { body, version: item.version });
    });
  });
  document.body.append(box);
  box.showModal();
}
$("#add").addEventListener("click", () => edit(null));
draw();
