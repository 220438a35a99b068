// The robot of a chat group: its address, whose dangers it is told, a test message, and the log of what was sent.
import { $, Refusal, addWords, api, choices, el, family, fill, get, heads, joined, link, listed, named, press, row, say, t, when, word } from "./core.js";
import { faultText } from "./delivery_fault.js";

await addWords("views");

const PROVIDERS = ["wecom", "dingtalk", "feishu"];
const SIGNS = ["dingtalk", "feishu"];
const LANGUAGES = ["zh-Hans", "zh-Hant", "en"];
const SAVED = ["provider", "title", "department", "dangers", "language", "keyword"];
const ENDED = ["sent", "dead", "expired", "dropped"];
const LOOKS = 15; // how often the log is looked at after a test
const wait = (ms) => new Promise((go) => setTimeout(go, ms));
const label = (text, field, note) => el("label", {}, text, field, note ? el("span", { class: "note" }, note) : null);

/** What a robot is called, and what is told of it in a list. */
export const titleOf = (robot) => robot.title || t(`robot.${robot.provider}`);
export const gistOf = (robot, departments) => joined([t(`robot.${robot.provider}`), robot.department ? named(departments.get(robot.department)) : t("robot.whole"),
  robot.dangers.length ? joined(robot.dangers.map((danger) => word("danger", danger)), " ") : t("robot.every_danger"), robot.last ? lastOf(robot.last) : null], " · ");
const lastOf = (one) => [when(one.tried_at ?? one.created_at), word("delivery", one.status), faultText(one.last_error)].filter(Boolean).join(" ");

