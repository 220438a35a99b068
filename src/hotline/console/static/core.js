// What every page uses: words, the API, the live line, drafts, dialogs. No page speaks to anything but its own origin.
const body = document.body;
const at = body.dataset.static;
export const language = body.dataset.language;
const english = language === "en";
export const given = JSON.parse(document.getElementById("given").textContent);
const words = await (await fetch(`${at}/words.${language}.json`)).json();

/** A text of the catalogue; {name} is filled from `values`. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}
/** A word of a family of the vocabulary, as t("status." + code). */
export const word = (family, code) => (code == null ? "" : words[`${family}.${code}`] ?? code);
/** The state a line of a timeline names: of an order where it speaks of one, else of the ticket. */
export const state = (line, name) => (line[name] == null ? "" : words[line.assignment ? `order.${line[name]}` : `status.${line[name]}`] ?? words[`status.${line[name]}`] ?? words[`order.${line[name]}`] ?? line[name]);
/** Every word of a family: [code, text]. */
export const family = (name) =>
  Object.entries(words).filter(([key]) => key.startsWith(`${name}.`) && !key.slice(name.length + 1).includes(".")).map(([key, text]) => [key.slice(name.length + 1), text]);
/** The name of something of the directory in the reader's language. */
export const named = (item) => (item ? (english ? item.name_en || item.name : item.name) : "");
export const label = (said) => (english ? said.en : said.zh);
export const can = (...roles) => roles.some((role) => given.person?.roles.includes(role));

/** An element: el("p", {class: "note", onclick: f}, "text", child). */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}
export const $ = (selector, root = document) => root.querySelector(selector);
export function fill(root, ...children) {
  root.replaceChildren(...children.flat().filter((child) => child != null && child !== false));
}

let quiet;
export function say(text, alarm = false) {
  const place = $(alarm ? "#alarm" : "#said");
  place.textContent = text;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("#said").textContent = ""; $("#alarm").textContent = ""; }, alarm ? 9000 : 5000);
}

/** A field as people call it: `caller.phone` by its last part. */
const fieldName = (path) => [path, path.split(".").pop()].flatMap((name) => [words[`field.${name}`], words[`item.${name}`]]).find(Boolean) ?? path;
const said = { en: "rule", "zh-Hant": "rule_zh_hant" }[language] ?? "rule_zh";
/** Details that could not be read when a call was taken in, as one sentence; null where there are none. */
export const unread = (details) => (details?.length ? details.map((e) => `${fieldName(e.field)}: ${e[said] ?? e.rule}`).join("; ") : null);
/** What the API refused: code, title, errors by field, allowed actions. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.type ? t(`problem.${problem.type.split(":").pop()}`) : t("app.failed"));
    Object.assign(this, { status, problem, code: problem.type?.split(":").pop(), errors: (problem.errors ?? []).map((e) => ({ ...e, rule: e[said] ?? e.rule })) });
  }
  /** One sentence a person can act on. */
  get said() {
    const rules = this.errors.map((e) => `${fieldName(e.field)}: ${e.rule}`);
    return [this.message, ...rules].join(" · ");
  }
}
const wait = (ms) => new Promise((go) => setTimeout(go, ms));

/** Ask the API. A lost connection is tried again with the same key, so nothing is done twice; an ended session asks for
 *  the password and goes on. Throws Refusal. */
export async function api(method, path, { body: sent, version, key } = {}) {
  const headers = { accept: "application/json" };
  if (sent !== undefined) headers["content-type"] = "application/json";
  if (version != null) headers["if-match"] = `"${version}"`;
  if (method === "POST") headers["idempotency-key"] = key ?? crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  for (let tries = 0, asked = false; ; tries += 1) {
    let reply;
    try {
      reply = await fetch(path, { method, headers, body: sent === undefined ? undefined : JSON.stringify(sent), cache: "no-store" });
    } catch {
      offline(true);
      await wait(Math.min(8000, 400 * 2 ** tries));
      continue;
    }
    offline(false);
    if (reply.status === 401 && !asked) { asked = true; await logInAgain(); continue; }
    if ([502, 503, 504].includes(reply.status) && tries < 5) { await wait(1000 + 500 * tries); continue; }
    if (reply.status === 204) return null;
    const read = reply.headers.get("content-type")?.includes("json") ? await reply.json() : await reply.text();
    if (!reply.ok) throw new Refusal(reply.status, typeof read === "string" ? {} : read);
    return read;
  }
}
export const get = (path) => api("GET", path);

