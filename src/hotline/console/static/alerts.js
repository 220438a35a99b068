// Dangers that nobody has taken on, on every page: a red bar, a sound, the title. The list is the API's; this module only
// shows it. One window of a browser holds the stream for all of them; what was seen is kept on the device, for the sound.
import { $, el, fill, given, icon, joined, language, link, listen, logInAgain, MARKS, named, soon, spent, t, when, word } from "./core.js";
import { dropDown } from "./drop.js";

const bar = $("#danger-bar");
const SEEN = `alert-seen:${given.person.id}`; // by number: the orders that waited when it was seen. Nothing of a person
const SILENT = "alert-silent";
const READ_EVERY = 60_000; // ms
const others = new BroadcastChannel("alerts");
const spoken = el("span", { class: "hidden", role: "alert" }); // for screen readers: the bar itself is drawn anew
bar.after(spoken);
let dangers = [];
let at = null; // when they were read; null: the answer did not come, and what is shown is of before
let read = null;
let all = false;
let ended = false; // the session: nothing is asked for until somebody has logged in again
let loggedOut = false; // by the server, while the page was open

const WAITS = { dispatch: "alert.waits_dispatch", acceptance: "alert.waits_acceptance", ruling: "alert.waits_ruling" };
/** Minutes since the limit passed by which somebody should have signed for it; 0: it has not, or is not what it waits for. */
const overLimit = (one) => (one.waits_for === "acceptance" ? Math.max(0, ...one.orders.filter((order) => order.waits_for === "acceptance" && order.accept_by).map((order) => minutesSince(order.accept_by))) : 0);
const waitOf = (one) => (overLimit(one) ? t("alert.waits_late", { time: spent(minutes(one)), late: spent(overLimit(one)) }) : t(WAITS[one.waits_for], { time: spent(minutes(one)) }));
const keyOf = (one) => `${one.waits_for} ${one.orders.map((order) => order.id).join(" ")}`;
const seen = () => { try { return JSON.parse(localStorage.getItem(SEEN)) ?? {}; } catch { return {}; } };
const isSeen = (one) => seen()[one.number] === keyOf(one);
function see(some) {
  const still = Object.fromEntries(Object.entries(seen()).filter(([number]) => dangers.some((one) => one.number === number)));
  localStorage.setItem(SEEN, JSON.stringify({ ...still, ...Object.fromEntries(some.map((one) => [one.number, keyOf(one)])) }));
  draw();
}
/** Place and kind of a danger, as people say it. */
export function placeOf(one) {
  const parts = ["building", "unit"].filter((part) => one[part]).map((part) => t(`address.${part}`, { n: one[part] }));
  return joined(parts.length ? parts : [one.address || named(one.area) || t("alert.no_place")], language === "en" ? ", " : "");
}
const kindOf = (one) => (one.dangers.length ? joined(one.dangers.map((danger) => word("danger", danger)), MARKS[1]) : named(one.category) || word("priority", "emergency"));
const minutesSince = (moment) => Math.max(0, Math.floor((Date.now() - new Date(moment)) / 60000));
const minutes = (one) => minutesSince(one.since);
/** When what waits began: an order whose acceptance begins anew is a new one. */
const begun = (one) => Math.max(...[one.since, ...one.orders.map((order) => order.accept_by)].filter(Boolean).map(Date.parse));
/** An officer with the number to call. */
export const officer = (one) => [el("b", {}, one.name), one.phone ? " " : null, one.phone ? el("a", { href: `tel:${one.phone}` }, one.phone) : null];
function row(one) {
  const duty = one.orders[0]?.duty ?? one.duty;
  const departments = joined(one.orders.map((order) => named(order.performer ?? order.department)), MARKS[1]);
  return el("li", { "data-number": one.number, "data-key": `danger ${one.number}` }, icon("warn", 20), el("b", {}, placeOf(one)), el("span", {}, kindOf(one)),
    el("span", { class: overLimit(one) ? "waits late" : "waits" }, waitOf(one)), departments ? el("span", {}, departments) : null,
    el("span", {}, ...(duty.length ? [t("alert.on_duty"), " ", ...officer(duty[0])] : [t("alert.nobody")])),
    el("span", { class: "acts" }, link(one.number), isSeen(one) ? null : el("button", { type: "button", class: "btn", "data-key": `seen ${one.number}`, title: t("alert.seen_note"), onclick: () => see([one]) }, t("alert.seen"))));
}
// the bar moves the page: not between the two halves of a press, whose button would be elsewhere by then
let pressed = null;
let owed = false;
function letGo() {
  clearTimeout(pressed);
  pressed = null;
  if (owed) draw();
}
addEventListener("pointerdown", () => { clearTimeout(pressed); pressed = setTimeout(letGo, 1000); }, true);
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => { setTimeout(letGo, 0); }, true);
function draw() {
  owed = pressed !== null;
  if (owed) return;
  const loud = dangers.filter((one) => !isSeen(one));
  // the one that came last, seen or not; then what nobody has seen here; then what waits longest
  const newest = dangers.reduce((last, one) => (last && begun(last) > begun(one) ? last : one), null);
  const older = [...loud, ...dangers.filter(isSeen)].filter((one) => one !== newest);
  const shown = [...(newest ? [newest] : []), ...older].slice(0, all ? undefined : 2);
  const rest = dangers.length - shown.length;
  const late = dangers.filter((one) => !shown.includes(one) && overLimit(one)).length;
  const notes = [
    loggedOut ? el("li", { class: "note", "data-key": "logged out" }, icon("off", 16), el("b", {}, t("alert.logged_out"))) : null,
    at ? null : dangers.length ? el("li", { class: "note" }, icon("off", 16), t("alert.as_of", { time: when(read) })) : null,
    rest > 0 || (all && dangers.length > 2) ? el("li", { class: "note" }, el("button", { type: "button", class: "btn", "data-key": "all", "aria-expanded": String(all), onclick: () => { all = !all; draw(); } }, rest > 0 ? t(late ? "alert.more_late" : "alert.more", { n: rest, late }) : t("alert.fewer")),
      loud.length > 1 ? el("button", { type: "button", class: "btn", "data-key": "seen all", onclick: () => see(loud) }, t("alert.seen_all")) : null) : null,
    loud.length && muted() ? el("li", { class: "note" }, el("button", { type: "button", class: "btn", id: "sound-on", "data-key": "sound", onclick: soundOn }, icon("bell", 16), t("alert.sound_on"))) : null,
  ];
  bar.hidden = !dangers.length && !loggedOut;
  fill(bar, el("ul", {}, shown.map(row), notes));
  bell.count(dangers.length);
  ring(loud.length > 0);
  blink(loud);
}