/** Shows a robot in `root`; `name` "new": one that is to be made. `made(name)`: it is there now; `ended()`: it is gone. */
export async function showRobot(root, name, { made, ended }) {
  const fresh = name === "new";
  const known = (await get("/v1/robots")).items;
  let item = fresh ? { provider: "wecom", title: "", department: null, dangers: [], language: "zh-Hans", keyword: null, signed: false, active: true } : known.find((one) => one.name === name);
  if (!item) { ended(); return; }
  const path = `/v1/robots/${encodeURIComponent(name)}`;
  const title = el("input", { required: true, maxlength: 60, value: item.title ?? "" });
  const provider = el("select", { disabled: !fresh }, PROVIDERS.map((code) => el("option", { value: code, selected: code === item.provider }, t(`robot.${code}`))));
  const url = el("input", { required: fresh, maxlength: 500, inputmode: "url", autocomplete: "off", spellcheck: "false", placeholder: fresh ? "https://" : t("robot.stays") });
  const signing = el("input", { type: "password", maxlength: 500, autocomplete: "new-password", placeholder: item.signed ? t("robot.stays") : "" });
  const signed = label(t("robot.signing"), signing);
  const department = el("select", {});
  const language = el("select", {}, LANGUAGES.map((code) => el("option", { value: code, lang: code, selected: code === (item.language ?? "zh-Hans") }, t(`account.language.${code}`))));
  const keyword = el("input", { maxlength: 40, value: item.keyword ?? "" });
  const every = el("input", { type: "checkbox", checked: !item.dangers.length });
  const boxes = family("danger").map(([code, text]) => [code, text, el("input", { type: "checkbox", checked: item.dangers.includes(code) })]);
  const group = el("fieldset", { class: "several" }, el("legend", { class: "hidden" }, t("robot.dangers")), el("div", { class: "ticks all" }, boxes.map(([, text, box]) => el("label", { class: "tick" }, box, " ", text))));
  const lay = () => { group.hidden = every.checked; signed.hidden = !SIGNS.includes(provider.value); };
  every.addEventListener("change", lay);
  provider.addEventListener("change", lay);
  lay();
  listed("departments").then((items) => { choices(department, [["", t("robot.whole")], ...items]); department.value = item.department ?? ""; });
  const wrong = el("p", { class: "error", role: "alert" });
  const keep = el("button", { class: "first" }, t("admin.keep"));
  const status = el("p", { class: "note" });
  const body = el("form", { method: "dialog", autocomplete: "off" },
    el("div", { class: "fields" }, label(t("robot.title"), title), label(t("robot.provider"), provider), label(fresh ? t("robot.url") : t("robot.url_again"), url), signed,
      label(t("robot.department"), department), label(t("robot.language"), language), label(t("robot.keyword"), keyword, t("robot.keyword_note"))),
    el("fieldset", { class: "several" }, el("legend", {}, t("robot.dangers")), el("label", { class: "tick" }, every, " ", t("robot.every_danger")), group),
    fresh ? null : status, wrong, el("div", { class: "go" }, keep));
  const values = () => ({
    provider: provider.value, title: title.value.trim(), department: department.value || null, dangers: every.checked ? [] : boxes.filter(([, , box]) => box.checked).map(([code]) => code),
    language: language.value, keyword: keyword.value.trim() || null, active: item.active,
    ...(url.value.trim() ? { url: url.value.trim() } : {}), ...(signing.value && !signed.hidden ? { signing: signing.value } : {}),
  });
  /** A name that no other robot has, for its address: what people read is its title. */
  const unusedName = (code) => { let n = 1; while (known.some((one) => one.name === `${code}-${n}`)) n += 1; return `${code}-${n}`; };
  let own = null;
  body.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (keep.disabled) return;
    wrong.textContent = "";
    const sent = values();
    if (!every.checked && !sent.dangers.length) { wrong.textContent = t("robot.none_chosen"); return; }
    keep.disabled = true;
    try {
      own ??= fresh ? unusedName(sent.provider) : name; // repeated after a lost answer, it makes no second one
      item = await api("PUT", fresh ? `/v1/robots/${own}` : path, { body: sent });
      say(t("form.done"));
      if (fresh) made(own); else { url.value = signing.value = ""; await draw(); }
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      wrong.textContent = refused.said;
      if (fresh) own = null;
    } finally { keep.disabled = false; }
  });
  if (fresh) { fill(root, body); title.focus(); return; }

  const log = el("table", { id: "deliveries" }, el("caption", { class: "hidden" }, t("webhook.log")), el("thead"), el("tbody"));
  heads(log, "webhook.made", "ticket.number", "admin.state", "delivery_fault.why", "webhook.tries", "webhook.next");
  async function draw() {
    const { items } = await get(`${path}/deliveries`);
    fill($("tbody", log), items.length ? items.map((one) => row(when(one.created_at), one.number ? link(one.number) : t("robot.trial"), word("delivery", one.status), faultText(one.last_error) || "–",
      String(one.attempts), one.status === "queued" ? when(one.next_at) : "–")) : row(t("app.none")));
    return items;
  }
  /** Looks at the log until nothing is on its way any more. */
  async function follow() {
    for (let look = 0; look < LOOKS && log.isConnected; look += 1) {
      const [latest] = await draw();
      if (!latest || ENDED.includes(latest.status) || latest.attempts > 0) return;
      await wait(2000);
    }
  }
  const attempt = (work) => press(async () => { try { await work(); } catch (refused) { if (!(refused instanceof Refusal)) throw refused; say(refused.said, true); } });
  const test = el("button", { type: "button", id: "test", onclick: attempt(async () => { await api("POST", `${path}/test`); say(t("robot.queued")); await follow(); }) }, t("robot.test"));
  const turn = el("button", { type: "button", onclick: attempt(pause) });
  /** Pauses the robot or has it go on, as it was saved: what was changed in the form since stays there, unsaved. */
  async function pause() {
    const saved = Object.fromEntries(SAVED.map((field) => [field, item[field]]));
    item = await api("PUT", path, { body: { ...saved, active: !item.active } });
    say(t("form.done"));
    showStatus();
  }
  function showStatus() {
    fill(status, t(!item.active ? "admin.retired" : item.address_refused ? "admin.address_refused" : "admin.live"));
    fill(turn, t(item.active ? "webhook.pause" : "webhook.resume"));
    test.disabled = !item.active;
  }
  showStatus();
  fill(root, body, el("div", { class: "go" }, test, turn,
    el("button", { type: "button", onclick: attempt(async () => { if (confirm(t("admin.sure", { name: titleOf(item) }))) { await api("DELETE", path); ended(); } }) }, t("robot.remove"))),
  el("h3", {}, t("webhook.log")), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("webhook.log") }, log));
  await draw();
}
