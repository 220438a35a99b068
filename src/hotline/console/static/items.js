// A form for anything a JSON Schema describes: one field for each property, lists that grow, codes that are chosen.
import { el, language, listed, t, word } from "./core.js";

// how a text is written, where that is not plain: the same in every language
const WRITTEN = {
  hours: "09:00-12:00", zone: "Asia/Shanghai", confirmed_to: "2026-12-31", since: "2026-01-01", until: "2026-12-31", start: "2026-12-31T20:00", end: "2027-01-01T08:00",
  dispatch: "30 calendar_minutes", accept: "2 working_hours", contact: "4 working_hours", resolve: "5 working_days", redo: "2 working_days", repeat: "1 working_days",
  steps: "80% head yellow", url: "https://", expires_at: "2027-01-01T00:00:00+08:00",
};
const LONG = new Set(["tell", "tell_en", "datatype_description", "basis"]);
const DAYS = [0, 1, 2, 3, 4, 5, 6].map((day) => new Date(Date.UTC(2024, 0, 1 + day))); // the first was a Monday
const dayName = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { weekday: "short", timeZone: "UTC" });
const snake = (title) => title.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
const said = (name) => word("item", name);

/** What cannot be read as it stands: its message is for whoever typed it. */
export class Unclear extends Error {}

/** `{ node, read(), mark(errors, own) }` of an object's schema, filled from `value`. `fixed`: fields shown and not
 *  changed. `mark` writes each error beside its field and gives back those that have none; `own` is what stands before
 *  the names of this item's fields, where the error is one of the whole directory. */
