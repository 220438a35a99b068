// One screen for a call: who rings, what they say, what the rules make of it; one key takes it in.
import { $, Refusal, api, choices, directory, draft, el, family, fill, get, given, label, link, listed, named, say, soon, t, unread, urgency, when, word } from "./core.js";
import { buttons } from "./forms.js";

const form = $("#call");
const kept = draft(form, "call");
// with the draft: a call sent before a reload, and not answered, is sent after it under the same key
const fresh = () => crypto.randomUUID?.() ?? String(Math.random());
form.key.value = fresh();
const before = kept.restore();
if (before.narrative || before.phone) $("#draft").textContent = t("take.restored");
if (!form.contains(document.activeElement)) form.narrative.focus();
// the page takes keys from the first moment on; what is sent waits until the names are there, or cannot be had
let areas = [];
let byName = new Map();
const category = (items, chosen) => { choices(form.category, items); form.category.value = chosen; };
if (before.category) category([[before.category, before.category]], before.category); // stands in the draft meanwhile
let loading = null;
const names = () => (loading ??= (async () => {
  areas = (await directory("areas")).filter((area) => area.active !== false);
  byName = new Map(areas.map((area) => [named(area), area.code]));
  fill($("#areas"), areas.map((area) => el("option", { value: named(area) })));
  category(await listed("categories"), form.category.value);
})().catch(() => { loading = null; })); // a call is taken without them, and the next one asks again
names();

// who rings
const lookUp = soon(async () => {
  const phone = form.phone.value.trim();
  if (phone.length < 3) { fill($("#card")); return; }
  try { card(await api("POST", "/v1/callers/lookup", { body: { phone } })); } catch { fill($("#card")); }
}, 300);
/** Somebody else calls: what was to be joined is not theirs. */
function another(phone) {
  if (phone !== undefined) form.phone.value = phone;
  form.attach.value = "";
  lookUp();
}
form.phone.addEventListener("input", () => another());
function card(found) {
  if (found.caller?.name && !form.caller_name.value) form.caller_name.value = found.caller.name;
  const join = (ticket) => el("li", {}, el("label", { class: "tick" },
    el("input", { type: "radio", name: "matter", value: ticket.number, checked: form.attach.value === ticket.number, onchange: () => { form.attach.value = ticket.number; kept.keep(); } }), t("take.same_matter")),
    " ", link(ticket.number), " ", ticket.title, " ", el("small", {}, word("status", ticket.status)));
  fill($("#card"), el("div", { class: "found" },
    el("strong", {}, t(`take.match.${found.match}`)), " ", found.caller?.name ?? "", unread(found.unread) ? el("p", { class: "note" }, t("ticket.unread"), " ", unread(found.unread)) : null,
    found.open.length ? el("div", {}, el("h3", {}, t("take.open_tickets")), el("ul", { class: "plainlist" }, found.open.map(join))) : null,
    found.history.length ? el("details", {}, el("summary", {}, t("take.history", { n: found.history.length })),
      el("ul", { class: "plainlist" }, found.history.map((h) => el("li", {}, link(h.number), " ", h.title, " ", el("small", {}, `${word("status", h.status)} ${when(h.created_at)}`))))) : null));
}

