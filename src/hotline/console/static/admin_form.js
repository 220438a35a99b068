// The form of an item of administration, as fields or as JSON; the API reports errors field by field.
import { Refusal, addWords, api, el, fill, forget, get, named, openDialog, say, settled, t, unique } from "./core.js";
import { Unclear, formOf } from "./items.js";

await addWords("forms");
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
export async function editItem(item, { noun, inDirectory, bodies, hides, etag, told, done: redraw }) {
  const fresh = item === null;
  // sends the version that is shown, so that a colleague's later change is not overwritten
  const opened = inDirectory ? await etag(fresh ? `/v1/directory/${noun}` : `/v1/directory/${noun}/${item.code}`) : null;
  const schema = inDirectory ? await get(`/v1/directory-shapes/${noun}`) : bodies[noun][fresh ? "made" : "changed"];
  const shown = Object.fromEntries(Object.entries(item ?? {}).filter(([name]) => name in schema.properties));
  // what has a page of its own, and the code of what is there already, stand in no field; they stay as they are
  const hidden = fresh || !inDirectory ? [] : ["code", ...hides];
  const asFields = { ...schema, properties: Object.fromEntries(Object.entries(schema.properties).filter(([name]) => !hidden.includes(name))) };
  let rest = Object.fromEntries(hidden.filter((name) => name in shown).map((name) => [name, shown[name]]));
  const lines = el("textarea", { rows: 18, spellcheck: "false", "aria-label": t("admin.body") });
  const stage = el("div", {});
  const wrong = el("p", { class: "error", role: "alert" });
  let fields = formOf(asFields, shown);
  let raw = false;
  const read = () => (raw ? JSON.parse(lines.value) : { ...rest, ...fields.read() });
  const turn = el("button", { type: "button", onclick: () => {
    wrong.textContent = "";
    try {
      if (raw) {
        const body = read();
        const form = formOf(asFields, body);
        const set = Object.fromEntries(hidden.filter((name) => name in body).map((name) => [name, body[name]]));
        const name = unknown(body, { ...set, ...form.read() });
        if (name) throw new Unclear(t("admin.not_in_form", { name }));
        [fields, rest] = [form, set];
      } else lines.value = JSON.stringify(read(), null, 2);
    } catch (wrote) { wrong.textContent = wrote instanceof Unclear ? wrote.message : t("admin.not_json"); return; }
    raw = !raw;
    lay();
  } });
  function lay() {
    turn.textContent = t(raw ? "admin.as_form" : "admin.as_json");
    fill(stage, raw ? lines : fields.node);
  }
  const keep = el("button", { class: "first" }, t("admin.keep"));
  const access = noun === "people" && !fresh ? el("div", { class: "access" }) : null;
  if (access) import("./person_access.js").then((shows) => shows.showAccess(access, item.id)).catch((fault) => { access.textContent = fault instanceof Refusal ? fault.said : t("app.failed"); });
  const form = el("form", { method: "dialog", autocomplete: "off" }, el("h2", {}, `${t(`noun.${noun}`)} ${item ? named(item) || item.name || "" : ""}`), stage, access, wrong,
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
      if (done?.secret || done?.secrets) told(done.secret ?? done.secrets.join(" "));
      say(done?.held && noun !== "routes" ? t("admin.given_back", { n: done.held }) : t("form.done"));
      forget(noun);
      redraw();
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
