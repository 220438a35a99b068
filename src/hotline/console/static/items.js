// The form of a directory item: its fields with their errors, lists, and days with a value each.
import { el, language, listed, t, word } from "./core.js";
import { fieldsOf, resolved, wordsOf } from "./schema_fields.js";

const said = (name) => word("item", name);
const DAYS = [0, 1, 2, 3, 4, 5, 6].map((day) => new Date(Date.UTC(2024, 0, 1 + day))); // the first was a Monday
const dayName = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { weekday: "short", timeZone: "UTC" });
const ITEM = { family: "item", none: { word: "app.none", code: "app.none" }, ended: true, composite };

/** Input that cannot be read; its message is for the user. */
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
  const fields = fieldsOf(schema, value, ITEM, defs).map((field) => {
    const { name, label, needed, node } = field;
    made += 1;
    const error = el("span", { class: "error", id: `wrong-${made}`, role: "alert" });
    node.id = `field-${made}`;
    node.setAttribute("aria-describedby", error.id);
    if (fixed.has(name)) node.setAttribute("readonly", "");
    if (needed && field.group) node.querySelector("legend").append(" *");
    const read = () => { const found = field.read(); return needed && found === "" ? undefined : found; }; // empty is not given
    return { ...field, error, read, nodes: [...(field.group ? [node] : field.tick ? [el("label", { class: "tick" }, node, " ", said(name))] : [el("label", { for: node.id }, label), node]), error] };
  });
  return { nodes: fields.map((field) => el("div", { class: "field" }, field.nodes)), read: () => Object.fromEntries(fields.map((field) => [field.name, field.read()]).filter(([, read]) => read !== undefined)),
    places: (before) => fields.flatMap((field) => [[before + field.name, { field: field.node, error: field.error }], ...(field.places?.(`${before}${field.name}.`) ?? [])]) };
}
/** Composite fields: `{ node, read(), group, places }`; `group`: the node has a legend of its own. */
function composite(name, property, value, { defs }) {
  if (property.type === "object") return mapOf(name, property, value ?? {});
  if (property["x-refers"]) return severalOf(name, listed(property["x-refers"]), value ?? []);
  return listOf(name, property, value ?? [], defs);
}
/** Several of these options, as checkboxes. `options` may come later. */
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
  if (item.enum) return severalOf(name, wordsOf(name, item), value);
  if (item.type === "integer") { const some = severalOf(name, DAYS.map((day, place) => [place, dayName.format(day)]), value); return { ...some, read: () => some.read().sort() }; }
  if (item.type === "object") return rowsOf(name, item, value, defs);
  if (item["x-parts"]) { const rows = rowsOf(name, item["x-parts"], value.map(partsOfStep), defs); return { ...rows, read: () => rows.read().map(stepOf) }; }
  const node = el("textarea", { rows: Math.min(8, Math.max(2, value.length + 1)), placeholder: item.examples?.[0] ?? t("item_form.lines") });
  node.value = value.join("\n");
  return { node, read: () => node.value.split("\n").map((line) => line.trim()).filter(Boolean) };
}
/** A step of an escalation policy as the API writes it, "80% head yellow" or "+1 working_days head+desk red", and its parts. */
function partsOfStep(step) {
  const words = step.split(" ");
  const when = words[0].startsWith("+") ? { later: `${words.shift().slice(1)} ${words.shift()}` } : { share: parseInt(words.shift(), 10) };
  return { ...when, receivers: words[0].split("+"), level: words[1] };
}
const stepOf = ({ share, later, receivers, level }) => `${share == null ? `+${later ?? ""}` : `${share}%`} ${receivers.join("+")} ${level}`;
/** A list of objects: items can be added and removed. */
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
/** A map of days: a line for each key. */
function mapOf(name, property, value) {
  const kind = property.additionalProperties;
  const rows = [];
  const box = el("div", {});
  const add = (key = "", held) => {
    const at = el("input", { value: key, placeholder: property.propertyNames?.examples?.[0] ?? "2026-10-01", "aria-label": t("item_form.day") });
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
