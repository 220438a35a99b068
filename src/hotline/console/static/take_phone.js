// The telephone on the call's page: who rings, who is spoken with, and who is to be called back.
import { $, Refusal, api, countdown, el, fill, get, given, icon, inDialog, press, say, steady, t, tick, when } from "./core.js";

const SHOWN = 6000; // milliseconds that it is said who took a call that rang here too
/** `begin(phone, id)`: a call was answered into the form; `card(found)`: shows its caller; `letGo()`: whoever rings now is somebody
 *  else. `lookUp()`: who has the number in the form. */
export function telephone({ form, begin, card, lookUp, letGo }) {
  const calls = new Map(); // those that ring or are spoken on, by id
  const ringing = steady($("#ringing"));
  const open = () => [...calls.values()].filter((call) => call.id !== form.voice.value && !call.taken).slice(-3);
  function answer(call) {
    begin(call.phone ?? "", call.id);
    card(call.card);
    draw();
  }
  const line = (call, first) => el("div", { class: "card rings" }, icon("phone", 20), " ", el("strong", {}, t(call.state === "offered" ? "take.rings" : "take.ringing", { phone: call.phone ?? t("take.withheld") })), " ", call.card.caller?.name ?? "", " ",
    call.taken ? el("span", { class: "note" }, t("take.taken_by_other")) : [
      el("small", {}, t("take.rings_open", { open: call.card.open.length, n: call.card.history.length })), " ",
      el("button", { type: "button", class: "first", "data-key": call.id, onclick: () => answer(call) }, t("take.pick_up"), first ? [" ", el("kbd", {}, "Alt A")] : null)]);
  function draw() {
    const shown = [...open(), ...[...calls.values()].filter((call) => call.taken)];
    $("#answer kbd").hidden = open().length > 0; // the key answers the telephone first
    fill($("#ringing"), shown.map((call) => line(call, call === open().at(-1))));
  }
  function heard(call, fresh) {
    const before = calls.get(call.id);
    if (call.state === "ended") { calls.delete(call.id); returns(); return; }
    if (fresh && !before && call.id !== form.voice.value) letGo();
    calls.set(call.id, call);
    if (call.taken) setTimeout(() => { if (calls.get(call.id)?.taken) { calls.delete(call.id); draw(); } }, SHOWN);
  }
  /** Drops what rings here no longer: of a telephone that rang out nothing more is told. */
  async function confirm() {
    const rings = [...calls.values()].filter((call) => call.state === "offered" && !call.taken);
    if (!rings.length) return;
    const there = new Set((await get("/v1/me/calls?wait=0")).items.map((call) => call.id));
    const gone = rings.filter((call) => !there.has(call.id));
    for (const call of gone) calls.delete(call.id);
    if (gone.length) ringing(draw);
  }
  async function listen() {
    for (let next = ""; ;) {
      try {
        if (next) await confirm();
        const patience = [...calls.values()].some((call) => call.state === "offered") ? 5 : 20; // seconds
        const told = await get(`/v1/me/calls?wait=${next ? patience : 0}${next ? `&after=${encodeURIComponent(next)}` : ""}`);
        for (const call of told.items.filter((one) => one.direction === "in")) heard(call, Boolean(next));
        next = told.next;
        if (told.items.length) ringing(draw);
      } catch { await new Promise((go) => setTimeout(go, 5000)); }
    }
  }

  const owing = steady($("#returns"));
  async function tried(call, outcome) {
    try { await api("POST", `/v1/return-calls/${call.id}/tried`, { body: { outcome } }); } catch (refused) { if (!(refused instanceof Refusal)) throw refused; say(refused.said, true); }
    await returns();
  }
  const owed = (call, n) => el("li", {}, el("strong", {}, t("take.missed", { n: call.missed })), " ", el("small", {}, when(call.last_at)), " ", countdown(call.due_at), " ", call.tries ? el("small", {}, t("take.tried", { n: call.tries })) : null,
    el("div", { class: "go" }, call.phone
      ? el("a", { class: "btn", href: `tel:${call.phone}`, "data-key": `call ${call.id}`, onclick: () => { begin(call.phone); lookUp(); } }, icon("phone", 16), " ", call.phone, n ? null : [" ", el("kbd", {}, "Alt R")])
      : el("span", { class: "note" }, t("take.withheld")),
    ["connected", "no_reply"].map((outcome) => el("button", { type: "button", "data-key": `${outcome} ${call.id}`, onclick: press(() => tried(call, outcome)) }, t(`take.return.${outcome}`)))));
  async function returns() {
    const page = await get("/v1/return-calls");
    owing(() => {
      fill($("#returns"), page.items.length ? page.items.map(owed) : el("li", { class: "note" }, t("app.none")));
      fill($("#returns-n"), page.items.length ? String(page.items.length) : null);
      tick();
    });
  }
  addEventListener("keydown", (event) => {
    if (inDialog() || !event.altKey || event.ctrlKey || event.code !== "KeyR") return;
    event.preventDefault();
    $("#returns a[href^='tel:']")?.click();
  });
  if (given.person) listen();
  returns();
  setInterval(returns, 30_000);
  return {
    /** Answers the call that rings, if one does. */
    pickUp() {
      const call = open().at(-1);
      if (call) answer(call);
      return Boolean(call);
    },
  };
}
