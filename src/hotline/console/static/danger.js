// What to do about a danger while the caller is on the line: what to say, what to ask, whom to have called. Used beside the
// words while they are typed, and on the ticket's page afterwards.
import { dangerNames } from "./danger_names.js";
import { MARKS, can, el, get, given, icon, joined, language, t, urgency, word } from "./core.js";

let asked = null;
/** Danger -> what to say, ask and call. Asked for once; what could not be had is asked for again. */
export const guidance = () => (asked ??= get("/v1/dangers").then(({ items }) => new Map(items.map((one) => [one.danger, one]))).catch(() => { asked = null; return new Map(); }));
const written = (text) => text[{ en: "en", "zh-Hant": "zh_hant" }[language] ?? "zh"];

/** What is known of these dangers, in the order of `guidance()`: "leave the place" before "do not move the injured". */
export const inOrder = (dangers, known) => [...known.values()].filter((one) => dangers.includes(one.danger));
/** Of several dangers all services, each once: first those that are called in any case. */
function servicesOf(found) {
  const all = [...found.map((one) => one.call[0]), ...found.flatMap((one) => one.call.slice(1))].filter(Boolean);
  return [...new Map(all.map((one) => [one.code, one])).values()];
}
/** What a service is called, with its number where the name does not hold it. */
export const serviceName = (service) => (service.phone && !written(service.name).includes(service.phone) ? `${written(service.name)} ${service.phone}` : written(service.name));
/** The questions by their keys, as `lift.2`. */
export const questionsOf = (found) => new Map(found.flatMap((one) => one.ask.map((text, n) => [`${one.danger}.${n + 1}`, written(text)])));

/** The panel. `dangers`: those that are acted on; `known`: of `guidance()`, in whose order they are named; `words`: of the narrative, which
 *  told it; `told`: codes of services that the caller was told to call; `done`: keys of questions that were asked; `onTell(service)`,
 *  `onAsk(key, is)`, `onDeny()`: null where that is not to be done here; `duty`: an element, or null. */
export function dangerPanel({ dangers, known, words = [], told, done, onTell, onAsk, onDeny, duty }) {
  const found = inOrder(dangers, known);
  const names = dangerNames(found.length ? found.map((one) => one.danger) : dangers);
  const services = servicesOf(found);
  const button = (service, n) => (told.includes(service.code)
    ? el("span", { class: "chip on" }, icon("check", 14), " ", t("danger_panel.told", { service: serviceName(service) }))
    : el("button", { type: "button", class: n ? "" : "dan", "data-key": `tell ${service.code}`, "data-tell": service.code, onclick: (event) => onTell(service, event) }, icon("phone", 16), " ", t("danger_panel.tell", { service: serviceName(service) }), n ? null : [" ", el("kbd", {}, "F9")]));
  const question = ([key, text]) => el("label", { class: "tick" }, el("input", { type: "checkbox", "data-key": `ask ${key}`, checked: done.includes(key), onchange: (event) => onAsk(key, event.target.checked) }), " ", text);
  return el("section", { class: "danger", "aria-label": t("danger_panel.title", { dangers: names }) },
    el("header", {}, icon("warn", 20), el("span", {}, t("danger_panel.title", { dangers: names })), urgency("emergency"),
      words.length ? el("small", {}, t("danger_panel.because", { words: joined(words, MARKS[1]) })) : null),
    el("div", { class: "in" },
      found.map((one) => el("p", { class: "say" }, el("small", {}, t("danger_panel.say")), " ", written(one.say))),
      el("div", { class: "questions", role: "group", "aria-label": t("danger_panel.ask") }, [...questionsOf(found)].map(question)),
      el("div", { class: "go" }, onTell ? services.map(button) : null,
        onDeny ? el("button", { type: "button", class: "plain", "data-key": "deny", onclick: onDeny }, t("danger_panel.no")) : null, duty))); // last: it comes in later, and moves no button
}
/** F9: the caller was told to call the first service that is not told yet, as the panel in `place` shows it. */
export function tellByKey(place) {
  addEventListener("keydown", (event) => {
    if (event.key !== "F9" || event.repeat) return;
    const button = place()?.querySelector("button[data-tell]");
    if (!button) return;
    event.preventDefault();
    button.click();
  });
}
const turns = new Map(); // department -> [asked at, whom a call for help reaches there]
/** Who is on duty for the first of these departments whose duty is the reader's to see, with their numbers; filled once it
 *  is known. Null: for none of them. */
export function dutyOf(...departments) {
  const department = departments.find((one) => can("operator", "dispatcher", "supervisor", "auditor", "admin") || given.person.departments.includes(one));
  if (!department) return null;
  const place = el("span", { class: "duty-now" });
  const show = (called) => place.replaceChildren(...(called.length
    ? called.map(({ member }) => el(member.phone ? "a" : "span", { class: "btn", ...(member.phone ? { href: `tel:${member.phone}` } : {}) }, icon("phone", 16), " ", t("danger_panel.on_duty", { name: member.name, phone: member.phone ?? "" })))
    : [el("span", { class: "note" }, t("danger_panel.nobody"))]));
  const [at, called] = turns.get(department) ?? [0, null];
  if (called) show(called);
  if (Date.now() - at > 60_000) get(`/v1/departments/${department}/duty`).then((duty) => { turns.set(department, [Date.now(), duty.called]); show(duty.called); }).catch(() => {});
  return place;
}
