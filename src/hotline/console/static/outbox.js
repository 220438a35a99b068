// The queue of deeds: each is kept, sealed, before it is sent, and sent in order, once, by one window, when the line is there.
import { $, Refusal, addWords, el, fill, get, given, logInAgain, say, t, tellUndoable, unique, word } from "./core.js";
import { rowsOf, within } from "./deed_store.js";
import { lasting, seal, sealText, unseal, unsealText } from "./sealing.js";

const PATIENCE = 20_000; // ms that an answer may take before the line counts as cut
const LATER = new Set([408, 425, 429, 502, 503, 504]);
const FAULTS = 5; // of the server at one deed, until a person has to look at it
const begin = `deed:${given.person?.id}`;
const FLAG = `deeds:${given.person?.id}`; // other pages see by it that something waits
const heard = new Set(); // of this page: told when something was kept, sent or refused
const settling = new Map(); // id -> how the promise of `put` ends
const moved = new Map(); // what a ticket's version became by a deed of ours
const channel = globalThis.BroadcastChannel ? new BroadcastChannel(begin) : null;
export const arrived = new Map(); // photos that were sent from this page: id of the deed -> { number, id of the file }
export const latest = new Map(); // tickets as a deed of ours left them
let memory = []; // where this browser can seal nothing
let deeds = [];
let again = null;
let pause = 2000;
export let cut = false; // the last try found no line

/** Deeds that wait, oldest first: of a ticket, or all. One that was refused has its `problem`. */
export const waiting = (number = null) => deeds.filter((deed) => !number || deed.number === number);
/** `work()` whenever the queue or the line has changed; `sent`: the ticket whose deed arrived. */
export const whenChanged = (work) => heard.add(work);

async function readAll() {
  if (!lasting) { deeds = memory; return; }
  const found = [];
  for (const row of await rowsOf("deeds")) {
    const deed = await unsealText(`${begin}:${row.id}`, row.told);
    if (!deed) continue; // of an earlier secret: it cannot be read any more
    found.push({ ...deed, seq: row.seq, photo: row.photo ? await unseal(`${begin}:${row.id}:photo`, row.photo) : null });
  }
  deeds = found;
  if (found.length) localStorage.setItem(FLAG, found.length); else localStorage.removeItem(FLAG);
}
export async function keep({ photo, seq, ...deed }) {
  if (!lasting) { memory = [...memory.filter((one) => one.seq !== seq), { ...deed, photo, seq: seq ?? performance.now() }].sort((a, b) => a.seq - b.seq); return; }
  const row = { id: deed.id, person: given.person.id, told: await sealText(`${begin}:${deed.id}`, deed), photo: photo ? await seal(`${begin}:${deed.id}:photo`, photo) : null };
  await within("deeds", "readwrite", (store) => store.put(seq ? { ...row, seq } : row));
}
export async function drop(deed) {
  memory = memory.filter((one) => one.seq !== deed.seq);
  if (lasting) await within("deeds", "readwrite", (store) => store.delete(deed.seq));
}
export async function tell(sent = null) {
  await readAll();
  show();
  for (const work of heard) work(sent);
}
/** A ticket is at another version by a deed of ours, or after its state was shown: what was done on the one before goes on there. */
export async function goOnFrom(number, from, to) {
  moved.set(`${number} ${from}`, to);
  for (const deed of deeds) if (deed.number === number && deed.version === from && !deed.problem) { deed.version = to; await keep(deed); }
}

/** Names a photo that has arrived in the body of a deed that waited for it. */
function named(deed, want, file) {
  deed.body.photos = [...deed.body.photos ?? [], file];
  deed.wants = deed.wants.filter((id) => id !== want);
}
/** One deed: { number, action, path, version, seen, body | photo + name + purpose, title, wants }. `wants`: deeds whose photos its
 *  body names. Resolves to `sent`, `waiting` or `refused`. */
