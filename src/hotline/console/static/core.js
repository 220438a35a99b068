// What every page uses: texts, the API, the live stream, dialogs. Pages request nothing but their own origin.
const body = document.body;
const at = body.dataset.static;
export const language = body.dataset.language;
const english = language === "en";
const told = document.getElementById("given");
export const given = JSON.parse(told.textContent);
told.remove(); // it holds the keys of this person's drafts
const words = {};
/** Adds the texts of a part of the catalogue. */
export const addWords = async (part) => { Object.assign(words, await (await fetch(`${at}/${part}.${language}.json`)).json()); };
/** Names and labels in traditional characters, by what replies hold; nothing without a line. */
const loadNames = async (from) => {
  try {
    return new Map(Object.entries(from ? await (await fetch(from)).json() : {}));
  } catch {
    return new Map();
  }
};
const [traditional] = await Promise.all([loadNames(body.dataset.names), ...["words", ...(body.dataset.page === "admin" ? ["admin", "nouns"] : [])].map(addWords)]);

/** A text of the catalogue; {name} is filled from `values`. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => isolated(values[name] ?? all));
}
/** Text that people wrote, without direction marks (embeddings, overrides). */
export const plain = (text) => String(text).replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066\u2067]/g, "");
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
/** The same for showing beside other text: right-to-left letters are isolated (FSI … PDI), which also
 *  holds in an option, a title or a text put together. `el` and `fill` do it; parts of one string need it each. As
 *  text/bidi.py. */
export function isolated(text) {
  let depth = 0;
  let closed = 0;
  const bare = plain(text);
  if (!/[\u2068\u2069]/.test(bare) && !RIGHT_TO_LEFT.test(bare)) return bare;
  let kept = "";
  for (const [place, character] of [...bare].entries()) {
    if (character === "\u2069") {
      if (!depth) continue;
      depth -= 1;
      if (!depth) closed ||= place + 1;
    } else if (character === "\u2068") depth += 1;
    kept += character;
  }
  kept += "\u2069".repeat(depth);
  const whole = bare.startsWith("\u2068") && (!closed || closed === [...bare].length);
  return whole || !RIGHT_TO_LEFT.test(kept) ? kept : `\u2068${kept}\u2069`;
}
/** The parts that are not empty, joined by `between`. */
export const joined = (parts, between) => parts.filter(Boolean).map(isolated).join(between);
const laid = (children) => children.flat().filter((child) => child != null && child !== false).map((child) => (typeof child === "string" ? isolated(child) : child));
/** The label of a word of a vocabulary, as t("status." + code). */
export const word = (family, code) => (code == null ? "" : words[`${family}.${code}`] ?? code);
/** How a ticket and an order stand: while nobody of the department has signed, it says so, also where the clock has accepted it. */
export const standing = (ticket) => (ticket.unsigned ? word("order", "issued") : word("status", ticket.status));
export const orderStanding = (order) => word("order", order.unsigned ? "issued" : order.status);
/** The state in a timeline entry: of the assignment if there is one, else of the ticket. */
export const state = (line, name) => (line[name] == null ? "" : words[line.assignment ? `order.${line[name]}` : `status.${line[name]}`] ?? words[`status.${line[name]}`] ?? words[`order.${line[name]}`] ?? line[name]);
/** Who did something: a person's or key's name, or the part of the system. */
export const authorOf = (by) => (["rules", "clock"].includes(by.kind) ? word("actor", by.kind) : by.name);
const SURE = [[0.9, "all"], [0.75, "most"], [0.5, "half"], [0.25, "little"]];
/** How sure the rules are, as t("sure." + word): never a number. */
export const sureWord = (share) => SURE.find(([least]) => share >= least)?.[1] ?? "none";
/** What stands between a name and what it is, and between two things. */
export const MARKS = language === "en" ? [": ", ", "] : ["：", "，"];
/** Every word of a family: [code, text]. */
export const family = (name) =>
  Object.entries(words).filter(([key]) => key.startsWith(`${name}.`) && !key.slice(name.length + 1).includes(".")).map(([key, text]) => [key.slice(name.length + 1), text]);