// ---- the title
let own = "";
let base = "";
let blinking = null;
function blink(loud) {
  clearInterval(blinking);
  const restore = () => { if (own && document.title === own) document.title = base; };
  restore();
  own = "";
  if (!loud.length && !loggedOut) return;
  const step = () => {
    if (own && document.title === own) { restore(); return; }
    base = document.title;
    own = document.title = loggedOut ? t("alert.logged_out") : t("alert.title", { n: loud.length, place: placeOf(loud[0]) });
  };
  step();
  blinking = setInterval(step, 1200);
}

// ---- the sound: three tones of our own, every few seconds until it was seen; a browser lets none sound before a gesture
let sounds = null;
let ringing = null;
const silent = () => localStorage.getItem(SILENT) === "1";
const muted = () => !silent() && sounds?.state !== "running";
async function soundOn() {
  localStorage.removeItem(SILENT);
  sounds ??= new AudioContext();
  await sounds.resume();
  draw();
}
function tones() {
  if (silent() || sounds?.state !== "running") return;
  for (const [n, pitch] of [988, 740, 988].entries()) {
    const [tone, gain] = [sounds.createOscillator(), sounds.createGain()];
    tone.type = "square";
    tone.frequency.value = pitch;
    gain.gain.value = 0.16;
    tone.connect(gain).connect(sounds.destination);
    tone.start(sounds.currentTime + n * 0.24);
    tone.stop(sounds.currentTime + n * 0.24 + 0.2);
  }
  body.dataset.rung = String(Number(body.dataset.rung ?? 0) + 1);
}
const { body } = document;
const alone = (name, work) => (navigator.locks ? navigator.locks.request(name, { ifAvailable: true }, (mine) => mine && work()) : work());
function ring(loud) {
  if (loud && !silent() && !sounds) {
    sounds = new AudioContext();
    sounds.addEventListener("statechange", draw);
  }
  if (!loud) { clearInterval(ringing); ringing = null; return; }
  if (ringing) return;
  // of several windows one sounds
  const once = () => alone("alert sound", async () => { tones(); await new Promise((done) => { setTimeout(done, 900); }); });
  ringing = setInterval(once, 4000);
  setTimeout(once, 0);
}
for (const gesture of ["click", "keydown"]) addEventListener(gesture, () => { if (sounds?.state === "suspended") sounds.resume(); }, true);

