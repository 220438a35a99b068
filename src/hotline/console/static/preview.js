// A waiting ticket beside the table, with the departments it could go to: what will happen is told before it happens.
import { $, MARKS, api, can, directory, el, fill, get, icon, isolated, joined, listed, named, placed, press, settled, t, unique, until, when, word, standing, orderStanding } from "./core.js";
import { clock } from "./clocks.js";
import { buttons, caller, hide, performing } from "./forms.js";
import { backAndForth, filesPlace } from "./panel.js";
import { becauseTexts, flagText } from "./reasons.js";
import { certainty, priorityTag, tickClocks, unlessIn } from "./ticket_table.js";

const units = new Map(await listed("departments", true));
const active = await listed("departments");
const categories = new Map(await listed("categories", true));
const routes = new Map((await directory("routes")).map((route) => [route.code, route.basis]));
/** Why a department is proposed, in one line: the rule, without what is shown beside it. */
export async function whyText(because) {
  const told = await becauseTexts(because);
  const kept = because.map((b, n) => {
    if (b.rule === "returned") return t("dispatch.after_return", { name: joined(b.matched.map((code) => units.get(code) ?? code), MARKS[1]) });
    const [noun, code] = b.rule.split(":");
    return { route: routes.get(code), category: categories.get(code) }[noun] ?? told[n][0];
  });
  return joined([...new Set(kept)], " → ");
}
/** The departments that had this ticket, first to last: who, until when, and why it came back. */
function departmentHistory(ticket) {
  const lines = [...ticket.assignments].sort((a, b) => a.issued_at.localeCompare(b.issued_at));
  return lines.length ? el("section", { class: "history" }, el("h3", { class: "h2" }, t("dispatch.history")), el("ol", { class: "plainlist" }, lines.map((order) => el("li", { "data-department": order.department.code },
    el("b", {}, named(order.department)), " ", el("span", { class: order.status === "returned" ? "tag amber" : "tag" }, orderStanding(order)), " ",
    el("small", {}, joined([word("part", order.part), `${when(order.issued_at)}${order.closed_at ? ` – ${when(order.closed_at)}` : ""}`, order.return ? word("return_reason", order.return.reason_code) : ""], " · ")))))) : null;
}

/** The preview in `panel`. `sent(ticket, department, reply)`: it was dispatched; `changed()`: something else was done; `walk(by)`: to
 *  another row; `closed()`: it was shut. */
