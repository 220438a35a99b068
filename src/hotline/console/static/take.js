// Log a call on one screen: caller, narrative, suggestions; one key sends it.
import { $, MARKS, PARTS, Refusal, api, choices, directory, el, fill, get, given, inDialog, incidentLink, joined, label, link, listed, named, placed, plain, say, soon, steady, t, toldOf, until, urgency, when, word, standing } from "./core.js";
import { draft } from "./drafts.js";
import { actionFields, ask, buttons, schemaOf } from "./forms.js";
import { ahead, confidence, forgetAhead } from "./take_ahead.js";
import { showAnswers } from "./take_answers.js";
import { callDanger, isPlace } from "./take_danger.js";
import { takeKeys } from "./take_keys.js";
import { telephone } from "./take_phone.js";
import { isUnlisted, placePicker } from "./take_place.js";
import { splitByHand } from "./take_split.js";
import { recalled, returnsForm, setRecalled } from "./undo_offer.js";

const form = $("#call");
takeKeys(form);
// what is pressed while the drafts are read is done once they are
let accept;
const accepts = new Promise((go) => { accept = go; });
form.addEventListener("submit", async (event) => { event.preventDefault(); if (inDialog()) return; await accepts; send(); });
addEventListener("keydown", async (event) => {
  if (inDialog() || !(form.contains(event.target) || event.target === document.body)) return; // keys of something else
  const key = event.key.toLowerCase();
  if (key === "enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); await accepts; send(); }
  if (event.altKey && key === "a") { event.preventDefault(); await accepts; if (!phone.pickUp()) settle("answer"); }
  if (key === "escape" && form.attach.value) { event.preventDefault(); await accepts; say(t("take.let_go", { number: form.attach.value })); join(""); }
});
// kept with the draft: a call sent before a reload and not answered is sent again under the same key
const kept = await draft(form, "call");
const before = kept.restore();
if (before.narrative || before.phone) $("#draft").textContent = t("take.restored");
if (!form.contains(document.activeElement)) form.narrative.focus();
const danger = callDanger({ form, keep: () => kept.keep(), changed: () => advise() });
// the page accepts keys at once; sending waits until the lists are loaded or have failed
const LONGEST = 120; // characters of an address
const parts = () => Object.fromEntries(PARTS.map((part) => [part, form[part].value.trim()]).filter(([, value]) => value));
let areas = [];
let places = new Map(); // what a place is called -> the areas of that name
const category = (items, chosen) => { choices(form.category, items); form.category.value = chosen; };
const folded = (words) => plain(words).normalize("NFKC").toLowerCase().replace(/[\s\u2068\u2069]+/g, "");
let loading = null;
const names = () => (loading ??= (async () => {
  areas = (await directory("areas")).filter((area) => area.active !== false);
  places = new Map();
  for (const area of areas) for (const name of new Set([area.code, area.name, named(area), area.name_en, ...(area.aliases ?? [])].map(folded))) places.set(name, [...(places.get(name) ?? []), area]);
  fill($("#areas"), areas.map((area) => el("option", { value: named(area) })));
  category(await listed("categories"), form.category.value);
  buildings();
  place();
})().catch(() => { loading = null; })); // a call is taken without them, and the next one asks again

/** The place: the area if the text names exactly one; other text goes into the address. */
function located(words = form.area_words.value.trim(), address = form.address.value.trim()) {
  const found = places.get(folded(words)) ?? [];
  const area = found.length === 1 ? found[0].code : undefined;
  const left = area || address.split(/\s+/).includes(words) ? "" : words; // 1栋 stands in 11栋, and is another place
  return { area, found, address: [left, address].filter(Boolean).join(" ") || undefined };
}
/** What the text says of the parts is kept where nothing else is typed. */
const suggested = (location = {}) => { for (const part of PARTS) form[part].placeholder = location[part] ?? ""; };
/** Places that the text names, to choose from where it is not about one alone. */
function candidates({ area, places: all }) {
  const found = all.filter((one, n) => one.code && all.findIndex((other) => other.code === one.code) === n);
  return found.length > (area ? 1 : 0) ? [el("h3", {}, t("take.places_named")), el("div", { class: "chips" }, found.map((one) => el("button", { type: "button", "data-key": one.code, title: one.words, onclick: () => pick(one) }, named(one))))] : null;
}
/** The matters of a narrative that tells of several, each with the sentences that belong to it. */
function several(matters) {
  return matters.length > 1 ? [el("h3", {}, t("take.several", { n: matters.length })), el("ol", { class: "plainlist" }, matters.map((one) => el("li", {}, one.text)))] : null;
}
$("#split").addEventListener("click", () => splitByHand(form.narrative.value, seen?.matters ?? [], (texts) => split(seen?.area, texts)));
/** Keeps each text as a call of its own, of the same caller and place; the first one is in the form. */
function split(area, [first, ...rest]) {
  const key = form.key.value;
  form.area_words.value ||= area ? plain(named(area)) : "";
  for (const part of PARTS) form[part].value ||= form[part].placeholder; // the other sentences do not say it again
  form.narrative.value = first;
  kept.keep();
  const typed = new FormData(form);
  for (const text of rest) {
    kept.renew();
    for (const [name, value] of typed) if (name !== "key" && form[name].type !== "checkbox") form[name].value = value;
    form.attach.value = form.voice.value = form.handled.value = form.category.value = "";
    form.narrative.value = text;
    kept.keep();
  }
  laid(kept.take(key));
  say(t("take.split_said", { n: rest.length }));
  form.narrative.focus();
}
function pick(one) {
  form.area_words.value = plain(named(one));
  for (const part of PARTS) form[part].value = one[part] ?? "";
  kept.keep();
  place();
  advise();
}
/** Says how the typed place will be used. */
function place() {
  const { area, found } = located();
  const words = form.area_words.value.trim();
  for (const key of $("#buildings").children) key.setAttribute("aria-pressed", String(key.dataset.key === area));
  const where = found[0] ?? areas.find((one) => one.code === seen?.area);
  const typed = { ...seen?.location, ...parts() };
  if (loading && isUnlisted(area ? where : found.length ? null : where, typed)) { $("#place").textContent = t("take.no_building", { n: typed.building }); return; }
  $("#place").textContent = !words ? "" : area ? t("take.placed", { name: named(found[0]) }) : t(found.length ? "take.places" : "take.unplaced", { names: found.map(named).join(" / ") });
}
for (const kind of ["input", "change"]) for (const field of [form.area_words, form.building]) field.addEventListener(kind, place);
const { draw: buildings, readDoors } = placePicker({ form, areas: () => areas, here: () => located().area ?? seen?.area, pick, changed: () => { kept.keep(); place(); advise(); } });

/** The open ticket that this call will join; "": none. Shown beside the send button and in it. */
function join(number) {
  form.attach.value = number;
  kept.keep();
  chosen();
  if (number) fill($("#answers")); else advise();
}
/** Shows choices for this call that are in no field. */
function chosen() {
  const number = form.attach.value;
  const told = form.voice.value;
  fill($("#joining"), number ? el("span", { class: "chip" }, t("take.go_join", { number }), el("button", { type: "button", "aria-label": t("take.let_go", { number }), onclick: () => { join(""); form.narrative.focus(); } }, "×")) : null,
    number ? el("span", { class: "note" }, t("take.join_keeps")) : null);
  fill($("#speaking"), told ? el("span", { class: "chip" }, t("take.speaking"), el("button", { type: "button", "aria-label": t("take.not_speaking"), onclick: () => { form.voice.value = ""; kept.keep(); chosen(); } }, "×")) : null);
  $("#go-says").textContent = number ? t("take.go_join", { number }) : t("take.go");
  $(".trio").hidden = Boolean(number); // the ticket that is joined has its own
  for (const radio of form.querySelectorAll("[name=matter]")) radio.checked = radio.value === number;
  ahead({ advice: seen, category: form.category.value, kind: form.kind.value, priority: form.priority.value, area: located().area ?? seen?.area, attach: number, denied: danger.sent().denied_dangers }).catch(() => fill($("#ahead")));
}
/** Fills the form from its draft. */
function laid(fields) {
  if (fields.category && form.category.value !== fields.category) { category([[fields.category, fields.category]], fields.category); loading = null; } // until the names are there
  suggested();
  for (const at of ["#card", "#advice", "#heard", "#alike", "#answers"]) fill($(at));
  danger.show(null);
  $("#repeats").hidden = true;
  form.caller_name.dataset.told = "";
  $("#wrong").textContent = "";
  chosen();
  place();
  waiting();
  names();
  if (form.phone.value) lookUp();
  if (form.narrative.value) names().then(advise);
}
/** Calls that were begun and not sent, each separate from the current one. */
function waiting() {
  const others = kept.others();
  fill($("#waiting"), others.length ? el("section", { class: "card" }, el("h2", {}, t("take.unsent")), el("ul", { class: "plainlist" }, others.map((one) => el("li", {}, el("strong", {}, one.phone ?? "–"), " ", (one.narrative ?? one.address ?? "").slice(0, 40), " ", one.open ? el("small", {}, t("take.elsewhere"), " ") : null,
    el("button", { type: "button", onclick: () => { kept.keep(); laid(kept.take(one.key)); form.narrative.focus(); } }, t("take.go_on")), " ",
    el("button", { type: "button", class: "plain", onclick: () => { kept.forget(one.key); waiting(); } }, t("take.drop")))))) : null);
}

// the caller
const lookUp = soon(async () => {
  const phone = form.phone.value.trim();
  let found = null;
  try { if (phone.length >= 3) found = await api("POST", "/v1/callers/lookup", { body: { phone } }); } catch { /* the call is taken without */ }
  if (form.phone.value.trim() !== phone) return; // somebody else by now
  if (found) card(found); else fill($("#card"));
}, 300);
/** Another number: drops the ticket to join and the name of the former caller. */
function another() {
  if (form.attach.value) { say(t("take.let_go", { number: form.attach.value })); join(""); }
  if (form.caller_name.dataset.told && form.caller_name.value === form.caller_name.dataset.told) form.caller_name.value = "";
  form.caller_name.dataset.told = "";
  lookUp();
  advise();
}
const digits = (phone) => phone.replace(/\D/g, "");
const same = (one, two) => digits(one) && digits(two) && (digits(one).endsWith(digits(two)) || digits(two).endsWith(digits(one)));
/** A call was answered: begins a call of its own, unless the current text belongs to it. Text for another caller
 *  stays a draft. */
function begin(phone, voice = "") {
  const theirs = (!form.phone.value.trim() || same(form.phone.value, phone)) && (!form.voice.value || form.voice.value === voice);
  if (!theirs) { kept.keep(); fresh(); }
  form.phone.value = phone;
  form.voice.value = voice;
  join("");
  waiting();
  form.narrative.focus();
}
form.phone.addEventListener("input", another);
function card(found) {
  if (found.caller?.name && !form.caller_name.value) form.caller_name.value = form.caller_name.dataset.told = plain(found.caller.name);
  const line = (ticket) => el("li", {}, el("label", { class: "tick" },
    el("input", { type: "radio", name: "matter", value: ticket.number, checked: form.attach.value === ticket.number, onchange: () => join(ticket.number) }), t("take.same_matter")),
    " ", link(ticket.number), " ", ticket.title, " ", el("small", {}, word("status", ticket.status)));
  fill($("#card"), el("div", { class: "found" },
    el("strong", {}, t(`take.match.${found.match}`)), " ", found.caller?.name ?? "",
    found.open.length ? el("div", {}, el("h3", {}, t("take.open_tickets")), el("ul", { class: "plainlist" }, found.open.map(line))) : null,
    found.history.length ? el("details", {}, el("summary", {}, t("take.history", { n: found.history.length })),
      el("ul", { class: "plainlist" }, found.history.map((h) => el("li", {}, link(h.number), " ", h.title, " ", el("small", {}, `${word("status", h.status)} ${when(h.created_at)}`))))) : null));
}

// tickets that this call may repeat
const alikes = steady($("#alike"));
const apart = new Set(); // other matters, by call
function offer(found) {
  const left = found.filter((one) => !apart.has(form.key.value + one.number) && one.number !== form.attach.value);
  const button = (one, key, does) => el("button", { type: "button", "data-key": key + one.number, onclick: () => { does(one.number); offer(found); form.narrative.focus(); } }, t(key));
  alikes(() => {
    $("#repeats").hidden = !left.length;
    fill($("#alike"), left.map((one) => el("li", {}, link(one.number), " ", one.title, " ", el("small", {}, `${word("status", one.status)} ${when(one.created_at)} ${one.same_caller ? t("take.same_caller") : ""}`), " ",
      one.open ? button(one, "take.join", (number) => { join(number); say(t("take.will_join", { number })); }) : null, " ",
      button(one, "take.another_matter", (number) => apart.add(form.key.value + number)))));
  });
}

// the narrative and the suggestions
/** Why it is suggested. Its texts are loaded when somebody asks. */
function reasonsOf(because) {
  const list = el("ul");
  const show = async () => {
    const { becauseTexts } = await import("./reasons.js");
    fill(list, (await becauseTexts(because)).map(([rule, found]) => el("li", {}, joined([rule, joined(found, MARKS[1])], MARKS[0]))));
  };
  return el("details", { ontoggle: (event) => { if (event.target.open) show(); } }, el("summary", {}, t("take.because")), list);
}
/** Which words say where it is, what it is about, and a danger. */
function heard(because) {
  const kinds = { danger: "tag red", area: "tag acc", category: "tag" };
  const found = new Map();
  const isSaid = (one) => !/^[a-z_-]+$/.test(one) || form.narrative.value.toLowerCase().includes(one); // else a code
  for (const { rule, matched } of because) for (const one of matched.filter(isSaid)) if (kinds[rule.split(":")[0]] && !found.has(one) && !/:.*:/.test(rule) && !(rule.startsWith("danger") && isPlace(one, because))) found.set(one, kinds[rule.split(":")[0]]);
  fill($("#heard"), ...(found.size ? [el("small", {}, t("take.heard")), ...[...found].slice(0, 12).map(([one, kind]) => el("span", { class: kind }, one))] : []));
}
let seen = null; // what triage made of the words, as they were typed last
const advise = soon(async () => {
  const narrative = form.narrative.value.trim();
  const key = form.key.value;
  const { area: at, address: typed } = located();
  const address = [placed(null, parts()), typed].filter(Boolean).join(" ");
  const now = (found) => ahead({ advice: found, category: form.category.value, kind: form.kind.value, priority: form.priority.value, area: located().area ?? found?.area, attach: form.attach.value, denied: danger.sent().denied_dangers, of: [narrative, address, form.category.value].join("|") });
  const over = () => form.key.value !== key || !form.narrative.value.trim(); // what is found is of another call
  if (!narrative) { seen = null; now(null); suggested(); danger.show(null); for (const at of ["#advice", "#heard", "#answers"]) fill($(at)); offer([]); return; }
  const told = await api("POST", "/v1/explain/triage", { body: { narrative, ...(address ? { address } : {}), ...(at ? { area: at } : {}) } });
  if (over()) return;
  const advice = (seen = told.result);
  buildings();
  danger.show(advice, told.because); // first: what was denied is said of these words
  const inDanger = () => form.priority.value === "emergency" || ((advice.dangers.length > 0 || advice.priority === "emergency") && !danger.deniesAll());
  if (inDanger()) fill($("#answers"), el("li", { class: "note" }, t("take.no_old_answer"))); // somebody acts first
  const answers = () => code && !inDanger() && !form.attach.value; // a call that joins a ticket is answered there
  now(advice).catch(() => fill($("#ahead"))); // the call is taken without
  heard(told.because);
  const category = (await directory("categories")).find((c) => c.code === advice.category);
  if (over()) return;
  const area = areas.find((a) => a.code === advice.area);
  suggested(advice.location);
  place();
  fill($("#advice"), el("dl", { class: "facts" },
    el("dt", {}, t("field.category")), el("dd", {}, named(category) || "–", " ", category ? confidence(advice.confidence) : null),
    el("dt", {}, t("field.kind")), el("dd", {}, word("kind", advice.kind)),
    el("dt", {}, t("field.priority")), el("dd", {}, urgency(advice.priority) ?? word("priority", advice.priority)),
    el("dt", {}, t("field.area")), el("dd", {}, placed(area, advice.location) || "–", isUnlisted(area, advice.location) ? el("span", { class: "chip dash" }, t("take.as_said")) : null)),
    candidates(advice),
    several(advice.matters),
    reasonsOf(told.because));
  const code = form.category.value || advice.category;
  const phone = form.phone.value.trim();
  const alike = await api("POST", "/v1/explain/duplicates", { body: { narrative, phone, area: at, address: address || undefined, category: form.category.value || undefined } });
  if (over() || form.phone.value.trim() !== phone) return;
  offer(alike.result);
  if (answers()) {
    const before = await get(`/v1/earlier-answers?${new URLSearchParams({ category: code, limit: 3 })}`);
    if (over() || !answers()) return;
    showAnswers(before.items, (answer) => settle("answer", { answer }));
  }
}, 350);
for (const name of ["narrative", "address", "area_words", "category", "kind", "priority", ...PARTS]) form[name].addEventListener("input", advise);

/** The call as typed now, sent once the list of areas is loaded; later changes of the page belong to the next call. The
 *  place is never lost: what fits in no field is added to the narrative. */
function asked(at_once) {
  readDoors(); // Ctrl+Enter leaves no field
  const value = (name) => form[name].value.trim() || undefined;
  const narrative = form.narrative.value.trim();
  const [words, typed, doors] = [form.area_words.value.trim(), form.address.value.trim(), parts()];
  const sent = {
    channel: form.channel.value,
    caller: { phone: value("phone"), name: value("caller_name"), contact: value("contact"), ...(form.confidential.checked ? { confidential: true } : {}) },
    ...(form.attach.value ? { attach_to: form.attach.value } : {
      kind: value("kind"), category: value("category"), priority: value("priority"), ...(at_once ? { at_once } : {}),
    }),
    ...danger.sent(),
    reply_wanted: form.reply_wanted.checked,
    ...(form.voice.value ? { voice_call: form.voice.value } : {}),
  };
  return () => {
    const { area, address = "" } = located(words, typed);
    const where = sent.attach_to ? [words, placed(null, doors), typed].filter(Boolean).join(" ") : address.length > LONGEST ? address : "";
    return { ...sent, location: { area, address: address.slice(0, LONGEST) || undefined, ...doors }, narrative: where ? `${narrative}\n${t("take.where", { where })}` : narrative };
  };
}
let sending = false;
/** Sends the call; resolves to why it was refused, or to nothing. */
async function send(at_once) {
  if (sending) return t("app.loading");
  if (!form.narrative.value.trim()) { form.narrative.focus(); return ($("#wrong").textContent = t("take.say_something")); }
  form.settling.value = at_once ? JSON.stringify(at_once) : "";
  kept.keep();
  const whole = asked(at_once);
  sending = true;
  for (const field of form.elements) field.disabled = field.type !== "hidden"; // what is typed now would be of the next call
  $("#wrong").textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  try {
    await names();
    const done = await api("POST", "/v1/calls", { body: whole(), key: form.key.value });
    $("#draft").textContent = "";
    if (done.kept === "spool") { fill($("#taken"), el("h2", {}, t("take.spooled")), el("p", {}, done.reference)); $("#taken").hidden = false; }
    else { shown(done); say(t("take.taken_said", { number: done.ticket.number })); }
    if (done.ticket?.undo_until && returnsForm(done.ticket)) { kept.putAside(done.ticket.number); fresh(); } else clear();
    return "";
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    $("#taken").hidden = true; // what stands there is another call
    if (refused.code === "key-reused") { kept.forget(); kept.renew(); kept.keep(); } // the same words were sent from elsewhere, and others are meant now
    const wrong = refused.errors.map((e) => form[{ "caller.phone": "phone", "caller.name": "caller_name", "caller.contact": "contact", "location.address": "address", "location.area": "area_words" }[e.field] ?? e.field]);
    for (const field of wrong) if (field?.setAttribute) field.setAttribute("aria-invalid", "true");
    return ($("#wrong").textContent = refused.said);
  } finally {
    sending = false;
    for (const field of form.elements) field.disabled = false;
    form.narrative.focus();
  }
}
/** A new call in an empty form; choices for the former one are cleared. */
function fresh() {
  form.reset();
  form.attach.value = form.voice.value = form.handled.value = form.settling.value = ""; // a reset leaves what is hidden
  kept.renew();
  $("#draft").textContent = "";
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  laid({});
  forgetAhead();
}
function clear() {
  kept.forget();
  fresh();
  form.narrative.focus();
}
function shown(done) {
  const ticket = done.ticket;
  last = done;
  const odd = (done.unread ?? []).map(toldOf).join("; "); // taken, and kept as it was said
  const place = $("#taken");
  const lead = ticket.assignments?.find((a) => a.part === "lead" && !a.closed_at); // what was taken back has none
  const joined = ticket.counters.calls > 1;
  fill(place, el("h2", {}, joined ? t("take.joined", { n: ticket.counters.calls }) : t("take.taken"), " ", link(ticket.number)),
    el("p", {}, urgency(ticket.priority), " ", ticket.title),
    ticket.advice?.incident ? el("p", { class: "found" }, label(ticket.advice.incident.say), " ", incidentLink(ticket.advice.incident.code)) : null,
    odd ? el("p", { class: "note", id: "unread" }, t("ticket.unread"), " ", odd) : null,
    el("dl", { class: "facts" },
      el("dt", {}, t("take.number")), el("dd", { id: "number" }, ticket.number),
      ...(done.query_code ? [el("dt", {}, t("take.code")), el("dd", { id: "code" }, done.query_code)] : []),
      el("dt", {}, t("ticket.status")), el("dd", { id: "status" }, standing(ticket)),
      ...(placed(ticket.area, ticket.location) ? [el("dt", {}, t("dispatch.place")), el("dd", { id: "where" }, placed(ticket.area, ticket.location))] : []),
      ...(lead ? [el("dt", {}, t("field.department")), el("dd", { id: "lead" }, named(lead.department)), el("dt", {}, t("field.due_at")), el("dd", {}, until(lead.due_at))] : [])),
    ticket.status === "received" ? el("p", { class: "note" }, t("take.not_sorted")) : ticket.status === "triaged" ? el("p", { class: "note", id: "not-sent" }, t(ticket.next_step?.because === "taken_back" ? "step_reason.taken_back" : "take.not_sent")) : null,
    buttons(ticket, (after) => { if (after !== "late") shown({ ...done, ticket: after }); })); // the code is still to be told
  place.hidden = false;
  place.scrollIntoView({ block: "nearest" });
}
async function settle(action, first) {
  if (form.attach.value) { say(t("take.joins", { number: form.attach.value }), true); return; }
  if (!form.narrative.value.trim()) { $("#wrong").textContent = t("take.say_something"); form.narrative.focus(); return; }
  const schema = await schemaOf(action);
  if (inDialog()) return; // pressed twice
  const before = form.settling.value ? JSON.parse(form.settling.value) : {}; // of the same call, taken back
  const fields = actionFields(schema, schema.required, before.action === action ? { ...before, ...first } : first).filter((field) => field.needed);
  await ask(action, word("action", action), fields, async (body) => {
    const wrong = await send({ action, ...body });
    return wrong ? { wrong } : { done: true };
  });
}
let last = null; // what is shown of the call that was taken last
/** What became of a call that was undone, with its code, unless the next one is being taken down already. */
document.addEventListener("undone", async ({ detail: after }) => {
  const begun = () => form.narrative.value.trim() || form.phone.value.trim();
  if (after.recalled) { takeBack(after.number); return; }
  if (begun()) return; // its number was told
  const number = after.opened ?? after.number;
  const [ticket, code] = await Promise.all([after.opened ? get(`/v1/tickets/${number}`) : after, last?.ticket.number === number && last.query_code ? last.query_code : get(`/v1/tickets/${number}/query-code`).then((found) => found.query_code, () => "")]);
  if (!begun()) shown({ ticket, query_code: code });
});
/** The call's form as it was filled in; beside the next call, which was begun meanwhile, it waits as a draft. */
function takeBack(number) {
  const key = kept.bringBack(number);
  setRecalled(number, false);
  if (last?.ticket.number === number) $("#taken").hidden = true;
  if (!key) return;
  if (form.narrative.value.trim() || form.phone.value.trim()) { waiting(); return; }
  laid(kept.take(key));
  $("#draft").textContent = t("take.taken_back", { number });
  form.narrative.focus();
}
schemaOf("answer").catch(() => {}); // asked for before a caller waits; without it the first press asks again

form.narrative.addEventListener("input", () => { $("#taken").hidden = true; $("#wrong").textContent = ""; });
$("#answer").addEventListener("click", () => settle("answer"));
$("#decline").addEventListener("click", () => settle("decline"));
$("#clear").addEventListener("click", clear);
const phone = telephone({
  form, begin, card, lookUp,
  /** Whoever rings now, it is not the ticket that was to be joined. */
  letGo() { if (form.attach.value) { say(t("take.let_go", { number: form.attach.value }), true); join(""); } },
});
laid(before);
// taken back on another page: the form comes back once the ticket has ended; one that lives on waits for the desk
for (const number of recalled()) get(`/v1/tickets/${number}`).then((ticket) => (ticket.status === "void" ? takeBack(number) : setRecalled(number, false)), () => {});
accept();
