// Many tickets at once: what is certain is sent as proposed; merging, asking for more, and one department for all are asked
// about first. Every ticket has a result of its own.
import { Refusal, api, el, fill, icon, joined, listed, named, openDialog, press, say, settled, t, unique, word } from "./core.js";
import { problemText } from "./preview.js";

/** Whether a ticket may be sent as proposed without a look at it. */
export const isSure = (x) => Boolean(x.proposals[0]?.sure) && (x.status === "triaged" || Boolean(x.proposals[0].category));
/** What an item of a bulk dispatch holds for this proposal. */
const dispatchItem = (x, proposal) => ({ number: x.number, version: x.version, department: proposal.department.code,
  ...(proposal.assists?.length ? { assists: proposal.assists.map((one) => one.code) } : {}), ...(proposal.performer ? { performer: proposal.performer.code } : {}),
  ...(x.status === "received" ? { triage: { category: proposal.category.code, kind: x.kind, priority: x.priority } } : {}) });

/** The bar in `place` for the tickets selected in `table`. `done(results, text)`: these were; `classified()`: these have another
 *  category, and wait still. */
export function bulkBar(place, table, done, classified) {
  let busy = false;
  let tried = { what: "", key: "" }; // a second try of the same is the same request
  const active = listed("departments");
  const sure = () => table.selected.filter(isSure);

  function show() {
    const chosen = table.selected;
    place.hidden = chosen.length === 0;
    document.body.classList.toggle("with-bulk", chosen.length > 0);
    if (!chosen.length) { fill(place); return; }
    const ready = sure();
    fill(place, el("b", {}, t("bulk.chosen", { n: chosen.length })), chosen.length > ready.length ? el("span", { class: "s14 ink2" }, t("bulk.unsure", { n: chosen.length - ready.length })) : null,
      el("span", { class: "end row wrap" },
        el("button", { type: "button", class: "btn", "data-key": "bulk triage", onclick: press(classify) }, t("bulk.classify")),
        el("button", { type: "button", class: "btn", "data-key": "bulk merge", disabled: chosen.length < 2, onclick: merge }, t("bulk.merge")),
        el("button", { type: "button", class: "btn", "data-key": "bulk info", onclick: requestInfo }, word("action", "request_info")),
        el("button", { type: "button", class: "btn", "data-key": "bulk all", onclick: allTo }, t("bulk.all_to")),
        el("button", { type: "button", class: "btn pri", "data-key": "bulk send", disabled: !ready.length, onclick: press(sendSure) }, t("bulk.send", { n: ready.length }), " ", el("kbd", { class: "bare" }, "⇧⏎")),
        el("button", { type: "button", class: "btn ico gho", "data-key": "bulk none", "aria-label": t("bulk.none"), onclick: () => table.selectAll(false) }, icon("x", 16))));
  }
  /** Sends the items; marks every ticket with what became of it. Resolves to the results; null: one is on its way. */
  async function send(action, items, saying) {
    if (busy || !items.length) return null;
    busy = true;
    const what = JSON.stringify([action, items]);
    if (tried.what !== what) tried = { what, key: unique() };
    const began = Date.now();
    try {
      const reply = await settled(api("POST", `/v1/tickets/bulk/${action}`, { body: { items }, key: tried.key }));
      tried = { what: "", key: "" };
      for (const result of reply.items) {
        const x = table.items.find((one) => one.number === result.number);
        if (!x) continue;
        if (result.status === 200) table.mark(x.number, saying(x), true); else table.mark(x.number, problemText(result.problem), false);
      }
      const text = t(reply.refused ? "bulk.partly" : "bulk.done", { done: reply.done, refused: reply.refused });
      say(text, reply.refused > 0);
      if (reply.done) done(reply.items.filter((one) => one.status === 200).map((one) => ({ ...one, began, sorted: items.some((item) => item.number === one.number && item.triage) })), text);
      return reply;
    } finally { busy = false; }
  }
  async function sendSure() {
    const ready = sure();
    await send("dispatch", ready.map((x) => dispatchItem(x, x.proposals[0])), (x) => t("dispatch.was_sent", { name: named(x.proposals[0].department) }));
  }
  /** A dialog over the selected tickets; `work(form)` sends. */
  function ask(title, button, lines, work) {
    const wrong = el("p", { class: "error", role: "alert" });
    const go = el("button", { class: "first btn pri" }, button, " ", el("kbd", {}, "Ctrl ⏎"));
    const form = el("form", { method: "dialog", autocomplete: "off" }, el("h2", {}, title), lines, wrong, el("div", { class: "go" }, go, el("button", { type: "button", class: "btn", onclick: () => close() }, t("app.cancel"))));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (go.disabled) return;
      go.disabled = true;
      try { if (await work(form)) close(); } catch (refused) {
        if (!(refused instanceof Refusal)) throw refused;
        wrong.textContent = refused.said;
      } finally { go.disabled = false; }
    });
    const close = openDialog(el("dialog", { "aria-label": title }, form), () => close());
  }
  const line = (x) => joined([x.number, x.title], " ");
  function merge() {
    const chosen = table.selected;
    const oldest = [...chosen].sort((a, b) => a.created_at.localeCompare(b.created_at))[0];
    ask(t("bulk.merge_title", { n: chosen.length - 1 }), t("bulk.merge"), [el("p", {}, t("bulk.merge_into")), el("ul", { class: "plainlist choices" }, chosen.map((x) => el("li", {}, el("label", {}, el("input", { type: "radio", name: "target", value: x.number, checked: x === oldest }), " ", line(x)))))], async (form) => {
      const target = form.target.value;
      return send("merge", chosen.filter((x) => x.number !== target).map((x) => ({ number: x.number, version: x.version, target })), () => t("bulk.was_merged", { number: target }));
    });
  }
  function requestInfo() {
    const chosen = table.selected;
    const text = el("textarea", { name: "text", rows: 3, required: true, maxlength: 4000 });
    ask(t("bulk.info_title", { n: chosen.length }), word("action", "request_info"), [el("label", {}, t("bulk.info_text"), text)], () => send("request_info", chosen.map((x) => ({ number: x.number, version: x.version, text: text.value.trim() })), () => t("bulk.was_asked")));
  }
  /** One category for all; kind and priority of each stay as they are. */
  async function classify() {
    const chosen = table.selected;
    const { categoryPicker } = await import("./category_picker.js");
    const lines = await categoryPicker();
    ask(t("bulk.classify_title", { n: chosen.length }), t("bulk.classify_do"), [...lines, el("ul", { class: "plainlist short" }, chosen.map((x) => el("li", {}, line(x))))], async (form) => {
      const { value: category, selectedOptions: [option] } = form.category;
      const reply = await send("triage", chosen.map((x) => ({ number: x.number, version: x.version, category, kind: x.kind, priority: x.priority })), () => t("bulk.was_classified", { name: option.textContent }));
      if (reply?.done) classified();
      return reply;
    });
  }
  /** One department for all. Tickets that it gave back stay behind unless they are ticked; so do those that nobody has sorted and
   *  that have no likely category. */
  async function allTo() {
    const chosen = table.selected;
    const list = el("div", {});
    const department = el("select", { name: "department", required: true, onchange: () => show() }, el("option", { value: "" }, t("app.choose")), (await active).map(([code, name]) => el("option", { value: code }, name)));
    const sortable = (x) => x.status === "triaged" || x.proposals.some((one) => one.category);
    const gaveBack = (x) => x.returned_by.some((one) => one.code === department.value);
    function show() {
      const [back, unsorted] = [chosen.filter((x) => sortable(x) && gaveBack(x)), chosen.filter((x) => !sortable(x))];
      fill(list, back.length ? el("fieldset", { class: "ban amber col" }, el("legend", {}, t("bulk.gave_back", { name: department.selectedOptions[0].textContent })), back.map((x) => el("label", { class: "tick" }, el("input", { type: "checkbox", name: "again", value: x.number }), " ", line(x)))) : null,
        unsorted.length ? el("div", { class: "ban amber col" }, el("b", {}, t("bulk.sort_first")), unsorted.map((x) => el("span", {}, line(x)))) : null);
    }
    ask(t("bulk.all_title", { n: chosen.length }), t("bulk.dispatch"), [el("label", {}, t("field.department"), department), list], (form) => {
      const again = new Set([...form.querySelectorAll("[name=again]:checked")].map((box) => box.value));
      const going = chosen.filter((x) => sortable(x) && (!gaveBack(x) || again.has(x.number)));
      if (!going.length) throw new Refusal(422, { errors: [{ field: "department", rule: t("bulk.nothing_left") }] });
      const to = { department: { code: department.value } };
      const name = department.selectedOptions[0].textContent;
      return send("dispatch", going.map((x) => dispatchItem(x, { ...to, category: x.proposals.find((one) => one.category)?.category })), () => t("dispatch.was_sent", { name }));
    });
  }
  return { show, sendSure: () => (place.hidden ? null : sendSure()) };
}
