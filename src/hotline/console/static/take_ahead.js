// Beside the words while they are typed: what will happen once the call is sent, and to whom.
import { $, api, countdown, el, fill, icon, listed, steady, t, tick, until, urgency } from "./core.js";

const place = steady($("#ahead"));
const SURE = [[0.9, "all"], [0.75, "most"], [0.5, "half"], [0.25, "little"]];
/** How sure the rules are: bars and words, never a number. */
export function confidence(share) {
  const level = SURE.findIndex(([least]) => share >= least);
  const bars = level < 0 ? 1 : 5 - level;
  return el("span", { class: "sure" }, el("span", { class: "conf", "data-n": bars, "aria-hidden": "true" }, [1, 2, 3, 4, 5].map(() => el("i"))), t(`sure.${level < 0 ? "none" : SURE[level][1]}`));
}
let asked = 0;
/** What happens to a call as it would be sent now. `of`: the words that it is said of. */
export async function ahead({ advice, category, kind, priority, area, attach, denied = [], of = "" }) {
  const mine = ++asked;
  const show = (...parts) => { if (mine === asked) place(() => { fill($("#ahead"), ...parts); $("#ahead").dataset.of = of; tick(); }); };
  if (attach) return show(el("p", { class: "goes" }, icon("merge", 18), " ", t("ahead.joins", { number: attach })));
  const code = category || advice?.category;
  const by = category || advice?.sure;
  if (!code) return show(el("p", { class: "note" }, t(advice ? "ahead.unsorted" : "ahead.nothing")));
  const { result } = await api("POST", "/v1/explain/routing", { body: { category: code, kind: kind || advice?.kind, priority: priority || advice?.priority, dangers: (advice?.dangers ?? []).filter((one) => !denied.includes(one)), ...(area ? { area } : {}) } });
  if (mine === asked) document.dispatchEvent(new CustomEvent("routed", { detail: result?.performer ?? result?.lead ?? null })); // who acts on it
  const names = new Map(await listed("departments", true));
  if (!result) return show(el("p", { class: "note" }, t("ahead.unsorted")));
  const sent = by && result.sure;
  const cell = (key, at) => (at ? el("div", {}, el("span", {}, t(key)), el("b", {}, until(at)), countdown(at)) : null);
  const others = [[t("field.performer"), result.performer && names.get(result.performer)], [t("field.assists"), result.assists.map((one) => names.get(one)).join("、")], [t("ahead.duty"), result.on_duty.join("、")]].filter(([, value]) => value);
  show(el("p", { class: "goes" }, urgency(priority || advice?.priority), " ", el("b", {}, names.get(result.lead) ?? ""), " ", el("small", {}, t(sent ? "ahead.at_once" : "ahead.decides"))),
    others.length ? el("p", { class: "note" }, others.map(([name, value]) => el("span", {}, `${name} ${value} `))) : null,
    el("div", { class: "limits" }, cell("ahead.accept_by", result.accept_by), cell("ahead.due_at", result.due_at)));
}
/** Nothing is typed any more: what was said of the call before does not stand beside the next. */
export function forgetAhead() {
  asked += 1;
  place(() => { fill($("#ahead"), el("p", { class: "note" }, t("ahead.nothing"))); delete $("#ahead").dataset.of; });
}