/** The name of a directory item in the reader's language and characters, as `name_in` of pages that come ready made. */
export const named = (item) => isolated((item ? (english ? item.name_en || item.name : traditional.get(item.name) ?? item.name) : "") ?? "");
let anyName = null;
/** A text that has names of the directory in it, with these as `named` shows them; the longest name counts. */
export const withNames = (text) => {
  if (!traditional.size) return text;
  anyName ??= new RegExp([...traditional.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
  return text.replace(anyName, (name) => traditional.get(name));
};
export const PARTS = ["building", "unit", "floor", "room"];
/** Area, parts and address in one line; what stands in the area's name or in the address is not told twice. */
export function placed(area, location = {}) {
  const told = `${named(area)} ${location.address}`.match(/[0-9a-z]+/gi);
  const parts = PARTS.filter((part) => location[part] && !told.includes(location[part])).map((part) => t(`address.${part}`, { n: location[part] }));
  return joined([named(area), ...parts, location.address], " ");
}
export const label = (said) => (english ? said.en : withNames(said.zh));
export const can = (...roles) => roles.some((role) => given.person?.roles.includes(role));

/** An element: el("p", {class: "note", onclick: f}, "text", child). */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, ["title", "aria-label", "placeholder"].includes(name) ? isolated(value) : value);
  }
  made.append(...laid(children));
  return made;
}
/** A drawing of icons.svg, `size` pixels wide (14, 16, 18, 20, 24, 32), in the colour of the text beside it. */
export function icon(name, size = 18) {
  const svg = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const [made, use] = [svg("svg"), svg("use")];
  made.setAttribute("class", `i i-${size}`);
  made.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${at}/icons.svg#${name}`);
  made.append(use);
  return made;
}
export const $ = (selector, root = document) => root.querySelector(selector);
/** Replaces the children of a node. The focused element keeps the focus if it is there again (`data-key`). */
export function fill(root, ...children) {
  const key = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  root.replaceChildren(...laid(children));
  if (key) root.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
/** For a live list: it does not move under the pointer or while it is gone through by keys, until nothing
 *  has happened for a second. Gives `put(work)`: runs it now or then; of several that wait only the last. */
export function steady(place) {
  let resting = null;
  let next = null;
  let at = "";
  function release() {
    clearTimeout(resting);
    resting = inDialog() ? setTimeout(release, 300) : null; // and nothing moves below a dialog
    if (resting) return;
    const work = next;
    next = null;
    work?.();
  }
  const touched = (event) => {
    const here = `${event.clientX} ${event.clientY}`;
    if (event.type === "pointermove" && here === at) return; // the page moved, not the hand
    at = here;
    clearTimeout(resting);
    resting = setTimeout(release, 900);
  };
  for (const kind of ["pointermove", "pointerdown", "keydown"]) place.addEventListener(kind, touched);
  place.addEventListener("pointerleave", release);
  return (work) => {
    if (!resting && !inDialog()) { work(); return; }
    next = work;
    resting ??= setTimeout(release, 300);
  };
}

let quiet;
export function say(text, alarm = false) {
  const place = $(alarm ? "#alarm" : "#said");
  place.textContent = isolated(text);
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("#said").textContent = ""; $("#alarm").textContent = ""; }, alarm ? 9000 : 5000);
}

/** The label of a field: of `caller.phone` by its last part. */
const fieldName = (path) => [path, path.split(".").pop()].flatMap((name) => [words[`field.${name}`], words[`item.${name}`]]).find(Boolean) ?? path;
const said = { en: "rule", "zh-Hant": "rule_zh_hant" }[language] ?? "rule_zh";
/** A field and its error, in the reader's language. */
export const toldOf = (e) => `${fieldName(e.field)}: ${e[said] ?? e.rule}`;
/** What the API refused: code, title, errors by field, allowed actions. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.type ? t(`problem.${problem.type.split(":").pop()}`) : t("app.failed"));
    Object.assign(this, { status, problem, code: problem.type?.split(":").pop(), errors: (problem.errors ?? []).map((e) => ({ ...e, rule: e[said] ?? e.rule })) });
  }
  /** One sentence for the user. */
  get said() {
    const rules = this.errors.map((e) => `${fieldName(e.field)}: ${e.rule}`);
    return [this.message, ...rules].join(" · ");
  }
}
const wait = (ms) => new Promise((go) => setTimeout(go, ms));
/** A unique id for a request, a call or a window. */
export const unique = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
/** The length of a double click: results are shown after it, so that the second click hits nothing new. */
export const settled = (work) => Promise.all([work, wait(350)]).then(([done]) => done);
/** Makes a button run one action at a time; it is disabled meanwhile. */
export function press(work) {
  return async (event) => {
    const button = event.currentTarget;
    event.stopPropagation();
    button.disabled = true;
    try { await work(event); } finally {
      button.disabled = false;
      if (button.isConnected && document.activeElement === body) button.focus({ preventScroll: true });
    }
  };
}

