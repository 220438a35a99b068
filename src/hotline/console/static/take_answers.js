// Earlier answers to the like of a call, while it is typed: each with its age and the ticket it comes from.
import { $, el, fill, link, named, t, when } from "./core.js";

const DAY = 864e5; // milliseconds
const OLD = 180; // days, after which an answer is to be checked before it is given
/** `items`: of the API, the newest first; `use(answer)`: gives that one. */
export function showAnswers(items, use) {
  const line = (one) => {
    const days = one.closed_at ? Math.max(0, Math.floor((Date.now() - new Date(one.closed_at)) / DAY)) : null;
    const age = days === null ? t("take.age_unknown") : days ? t("take.age", { n: days }) : t("take.age_today");
    return el("li", {}, el("span", { class: "words" }, one.answer),
      el("small", { class: "source" }, t("take.source"), " ", link(one.number), " ", one.title, " · ", named(one.category), " · ", one.closed_at ? when(one.closed_at) : "", " ", age),
      days === null || days > OLD ? el("small", { class: "late" }, t("take.old_answer")) : null,
      el("button", { type: "button", onclick: () => use(one.answer) }, t("take.use")));
  };
  fill($("#answers"), items.length ? items.map(line) : el("li", { class: "note" }, t("app.none")));
}