export function formOf(schema, value, fixed = []) {
  const object = objectOf(schema, value ?? {}, schema.$defs ?? {}, new Set(fixed));
  return {
    node: el("div", { class: "fields" }, object.nodes), read: object.read,
    mark(errors, own = "") {
      const places = new Map(object.places("")); // as they stand now: lines come and go
      for (const place of places.values()) { place.error.textContent = ""; place.field.removeAttribute("aria-invalid"); }
      let first = null;
      const left = errors.filter(({ field, rule }) => {
        const mine = own && field.startsWith(own);
        const at = mine ? field.slice(own.length) : field;
        const path = [...places.keys()].filter((known) => at === known || at.startsWith(`${known}.`)).sort((a, b) => b.length - a.length)[0];
        if (!path || (own && !mine && at.split(".").length > 2 && !/\.\d+\./.test(at))) return true; // another item's
        const place = places.get(path);
        place.error.textContent = [place.error.textContent, rule].filter(Boolean).join(" · ");
        place.field.setAttribute("aria-invalid", "true");
        first ??= place.field;
        return false;
      });
      (first?.matches("input, select, textarea") ? first : first?.querySelector("input, select, textarea, button"))?.focus();
      return left;
    },
  };
}
let made = 0;
/** `places(before)`: [path, where it stands] of every field, as the API counts what is sent. */
function objectOf(schema, value, defs, fixed) {
  const fields = Object.entries(schema.properties).map(([name, property]) => {
    const field = fieldOf(name, { ...property, ...resolved(property, defs) }, value[name] ?? property.default, defs);
    made += 1;
    const error = el("span", { class: "error", id: `wrong-${made}`, role: "alert" });
    field.node.id = `field-${made}`;
    field.node.setAttribute("aria-describedby", error.id);
    if (fixed.has(name)) field.node.setAttribute("readonly", "");
    const needed = schema.required?.includes(name) ? " *" : "";
    if (needed && field.group) field.node.querySelector("legend").append(needed);
    const read = () => { const given = field.read(); return needed && given === "" ? undefined : given; }; // empty is not given
    return { name, error, ...field, read, nodes: [...(field.group ? [field.node] : field.tick ? [el("label", { class: "tick" }, field.node, " ", said(name))] : [el("label", { for: field.node.id }, said(name) + needed), field.node]), error] };
  });
  return { nodes: fields.map((field) => el("div", { class: "field" }, field.nodes)), read: () => Object.fromEntries(fields.map((field) => [field.name, field.read()]).filter(([, read]) => read !== undefined)),
    places: (before) => fields.flatMap((field) => [[before + field.name, { field: field.node, error: field.error }], ...(field.places?.(`${before}${field.name}.`) ?? [])]) };
}
/** What a property is, behind references and "or nothing". */
function resolved(property, defs) {
  const options = property.anyOf ?? [property];
  const some = options.find((option) => option.type !== "null") ?? {};
  const meant = some.$ref ? defs[some.$ref.split("/").pop()] : some;
  return { ...meant, family: some.$ref ? snake(meant.title) : meant.family ?? null, empty: options.some((option) => option.type === "null") };
}
function fieldOf(name, property, value, defs) {
  if (property.enum) return oneOf(property.enum.map((code) => [code, code === "*" ? t("app.any") : word(property.family ?? name, code)]), value, property.empty);
  if (property["x-refers"] && property.type === "array") return severalOf(name, listed(property["x-refers"]), value ?? []);
  if (property["x-refers"]) return codeOf(property, value);
  if (property.type === "boolean") { const node = el("input", { type: "checkbox", checked: Boolean(value) }); return { node, tick: true, read: () => node.checked }; }
  if (property.type === "integer" || property.type === "number") { const node = el("input", { type: "number", step: property.type === "integer" ? 1 : "any", value: value ?? "" }); return { node, read: () => (node.value === "" ? null : Number(node.value)) }; }
  if (property.type === "array") return listOf(name, property, value ?? [], defs);
  if (property.type === "object") return mapOf(name, property, value ?? {});
  if (LONG.has(name) || String(value ?? "").includes("\n")) { const node = el("textarea", { rows: 3 }); node.value = value ?? ""; return { node, read: () => (node.value === "" && property.empty ? null : node.value) }; }
  const node = el("input", { type: name === "password" ? "password" : "text", autocomplete: name === "password" ? "new-password" : "off", value: value ?? "", placeholder: WRITTEN[name] ?? null });
  return { node, read: () => (node.value !== "" ? node.value : property.empty ? null : property.optional ? undefined : "") };
}
function oneOf(options, value, empty) {
  const node = el("select", {}, empty || value === undefined ? el("option", { value: "" }, t(empty ? "app.none" : "app.choose")) : null, options.map(([code, text]) => el("option", { value: code }, text)));
  node.value = value ?? "";
  return { node, read: () => (node.value === "" ? (empty ? null : undefined) : node.value) };
}
function codeOf(property, value) {
  const any = property.default === "*";
  const node = el("select", {}, any ? el("option", { value: "*" }, t("app.any")) : el("option", { value: "" }, t(property.empty ? "app.none" : "app.choose")));
  if (value && value !== "*") node.append(el("option", { value, selected: true }, value)); // stands until the names are there
  listed(property["x-refers"]).then((items) => {
    const chosen = node.value;
    for (const [code, text] of items) { const known = [...node.options].find((option) => option.value === code); if (known) known.textContent = text; else node.append(el("option", { value: code }, text)); }
    node.value = chosen;
  });
  return { node, read: () => (node.value === "" ? (property.empty ? null : undefined) : node.value) };
}
/** Some of these: a tick for each. `options` may come later. */
function severalOf(name, options, value) {
  const chosen = new Set(value);
  const node = el("fieldset", { class: "several" }, el("legend", {}, said(name)));
  const ticks = el("div", { class: "ticks" });
  node.append(ticks);
  Promise.resolve(options).then((items) => {
    const known = new Set(items.map(([code]) => code));
    ticks.append(...[...items, ...value.filter((code) => !known.has(code)).map((code) => [code, code])].map(([code, text]) => el("label", { class: "tick" }, el("input", { type: "checkbox", checked: chosen.has(code), onchange: (event) => { if (event.target.checked) chosen.add(code); else chosen.delete(code); } }), " ", text)));
  });
  return { node, group: true, read: () => [...value.filter((code) => chosen.has(code)), ...[...chosen].filter((code) => !value.includes(code))] };
}
function listOf(name, property, value, defs) {
  const item = resolved(property.items, defs);
  if (item.enum) return severalOf(name, item.enum.map((code) => [code, word(item.family ?? name, code)]), value);
  if (item.type === "integer") { const some = severalOf(name, DAYS.map((day, place) => [place, dayName.format(day)]), value); return { ...some, read: () => some.read().sort() }; }
  if (item.type === "object") return rowsOf(name, item, value, defs);
  const node = el("textarea", { rows: Math.min(8, Math.max(2, value.length + 1)), placeholder: WRITTEN[name] ?? t("item_form.lines") });
  node.value = value.join("\n");
  return { node, read: () => node.value.split("\n").map((line) => line.trim()).filter(Boolean) };
}
/** A list of things with fields of their own: each can go, another can come. */
function rowsOf(name, item, value, defs) {
  const rows = [];
  const box = el("div", {});
  const add = (one) => {
    const row = { ...objectOf(item, one ?? {}, defs, new Set()), gone: false };
    rows.push(row);
    const node = el("fieldset", { class: "item" }, el("legend", { class: "hidden" }, `${said(name)} ${rows.length}`), row.nodes,
      el("button", { type: "button", "aria-label": `${t("item_form.remove")}: ${said(name)} ${rows.length}`, onclick: () => { row.gone = true; node.remove(); } }, t("item_form.remove")));
    box.append(node);
    return node;
  };
  value.forEach(add);
  const node = el("fieldset", { class: "several" }, el("legend", {}, said(name)), box, el("button", { type: "button", onclick: () => add().querySelector("input, select, textarea")?.focus() }, t("item_form.add", { what: said(name) })));
  const left = () => rows.filter((row) => !row.gone);
  return { node, group: true, read: () => left().map((row) => row.read()), places: (before) => left().flatMap((row, place) => row.places(`${before}${place}.`)) };
}
/** Days and what holds of each: a line for each key. */
function mapOf(name, property, value) {
  const kind = property.additionalProperties;
  const rows = [];
  const box = el("div", {});
  const add = (key = "", held) => {
    const at = el("input", { value: key, placeholder: name === "weekday_hours" ? "5" : "2026-10-01", "aria-label": t("item_form.day") });
    const what = kind.type === "boolean"
      ? el("select", { "aria-label": said(name) }, el("option", { value: "true" }, t("item_form.worked")), el("option", { value: "false" }, t("item_form.off")))
      : el("input", { value: kind.type === "array" ? (held ?? []).join(", ") : held ?? "", placeholder: kind.type === "array" ? "09:00-12:00, 14:00-18:00" : null, "aria-label": said(name) });
    if (kind.type === "boolean") what.value = String(held ?? false);
    const row = { gone: false, read: () => [at.value.trim(), kind.type === "boolean" ? what.value === "true" : kind.type === "array" ? what.value.split(/[,，]\s*/).map((x) => x.trim()).filter(Boolean) : what.value] };
    rows.push(row);
    const node = el("div", { class: "daily" }, at, what, el("button", { type: "button", "aria-label": `${t("item_form.remove")} ${key}`, onclick: () => { row.gone = true; node.remove(); } }, "×"));
    box.append(node);
    return at;
  };
  for (const [key, held] of Object.entries(value)) add(key, held);
  const node = el("fieldset", { class: "several" }, el("legend", {}, said(name)), box, el("button", { type: "button", onclick: () => add().focus() }, t("item_form.add", { what: said(name) })));
  return { node, group: true, read() {
    const found = {};
    for (const [key, held] of rows.filter((row) => !row.gone).map((row) => row.read())) {
      if (!key) throw new Unclear(t("item_form.no_day", { what: said(name) }));
      if (key in found) throw new Unclear(t("item_form.twice", { what: said(name), day: key }));
      found[key] = held;
    }
    return found;
  } };
}
