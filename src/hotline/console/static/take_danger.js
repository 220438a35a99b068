// The danger of the call that is being taken: its panel, and what of it goes with the call.
import { $, MARKS, PARTS, el, fill, inDialog, joined, label, steady, t } from "./core.js";
import { dangerNames } from "./danger_names.js";
import { dangerPanel, dutyOf, guidance, inOrder, questionsOf, serviceName, tellByKey } from "./danger.js";
import { actionFields, ask, schemaOf } from "./forms.js";

const EMPTY = { told: {}, asked: {}, denied: {}, seen: {} };
/** Whether a word says where it is: it is no reason for a danger. */
export const isPlace = (said, because) => PARTS.some((part) => t(`address.${part}`, { n: "" }) === said) || because.some(({ rule, matched }) => /^(area|place)/.test(rule) && matched.some((one) => one !== said && one.includes(said)));
/** `form`: of the call, whose hidden field `handled` keeps what was done with the draft; `keep()`: the draft is written;
 *  `changed()`: a danger is denied, or no longer. */
export function callDanger({ form, keep, changed }) {
  const hand = steady($("#danger")); // it is not drawn anew below a press
  let advice = null;
  let words = [];
  let lead = null;
  let known = new Map();
  guidance().then((found) => { known = found; hand(draw); });
  const handled = () => { try { return { ...EMPTY, ...JSON.parse(form.handled.value) }; } catch { return EMPTY; } };
  const put = (part, key, value) => {
    const now = handled();
    const held = { ...now[part] };
    if (value === null) delete held[key]; else held[key] = value;
    form.handled.value = JSON.stringify({ ...now, [part]: held });
    keep();
    draw();
  };
  /** What was denied is so for the words of that moment: further words that tell of danger are looked at anew. */
  const isDenied = (danger) => { const { denied, seen } = handled(); return danger in denied && words.every((word) => word in seen); };
  const open = () => (advice?.dangers ?? []).filter((danger) => !isDenied(danger));
  async function deny() {
    const dangers = open();
    const schema = await schemaOf("comment");
    if (inDialog() || !dangers.length) return;
    await ask("comment", t("danger_panel.why_no"), actionFields(schema, ["text"]).filter((field) => field.needed), async ({ text }) => {
      for (const word of words) put("seen", word, true);
      for (const danger of dangers) put("denied", danger, text);
      changed();
      return { done: true };
    });
    form.narrative.focus();
  }
  function draw() {
    const { told, asked, denied } = handled();
    const dangers = open();
    const no = (advice?.dangers ?? []).filter(isDenied);
    fill($("#danger"),
      dangers.length ? dangerPanel({
        dangers, known, words, told: Object.keys(told), done: Object.keys(asked), duty: lead ? dutyOf(lead) : null, onDeny: deny,
        onTell: (service) => put("told", service.code, serviceName(service)),
        onAsk: (key, is) => put("asked", key, is ? questionsOf(inOrder(dangers, known)).get(key) : null),
      }) : null,
      no.length ? el("p", { class: "note" }, t("danger_panel.denied", { dangers: dangerNames(no), why: [...new Set(no.map((one) => denied[one]))].join(MARKS[1]) }), " ",
        el("button", { type: "button", class: "plain", "data-key": "undeny", onclick: () => { for (const one of no) put("denied", one, null); changed(); } }, t("danger_panel.undeny"))) : null,
      advice?.ask?.length ? el("div", { class: "asking" }, el("strong", {}, t("take.ask")), " ", advice.ask.map((x) => (x.danger ? label(x) : t("take.ask_place"))).join(" ")) : null);
  }
  tellByKey(() => (inDialog() ? null : $("#danger")));
  document.addEventListener("routed", ({ detail }) => {
    if (detail === lead) return;
    lead = detail;
    hand(draw);
  });
  return {
    /** `found`: what triage makes of the words; `because`: by which of them. */
    show(found, because = []) {
      advice = found;
      words = [...new Set(because.filter((one) => /^danger:[^:]+$/.test(one.rule)).flatMap((one) => one.matched))].filter((one) => !isPlace(one, because));
      hand(draw);
    },
    deniesAll: () => Boolean(advice?.dangers.length) && !open().length,
    /** What goes with the call. */
    sent() {
      const { told, asked, denied } = handled();
      const no = (advice?.dangers ?? []).filter(isDenied);
      const notes = [
        ...Object.values(told).map((service) => t("danger_panel.told", { service })),
        ...(Object.keys(asked).length ? [t("danger_panel.asked", { questions: joined(Object.values(asked), " ") })] : []),
        ...(no.length ? [t("danger_panel.denied", { dangers: dangerNames(no), why: [...new Set(no.map((one) => denied[one]))].join(MARKS[1]) })] : []),
      ];
      return { ...(notes.length ? { notes } : {}), ...(no.length ? { denied_dangers: no } : {}) };
    },
  };
}
