// A webhook: its events as check boxes, a test delivery, and the log of what was delivered.
import { $, Refusal, addWords, api, choices, el, fill, get, heads, link, listed, press, row, say, t, unique, when, word } from "./core.js";
import { faultText } from "./delivery_fault.js";

await addWords("views");

const KINDS = { ticket: "webhook.of_ticket", order: "webhook.of_order" }; // of events, as they are grouped
const FORMS = { events: "webhook.form_events", 12345: "webhook.form_12345" };
const LOOKS = 15; // how often the log is looked at after a test
const wait = (ms) => new Promise((go) => setTimeout(go, ms));
const label = (text, field) => el("label", {}, text, field);

/** Shows a subscription in `root`; `id` "new": one that is to be made. `types`: the types of events. `made(reply)`: a new
 *  one, with its secret; `told(secret)`: shows a secret; `ended()`: it was ended. */
export async function showWebhook(root, id, { types, made, told, ended }) {
  const fresh = id === "new";
  let item = fresh ? { name: "", url: "", events: [], form: "events", active: true } : await get(`/v1/subscriptions/${id}`);
  const path = `/v1/subscriptions/${id}`;
  const name = el("input", { required: true, maxlength: 200, value: item.name });
  const url = el("input", { required: true, maxlength: 500, inputmode: "url", autocomplete: "off", spellcheck: "false", placeholder: "https://", value: item.url });
  const every = el("input", { type: "checkbox", checked: !item.events.length || item.events.includes("*") });
  const boxes = types.filter((type) => type !== "*").map((type) => [type, el("input", { type: "checkbox", checked: item.events.includes(type) })]);
  const groups = Object.entries(KINDS).map(([kind, title]) => el("fieldset", { class: "several" }, el("legend", {}, t(title)),
    el("div", { class: "ticks all" }, boxes.filter(([type]) => type.startsWith(`${kind}.`)).map(([type, box]) => el("label", { class: "tick" }, box, " ", word("event", type))))));
  const lock = () => { for (const group of groups) group.disabled = every.checked; };
  every.addEventListener("change", lock);
  lock();
  const scope = { department: el("select", {}), area: el("select", {}) };
  const outer = el("input", { maxlength: 40, value: item.outer_system ?? "" });
  const form = el("select", {}, Object.entries(FORMS).sort().reverse().map(([code, title]) => el("option", { value: code }, t(title))));
  const wrong = el("p", { class: "error", role: "alert" });
  const keep = el("button", { class: "first" }, t("admin.keep"));
  const body = el("form", { method: "dialog", autocomplete: "off" },
    el("div", { class: "fields" }, label(t("webhook.name"), name), label(t("webhook.url"), url)),
    el("fieldset", { class: "several" }, el("legend", {}, t("webhook.events")), el("label", { class: "tick" }, every, " ", t("webhook.every")), ...groups),
    fresh ? el("div", { class: "fields" }, label(t("field.department"), scope.department), label(t("field.area"), scope.area), label(t("webhook.form"), form), label(t("webhook.outer"), outer))
      : el("p", { class: "note" }, item.active ? t(item.address_refused ? "admin.address_refused" : "admin.live") : [t("admin.retired"), faultText(item.disabled)].filter(Boolean).join(" · ")),
    wrong, el("div", { class: "go" }, keep));
  if (fresh) for (const noun of ["departments", "areas"]) listed(noun).then((items) => choices(scope[noun.slice(0, -1)], [["", t("app.any")], ...items]));

  let sentKey = ["", ""];
  body.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (keep.disabled) return;
    wrong.textContent = "";
    const chosen = every.checked ? [] : boxes.filter(([, box]) => box.checked).map(([type]) => type);
    if (!every.checked && !chosen.length) { wrong.textContent = t("webhook.none_chosen"); return; }
    const values = { name: name.value.trim(), url: url.value.trim(), events: chosen };
    keep.disabled = true;
    try {
      if (fresh) {
        const whole = { ...values, form: form.value, department: scope.department.value || null, area: scope.area.value || null, outer_system: outer.value.trim() || null };
        const sent = JSON.stringify(whole);
        if (sentKey[0] !== sent) sentKey = [sent, unique()]; // repeated after a lost answer, it makes no second one
        made(await api("POST", "/v1/subscriptions", { body: whole, key: sentKey[1] }));
      } else {
        item = await api("PATCH", path, { body: values, version: item.version });
        say(t("form.done"));
      }
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      wrong.textContent = refused.said;
    } finally { keep.disabled = false; }
  });
  if (fresh) { fill(root, body); name.focus(); return; }

  const log = el("table", { id: "deliveries" }, el("caption", { class: "hidden" }, t("webhook.log")), el("thead"), el("tbody"));
  heads(log, "webhook.made", "webhook.event", "ticket.number", "admin.state", "webhook.answer", "delivery_fault.why", "webhook.tries", "webhook.next", "account.feed_change");
  const answer = (one) => (one.answer_status ? t("webhook.answered", { status: one.answer_status, size: one.answer_bytes ?? 0 }) : one.tried_at ? t("webhook.no_answer") : "–");
  async function draw() {
    const { items } = await get(`${path}/deliveries?newest=true&limit=50`);
    const again = (one) => press(async () => { await api("POST", `${path}/deliveries/${one.id}/replay`); say(t("webhook.queued")); await follow(); });
    fill($("tbody", log), items.length ? items.map((one) => row(when(one.created_at), word("event", one.type), one.number ? link(one.number) : "–", word("delivery", one.status), answer(one), faultText(one.last_error) || "–", String(one.attempts),
      one.status === "queued" ? when(one.next_at) : "–", ["sent", "dead", "expired", "dropped"].includes(one.status) ? el("button", { type: "button", class: "small", "data-key": one.id, onclick: again(one) }, t("webhook.again")) : null)) : row(t("app.none")));
    return items;
  }
  /** Looks at the log until nothing is on its way any more. */
  async function follow() {
    for (let look = 0; look < LOOKS && log.isConnected; look += 1) {
      const [latest] = await draw();
      if (!latest || !["queued", "leased"].includes(latest.status) || latest.attempts > 0) return;
      await wait(2000);
    }
  }
  const sure = (text, work) => press(async () => { if (confirm(text)) await work(); });
  const attempt = (work) => async () => { try { await work(); } catch (refused) { if (!(refused instanceof Refusal)) throw refused; say(refused.said, true); } };
  const trial = el("button", { type: "button", id: "test", disabled: !item.active || item.form !== "events", onclick: press(attempt(async () => { await api("POST", `${path}/test`); say(t("webhook.queued")); await follow(); })) }, t("webhook.test"));
  fill(root, body, el("div", { class: "go" }, trial,
    el("button", { type: "button", onclick: press(attempt(async () => { item = await api("PATCH", path, { body: { active: !item.active }, version: item.version }); await showWebhook(root, id, { types, made, told, ended }); })) }, t(item.active ? "webhook.pause" : "webhook.resume")),
    el("button", { type: "button", onclick: sure(t("webhook.sure_rotate"), attempt(async () => told((await api("POST", `${path}/rotate`)).secret))) }, t("webhook.rotate")),
    el("button", { type: "button", onclick: sure(t("admin.sure", { name: item.name }), attempt(async () => { await api("DELETE", path); ended(); })) }, t("webhook.end"))),
  item.form !== "events" ? el("p", { class: "note" }, t("webhook.no_test")) : null,
  el("h3", {}, t("webhook.log")), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("webhook.log") }, log));
  await draw();
}