let lastAsked = Date.now();
/** While the password is asked for, nothing else is asked, and no answer drawn: the page is not in the document. */
const present = (path) => (/^\/v1\/(token|me\/factors)\b/.test(path) ? null : asking); // what the log-in itself needs
/** A request to the API. It is repeated with the same key after a lost connection, so nothing is done twice; when the
 *  session has ended, the password is asked for first. Throws Refusal. */
export async function api(method, path, { body: sent, version, key } = {}) {
  const headers = { accept: "application/json" };
  if (sent !== undefined) headers["content-type"] = "application/json";
  if (version != null) headers["if-match"] = `"${version}"`;
  if (method === "POST") headers["idempotency-key"] = key ?? unique();
  lastAsked = Date.now();
  for (let tries = 0, asked = false; ; tries += 1) {
    let reply;
    let read = null;
    await present(path);
    const began = Date.now();
    try {
      reply = await fetch(path, { method, headers, body: sent === undefined ? undefined : JSON.stringify(sent), cache: "no-store" });
      if (reply.status !== 204) read = reply.headers.get("content-type")?.includes("json") ? await reply.json() : await reply.text();
    } catch {
      if (reply && tries >= 5) throw new Refusal(reply.status, {}); // it answers, and not so that it can be read
      offline(true);
      await wait(Math.min(8000, 400 * 2 ** tries));
      continue;
    }
    offline(false);
    if (reply.ok) await present(path);
    if (reply.status === 401 && !asked) { asked = true; await logInAgain(); continue; }
    if ([502, 503, 504].includes(reply.status) && tries < 5) { await wait(1000 + 500 * tries); continue; }
    if (!reply.ok) throw new Refusal(reply.status, read === null || typeof read === "string" ? {} : read);
    if (method === "POST") tellUndoable(read?.ticket ?? read, { began, call: path === "/v1/calls" });
    return read;
  }
}
export const get = (path) => api("GET", path);
/** Says that the step just done can be undone (`undo.js` offers it), or that one before it no longer can. `more`: when it was sent
 *  (`began`, by which the server's ten seconds are not over before the page's), and what it was (`did`). */
export function tellUndoable(ticket, more) {
  if (ticket?.undo_until) document.dispatchEvent(new CustomEvent("undoable", { detail: { ...ticket, ...more } }));
  else if (ticket?.version && ticket.number) document.dispatchEvent(new CustomEvent("overtaken", { detail: ticket.number }));
}

let off = false;
function offline(is) {
  if (is === off) return;
  off = is;
  const line = $("#line");
  line.textContent = is ? t("app.offline") : "";
  line.classList.toggle("off", is);
}

/** Fields in which a single letter is text, and no key of the page. */
export const TYPED = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
// hints of keys tell the truth: those of single letters stand only while one of them would do what it says
const hints = () => body.classList.toggle("typing", inDialog() || Boolean(document.activeElement?.matches(TYPED)));
addEventListener("focusin", hints);
addEventListener("focusout", () => setTimeout(hints));
const dialogs = []; // those that are open, the topmost last
export const inDialog = () => dialogs.length > 0;
/** Opens a dialog on top of the page. Ctrl+Enter sends its form; Escape closes it through `leave` (null: it
 *  cannot be closed) and asks first if something was typed. Returns a function that closes it. */
