// My account: log-ins, second factors and recovery codes, the password.
import { $, api, el, fill, get, heads, press, row, say, t, when } from "./core.js";
import { setUp, showCodes, told } from "./factors.js";
import { showFeeds } from "./feeds.js";
import { ownId } from "./push.js";
import { changesPassword } from "./own_password.js";

const day = (text) => (text ? new Date(text).toLocaleDateString(document.documentElement.lang) : t("account.never"));
const added = $("#add");
/** Does it, says what came of it, and shows the list anew. */
const doing = (work, text, shown) => press(async () => {
  try { await work(); say(t(text)); } catch (fault) { say(told(fault), true); }
  await shown();
});

async function showSessions() {
  const { items } = await get("/v1/me/sessions");
  const ended = (path) => doing(() => api("DELETE", path), "account.ended", async () => { await showSessions(); await showDevices(); });
  const table = el("table", {}, el("thead"), el("tbody", {}, ...items.map((one) => row(
    one.device || t("account.device_unknown"), one.address, when(one.created_at), when(one.seen_at),
    one.is_current ? el("strong", {}, t("account.this_one"))
      : el("button", { type: "button", "aria-label": `${t("account.end")} ${one.device} ${one.address ?? ""}`, onclick: ended(`/v1/me/sessions/${one.id}`) }, t("account.end"))))));
  heads(table, "account.device", "account.address", "account.logged_in", "account.last_used", "account.end");
  fill($("#sessions"), table, items.length > 1
    ? el("button", { type: "button", id: "end-others", onclick: ended("/v1/me/sessions") }, t("account.end_others")) : null);
  $("#password").hidden = items.some((one) => one.is_current && one.method.startsWith("oidc")); // its password is elsewhere
}

/** The browsers that are told of dangers, this one or others. */
async function showDevices() {
  const [{ items }, own] = await Promise.all([get("/v1/me/push"), ownId().catch(() => null)]);
  const gone = (one) => doing(() => api("DELETE", `/v1/me/push/${one.id}`), "account.removed", showDevices);
  const table = el("table", {}, el("thead"), el("tbody", {}, ...items.map((one) => row(
    one.device || t("account.device_unknown"), when(one.created_at), one.id === own ? el("strong", {}, t("account.this_browser")) : "",
    el("button", { type: "button", "aria-label": `${t("account.remove")} ${one.device}`, onclick: gone(one) }, t("account.remove"))))));
  heads(table, "account.device", "account.since", "account.this_browser", "account.remove");
  fill($("#devices"), items.length ? table : el("p", {}, t("account.no_devices")));
}

async function showFactors() {
  const mine = await get("/v1/me/factors");
  const gone = (one) => doing(() => api("DELETE", `/v1/me/factors/${one.id}`), "account.removed", showFactors);
  const table = el("table", {}, el("thead"), el("tbody", {}, ...mine.items.map((one) => row(
    one.name, t(`factor.${one.kind}`), day(one.created_at), day(one.last_used_at),
    el("button", { type: "button", "aria-label": `${t("account.remove")} ${one.name}`, onclick: gone(one) }, t("account.remove"))))));
  heads(table, "account.name", "account.kind", "account.since", "account.last_used", "account.remove");
  fill($("#factors"), mine.required ? el("p", { class: "note" }, t("account.required")) : null,
    mine.items.length ? table : el("p", {}, t("account.none")));
  const renewed = press(async () => {
    try { showCodes($("#codes"), (await api("POST", "/v1/me/recovery-codes")).recovery_codes, showFactors); } catch (fault) { say(told(fault), true); }
  });
  fill($("#codes"), el("h2", {}, t("account.codes")), mine.items.length
    ? el("p", {}, t("account.codes_left", { n: String(mine.recovery_codes_left) }), " ", el("button", { type: "button", id: "renew", onclick: renewed }, t("account.renew")))
    : el("p", { class: "note" }, t("account.codes_later")));
  setUp(added, async (reply) => {
    await showFactors();
    say(t("account.added"));
    if (reply.recovery_codes.length) showCodes($("#codes"), reply.recovery_codes, showFactors);
  });
}

changesPassword($("#password"), async () => {
  say(t("account.password_changed"));
  await showSessions();
  await showDevices();
});
await Promise.all([showSessions(), showDevices(), showFactors(), showFeeds()]);
