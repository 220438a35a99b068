// The fields of a form, made from a JSON Schema: a control for each property. Ticket actions and directory items use it.
import { choices, el, given, instant, listed, t, word } from "./core.js";

const SHORT = 200; // a text that may be longer runs over several lines
const snake = (title) => title.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();

/** The fields of an object's schema, in its order: `{ name, label, needed, node, read(), tick }`. `value`: what is filled
 *  in. `read()` gives undefined where nothing is to be sent; `tick`: a box to tick. `form`: how these forms do it:
 *  `family` of the labels in the catalogue; `none`: what an optional choice of a `word` or a `code` of the directory says
 *  before one is made; `ended`: a code that can be chosen no more stays if it stood there; `composite(name, property,
 *  value, form)` makes the field of a list or an object. */
export function fieldsOf(schema, value, form, defs = schema.$defs ?? {}) {
  return Object.entries(schema.properties).map(([name, declared]) => {
    const needed = schema.required?.includes(name) ?? false;
    const property = { ...declared, ...resolved(declared, defs), optional: !needed && !("default" in declared) }; // left out where nothing is given
    const label = word(form.family, name) + (needed ? " *" : "") + (property.format === "date-time" ? ` (${given.zone})` : "");
    return { name, label, needed, ...fieldOf(name, property, value[name] ?? property.default, { ...form, defs }) };
  });
}
/** What a property is, behind references and "or nothing". */
export function resolved(property, defs) {
  const options = property.anyOf ?? [property];
  const some = options.find((option) => option.type !== "null") ?? {};
  const meant = some.$ref ? defs[some.$ref.split("/").pop()] : some;
  return { ...meant, family: some.$ref ? snake(meant.title) : meant.family ?? null, empty: options.some((option) => option.type === "null") };
}
export const wordsOf = (name, property) => property.enum.map((code) => [code, code === "*" ? t("app.any") : word(property.family ?? name, code)]);
function fieldOf(name, property, value, form) {
  const refers = property["x-refers"];
  if (property.enum) return oneOf(wordsOf(name, property), value, property, form);
  if (property.type === "array" || property.type === "object") return (form.composite ?? codesOf)(name, property, value, form);
  if (refers) return codeOf(refers, value, property, form);
  if (property.type === "boolean") return truth(value, property, form);
  if (property.type === "integer" || property.type === "number") return number(value, property);
  if (property.format === "span") return span(word(form.family, name), value, property);
  return property.format === "date-time" ? moment(value) : text(name, value, property);
}
/** How long: an amount and its unit. */
function span(label, value, property) {
  const [much, unit] = (value ?? "").split(" ");
  const amount = el("input", { type: "text", inputmode: "decimal", size: 6, maxlength: 10, autocomplete: "off", value: much, "aria-label": t("item_form.amount", { what: label }) });
  const units = el("select", { "aria-label": t("item_form.unit", { what: label }) }, property["x-units"].map((code) => el("option", { value: code }, word("unit", code))));
  if (unit) units.value = unit;
  const read = () => { const written = amount.value.trim(); return written ? `${written} ${units.value}` : property.empty ? null : property.optional ? undefined : ""; };
  return { node: el("fieldset", { class: "span" }, el("legend", {}, label), amount, units), group: true, read };
}
function text(name, value, property) {
  const both = { maxlength: property.maxLength, placeholder: property.examples?.[0] };
  const long = property["x-multiline"] || (property.maxLength > SHORT && property.format !== "uri") || String(value ?? "").includes("\n");
  const secret = name === "password";
  const node = long ? el("textarea", { ...both, rows: 3 }) : el("input", { ...both, type: secret ? "password" : property.format === "date" ? "date" : "text", autocomplete: secret ? "new-password" : "off" });
  node.value = value ?? "";
  return { node, read: () => (node.value !== "" ? node.value : property.empty ? null : property.optional ? undefined : "") };
}
function number(value, property) {
  const node = el("input", { type: "number", step: property.type === "integer" ? 1 : "any", value: value ?? "" });
  return { node, read: () => (node.value === "" ? null : Number(node.value)) };
}
/** Shown and read in the organisation's time zone. */
function moment(value) {
  const node = el("input", { type: "datetime-local" });
  if (value) node.value = new Date(value).toLocaleString("sv-SE", { timeZone: given.zone }).replace(" ", "T").slice(0, 16);
  return { node, read: () => (node.value === "" ? null : instant(node.value)) };
}
/** A checkbox if there is a default; else a choice between the two. */
function truth(value, property, form) {
  if (typeof property.default === "boolean" || (property.optional && typeof value === "boolean")) {
    const node = el("input", { type: "checkbox", checked: Boolean(value) });
    return { node, tick: true, read: () => node.checked };
  }
  const { node, read } = oneOf([["true", t("app.yes")], ["false", t("app.no")]], value?.toString(), property, form);
  return { node, read: () => (node.value ? node.value === "true" : read()) };
}
const nothing = (property) => (property.empty ? null : undefined);
/** One of these words. Nothing is preselected, so that nothing is sent by accident. */
function oneOf(options, value, property, form) {
  const node = el("select", {}, property.empty || value == null ? el("option", { value: "" }, t(property.empty ? form.none.word : "app.choose")) : null, options.map(([code, said]) => el("option", { value: code }, said)));
  node.value = value ?? "";
  return { node, read: () => node.value || nothing(property) };
}
function codeOf(noun, value, property, form) {
  const option = ([code, said]) => el("option", { value: code }, said);
  const first = option(property.default === "*" ? ["*", t("app.any")] : ["", t(property.empty ? form.none.code : "app.choose")]);
  const stands = value && value !== "*" ? [[value, value]] : [];
  const node = el("select", {});
  const lay = (items, chosen) => {
    node.replaceChildren(first, ...items.map(option));
    node.value = chosen;
    if (node.selectedIndex < 0) first.selected = true;
  };
  lay(stands, value ?? first.value); // until the names are there
  listed(noun).then((items) => lay([...items, ...stands.filter(([code]) => form.ended && !items.some(([known]) => known === code))], node.value));
  return { node, read: () => node.value || nothing(property) };
}
/** Several texts, each on lines of its own. */
function linesOf(value) {
  const node = el("textarea", { rows: 4, placeholder: t("form.paragraphs") });
  node.value = (value ?? []).join("\n\n");
  return { node, read: () => node.value.split(/\n\s*\n/).map((text) => text.trim()).filter(Boolean) };
}
/** Some words or codes of the directory, chosen from a list; other codes are typed. */
function codesOf(name, property, value, { defs }) {
  const item = resolved(property.items, defs);
  if (item.maxLength > SHORT) return linesOf(value);
  if (!item.enum && !item["x-refers"]) {
    const node = el("input", { placeholder: t("form.codes"), value: (value ?? []).join(", ") });
    return { node, read: () => node.value.split(/[,，\s]+/).filter(Boolean) };
  }
  const node = el("select", { multiple: true, size: 6 });
  Promise.resolve(item.enum ? wordsOf(name, item) : listed(item["x-refers"])).then((items) => choices(node, items));
  return { node, read: () => [...node.selectedOptions].map((option) => option.value) };
}
