// What the system wrote into a history or an explanation, in the reader's language. Its texts are stored in English, as
// templates of the catalogue; whatever matches none was written by a person and is shown as it is.
import { MARKS, directory, language, named, spent, sureWord, t, until, when, word } from "./core.js";

const { templates, words } = await (await fetch(`${document.body.dataset.static}/reasons.${language}.json`)).json();
const CODED = ["departure_reason", "return_reason", "fault", "decline_reason", "void_reason"];
const OF_DIRECTORY = { area: "areas", calendar: "calendars", category: "categories", policy: "policies", route: "routes" };
const CODE = /^[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*$/;
const NUMBER = /^[0-9.:]+$/;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** The values in the holes of a template, by name; null: it is another text. */
function matched(parts, text) {
  if (parts.length === 1) return parts[0] === text ? {} : null;
  if (!text.startsWith(parts[0])) return null;
  const values = {};
  let at = parts[0].length;
  for (let n = 1; n < parts.length; n += 2) {
    const last = n + 2 === parts.length;
    const end = last ? text.length - parts[n + 1].length : text.indexOf(parts[n + 1], at + 1);
    if (parts[n] === "n" && !NUMBER.test(text.slice(at, end))) return null;
    if (end <= at || (last && !text.endsWith(parts[n + 1]))) return null;
    values[parts[n]] = text.slice(at, end);
    at = end + parts[n + 1].length;
  }
  return values;
}
const known = templates.map(([english, text]) => [english.split(/\{(\w+)\}/), text]).sort(([a], [b]) => b.filter((_, n) => n % 2 === 0).join("").length - a.filter((_, n) => n % 2 === 0).join("").length);

async function ofDirectory(noun, code) {
  const item = await directory(noun).then((items) => items.find((one) => one.code === code), () => null);
  if (noun === "policies") return item ? (language === "en" && item.source_en) || item.source : code;
  return noun === "routes" ? item?.basis || code : named(item) || code;
}
/** The text of a value by the name of its hole. */
async function valueText(name, value) {
  if (OF_DIRECTORY[name]) return ofDirectory(OF_DIRECTORY[name], value);
  if (name === "metric") return word(name, value);
  if (name === "danger") {
    const frame = (await directory("danger_frames").catch(() => [])).find((one) => one.code === value);
    return word(name, frame ? frame.danger : value);
  }
  if (name === "share") return t(`sure.${sureWord(Number(value))}`);
  if (name === "moment") return until(value);
  if (name === "yes") return t(value === "True" ? "app.yes" : "app.no");
  return name === "why" || name === "span" ? reasonText(value) : words[`${name}.${value}`] ?? value;
}
/** One text, in the reader's language. */
export async function reasonText(text) {
  const [code, ...rest] = text.split(": ");
  const family = CODED.find((one) => word(one, code) !== code);
  if (family) return [word(family, code), ...(rest.length ? [await reasonText(rest.join(": "))] : [])].join(MARKS[0]);
  for (const [parts, said] of known) {
    const values = matched(parts, text);
    if (!values) continue;
    if (/^\d+[:.]\d+$/.test(values.n ?? "") && parts.at(-1).endsWith("_hours")) { // five minutes are stored as 0:05 hours
      const minutes = values.n.includes(":") ? values.n.split(":").reduce((hours, rest) => hours * 60 + Number(rest), 0) : values.n * 60;
      if (parts.at(-1).includes("calendar")) return spent(minutes);
      values.n = String(Math.round(minutes / 0.6) / 100);
    }
    const told = Object.fromEntries(await Promise.all(Object.entries(values).map(async ([name, value]) => [name, await valueText(name, value)])));
    return said.replace(/\{(\w+)\}/g, (all, name) => told[name] ?? all);
  }
  if (MOMENT.test(text)) return when(text);
  return CODE.test(text) ? ofRule(text) : text;
}
/** A rule of the directory: what it decides. */
async function ofRule(code) {
  const rule = (await directory("words").catch(() => [])).find((item) => item.code === code);
  if (rule?.kind) return `${t("field.kind")} ${word("kind", rule.kind)}`;
  return rule?.priority ? `${t("field.priority")} ${word("priority", rule.priority)}` : code;
}
/** The reasons of a timeline's lines, in their order. */
export const reasonTexts = (lines) => Promise.all(lines.map((line) => (line.reason ? reasonText(line.reason) : null)));
/** Rules with what they matched: [rule, matched], in the reader's language. */
export const becauseTexts = (because) => Promise.all(because.map(async (b) => [await reasonText(b.rule), await Promise.all(b.matched.map(reasonText))]));
/** A flag of a ticket: one of the system's, or as somebody set it. */
export function flagText(flag) {
  const [kind, ...rest] = flag.split(":");
  if (kind === "danger") return word("danger", rest[0]);
  return word("flag", kind) === kind ? flag : [word("flag", kind), ...rest].join(" ");
}