// what they say, and what the rules make of it
const advise = soon(async () => {
  const narrative = form.narrative.value.trim();
  if (!narrative) { fill($("#advice")); fill($("#danger")); fill($("#alike")); fill($("#answers")); return; }
  const told = await api("POST", "/v1/explain/triage", { body: { narrative, ...(form.address.value ? { address: form.address.value } : {}) } });
  const advice = told.result;
  fill($("#danger"), advice.dangers.length ? el("div", { class: "danger" }, advice.dangers.map((d) => word("danger", d)).join("、"), " ", advice.tell.map((x) => label(x)).join(" ")) : null);
  const category = (await directory("categories")).find((c) => c.code === advice.category);
  const area = areas.find((a) => a.code === advice.area);
  fill($("#advice"), el("dl", { class: "facts" },
    el("dt", {}, t("field.category")), el("dd", {}, `${named(category) || "–"} (${Math.round(advice.confidence * 100)} %)`),
    el("dt", {}, t("field.kind")), el("dd", {}, word("kind", advice.kind)),
    el("dt", {}, t("field.priority")), el("dd", {}, urgency(advice.priority) ?? word("priority", advice.priority)),
    el("dt", {}, t("field.area")), el("dd", {}, named(area) || "–")),
    el("details", {}, el("summary", {}, t("take.because")), el("ul", {}, told.because.map((b) => el("li", {}, `${b.rule}: ${b.matched.join("、")}`)))));
  const code = form.category.value || advice.category;
  const place = byName.get(form.area_words.value) || advice.area;
  if (code && place) {
    const alike = await get(`/v1/tickets?${new URLSearchParams({ category: code, area: place, limit: 5 })}`);
    const open = alike.items.filter((x) => !["closed", "declined", "void", "withdrawn", "merged"].includes(x.status));
    fill($("#alike"), open.length ? open.map((x) => el("li", {}, link(x.number), " ", x.title, " ", el("small", {}, word("status", x.status)), " ",
      el("button", { type: "button", onclick: () => { form.attach.value = x.number; kept.keep(); say(t("take.will_join", { number: x.number })); } }, t("take.join")))) : el("li", { class: "note" }, t("app.none")));
  } else fill($("#alike"), el("li", { class: "note" }, t("app.none")));
  if (code) {
    const before = await get(`/v1/earlier-answers?${new URLSearchParams({ category: code, limit: 3 })}`);
    fill($("#answers"), before.items.length ? before.items.map((x) => el("li", {}, el("span", { class: "words" }, x.answer), " ",
      el("button", { type: "button", onclick: () => settle("answer", { answer: x.answer }) }, t("take.use")))) : el("li", { class: "note" }, t("app.none")));
  }
}, 350);
for (const field of [form.narrative, form.address, form.area_words, form.category]) field.addEventListener("input", advise);

/** What is typed now: whatever happens on the page while it is on its way is of the next call. */
function asked(at_once) {
  const value = (name) => form[name].value.trim() || undefined;
  const words = form.area_words.value;
  const address = value("address");
  return {
    channel: form.channel.value, narrative: form.narrative.value.trim(),
    caller: { phone: value("phone"), name: value("caller_name"), contact: value("contact"), ...(form.confidential.checked ? { confidential: true } : {}) },
    located: () => { const area = byName.get(words); return { area, address: address ?? (area ? undefined : words.trim() || undefined) }; },
    ...(form.attach.value ? { attach_to: form.attach.value } : {
      kind: value("kind"), category: value("category"), priority: value("priority"), ...(at_once ? { at_once } : {}),
    }),
    reply_wanted: form.reply_wanted.checked,
    ...(form.voice.value ? { voice_call: form.voice.value } : {}),
  };
}
let sending = false;
/** Sends the call; resolves to why it was refused, or to nothing. */
async function send(at_once) {
  if (sending) return t("app.loading");
  if (!form.narrative.value.trim()) { form.narrative.focus(); return ($("#wrong").textContent = t("take.say_something")); }
  const { located, ...typed } = asked(at_once);
  sending = true;
  for (const field of form.elements) field.disabled = field.type !== "hidden"; // what is typed now would be of the next call
  $("#wrong").textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  try {
    await names();
    const done = await api("POST", "/v1/calls", { body: { ...typed, location: located() }, key: form.key.value });
    $("#draft").textContent = "";
    if (done.kept === "spool") { fill($("#taken"), el("h2", {}, t("take.spooled")), el("p", {}, done.reference)); $("#taken").hidden = false; }
    else shown(done);
    clear();
    return "";
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    $("#taken").hidden = true; // what stands there is another call
    const wrong = refused.errors.map((e) => form[{ "caller.phone": "phone", "caller.name": "caller_name", "caller.contact": "contact", "location.address": "address", "location.area": "area_words" }[e.field] ?? e.field]);
    for (const field of wrong) if (field?.setAttribute) field.setAttribute("aria-invalid", "true");
    return ($("#wrong").textContent = refused.said);
  } finally {
    sending = false;
    for (const field of form.elements) field.disabled = false;
    form.narrative.focus();
  }
}
function clear() {
  kept.forget();
  form.reset();
  form.key.value = fresh();
  form.attach.value = form.voice.value = ""; // a reset leaves what is hidden
  for (const place of ["#card", "#advice", "#danger", "#alike", "#answers"]) fill($(place));
  form.narrative.focus();
}
function shown(done) {
  const ticket = done.ticket;
  const odd = unread(done.unread);
  const place = $("#taken");
  const lead = ticket.assignments?.find((a) => a.part === "lead");
  const joined = ticket.counters.calls > 1;
  fill(place, el("h2", {}, joined ? t("take.joined", { n: ticket.counters.calls }) : t("take.taken"), " ", link(ticket.number)),
    el("p", {}, urgency(ticket.priority), " ", ticket.title),
    odd ? el("p", { class: "note", id: "unread" }, t("ticket.unread"), " ", odd) : null,
    el("dl", { class: "facts" },
      el("dt", {}, t("take.number")), el("dd", { id: "number" }, ticket.number),
      ...(done.query_code ? [el("dt", {}, t("take.code")), el("dd", {}, done.query_code)] : []),
      el("dt", {}, t("ticket.status")), el("dd", { id: "status" }, word("status", ticket.status)),
      ...(lead ? [el("dt", {}, t("field.department")), el("dd", { id: "lead" }, named(lead.department)), el("dt", {}, t("field.due_at")), el("dd", {}, when(lead.due_at))] : [])),
    ticket.status === "received" ? el("p", { class: "note" }, t("take.not_sorted")) : ticket.status === "triaged" ? el("p", { class: "note" }, t("take.not_sent")) : null,
    buttons(ticket, (after) => { if (after !== "late") shown({ ticket: after }); }));
  place.hidden = false;
  say(t("take.taken_said", { number: ticket.number }));
}
async function settle(action, first) {
  if (form.attach.value) { say(t("take.joins"), true); return; }
  if (!form.narrative.value.trim()) { $("#wrong").textContent = t("take.say_something"); form.narrative.focus(); return; }
  const needs = action === "answer" ? ["answer"] : ["reason_code", "channel_told"];
  const ask = el("dialog", {});
  const wrong = el("p", { class: "error", role: "alert" });
  const fields = needs.map((name) => {
    if (name === "reason_code") {
      const select = el("select", { name, required: true });
      choices(select, family("decline_reason"));
      return el("label", {}, word("field", name), select);
    }
    const area = el(name === "answer" ? "textarea" : "input", { name, required: true, rows: 4 });
    area.value = first?.[name] ?? "";
    return el("label", {}, word("field", name), area);
  });
  const inner = el("form", { method: "dialog" }, el("h2", {}, word("action", action)), fields, wrong,
    el("div", { class: "go" }, el("button", { class: "first" }, word("action", action)), el("button", { type: "button", onclick: () => { ask.close(); ask.remove(); } }, t("app.cancel"))));
  inner.addEventListener("submit", async (event) => {
    event.preventDefault();
    const sent = Object.fromEntries(new FormData(inner));
    wrong.textContent = await send({ action, ...sent });
    if (!wrong.textContent) { ask.close(); ask.remove(); }
  });
  ask.append(inner);
  document.body.append(ask);
  ask.showModal();
}