export function openDialog(box, leave) {
  const mine = { box, escape, typed: false };
  let question = null;
  const unask = () => { question?.remove(); question = null; };
  function escape() {
    if (question) { unask(); box.querySelector("textarea, input, select")?.focus(); return; }
    if (!leave) return;
    if (!mine.typed) { leave(); return; }
    const back = document.activeElement;
    const stay = el("button", { type: "button", onclick: () => { unask(); back?.focus(); } }, t("form.go_on"));
    question = el("div", { class: "ask", role: "alertdialog", "aria-label": t("form.not_sent") }, el("p", {}, t("form.not_sent")),
      el("div", { class: "go" }, stay, el("button", { type: "button", onclick: leave }, t("form.discard"))));
    box.append(question);
    stay.focus();
  }
  box.addEventListener("input", () => { mine.typed = true; });
  box.addEventListener("cancel", (event) => { if (event.target === box) { event.preventDefault(); escape(); } });
  body.append(box);
  box.showModal();
  dialogs.push(mine);
  hints();
  return () => { dialogs.splice(dialogs.indexOf(mine), 1); box.close(); box.remove(); hints(); };
}
/** Enter goes to the next field: only a button, or Ctrl+Enter, sends. Where a form only looks something up or logs in
 *  (`data-enter`), Enter does it. */
function nextField(field) {
  const fields = [...field.form.elements].filter((one) => one.matches("input:not([type=hidden]), select, textarea") && !one.disabled && one.offsetParent);
  fields[fields.indexOf(field) + 1]?.focus();
}
addEventListener("keydown", (event) => {
  const enter = event.key === "Enter";
  const sends = enter && (event.ctrlKey || event.metaKey);
  const own = () => { event.preventDefault(); event.stopImmediatePropagation(); };
  if (event.isComposing || event.keyCode === 229) { // of the input method: it picks characters, and asks nothing of the page
    event.stopImmediatePropagation();
    if (enter || event.key === "Escape") event.preventDefault();
    return;
  }
  const field = event.target.matches?.("input:not([type=submit], [type=button]), select") ? event.target : null;
  if (enter && event.repeat && (sends || !event.target.matches?.("textarea"))) own(); // a key held down is one press
  else if (inDialog() && event.key === "Escape") { own(); dialogs.at(-1).escape(); }
  else if (inDialog() && sends) { own(); $("form", dialogs.at(-1).box)?.requestSubmit(); }
  else if (enter && !sends && field?.form && !field.form.matches("[data-enter], [method=get]")) { own(); nextField(field); }
}, true);

/** Takes what the page shows out of the document; gives a function that puts it back, with its dialogs open. */
function takeAway() {
  const shown = $("main");
  const boxes = dialogs.map((one) => one.box);
  const stands = document.createComment("");
  const focused = document.activeElement;
  shown.replaceWith(stands);
  for (const box of boxes) box.remove();
  $("#said").textContent = $("#alarm").textContent = "";
  return () => {
    stands.replaceWith(shown);
    for (const box of boxes) { box.removeAttribute("open"); body.append(box); box.showModal(); }
    focused?.focus({ preventScroll: true });
  };
}
let asking;
/** The session has ended: nothing of it stays in the document. Asks for the password in a dialog; what was typed is there
 *  again for the same person. */