export function preview(panel, { sent, changed, walk, closed }) {
  let wanted = null; // the last one that was chosen: an answer about one before it comes too late
  let shown = null; // { ticket, items, chosen }
  let busy = false;
  const shut = () => { panel.hidden = true; wanted = null; shown = null; hide(); closed(); };
  const isBack = (code) => shown.returned.find((one) => one.code === code);
  /** What would be sent now: the chosen candidate; null: nothing can be. */
  const chosen = () => shown?.items[shown.chosen] ?? null;
  const needsCategory = () => shown.ticket.status === "received" && !chosen()?.category;
  const canSend = () => shown?.ticket.allowed_actions.some((move) => move.action === "dispatch" || (move.action === "triage" && shown.ticket.status === "received")) && can("operator", "dispatcher");

  async function show(number, { anew = false } = {}) {
    if (wanted !== number) hide();
    const kept = anew && shown?.ticket.number === number && shown.byHand ? chosen() : null;
    const again = kept !== null && Boolean($("input[name=again]", panel)?.checked);
    wanted = number;
    if (!anew) shown = null;
    const [ticket, found] = await Promise.all([get(`/v1/tickets/${number}`), get(`/v1/tickets/${number}/departments`)]);
    if (wanted !== number) return;
    const waits = ["received", "triaged"].includes(ticket.status);
    const [back, whys] = await Promise.all([backAndForth(ticket), Promise.all(found.items.map((one) => whyText(one.because)))]);
    if (wanted !== number) return;
    shown = { ticket, items: waits ? found.items.map((one, n) => ({ ...one, why: whys[n] })) : [], returned: found.returned_by, chosen: 0, back, waits };
    if (kept && waits) keepChoice(kept); // else the first proposal of now
    draw();
    if (again && $("input[name=again]", panel)) $("input[name=again]", panel).checked = true;
  }
  /** What was chosen before the ticket was read anew stays chosen: a proposal where it is one still, else as by hand. */
  function keepChoice(kept) {
    const place = shown.items.findIndex((one) => one.department.code === kept.department.code);
    if (place < 0) shown.items = [...shown.items.slice(0, 3), { ...kept, level: 5, sure: true, why: t("dispatch.by_hand") }];
    shown.chosen = place < 0 ? shown.items.length - 1 : place;
    shown.byHand = true;
  }
  function draw() {
    const { ticket, items, back } = shown;
    const after = () => { changed(); show(ticket.number, { anew: true }); };
    const head = el("div", { class: "row wrap" }, priorityTag(ticket.priority), el("span", { class: "muted s14" }, ticket.number),
      el("span", { class: "end row tight" }, ...[[-1, "left", "dispatch.previous"], [1, "right", "dispatch.next"]].map(([by, name, key]) => el("button", { type: "button", class: "btn sm ico gho", "aria-label": t(key), onclick: () => walk(by) }, icon(name, 16))),
        el("a", { class: "btn sm ico gho", href: `/console/tickets/${ticket.number}`, "aria-label": t("dispatch.open") }, icon("out", 16)), el("button", { type: "button", class: "btn sm ico gho shut", "aria-label": t("app.close"), onclick: shut }, icon("x", 16))));
    fill(panel, head, el("h2", { class: "big" }, isolated(ticket.title)), el("blockquote", { class: "quote words" }, ticket.narrative),
      el("dl", { class: "facts" }, ...[[t("ticket.status"), el("span", { class: `st ${shown.waits ? "p1" : "p2"}` }, standing(ticket))], [t("field.area"), placed(ticket.area, ticket.location)], [t("field.category"), unlessIn(ticket.title, named(ticket.category))], [t("take.caller"), caller(ticket)],
        [t("dispatch.limit"), shown.waits ? clock(ticket.clocks.next && { ...ticket.clocks.next, metric: "", of: ticket.clocks.next.metric }) : null], [t("dispatch.signs"), ticket.flags.filter((flag) => !flag.includes("names:") && !flag.startsWith("split")).map((flag) => [el("span", { class: flag.startsWith("danger") ? "tag red" : "tag" }, flagText(flag)), " "]).flat()],
      ].filter(([, value]) => value != null && value !== "" && value.length !== 0).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
      ticket.next_step?.because === "taken_back" ? el("p", { class: "ban amber", "data-taken-back": true }, t("step_reason.taken_back")) : null,
      shown.waits ? choice() : null, back, filesPlace(ticket), departmentHistory(ticket),
      ticket.assignments.filter((order) => order.allowed_actions.length).map((order) => el("section", {}, el("h3", { class: "h2" }, named(order.department), " ", el("small", {}, joined([word("part", order.part), orderStanding(order)], " · "))), buttons(ticket, after, order))),
      el("details", { class: "other", open: !shown.waits }, el("summary", {}, t("dispatch.other_actions")), buttons(ticket, after)));
    panel.hidden = false;
    tickClocks(panel);
    if (items.length) $(`input[value="${shown.chosen}"]`, panel)?.setAttribute("checked", "");
  }
  /** The candidates, and the button that says what it will do. */
  function choice() {
    const { items, ticket } = shown;
    const at = chosen();
    const unsure = !at?.sure;
    const card = (one, n) => el("label", { class: `cand${n === shown.chosen ? " on" : ""}`, "data-department": one.department.code }, el("input", { type: "radio", class: "sr", name: "candidate", value: n, checked: n === shown.chosen, onchange: () => choose(n) }), el("span", { class: "rk", "aria-hidden": "true" }, n < 3 ? String(n + 1) : "＋"),
      el("b", {}, named(one.department)), el("span", { class: "s14" }, one.load == null ? "" : t("dispatch.load", { n: one.load })),
      el("span", { class: "two" }, joined([one.why, one.category ? t("dispatch.sorted_as", { name: named(one.category) }) : "", one.performer ? t("dispatch.performer", { name: named(one.performer) }) : "", one.assists?.length ? t("dispatch.with", { names: joined(one.assists.map(named), MARKS[1]) }) : "",
        one.on_duty?.length ? t("dispatch.on_duty", { names: joined(one.on_duty, MARKS[1]) }) : "", one.unmanned ? t("dispatch.unmanned") : ""], " · ")));
    const other = el("select", { class: "sel", "aria-label": t("dispatch.other_department"), onchange: () => { if (other.value) add(other.value); } }, el("option", { value: "" }, t("dispatch.other_department")), active.filter(([code]) => !items.some((one) => one.department.code === code)).map(([code, name]) => el("option", { value: code }, name)));
    const asks = at && isBack(at.department.code);
    const triage = ticket.allowed_actions.find((move) => move.action === "triage");
    const send = !at || !canSend() ? null : needsCategory()
      ? triage ? el("button", { type: "button", class: "btn pri grow", "data-key": "send", "data-action": "triage", onclick: performing(triage, ticket, null, { category: ticket.advice?.triage?.category, kind: ticket.kind, priority: ticket.priority }, () => { changed(); show(ticket.number); }) }, t("dispatch.sort_first")) : null
      : el("button", { type: "button", class: "btn pri grow", "data-key": "send", id: "send", onclick: press(() => dispatch()) }, t("dispatch.send_to", { name: named(at.department) }), " ", el("kbd", { class: "bare" }, "⏎"));
    return el("section", { class: "choice", "aria-label": t("dispatch.whom") }, el("div", { class: "row wrap" }, el("h3", { class: "h2" }, t("dispatch.whom")), at ? el("span", { class: `tag end ${unsure ? "amber" : ""}` }, certainty(at.level ?? 1), el("span", { "aria-hidden": "true" }, t(`certainty.${at.level ?? 1}`))) : null),
      items.length ? items.map(card) : el("p", { class: "note" }, t("dispatch.no_proposal")), other,
      asks ? el("label", { class: "tick ban amber" }, el("input", { type: "checkbox", name: "again" }), el("span", {}, t("dispatch.gave_back", { name: named(asks), why: returnReason(asks.code) }))) : null,
      at?.accept_by ? el("p", { class: "s14 ink2" }, t("dispatch.then", { accept: until(at.accept_by), due: until(at.due_at) })) : null,
      el("p", { class: "error", role: "alert", "data-wrong": true }), el("div", { class: "row" }, send));
  }
  const returnReason = (code) => word("return_reason", shown.ticket.assignments.findLast((order) => order.status === "returned" && order.department.code === code)?.return?.reason_code) || t("dispatch.no_reason");
  /** A department that no rule proposes. One that gave the ticket back is asked about before it is sent there again. */
  function add(code) {
    shown.items = [...shown.items.slice(0, 3), { department: { code, name: units.get(code), name_en: units.get(code) }, level: 5, sure: true, assists: [], performer: null, category: null, why: t("dispatch.by_hand") }];
    choose(shown.items.length - 1);
    if (isBack(code)) $("input[name=again]", panel)?.focus();
  }
  function choose(n) {
    if (!shown?.items[n]) return;
    shown.chosen = n;
    shown.byHand = true;
    const old = $(".choice", panel);
    const focused = old?.contains(document.activeElement);
    old?.replaceWith(choice());
    if (focused) $(`input[value="${n}"]`, panel)?.focus({ preventScroll: true });
  }
  const keys = new Map(); // what was sent and not done for certain: a second try is the same request
  /** Sends the ticket to the chosen department. Nothing is sent that is not in sight. Resolves to whether it was. */
  async function dispatch() {
    const at = chosen();
    if (busy || !at || !canSend()) return false;
    if (needsCategory()) { $("[data-key=send]", panel)?.click(); return false; }
    const again = $("input[name=again]", panel);
    const wrong = $("[data-wrong]", panel);
    if (again && !again.checked) { wrong.textContent = t("dispatch.confirm_again"); again.focus(); return false; }
    const { ticket } = shown;
    const body = { department: at.department.code, ...(at.assists?.length ? { assists: at.assists.map((one) => one.code) } : {}), ...(at.performer ? { performer: at.performer.code } : {}) };
    const item = { number: ticket.number, version: ticket.version, ...body, ...(at.category ? { triage: { category: at.category.code, kind: ticket.kind, priority: ticket.priority } } : {}) };
    const what = JSON.stringify(item);
    if (!keys.has(what)) keys.set(what, unique());
    busy = true;
    const began = Date.now();
    try {
      const { items: [result] } = await settled(api("POST", "/v1/tickets/bulk/dispatch", { body: { items: [item] }, key: keys.get(what) }));
      keys.delete(what);
      if (result.status !== 200) {
        if (shown?.ticket.number === ticket.number) { wrong.textContent = problemText(result.problem); show(ticket.number, { anew: true }).then(() => { const place = $("[data-wrong]", panel); if (place) place.textContent = problemText(result.problem); }); }
        changed();
        return false;
      }
      sent(ticket, at.department, { ...result, began, sorted: Boolean(item.triage) });
      return true;
    } finally { busy = false; }
  }
  return { show, shut, dispatch, choose, get number() { return wanted; }, get ready() { return Boolean(shown) && shown.ticket.number === wanted; }, get version() { return shown?.ticket.version; } };
}
/** A problem of one of many tickets in one sentence. */
export const problemText = (problem) => joined([t(`problem.${problem.type.split(":").pop()}`), ...(problem.errors ?? []).map((e) => ({ en: e.rule, "zh-Hant": e.rule_zh_hant })[document.body.dataset.language] ?? e.rule_zh)], " · ");