export async function put(deed) {
  let { version } = deed;
  while (moved.has(`${deed.number} ${version}`)) version = moved.get(`${deed.number} ${version}`);
  const whole = { id: unique(), at: new Date().toISOString(), ...deed, version };
  for (const id of deed.wants ?? []) if (arrived.has(id)) named(whole, id, arrived.get(id).id); // sent since it was chosen
  await keep(whole);
  const settled = new Promise((end) => settling.set(whole.id, end));
  await tell();
  sendWaiting();
  return { id: whole.id, settled };
}
const only = navigator.locks ? (work) => navigator.locks.request(begin, work) : (work) => work();
let running = null;
/** Sends what waits, in order; a ticket's later deeds wait behind one that was refused. */
export function sendWaiting() {
  clearTimeout(again);
  running ??= only(sendAll).catch(() => { cut = true; }).finally(async () => {
    running = null;
    await tell();
    for (const [id, end] of settling) {
      const deed = deeds.find((one) => one.id === id);
      settling.delete(id);
      end(!deed ? "sent" : deed.problem ? "refused" : "waiting");
    }
    if (!deeds.some((deed) => !deed.problem)) return;
    pause = cut ? Math.min(15_000, pause * 1.5) : 2000;
    again = setTimeout(sendWaiting, pause);
  });
  return running;
}
async function sendAll() {
  const tried = new Set();
  const late = new Set(); // those that could not be sent when they were done
  for (;;) {
    await readAll();
    const stuck = new Set(deeds.filter((deed) => deed.problem || tried.has(deed.id)).map((deed) => deed.number));
    const deed = deeds.find((one) => !stuck.has(one.number));
    if (!deed) break;
    tried.add(deed.id);
    if (!settling.has(deed.id)) late.add(deed);
    if (!await send(deed)) return;
    channel?.postMessage(deed.number);
    await tell(deed.problem ? null : deed.number);
  }
  const sent = [...late].filter((deed) => !deed.problem);
  if (sent.length) say(sent.length === 1 ? t("outbox.sent", { what: whatOf(sent[0]), title: sent[0].title }) : t("outbox.sent_many", { n: sent.length }));
}
/** False: there is no line, or nobody answers. */
async function send(deed) {
  let reply;
  let read;
  const began = Date.now();
  try {
    const headers = { accept: "application/json", "idempotency-key": deed.id };
    let body;
    if (deed.photo) {
      body = new FormData();
      body.append("file", new Blob([deed.photo], { type: "image/jpeg" }), deed.name);
      body.append("purpose", deed.purpose);
    } else {
      Object.assign(headers, { "content-type": "application/json", "if-match": `"${deed.version}"` });
      body = JSON.stringify(deed.body);
    }
    reply = await fetch(deed.path, { method: "POST", headers, body, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    read = reply.headers.get("content-type")?.includes("json") ? await reply.json() : {};
  } catch { cut = true; return false; }
  cut = LATER.has(reply.status);
  if (cut) return false;
  if (reply.status === 401) { await logInAgain(); return send(deed); }
  if (reply.status === 500) { // of this deed, mostly: those of other tickets go on
    deed.faults = (deed.faults ?? 0) + 1;
    if (deed.faults >= FAULTS) deed.problem = { status: 500, ...read };
    await keep(deed);
    return true;
  }
  if (!reply.ok) { deed.problem = { status: reply.status, ...read }; await keep(deed); return true; }
  if (!deed.photo && read.number) { latest.set(deed.number, read); tellUndoable(read, { began, did: deed.action }); }
  const after = Number(/\d+/.exec(reply.headers.get("etag") ?? "")?.[0]);
  // a file takes no version: after it stands what was shown only if nothing came between
  if (after && (!deed.photo || after === deed.version + 1)) await goOnFrom(deed.number, deed.version, after);
  if (deed.photo) {
    arrived.set(deed.id, { number: deed.number, id: read.id });
    for (const one of deeds) if (one.wants?.includes(deed.id)) { named(one, deed.id, read.id); await keep(one); }
  }
  await drop(deed);
  return true;
}
export const whatOf = (deed) => (deed.photo ? t("outbox.photo", { what: word("attachment_purpose", deed.purpose) }) : word("action", deed.action));

function show() {
  let bar = $("#outbox");
  const refused = deeds.filter((deed) => deed.problem);
  const open = deeds.length - refused.length;
  if (!bar) { bar = el("div", { id: "outbox", role: "status" }); $("main")?.prepend(bar); }
  bar.hidden = !deeds.length && !cut;
  bar.className = refused.length ? "outbox refused" : "outbox";
  fill(bar, cut || open ? el("p", {}, el("strong", {}, t(cut ? "outbox.cut" : "outbox.sending")), " ", open ? t(lasting ? "outbox.kept" : "outbox.kept_here", { n: open }) : "") : null,
    refused.map((deed) => el("p", {}, el("strong", {}, t("outbox.refused", { what: whatOf(deed), title: deed.title })), " ", el("button", { type: "button", "data-key": deed.id, onclick: async () => (await import("./conflict.js")).decide(deed) }, t("outbox.look")))));
  document.documentElement.style.setProperty("--outbox", `${bar.offsetHeight}px`);
}
/** What the API has, without waiting for a line; throws where there is none. */
export async function ask(path) {
  try {
    const reply = await fetch(path, { headers: { accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (reply.status === 401) return get(path);
    if (LATER.has(reply.status)) throw new TypeError(String(reply.status));
    const read = await reply.json();
    if (cut) { cut = false; show(); if (deeds.length) sendWaiting(); }
    if (!reply.ok) throw new Refusal(reply.status, read);
    return read;
  } catch (failed) {
    if (!(failed instanceof Refusal) && !cut) { cut = true; show(); }
    throw failed;
  }
}
channel?.addEventListener("message", (event) => tell(event.data));
addEventListener("online", sendWaiting);
addEventListener("offline", () => { cut = true; show(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && deeds.length) sendWaiting(); });
addEventListener("beforeunload", (event) => { if (!lasting && memory.length) event.preventDefault(); });
document.head.append(el("link", { rel: "stylesheet", href: `${document.body.dataset.static}/outbox.css` }));
await Promise.all([addWords("queue").catch(() => {}), readAll()]);
show();
if (deeds.length) sendWaiting();