export function logInAgain() {
  asking ??= new Promise((done) => {
    const putBack = takeAway();
    const why = el("p", { class: "error", role: "alert" });
    const form = el("form", { method: "dialog", "data-enter": true },
      el("h2", {}, t("login.again")), el("p", { class: "note" }, t("login.again_note")),
      el("label", {}, t("login.login"), el("input", { name: "login", required: true, autocomplete: "username" })),
      el("label", {}, t("login.password"), el("input", { name: "password", type: "password", required: true, autocomplete: "current-password" })),
      why, el("button", { class: "first" }, t("login.enter")));
    const box = el("dialog", { "aria-label": t("login.again") }, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { code, stage } = await logIn(form.login.value, form.password.value);
      if (code) { why.textContent = notLoggedIn(code); return; }
      if (stage === "pending_password") { location.href = "/console"; return; }
      if (stage === "pending_factor") {
        const { finishLogIn } = await import(`${at}/factors.js`);
        await new Promise((went) => finishLogIn(form.parentElement, went));
      }
      const me = await (await fetch("/v1/me")).json();
      if (me.id !== given.person?.id) { location.href = "/console"; return; } // another person: not this one's page
      close(); putBack(); asking = undefined; done();
    });
    const close = openDialog(box, null);
  });
  return asking;
}
/** The text for a failed sign-in, by its code. */
export const notLoggedIn = (code) => t(code === "unauthenticated" ? "login.wrong" : `problem.${code}`);
/** Sign in. Returns `code`, of an error, or `stage`: `active`, or the step that is still lacking. */
export async function logIn(login, password) {
  const reply = await fetch("/console/session", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login, password }) });
  return reply.json();
}
/** The page that was wanted before the log-in. */
export function nextPage() {
  const next = new URLSearchParams(location.search).get("next");
  return next?.startsWith("/console") ? next : "/console";
}

/** The live stream: `heard(event)` for each timeline entry; `anew()` at the beginning and whenever events may
 *  have been missed. Reconnects without a gap. A hidden page closes its connection (a browser has six for
 *  each server) and resumes later; `always`: stay connected while hidden; `back`: begin with so many recent
 *  events. */
export function listen(query, heard, anew, { always = false, back = 0 } = {}) {
  let last = null;
  let source;
  let again;
  const open = () => {
    source = new EventSource(`/v1/stream?${new URLSearchParams([...query, ...(last ? [["after", last]] : back ? [["recent", back]] : [])])}`);
    const note = (event) => { if (event.lastEventId) last = event.lastEventId; };
    source.addEventListener("hello", (event) => {
      note(event);
      offline(false);
      last ??= String(JSON.parse(event.data).position);
      anew();
    });
    source.addEventListener("ticket", (event) => { note(event); heard(JSON.parse(event.data)); });
    source.addEventListener("resync", (event) => { note(event); anew(); });
    source.onerror = () => {
      offline(true);
      if (source.readyState !== EventSource.CLOSED) return;
      clearTimeout(again);
      again = setTimeout(async () => { try { await get("/v1/me"); } catch { /* told elsewhere */ } open(); }, 1500 + Math.random() * 2500);
    };
  };
  if (always || !document.hidden) open();
  if (!always) {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) { clearTimeout(again); source?.close(); } else if (!source || source.readyState === EventSource.CLOSED) open();
    });
  }
  addEventListener("pagehide", () => source?.close());
}

/** A function that runs once for many calls close together, and however long they go on: `ms` after the first of
 *  them, never twice at once. */
export function soon(work, ms = 150) {
  let timer = null;
  let running = false;
  return function ask() {
    timer ??= setTimeout(async () => {
      timer = null;
      if (running) { ask(); return; }
      running = true;
      try { await work(); } finally { running = false; }
    }, ms);
  };
}

/** What was typed into a field of date and time, in the organisation's zone. */
export function instant(local) {
  const typed = new Date(`${local.length === 10 ? `${local}T00:00` : local}Z`);
  const shown = new Date(`${typed.toLocaleString("sv-SE", { timeZone: given.zone }).replace(" ", "T")}Z`);
  return new Date(2 * typed - shown).toISOString();
}
const [spoken, dated] = [{}, { year: "numeric" }].map((more) => new Intl.DateTimeFormat(english ? "en-GB" : language, {
  timeZone: given.zone, ...more, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }));