// ---- the bell
const bell = dropDown($("#bell"), "bell", t("alert.bell"), (box) => {
  const sound = el("input", { type: "checkbox", id: "danger-sound", checked: !silent(), onchange: () => { if (sound.checked) soundOn(); else { localStorage.setItem(SILENT, "1"); draw(); } } });
  fill(box, el("h2", {}, dangers.length ? t("alert.count", { n: dangers.length }) : t("alert.none")),
    el("label", {}, sound, t("alert.sound")), el("p", { class: "note" }, t("alert.sound_note")));
  if (navigator.serviceWorker && "PushManager" in window) import("./push.js").then((push) => push.offer(box), () => {});
});

// ---- what is so now
let asking = null;
document.addEventListener("leaving", () => { ended = true; asking?.abort(); });
async function look() {
  if (ended) return;
  asking = new AbortController();
  let reply;
  try {
    reply = await fetch("/v1/alerts", { headers: { accept: "application/json", "session-use": "none" }, cache: "no-store", signal: asking.signal });
    if (reply.status === 401) { // nothing of a session that has ended stays, but that nobody is told any more
      ended = loggedOut = true;
      dangers = [];
      draw();
      tones();
      logInAgain().then(() => { ended = loggedOut = false; lookSoon(); });
      return;
    }
    if (!reply.ok) throw new Error(String(reply.status));
    const page = await reply.json();
    const known = new Set(dangers.map((one) => one.number + keyOf(one)));
    dangers = page.items;
    read = at = page.at;
    const fresh = dangers.filter((one) => !known.has(one.number + keyOf(one)) && !isSeen(one));
    if (fresh.length) spoken.textContent = t("alert.said", { place: placeOf(fresh[0]), kind: kindOf(fresh[0]) });
  } catch {
    at = null;
    setTimeout(look, 5000);
  }
  draw();
}
const lookSoon = soon(look, 250);
/** Whether what happened may change the list. */
const concerns = (event) => event.priority === "emergency" || dangers.some((one) => one.number === event.number);
others.onmessage = lookSoon;
const tell = () => { lookSoon(); others.postMessage(null); };
const listenForAll = () => listen([], (event) => { if (concerns(event)) tell(); }, tell, { always: true });
if (navigator.locks) navigator.locks.request("alert stream", () => { listenForAll(); return new Promise(() => {}); });
else listenForAll();
addEventListener("storage", (event) => { if ([SEEN, SILENT].includes(event.key)) draw(); });
addEventListener("offline", () => { at = null; draw(); });
addEventListener("online", lookSoon);
document.addEventListener("visibilitychange", () => { if (!document.hidden) lookSoon(); });
setInterval(lookSoon, READ_EVERY); // a turn of duty begins without an event
setInterval(() => { for (const one of dangers) { const place = $(`[data-number="${one.number}"] .waits`, bar); if (place) { place.textContent = waitOf(one); place.classList.toggle("late", overLimit(one) > 0); } } }, 10_000);
await look();
if (globalThis.Notification?.permission === "granted") import("./push.js").then((push) => push.goOn()).catch(() => {}); // by the next page then
