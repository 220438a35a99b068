// A roster as a plan of days and shifts: people chosen from the department's people, moved by drag or by keys, gaps seen.
import { $, MARKS, addWords, api, el, fill, get, given, isolated, language, listed, openDialog, press, say, t, word } from "./core.js";
import { kept } from "./admin_draft.js";
import { isSame, mergeRosters, withTheirs } from "./roster_merge.js";

await Promise.all(["views", "forms"].map(addWords));

const locale = language === "en" ? "en-GB" : language;
const shown = new Intl.DateTimeFormat(locale, { timeZone: "UTC", month: "numeric", day: "numeric", weekday: "short" });
const whole = new Intl.DateTimeFormat(locale, { timeZone: "UTC", year: "numeric", month: "numeric", day: "numeric", weekday: "short" });
const WEEKDAYS = Array.from({ length: 7 }, (_, day) => [day, new Intl.DateTimeFormat(locale, { timeZone: "UTC", weekday: "short" }).format(new Date(Date.UTC(2024, 0, 1 + day)))]);
const at = (date) => new Date(`${date}T00:00Z`);
const text = (moment) => moment.toISOString().slice(0, 10);
const later = (date, days) => text(new Date(+at(date) + days * 864e5));
const apart = (from, to) => Math.round((at(to) - at(from)) / 864e5);
const weekday = (date) => (at(date).getUTCDay() + 6) % 7;
const monday = (date) => later(date, -weekday(date));
const NOTHING = { members: [], shifts: [], overrides: [] };
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** From when to when a shift of a day is, in local time without a zone. */
function hoursOf(shift, date) {
  const [opens, closes] = shift.hours.split("-");
  const end = closes === "24:00" ? "00:00" : closes;
  return [`${date}T${opens}`, `${end <= opens ? later(date, 1) : date}T${end}`];
}
function planned(shift, date) {
  if (date < shift.since || !shift.weekdays.includes(weekday(date)) || (shift.until && date > shift.until)) return null;
  return shift.turns[Math.floor(apart(shift.since, date) / shift.every) % shift.turns.length] ?? null;
}
const minute = (moment) => moment.slice(0, 16); // a stored moment may have seconds
/** Who is on a shift of a day; null: nobody; undefined: the shift is not worked that day. */
function memberOn(roster, shift, date, without = null) {
  let code = planned(shift, date);
  const [start, end] = hoursOf(shift, date);
  let there = code !== null;
  for (const one of roster.overrides) {
    if (one === without || minute(one.start) > start || minute(one.end) < end) continue;
    if (one.instead_of === null || one.instead_of === code) { code = one.member; there = true; }
  }
  return there ? code : undefined;
}
/** The hours of these days without anybody: [start, end]. */
function gapsOf(roster, days) {
  if (!roster.whole) return [];
  const [begin, end] = [`${days[0]}T00:00`, `${later(days.at(-1), 1)}T00:00`];
  const taken = [];
  for (let date = later(days[0], -1); date <= days.at(-1); date = later(date, 1)) {
    for (const shift of roster.shifts) if (memberOn(roster, shift, date)) taken.push(hoursOf(shift, date));
  }
  for (const one of roster.overrides) if (one.member && minute(one.end) > begin && minute(one.start) < end) taken.push([minute(one.start), minute(one.end)]);
  let reached = begin;
  const gaps = [];
  for (const [from, to] of taken.sort()) {
    if (from > reached) gaps.push([reached, from < end ? from : end]);
    if (to > reached) reached = to;
    if (reached >= end) break;
  }
  return reached < end ? [...gaps, [reached, end]] : gaps;
}

