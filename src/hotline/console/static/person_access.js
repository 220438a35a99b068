// What opens the product to a person: log-ins, devices that are told of dangers, second factors. Each can be ended here.
import { api, el, fill, get, heads, press, row, say, t, when } from "./core.js";
import { told } from "./factors.js";

const of = (id) => `/v1/people/${encodeURIComponent(id)}`;

/** Shows it in `root`; `id`: of the person. */
export async function showAccess(root, id) {
  const path = of(id);
  const [sessions, devices, factors] = await Promise.all(["sessions", "push", "factors"].map((what) => get(`${path}/${what}`)));
  const doing = (at, text, sure) => press(async () => {
    if (sure && !confirm(sure)) return;
    try { await api("DELETE", `${path}/${at}`); say(t(text)); } catch (fault) { say(told(fault), true); return; }
    await showAccess(root, id);
  });
  const end = (one, at, text, done) => el("button", { type: "button", "aria-label": `${t(text)} ${one.device ?? ""}`, onclick: doing(`${at}/${one.id}`, done) }, t(text));
  const part = (title, none, names, rows, more = null) => {
    const table = el("table", {}, el("thead"), el("tbody", {}, ...rows));
    heads(table, ...names);
    return el("section", {}, el("h3", {}, t(title)), rows.length ? table : el("p", { class: "note" }, t(none)), more);
  };
  fill(root,
    part("account.sessions", "admin.no_sessions", ["account.device", "account.address", "account.last_used", "account.end"],
      sessions.items.map((one) => row(one.device || t("account.device_unknown"), one.address ?? "", when(one.seen_at), end(one, "sessions", "account.end", "account.ended"))),
      sessions.items.length > 1 ? el("button", { type: "button", onclick: doing("sessions", "account.ended", t("admin.end_all_sure")) }, t("admin.end_all")) : null),
    part("account.devices", "admin.no_devices", ["account.device", "account.since", "account.remove"],
      devices.items.map((one) => row(one.device || t("account.device_unknown"), when(one.created_at), end(one, "push", "account.remove", "account.removed")))),
    part("account.factors", factors.required ? "admin.no_factors_required" : "admin.no_factors", ["account.name", "account.kind", "account.since"],
      factors.items.map((one) => row(one.name, t(`factor.${one.kind}`), when(one.created_at))),
      factors.items.length ? el("button", { type: "button", onclick: doing("factors", "account.removed", t("admin.reset_factors_sure")) }, t("admin.reset_factors")) : null));
}
