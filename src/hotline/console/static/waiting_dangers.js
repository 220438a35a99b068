// Dangers that a department was sent and nobody has signed for, or whose return waits to be decided: rows for the table of
// the dispatcher's page, beside those that nobody was sent yet.
import { MARKS, directory, el, get, icon, joined, named, t, word } from "./core.js";
import { two, waited } from "./ticket_table.js";

const STATES = { dispatch: "dispatch.danger_unsent", acceptance: "dispatch.danger_unsigned", ruling: "dispatch.danger_ruling" };
/** The codes and all below them; null: every one. */
async function below(noun, codes) {
  const found = new Set([codes ?? []].flat());
  if (!found.size) return null;
  const items = await directory(noun);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const item of items) if (found.has(item.parent)) found.add(item.code);
  }
  return found;
}
/** Those in `query`'s areas and categories, as the queue reads them: { items, more }. */
export async function waitingDangers({ area, category } = {}) {
  const [page, areas, categories] = await Promise.all([get("/v1/alerts"), below("areas", area), below("categories", category)]);
  const fits = (one) => (!areas || areas.has(one.area?.code)) && (!categories || categories.has(one.category?.code));
  return { items: page.items.filter(fits).map(rowOf), more: page.more };
}
function rowOf(one) {
  const by = one.orders.map((order) => order.accept_by).filter(Boolean).sort()[0];
  const kinds = joined(one.dangers.map((danger) => word("danger", danger)), MARKS[1]) || named(one.category) || word("priority", "emergency");
  const left = by ? Date.parse(by) - Date.now() : 0;
  return { ...one, title: kinds, priority: "emergency", fixed: true, proposals: [], ranked_by: [], returned_by: [], returns: 0, attachments: 0, channel: null,
    next_clock: by && one.waits_for === "acceptance" ? { metric: "accept", due_at: by, colour: left < 0 ? "red" : "yellow", running: true } : null };
}
/** Who has it, what it waits for and since when, and whom to call. */
export function stateOf(one) {
  const [first] = one.orders;
  const duty = first?.duty[0] ?? one.duty[0];
  return [el("b", {}, joined(one.orders.map((order) => named(order.performer ?? order.department)), MARKS[1]) || t("dispatch.look_first")),
    two(el("span", { class: "tag red" }, icon("warn", 14), " ", t(STATES[one.waits_for])), " ", waited(one.since), duty ? [" · ", t("alert.on_duty"), " ", joined([duty.name, duty.phone], " ")] : "")];
}