/** Shows a roster in `root`. `etag(path)`: the version of the directory. */
export async function showRoster(root, code, etag) {
  const path = `/v1/directory/rosters/${encodeURIComponent(code)}`;
  const draft = kept(`roster.${code}`);
  const today = new Date().toLocaleDateString("sv-SE", { timeZone: given.zone });
  let [item, version, roster, people] = [null, null, null, []];
  let [month, first] = [false, monday(today)];
  let chosen = [0, 0];
  let picked = null; // { date, shift } taken up by keys
  let copied;

  let unseen = []; // what a colleague changed since this plan was begun, and nobody has looked at
  /** Reads the roster as it stands, and joins with it the plan that was made on an earlier one. */
  async function load() {
    version = await etag(path);
    item = await get(path);
    const found = draft.read();
    // a plan alone, as earlier releases kept it: of every difference somebody is asked which side counts
    const own = found && !found.base ? { base: NOTHING, roster: found } : found;
    unseen = own?.unseen ?? [];
    roster = own?.roster ?? structuredClone(item);
    if (!own || isSame(own.base, item)) return;
    const { roster: joined, changes } = mergeRosters(own.base, own.roster, item);
    roster = joined;
    unseen = [...unseen.filter((one) => !changes.some(({ part, key }) => part === one.part && key === one.key)), ...changes];
    keepDraft();
  }
  const isChanged = () => !isSame(roster, item);
  const nameOf = (member) => [roster, item].flatMap((one) => one.members).find((one) => one.code === member)?.name ?? member;
  const keepDraft = () => draft.write(isChanged() || unseen.length ? { base: item, roster, unseen } : null);
  function changed() {
    keepDraft();
    draw();
  }
  const days = () => Array.from({ length: month ? new Date(Date.UTC(Number(first.slice(0, 4)), Number(first.slice(5, 7)), 0)).getUTCDate() : 7 }, (_, day) => later(first, day));
  /** Puts somebody on a shift of a day, null: nobody. What the plan has anyway needs no entry. */
  function put(shift, date, member) {
    const [start, end] = hoursOf(shift, date);
    const usual = planned(shift, date); // whose turn it is; others who are on duty at these hours stay
    roster.overrides = roster.overrides.filter((one) => minute(one.start) !== start || minute(one.end) !== end || (one.instead_of ?? usual) !== usual);
    if (memberOn(roster, shift, date) === member) return;
    roster.overrides.push({ start, end, member, instead_of: usual, reason: t("roster.planned") });
    roster.overrides.sort((a, b) => (a.start < b.start ? -1 : 1));
  }
  function join(person) {
    if (!roster.members.some((one) => one.code === person.login)) roster.members.push({ code: person.login, name: person.name, phone: null });
    return person.login;
  }
  const isUsed = (member) => roster.shifts.some((shift) => shift.turns.includes(member)) || roster.overrides.some((one) => one.member === member || one.instead_of === member);

  const bar = el("div", { class: "bar" });
  const met = el("section", { class: "met", tabindex: "-1", "aria-label": t("roster.met"), hidden: true });
  const gaps = el("div", { class: "gaps", role: "status" });
  const plan = el("table", { class: "plan", role: "grid", "aria-label": t("roster.plan") }, el("thead"), el("tbody"));
  const folk = el("ul", { class: "plainlist folk" });
  const search = el("input", { type: "search", maxlength: 60, autocomplete: "off", "aria-label": t("roster.find"), placeholder: t("roster.find"), oninput: () => drawPeople() });
  const members = el("div", { class: "members" });
  const shifts = el("div", { class: "shifts" });
  const save = el("button", { type: "button", class: "first", onclick: press(() => write()) }, t("admin.keep"));
  const drop = el("button", { type: "button", onclick: () => { draft.write(null); roster = structuredClone(item); unseen = []; draw(); } }, t("calendar.drop"));
  const spoken = el("p", { class: "note", role: "status" });

  const hours = (shift) => { const [start, end] = shift.hours.split("-"); return end <= start ? t("roster.overnight", { start, end }) : `${start}–${end}`; };
  const moment = (local) => `${shown.format(at(local.slice(0, 10)))} ${local.slice(11)}`;
  const cellOf = (event) => { const cell = event.target.closest?.("td[data-date]"); return cell && { date: cell.dataset.date, shift: roster.shifts[Number(cell.dataset.shift)] }; };
  function cell(shift, number, date, row) {
    const member = memberOn(roster, shift, date);
    const is = member === undefined ? "off" : member === null ? "nobody" : "";
    const differs = member !== undefined && member !== planned(shift, date);
    const name = member === undefined ? "–" : member === null ? t("roster.nobody") : nameOf(member);
    const made = el("td", { role: "gridcell", "data-date": date, "data-shift": String(number), "data-key": `${date}|${number}`, draggable: member ? "true" : null, tabindex: chosen[0] === row && chosen[1] === number ? "0" : "-1",
      class: `${is} ${differs ? "changed" : ""} ${picked?.date === date && picked.shift === shift ? "picked" : ""}`, "aria-label": [shown.format(at(date)), hours(shift), name, differs && member ? t("roster.instead") : ""].filter(Boolean).map(isolated).join(MARKS[1]) }, name, differs && member ? el("small", {}, t("roster.instead")) : null);
    return made;
  }
  function drawPlan() {
    const list = days();
    chosen = [Math.min(chosen[0], list.length - 1), Math.min(chosen[1], roster.shifts.length - 1)];
    fill($("thead", plan), el("tr", {}, el("th", { scope: "col" }, t("roster.day")), roster.shifts.map((shift) => el("th", { scope: "col" }, hours(shift)))));
    fill($("tbody", plan), list.map((date, row) => el("tr", { class: date === today ? "today" : "" }, el("th", { scope: "row" }, shown.format(at(date))), roster.shifts.map((shift, number) => cell(shift, number, date, row)))));
    const open = gapsOf(roster, list);
    const ends = [...new Set(roster.shifts.flatMap((shift) => shift.hours.split("-")))].sort();
    fill(gaps, open.length ? el("p", { class: "asking" }, t("roster.gaps", { n: open.length }), " ", open.slice(0, 6).map(([from, to]) => `${moment(from)} – ${moment(to)}`).join(MARKS[1])) : el("p", {}, t(roster.whole ? "roster.no_gaps" : "roster.not_whole")),
      el("p", { class: "note" }, t("roster.handover", { times: ends.join(MARKS[1]) })));
  }
  function drawPeople() {
    const typed = search.value.trim().toLowerCase();
    const fits = (one) => !typed || one.name.toLowerCase().includes(typed) || one.login.toLowerCase().startsWith(typed) || one.sounds.some((sound) => sound.startsWith(typed.replace(/[\s']/g, "")));
    const own = (one) => one.department === roster.department;
    const found = people.filter((one) => one.active && fits(one) && (typed || own(one))).sort((a, b) => own(b) - own(a)).slice(0, 30);
    fill(folk, found.length ? found.map((one) => el("li", { draggable: "true", "data-login": one.login }, el("span", {}, one.name, " ", el("small", {}, own(one) ? "" : departments.get(one.department) ?? "")),
      roster.members.some((member) => member.code === one.login) ? el("span", { class: "note" }, t("roster.joined")) : el("button", { type: "button", class: "small", "data-key": `join-${one.login}`, "aria-label": `${t("roster.join")} ${one.name}`, onclick: () => { join(one); changed(); } }, t("roster.join")))) : el("li", { class: "note" }, t(typed ? "app.none" : "roster.type_to_find")));
  }
  function drawMembers() {
    fill(members, el("h3", {}, t("roster.members")), el("ul", { class: "plainlist" }, roster.members.map((member, place) => {
      const phone = el("input", { type: "tel", maxlength: 30, value: member.phone ?? "", "aria-label": `${t("roster.phone")} ${member.name}`, placeholder: t("roster.phone"), onchange: () => { roster.members[place] = { ...member, phone: phone.value.trim() || null }; changed(); } });
      return el("li", { draggable: "true", "data-login": member.code }, el("span", {}, member.name), phone,
        el("button", { type: "button", class: "small", disabled: isUsed(member.code), title: isUsed(member.code) ? t("roster.in_use") : null, "aria-label": `${t("item_form.remove")} ${member.name}`, onclick: () => { roster.members.splice(place, 1); changed(); } }, "×"));
    })));
  }
  /** The rotation of each shift: its hours, how often the turn passes on, and who takes turns in which order. */
  function drawShifts() {
    const edit = (shift, name, input, read) => { input.addEventListener("change", () => { shift[name] = read(); changed(); }); return input; };
    fill(shifts, roster.shifts.map((shift, number) => {
      const [opens, closes] = shift.hours.split("-");
      const [from, to] = [el("input", { type: "time", required: true, value: opens }), el("input", { type: "time", required: true, value: closes === "24:00" ? "00:00" : closes })];
      const both = () => `${from.value}-${to.value}`;
      edit(shift, "hours", from, both); edit(shift, "hours", to, both);
      const every = el("input", { type: "number", min: 1, max: 366, value: shift.every });
      const since = el("input", { type: "date", value: shift.since });
      const move = (place, step) => { const [one] = shift.turns.splice(place, 1); shift.turns.splice(place + step, 0, one); changed(); };
      const more = el("select", { "aria-label": t("roster.add_turn"), "data-key": `turn-${number}`, onchange: () => { if (more.value) { shift.turns.push(more.value); changed(); } } }, el("option", { value: "" }, t("roster.add_turn")), roster.members.map((member) => el("option", { value: member.code }, member.name)));
      return el("fieldset", { class: "several" }, el("legend", {}, t("roster.shift", { n: number + 1 })),
        el("div", { class: "shift" }, el("label", {}, t("roster.from"), from), el("label", {}, t("roster.to"), to), el("label", {}, t("roster.every"), edit(shift, "every", every, () => Number(every.value) || 1)), el("label", {}, t("roster.since"), edit(shift, "since", since, () => since.value || shift.since))),
        el("div", { class: "ticks" }, WEEKDAYS.map(([day, name]) => el("label", { class: "tick" }, el("input", { type: "checkbox", checked: shift.weekdays.includes(day), onchange: (event) => { shift.weekdays = event.target.checked ? [...shift.weekdays, day].sort() : shift.weekdays.filter((one) => one !== day); changed(); } }), " ", name))),
        el("ol", { class: "turns" }, shift.turns.map((member, place) => el("li", {}, el("span", {}, nameOf(member)),
          el("button", { type: "button", class: "small", disabled: !place, "data-key": `up-${number}-${place}`, "aria-label": t("roster.earlier", { name: nameOf(member) }), onclick: () => move(place, -1) }, "‹"),
          el("button", { type: "button", class: "small", disabled: place === shift.turns.length - 1, "data-key": `down-${number}-${place}`, "aria-label": t("roster.later", { name: nameOf(member) }), onclick: () => move(place, 1) }, "›"),
          el("button", { type: "button", class: "small", disabled: shift.turns.length === 1, "aria-label": `${t("item_form.remove")} ${nameOf(member)}`, onclick: () => { shift.turns.splice(place, 1); changed(); } }, "×")))), more,
        roster.shifts.length > 1 ? el("button", { type: "button", class: "small", onclick: () => { roster.shifts.splice(number, 1); changed(); } }, t("roster.drop_shift")) : null);
    }), el("button", { type: "button", onclick: () => {
      const codes = new Set(roster.shifts.map((shift) => shift.code));
      let n = 1;
      while (codes.has(`shift-${n}`)) n += 1;
      roster.shifts.push({ code: `shift-${n}`, hours: "08:00-20:00", turns: [roster.members[0].code], since: today, every: 1, weekdays: [0, 1, 2, 3, 4, 5, 6], until: null });
      changed();
    } }, t("roster.add_shift")));
  }
  /** One side of a change in words. */
  function sideOf({ part }, one) {
    if (!["members", "shifts", "overrides"].includes(part)) return typeof one === "string" ? one : "";
    if (part === "overrides") return one === undefined ? t("roster.by_turn") : one.member ? nameOf(one.member) : t("roster.nobody");
    if (one === undefined) return t("app.none");
    return part === "members" ? [one.name, one.phone].filter(Boolean).join(" ") : [hours(one), ...one.turns.map(nameOf)].join(" ");
  }
  function subjectOf({ part, key }) {
    if (part === "members" || part === "shifts") return t(`roster.${part}`);
    if (part !== "overrides") return word("item", part);
    const [start, end, instead] = key.split("|");
    return [`${moment(start)} – ${moment(end)}`, instead && nameOf(instead)].filter(Boolean).join(MARKS[1]);
  }
  /** What a colleague has changed meanwhile: it is looked at before anything is saved. */
  function drawMet() {
    met.hidden = !unseen.length;
    fill(met, el("h3", {}, t("roster.met")), el("p", {}, t("roster.met_note")), el("ul", { class: "plainlist diff moved" }, unseen.map((one) => {
      return el("li", {}, el("b", {}, subjectOf(one)), " ", el("span", {}, [sideOf(one, one.was), sideOf(one, one.theirs)].filter(Boolean).join(" → ")),
        one.both ? [" ", el("span", {}, t("roster.mine", { who: sideOf(one, one.mine) })), " ", el("button", { type: "button", class: "small", "data-key": `theirs-${one.part}-${one.key}`,
          onclick: () => { roster = withTheirs(roster, one, [item]); unseen = unseen.map((each) => (each === one ? { ...one, both: false } : each)); changed(); } }, t("roster.take_theirs"))] : null);
    })), el("div", { class: "go" }, el("button", { type: "button", class: "first", "data-key": "looked", onclick: () => { unseen = []; changed(); } }, t("roster.looked"))));
  }
  const departments = new Map(await listed("departments", true));
  function draw() {
    const go = (step) => () => { first = month ? text(new Date(Date.UTC(Number(first.slice(0, 4)), Number(first.slice(5, 7)) - 1 + step, 1))) : later(first, 7 * step); draw(); };
    const view = (isMonth) => () => { month = isMonth; first = isMonth ? `${first.slice(0, 7)}-01` : monday(first <= today && today <= later(first, 31) ? today : first); draw(); };
    const list = days();
    fill(bar, el("button", { type: "button", "aria-label": t("roster.before"), "data-key": "before", onclick: go(-1) }, "‹"), el("h3", { "aria-live": "polite" }, [list[0], list.at(-1)].map((date) => (date.slice(0, 4) === today.slice(0, 4) ? shown : whole).format(at(date))).join(" – ")), el("button", { type: "button", "aria-label": t("roster.after"), "data-key": "after", onclick: go(1) }, "›"),
      el("span", { class: "seg" }, el("button", { type: "button", "aria-pressed": String(!month), "data-key": "week", onclick: view(false) }, t("roster.week")), el("button", { type: "button", "aria-pressed": String(month), "data-key": "month", onclick: view(true) }, t("roster.month"))),
      month ? null : el("button", { type: "button", id: "copy-week", "data-key": "copy", onclick: () => { for (const date of days()) for (const shift of roster.shifts) { const was = memberOn(roster, shift, later(date, -7)); if (was !== undefined && memberOn(roster, shift, date) !== undefined) put(shift, date, was); } changed(); say(t("roster.copied_week")); } }, t("roster.copy_week")));
    drawMet(); drawPlan(); drawPeople(); drawMembers(); drawShifts();
    drop.hidden = !isChanged();
    save.hidden = !isChanged() || unseen.length > 0; // looking comes first
  }
  async function write(again = false) {
    try {
      await api("PUT", path, { body: roster, version });
      draft.write(null);
      say(t("form.done"));
    } catch (refused) {
      if (refused.status !== 412) { say(refused.said ?? t("app.failed"), true); return; }
      const before = item;
      await load(); // a colleague was quicker: what is planned here stays, joined with theirs
      if (!again && isSame(before, item)) { await write(true); return; } // something else of the directory was changed
      draw();
      if (unseen.length) { met.scrollIntoView({ block: "nearest" }); met.focus(); } else say(refused.said, true);
      return;
    }
    await load();
    draw();
  }
  /** Puts the one who is on one shift onto another, and the other one in their place. */
  function swap(a, b) {
    const [one, other] = [memberOn(roster, a.shift, a.date), memberOn(roster, b.shift, b.date)];
    if (one === undefined || other === undefined) { say(t("roster.not_worked"), true); return; }
    put(b.shift, b.date, one);
    put(a.shift, a.date, other);
    changed();
  }
  /** Who takes a shift: chosen from the members. */
  function ask(place) {
    if (memberOn(roster, place.shift, place.date) === undefined) { say(t("roster.not_worked"), true); return; }
    const now = memberOn(roster, place.shift, place.date);
    const choice = el("select", { name: "member", "aria-label": t("roster.who") }, roster.members.map((member) => el("option", { value: member.code }, member.name)), el("option", { value: "" }, t("roster.nobody")));
    choice.value = now ?? "";
    const form = el("form", { method: "dialog", "data-enter": true }, el("h2", {}, `${shown.format(at(place.date))} ${hours(place.shift)}`), el("label", {}, t("roster.who"), choice),
      el("div", { class: "go" }, el("button", { class: "first" }, t("roster.set")), el("button", { type: "button", onclick: () => close() }, t("app.cancel"))));
    form.addEventListener("submit", (event) => { event.preventDefault(); close(); put(place.shift, place.date, choice.value || null); changed(); });
    const close = openDialog(el("dialog", { "aria-label": t("roster.who") }, form), () => close());
  }
  function focusCell() { plan.querySelector(`td[data-date="${days()[chosen[0]]}"][data-shift="${chosen[1]}"]`)?.focus(); }
  plan.addEventListener("click", (event) => { const place = cellOf(event); if (place) { chosen = [days().indexOf(place.date), roster.shifts.indexOf(place.shift)]; ask(place); } });
  plan.addEventListener("keydown", (event) => {
    const place = cellOf(event);
    if (!place) return;
    const key = event.key.toLowerCase();
    const control = event.ctrlKey || event.metaKey;
    if (event.key in STEPS) {
      const [down, across] = STEPS[event.key];
      chosen = [Math.max(0, Math.min(days().length - 1, chosen[0] + down)), Math.max(0, Math.min(roster.shifts.length - 1, chosen[1] + across))];
      drawPlan(); focusCell();
    } else if (control && key === "c") { copied = memberOn(roster, place.shift, place.date); spoken.textContent = t("roster.copied"); }
    else if (control && key === "v") { if (copied !== undefined) { put(place.shift, place.date, copied); changed(); } }
    else if (event.key === "Enter") ask(place);
    else if (event.key === "Delete" || event.key === "Backspace") { put(place.shift, place.date, null); changed(); }
    else if (event.key === " ") {
      if (picked) { const from = picked; picked = null; spoken.textContent = t("roster.put_down"); swap(from, place); } else if (memberOn(roster, place.shift, place.date)) { picked = place; spoken.textContent = t("roster.picked"); drawPlan(); focusCell(); }
    } else if (event.key === "Escape" && picked) { picked = null; spoken.textContent = ""; drawPlan(); focusCell(); }
    else return;
    event.preventDefault();
  });
  root.addEventListener("dragstart", (event) => {
    const place = cellOf(event);
    const login = event.target.closest?.("[data-login]")?.dataset.login;
    if (!place && !login) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", JSON.stringify(place ? { date: place.date, shift: roster.shifts.indexOf(place.shift) } : { login }));
  });
  plan.addEventListener("dragover", (event) => { if (cellOf(event)) event.preventDefault(); });
  plan.addEventListener("drop", (event) => {
    const place = cellOf(event);
    let moved = null;
    try { moved = JSON.parse(event.dataTransfer.getData("text/plain")); } catch { return; } // something else was dropped
    if (!place || !moved) return;
    event.preventDefault();
    if (moved.date && roster.shifts[moved.shift]) { swap({ date: moved.date, shift: roster.shifts[moved.shift] }, place); return; }
    const person = people.find((one) => one.login === moved.login);
    if (memberOn(roster, place.shift, place.date) === undefined) { say(t("roster.not_worked"), true); return; }
    if (person || roster.members.some((one) => one.code === moved.login)) { put(place.shift, place.date, person ? join(person) : moved.login); changed(); }
  });
  await load();
  for (let after = ""; after !== null;) { const page = await get(`/v1/people?limit=500&after=${encodeURIComponent(after)}`); people.push(...page.items); after = page.next; }
  fill(root, met, bar, gaps, el("div", { class: "roster" }, el("section", { class: "pool", "aria-label": t("roster.people") }, el("h3", {}, t("roster.people")), search, folk, members),
    el("div", {}, el("p", { class: "note" }, t("roster.keys")), el("div", { class: "scroll" }, plan), spoken, el("details", {}, el("summary", {}, t("roster.shifts")), shifts))), el("div", { class: "go stay" }, save, drop));
  draw();
}