const yearOf = (moment) => new Date(moment).toLocaleDateString("sv-SE", { timeZone: given.zone }).slice(0, 4);
/** A moment in words, with the year where it is not this one. */
export const when = (moment) => (moment ? (yearOf(moment) === yearOf(Date.now()) ? spoken : dated).format(new Date(moment)) : "–");
/** A limit as people say it: at midnight the day ends, at 24:00. */
export function until(moment) {
  const text = when(moment);
  return moment && text.includes("00:00") ? spoken.format(new Date(moment) - 60_000).replace("23:59", "24:00") : text;
}
/** Minutes as text. */
export function spent(minutes) {
  if (minutes == null) return "–";
  const whole = Math.abs(Math.round(minutes));
  const [days, hours, left] = [Math.floor(whole / 1440), Math.floor((whole % 1440) / 60), whole % 60];
  return days ? t("time.days", { days, hours }) : hours ? t("time.hours", { hours, minutes: left }) : t("time.minutes", { minutes: left });
}
/** The time left until a deadline, counting down. */
export function countdown(due, running = true) {
  return el("span", { class: "due", "data-due": due ?? "", "data-running": running ? "1" : "" }, "");
}
export function tick() {
  for (const place of document.querySelectorAll("[data-due]")) {
    if (!place.dataset.due) { place.textContent = t("time.none"); continue; }
    const left = (new Date(place.dataset.due) - Date.now()) / 60000;
    const running = place.dataset.running === "1";
    place.textContent = left >= 0 || !running ? t("time.left", { time: spent(left) }) : t("time.over", { time: spent(left) });
    place.className = `due ${!running ? "" : left < 0 ? "late" : left < 60 ? "soon" : ""}`;
  }
}
setInterval(tick, 1000);

export function urgency(priority) {
  return priority === "normal" ? null : el("span", { class: priority }, word("priority", priority));
}
export const link = (number) => el("a", { href: `/console/tickets/${number}` }, number);
/** The code of an incident, as a link to its page. */
export const incidentLink = (code) => el("a", { href: `/console/incidents/${code}` }, code);

/** Lists of the directory, requested once. */
const kept = new Map();
export function directory(noun) {
  if (!kept.has(noun)) {
    kept.set(noun, get(`/v1/directory/${noun}`).then((page) => page.items));
    kept.get(noun).catch(() => kept.delete(noun)); // what could not be had is asked for again
  }
  return kept.get(noun);
}
/** A noun was changed here: forget its cached list. */
export const forget = (noun) => kept.delete(noun);
/** Fill a select with words of the vocabulary, or with items of the directory. */
export function choices(select, items, chosen) {
  const first = select.dataset.empty ? [el("option", { value: "" }, t(select.dataset.empty))] : [];
  fill(select, first, items.map(([code, text]) => el("option", { value: code, selected: code === chosen }, text)));
}
for (const select of document.querySelectorAll("select[data-words]")) {
  const only = select.dataset.only?.split(",");
  const found = family(select.dataset.words).filter(([code]) => !only || only.includes(code));
  choices(select, only ? only.map((code) => found.find(([c]) => c === code)) : found);
}
export async function listed(noun, ended = false) {
  return (await directory(noun)).filter((item) => ended || item.active !== false).map((item) => [item.code, named(item)]);
}
/** A row of a table. */
export const row = (...cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell ?? "–")));
export const heads = (table, ...keys) => fill($("thead", table), el("tr", {}, keys.map((key) => el("th", { scope: "col" }, t(key)))));

addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Refusal)) return;
  event.preventDefault();
  say(event.reason.said, true);
});

// a page that asks for nothing finds out that its session ended: when that is due, and when somebody looks at it again
async function check() {
  if (!given.person || Date.now() - lastAsked < 60_000 || asking) return;
  try { await get("/v1/me"); } catch { /* told elsewhere */ }
}
if (given.idle_seconds) setInterval(() => { if (Date.now() - lastAsked > given.idle_seconds * 1000) check(); }, 30_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) check(); });
addEventListener("focus", check);

// all windows share one session: after another sign-in, or a sign-out, no window continues as the former user
if (given.person) {
  localStorage.setItem("person", given.person.id);
  addEventListener("storage", (event) => { if (event.key === "person" && event.newValue !== given.person.id) location.href = "/console"; });
}
$("#leave")?.addEventListener("click", async () => {
  document.dispatchEvent(new Event("leaving")); // what asks by itself stops
  const ended = await fetch("/console/session", { method: "DELETE" });
  // of this person: what another one typed here before is sealed, and waits for them
  for (const key of Object.keys(localStorage)) if (key.includes(`draft:${given.person.id}:`) || key === "person") localStorage.removeItem(key);
  sessionStorage.clear();
  location.href = ended.status === 200 ? (await ended.json()).location : "/console/login"; // where the log-in was made
});
