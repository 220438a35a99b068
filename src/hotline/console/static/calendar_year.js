// A calendar as a year of twelve months: days changed by pointer or keys, and a year's notice shown before it is imported.
import { MARKS, addWords, api, el, fill, get, given, isolated, language, press, say, t } from "./core.js";
import { kept } from "./admin_draft.js";

await addWords("views");

const locale = language === "en" ? "en-GB" : language;
const format = (options) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
const [monthName, dayName, wholeDay] = [format({ month: "long" }), format({ weekday: "narrow" }), format({ year: "numeric", month: "long", day: "numeric", weekday: "long" })];
const at = (date) => new Date(`${date}T00:00Z`);
const text = (day) => day.toISOString().slice(0, 10);
const later = (date, days) => text(new Date(+at(date) + days * 864e5));
const weekday = (date) => (at(date).getUTCDay() + 6) % 7; // 0: Monday
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
const base64 = (buffer) => { let all = ""; for (const byte of new Uint8Array(buffer)) all += String.fromCharCode(byte); return btoa(all); };

/** Shows a calendar in `root`. `etag(path)`: the version of the directory. */
export async function showCalendar(root, code, etag) {
  const path = `/v1/directory/calendars/${encodeURIComponent(code)}`;
  const draft = kept(`calendar.${code}`);
  let version;
  let item;
  let changed; // date -> { worked: true, false or null (as the week has it), name, was: what it was changed from }
  const today = new Date().toLocaleDateString("sv-SE", { timeZone: given.zone });
  let year = Number(today.slice(0, 4));
  let chosen = today;

  const isSame = (one, other) => one.worked === other.worked && one.name === other.name;
  const stands = (date) => ({ worked: item.days[date] ?? null, name: item.names[date] ?? "" });
  const held = (date) => changed.get(date) ?? stands(date);
  const usual = (date) => item.workdays.includes(weekday(date));
  const kind = (date) => { const { worked } = held(date); return worked === null ? (usual(date) ? "usual" : "weekend") : worked ? "work" : "rest"; };
  async function load() {
    version = await etag(path);
    item = await get(path);
    changed = new Map((draft.read() ?? []).filter(([date, mine]) => !isSame(mine, stands(date))));
  }
  /** The days that were changed here and, since then, by a colleague too. */
  const clashes = () => [...changed].filter(([date, { was }]) => was && !isSame(was, stands(date)));
  const keepDraft = () => draft.write(changed.size ? [...changed] : null);
  function put(date, value) {
    const before = stands(date);
    if (isSame(value, before)) changed.delete(date); else changed.set(date, { worked: value.worked, name: value.name, was: changed.get(date)?.was ?? before });
    keepDraft();
    const cell = root.querySelector(`[data-date="${date}"]`);
    if (cell) dress(cell, date);
    tell();
  }
  /** The name of the holiday beside a day. */
  const neighbour = (date) => [-1, 1, -2, 2, -3, 3].map((step) => held(later(date, step))).find((one) => one.worked !== null && one.name)?.name ?? "";
  function turn(date) {
    const { worked, name } = held(date);
    const order = usual(date) ? [null, false] : [null, true, false];
    const next = order[(order.indexOf(worked) + 1) % order.length];
    put(date, { worked: next, name: next === null ? "" : name || neighbour(date) });
  }

  function dress(cell, date) {
    const [is, { name }, own] = [kind(date), held(date), item.exceptions[date]];
    cell.className = `day ${is}${changed.has(date) ? " changed" : ""}${date === today ? " today" : ""}`;
    const word = t(`calendar.${is}`);
    cell.setAttribute("aria-label", [wholeDay.format(at(date)), word, name, own ? t("calendar.own") : "", changed.has(date) ? t("calendar.unsaved") : ""].filter(Boolean).map(isolated).join(MARKS[1]));
    cell.title = [word, name].filter(Boolean).join(" · ");
    cell.tabIndex = date === chosen ? 0 : -1;
    fill(cell, String(Number(date.slice(8))), el("small", {}, own ? t("calendar.own_mark") : is === "rest" ? t("calendar.rest_mark") : is === "work" ? t("calendar.work_mark") : ""));
  }
  function month(number) {
    const first = `${year}-${String(number).padStart(2, "0")}-01`;
    const cells = Array.from({ length: weekday(first) }, () => el("td"));
    for (let date = first; date.slice(0, 7) === first.slice(0, 7); date = later(date, 1)) {
      const cell = el("button", { type: "button", "data-date": date });
      dress(cell, date);
      cells.push(el("td", {}, cell));
    }
    const rows = [];
    while (cells.length) rows.push(el("tr", {}, cells.splice(0, 7)));
    return el("table", { class: "month" }, el("caption", {}, monthName.format(at(first))),
      el("thead", {}, el("tr", {}, Array.from({ length: 7 }, (_, day) => el("th", { scope: "col" }, dayName.format(at(`2024-01-0${day + 1}`)))))), el("tbody", {}, rows));
  }

  const heading = el("h3", { class: "year", "aria-live": "polite" });
  const months = el("div", { class: "months" });
  const met = el("section", { class: "met", tabindex: "-1", "aria-label": t("calendar.met"), hidden: true });
  const about = el("div", { class: "about-day", role: "group" });
  const state = el("p", { class: "note", role: "status" });
  const save = el("button", { type: "button", class: "first", onclick: press(write) }, t("admin.keep"));
  const drop = el("button", { type: "button", onclick: () => { draft.write(null); changed = new Map(); draw(); } }, t("calendar.drop"));
  const preview = el("section", { class: "preview", tabindex: "-1", "aria-label": t("calendar.preview"), hidden: true });
  const file = el("input", { type: "file", accept: ".json,.ics,.csv,text/csv,text/calendar,application/json", class: "hidden", tabindex: "-1", "aria-hidden": "true", onchange: () => { if (file.files[0]) read(file.files[0]); file.value = ""; } });

  function choose(date, focus = true) {
    chosen = date;
    if (Number(date.slice(0, 4)) !== year) { year = Number(date.slice(0, 4)); draw(); }
    for (const cell of months.querySelectorAll("[tabindex='0']")) cell.tabIndex = -1;
    const cell = months.querySelector(`[data-date="${date}"]`);
    if (cell) { cell.tabIndex = 0; if (focus) cell.focus(); }
    describe();
  }
  /** The chosen day in words, to be named. */
  function describe() {
    const { worked, name } = held(chosen);
    const radio = (value, label) => el("label", { class: "tick" }, el("input", { type: "radio", name: "kind", checked: worked === value, onchange: () => { put(chosen, { worked: value, name: value === null ? "" : held(chosen).name || neighbour(chosen) }); describe(); } }), " ", t(label));
    const named = el("input", { maxlength: 60, value: name, disabled: worked === null, oninput: () => put(chosen, { ...held(chosen), name: named.value.trim() }) });
    about.setAttribute("aria-label", wholeDay.format(at(chosen)));
    fill(about, el("strong", {}, wholeDay.format(at(chosen))), radio(null, usual(chosen) ? "calendar.usual" : "calendar.weekend"), radio(false, "calendar.rest"), radio(true, "calendar.work"),
      el("label", { class: "inline" }, t("calendar.name"), named));
  }
  function tell() {
    const special = [...new Set([...Object.keys(item.days), ...changed.keys()])].filter((date) => date.startsWith(`${year}-`)).map((date) => held(date).worked);
    heading.textContent = t("calendar.year", { year });
    state.textContent = [t("calendar.counted", { rest: special.filter((worked) => worked === false).length, work: special.filter(Boolean).length }),
      item.confirmed_to ? t("calendar.announced", { day: item.confirmed_to }) : "", changed.size ? t("calendar.changes", { n: changed.size }) : ""].filter(Boolean).join(" · ");
    drop.hidden = !changed.size;
    save.hidden = !changed.size || clashes().length > 0; // looking comes first
    drawMet();
  }
  /** Days that a colleague changed as well: they are looked at before anything is saved. */
  function drawMet() {
    const found = clashes();
    const side = ({ worked, name }) => [t(worked === null ? "calendar.ordinary" : worked ? "calendar.work" : "calendar.rest"), name].filter(Boolean).join(" ");
    met.hidden = !found.length;
    fill(met, el("h3", {}, t("calendar.met")), el("ul", { class: "plainlist diff moved" }, found.map(([date, mine]) => el("li", {}, el("b", {}, wholeDay.format(at(date))), " ", el("span", {}, `${side(mine.was)} → ${side(stands(date))}`), " ",
      el("span", {}, t("roster.mine", { who: side(mine) })), " ", el("button", { type: "button", class: "small", "data-key": `theirs-${date}`, onclick: () => { changed.delete(date); keepDraft(); draw(); } }, t("roster.take_theirs"))))),
    el("div", { class: "go" }, el("button", { type: "button", class: "first", "data-key": "looked", onclick: () => { for (const [date, mine] of found) changed.set(date, { ...mine, was: stands(date) }); keepDraft(); draw(); } }, t("roster.looked"))));
  }
  function draw() {
    fill(months, Array.from({ length: 12 }, (_, number) => month(number + 1)));
    if (!months.querySelector("[tabindex='0']")) choose(`${year}-01-01`, false);
    describe();
    tell();
  }
  async function write() {
    const [days, names] = [{ ...item.days }, { ...item.names }];
    for (const [date, { worked, name }] of changed) {
      if (worked === null) { delete days[date]; delete names[date]; } else { days[date] = worked; names[date] = name; }
    }
    const notices = Object.fromEntries(Object.entries(item.notices).map(([of, dates]) => [of, dates.filter((date) => date in days)]));
    await sent({ ...item, days, names, notices }, () => draft.write(null));
  }
  /** Writes the calendar as it is shown; where a colleague was quicker, theirs is loaded and what is unsaved stays. */
  async function sent(body, after, seen = version) {
    try {
      await api("PUT", path, { body, version: seen });
      after();
      say(t("form.done"));
    } catch (refused) {
      say(refused.said ?? t("app.failed"), true);
      if (refused.status !== 412) return;
    }
    fill(preview);
    preview.hidden = true;
    await load();
    draw();
  }
  async function read(chosenFile) {
    const content = base64(await chosenFile.arrayBuffer());
    const seen = await etag(path); // what is shown is written to this version only
    const ask = (more) => api("POST", `${path}/notices/preview`, { body: { file: chosenFile.name, content, ...more } });
    let found;
    try {
      found = await ask({}).catch((refused) => { if (refused.errors?.some(({ field }) => field === "year")) return ask({ year }); throw refused; });
    } catch (refused) { say(refused.said ?? t("app.failed"), true); return; }
    const word = (worked) => t(worked === null ? "calendar.ordinary" : worked ? "calendar.work" : "calendar.rest");
    const part = (title, sign, days) => (days.length ? [el("h4", {}, t(title, { n: days.length })), el("ul", { class: `plainlist diff ${sign}` },
      days.map((day) => el("li", {}, el("b", {}, day.date), " ", day.name, " ", el("span", {}, `${word(day.was)} → ${word(day.becomes)}`))))] : []);
    const nothing = !found.added.length && !found.changed.length && !found.removed.length;
    fill(preview, el("h3", {}, t("calendar.import_of", { year: found.year, days: found.days })),
      found.is_partial ? el("p", { class: "asking" }, t("calendar.partial", { before: found.days_before, days: found.days })) : null,
      ...part("calendar.removed", "gone", found.removed), ...part("calendar.changed", "moved", found.changed), ...part("calendar.added", "new", found.added),
      found.kept.length ? el("p", { class: "note" }, t("calendar.kept", { days: found.kept.join(MARKS[1]) })) : null,
      nothing ? el("p", {}, t("calendar.same")) : null,
      el("div", { class: "go" }, el("button", { type: "button", class: "first", onclick: press(() => sent(found.calendar, () => { year = found.year; }, seen)) }, t("calendar.apply")),
        el("button", { type: "button", onclick: () => { preview.hidden = true; months.querySelector("[tabindex='0']")?.focus(); } }, t("calendar.not"))));
    preview.hidden = false;
    preview.focus();
  }
  months.addEventListener("click", (event) => {
    const date = event.target.closest("[data-date]")?.dataset.date;
    if (date) { turn(date); choose(date); }
  });
  months.addEventListener("keydown", (event) => {
    const date = event.target.dataset?.date;
    if (!date || event.ctrlKey || event.altKey || event.metaKey) return;
    const worked = { r: false, w: true, Delete: null, Backspace: null }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (event.key in STEPS) choose(later(date, STEPS[event.key]));
    else if (event.key === "PageUp" || event.key === "PageDown") { const step = event.key === "PageUp" ? -28 : 28; choose(later(date, step)); }
    else if (worked !== undefined) { put(date, { worked, name: worked === null ? "" : held(date).name || neighbour(date) }); describe(); }
    else return;
    event.preventDefault();
  });
  const go = (step) => () => { year += step; choose(`${year}-01-01`, false); draw(); };
  await load();
  fill(root, el("div", { class: "bar" }, el("button", { type: "button", "aria-label": t("calendar.before"), onclick: go(-1) }, "‹"), heading, el("button", { type: "button", "aria-label": t("calendar.after"), onclick: go(1) }, "›"),
    el("button", { type: "button", id: "import", onclick: () => file.click() }, t("calendar.import")), file), met, state, preview, about,
  el("p", { class: "note" }, t("calendar.keys")), months, el("div", { class: "go stay" }, save, drop));
  draw();
}
