// My account: second factors and recovery codes.
import { $, api, el, fill, get, press, say, t } from "./core.js";
import { setUp, showCodes, told } from "./factors.js";

const day = (text) => (text ? new Date(text).toLocaleDateString(document.documentElement.lang) : t("account.never"));
const added = $("#add");
async function show() {
  const mine = await get("/v1/me/factors");
  const gone = (one) => press(async () => {
    try { await api("DELETE", `/v1/me/factors/${one.id}`); say(t("account.removed")); } catch (fault) { say(told(fault), true); }
    await show();
  });
  const rows = mine.items.map((one) => el("tr", {}, el("td", {}, one.name), el("td", {}, t(`factor.${one.kind}`)), el("td", {}, day(one.created_at)), el("td", {}, day(one.last_used_at)),
    el("td", {}, el("button", { type: "button", "aria-label": `${t("account.remove")} ${one.name}`, onclick: gone(one) }, t("account.remove")))));
  const heads = ["account.name", "account.kind", "account.since", "account.last_used", "account.remove"].map((key) => el("th", { scope: "col" }, t(key)));
  fill($("#factors"), mine.required ? el("p", { class: "note" }, t("account.required")) : null,
    rows.length ? el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows)) : el("p", {}, t("account.none")));
  const renewed = press(async () => {
    try { showCodes($("#codes"), (await api("POST", "/v1/me/recovery-codes")).recovery_codes, show); } catch (fault) { say(told(fault), true); }
  });
  fill($("#codes"), el("h2", {}, t("account.codes")), rows.length
    ? el("p", {}, t("account.codes_left", { n: String(mine.recovery_codes_left) }), " ", el("button", { type: "button", id: "renew", onclick: renewed }, t("account.renew")))
    : el("p", { class: "note" }, t("account.codes_later")));
  setUp(added, async (reply) => {
    await show();
    say(t("account.added"));
    if (reply.recovery_codes.length) showCodes($("#codes"), reply.recovery_codes, show);
  });
}
await show();