form.narrative.addEventListener("input", () => { $("#taken").hidden = true; $("#wrong").textContent = ""; });
form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("#answer").addEventListener("click", () => settle("answer"));
$("#decline").addEventListener("click", () => settle("decline"));
$("#clear").addEventListener("click", () => { clear(); $("#draft").textContent = ""; });
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
  if (event.altKey && event.key.toLowerCase() === "a") { event.preventDefault(); settle("answer"); }
});
if (form.phone.value) lookUp();
if (form.narrative.value) names().then(advise);

// the telephone: the card is there when it is picked up
async function ring() {
  let next = "";
  for (;;) {
    try {
      const told = await get(`/v1/me/calls?wait=20${next ? `&after=${encodeURIComponent(next)}` : ""}`);
      next = told.next;
      for (const call of told.items.filter((c) => c.state !== "ended" && c.direction === "in")) {
        fill($("#ringing"), el("div", { class: "card" }, el("strong", {}, t("take.ringing", { phone: call.phone ?? "?" })), " ", call.card.caller?.name ?? "", " ",
          el("button", { type: "button", class: "first", onclick: () => { form.phone.value = call.phone ?? ""; form.attach.value = ""; form.voice.value = call.id; card(call.card); fill($("#ringing")); form.narrative.focus(); } }, t("take.pick_up"))));
      }
    } catch { await new Promise((go) => setTimeout(go, 5000)); }
  }
}
if (given.person) ring();

// who is to be rung back
async function returns() {
  const owed = await get("/v1/return-calls");
  fill($("#returns"), owed.items.length ? owed.items.map((call) => el("li", {}, el("strong", {}, call.phone ?? "?"), " ", t("take.missed", { n: call.missed }), " ", el("small", {}, when(call.last_at)), " ",
    el("button", { type: "button", onclick: () => { another(call.phone ?? ""); form.narrative.focus(); } }, t("take.ring_back")))) : el("li", { class: "note" }, t("app.none")));
}
returns();
setInterval(returns, 30000);