let off = false;
function offline(is) {
  if (is === off) return;
  off = is;
  const line = $("#line");
  line.textContent = is ? t("app.offline") : "";
  line.classList.toggle("off", is);
}

let asking;
/** The session is over: ask for the password on top of the page, so that what was typed stays. */
export function logInAgain() {
  asking ??= new Promise((done) => {
    const why = el("p", { class: "error", role: "alert" });
    const form = el("form", { method: "dialog" },
      el("h2", {}, t("login.again")), el("p", { class: "note" }, t("login.again_note")),
      el("label", {}, t("login.login"), el("input", { name: "login", required: true, autocomplete: "username" })),
      el("label", {}, t("login.password"), el("input", { name: "password", type: "password", required: true, autocomplete: "current-password" })),
      why, el("button", { class: "first" }, t("login.enter")));
    const box = el("dialog", { "aria-label": t("login.again") }, form);
    box.addEventListener("cancel", (event) => event.preventDefault());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const code = await logIn(form.login.value, form.password.value);
      if (code) { why.textContent = t(`problem.${code}`); return; }
      const me = await (await fetch("/v1/me")).json();
      if (me.id !== given.person?.id) { location.href = "/console"; return; } // another person: not this one's page
      box.close(); box.remove(); asking = undefined; done();
    });
    body.append(box);
    box.showModal();
  });
  return asking;
}
/** Log in; the code of what went wrong, or null. */
export async function logIn(login, password) {
  const reply = await fetch("/console/session", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ login, password }) });
  return reply.ok ? null : (await reply.json()).code;
}

/** Drafts: what is typed into a form stays until it is sent, through reloads and lost lines; for this person alone. */
export function draft(form, name) {
  const place = `draft:${given.person?.id}:${name}`;
  const read = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  const keep = () => { try { localStorage.setItem(place, JSON.stringify(read())); } catch { /* a full store loses no call */ } };
  form.addEventListener("input", keep);
  return {
    restore() {
      const kept = JSON.parse(localStorage.getItem(place) ?? "null");
      if (!kept) return {};
      for (const field of form.elements) {
        if (!field.name) continue;
        if (field.type === "radio") continue; // made by what is found, not by what was typed
        if (field.type === "checkbox") field.checked = field.name in kept;
        else if (field.name in kept) field.value = kept[field.name];
      }
      return kept;
    },
    forget: () => localStorage.removeItem(place),
    keep,
  };
}

/** The live stream: `heard(event)` for each line of a timeline; `anew()` at the beginning and whenever something may
 *  have been missed. Comes back by itself, without a gap. A page nobody looks at lets its line go (a browser has six
 *  for each house) and takes it up where it was; `always`: one that must be heard though it is not seen; `back`: so
 *  much of what happened just before is told first. */
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

/** What was typed into a field of date and time, meant as the house's wall clock has it. */
export function instant(local) {
  const typed = new Date(`${local.length === 10 ? `${local}T00:00` : local}Z`);
  const shown = new Date(`${typed.toLocaleString("sv-SE", { timeZone: given.zone }).replace(" ", "T")}Z`);
  return new Date(2 * typed - shown).toISOString();
}
const spoken = new Intl.DateTimeFormat(english ? "en-GB" : language, {
  timeZone: given.zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const when = (moment) => (moment ? spoken.format(new Date(moment)) : "–");
/** Minutes as people say them. */
export function spent(minutes) {
  if (minutes == null) return "–";
  const whole = Math.abs(Math.round(minutes));
  const [days, hours, left] = [Math.floor(whole / 1440), Math.floor((whole % 1440) / 60), whole % 60];
  return days ? t("time.days", { days, hours }) : hours ? t("time.hours", { hours, minutes: left }) : t("time.minutes", { minutes: left });
}
/** A limit that counts down by itself. */
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

/** Lists of the directory, asked for once. */
const kept = new Map();
export function directory(noun) {
  if (!kept.has(noun)) {
    kept.set(noun, get(`/v1/directory/${noun}`).then((page) => page.items));
    kept.get(noun).catch(() => kept.delete(noun)); // what could not be had is asked for again
  }
  return kept.get(noun);
}
/** A noun was changed here: what is kept of it is not what it is. */
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

$("#leave")?.addEventListener("click", async () => {
  await fetch("/console/session", { method: "DELETE" });
  for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) localStorage.removeItem(key);
  location.href = "/console/login";
});
