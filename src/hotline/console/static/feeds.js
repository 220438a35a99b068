// Tokens of duty calendars: the list of a department, and making, renewing and revoking one.
import { $, api, can, el, fill, get, given, heads, listed, press, row, say, t, when } from "./core.js";
import { told } from "./factors.js";

const USER = "feed"; // whatever is sent as the user, the token alone counts
const changes = can("supervisor", "dispatcher", "admin", "handler");
const part = $("#feeds");
const select = $("#feed-department");
const shown = $("#feed-token");
const path = () => `/v1/departments/${select.value}/duty/feeds`;

/** What a calendar program needs: shown once, until another department or token is chosen. */
function showToken({ name, feed, token }) {
  const facts = [["account.feed_address", new URL(feed, location.origin).href], ["account.feed_user", USER], ["account.feed_token", token]];
  fill(shown, el("h3", {}, nameOf({ name })), el("p", { class: "note" }, t("account.feed_once")),
    el("dl", { class: "facts" }, ...facts.flatMap(([word, value]) => [el("dt", {}, t(word)), el("dd", {}, el("code", {}, value))])));
  shown.hidden = false;
  shown.focus();
}
const nameOf = ({ name }) => (name === "shared" ? t("account.feed_shared") : name);
const clear = () => { shown.hidden = true; fill(shown); };

/** Does it, says what came of it, and shows the list anew. */
async function doing(work, text) {
  clear();
  try {
    const made = await work();
    say(t(text));
    if (made?.token) showToken(made);
  } catch (fault) { say(told(fault), true); }
  await show();
}

async function show() {
  if (!select.value) return;
  const asked = select.value;
  let items;
  try { ({ items } = await get(path())); } catch (fault) { if (asked === select.value) fill($("#feed-list"), el("p", {}, told(fault))); return; }
  if (asked !== select.value) return; // another one was chosen meanwhile
  const button = (one, word, work, said) => el("button", {
    type: "button", "data-do": word, "aria-label": `${t(word)} ${nameOf(one)}`, onclick: press(() => doing(work, said)),
  }, t(word));
  const table = el("table", {}, el("thead"), el("tbody", {}, ...items.map((one) => row(
    nameOf(one), one.created_at ? when(one.created_at) : "–", one.last_used_at ? when(one.last_used_at) : t("account.never"),
    changes ? el("span", { class: "actions" }, button(one, "account.feed_renew", () => api("POST", `${path()}/${one.id}/renew`), "account.feed_renewed"),
      button(one, "account.feed_revoke", () => api("DELETE", `${path()}/${one.id}`), "account.feed_revoked")) : ""))));
  heads(table, "account.name", "account.since", "account.last_used", "account.feed_change");
  fill($("#feed-list"), items.length ? table : el("p", {}, t("account.feed_none")));
}

/** Fills the part of the page for those who may read the tokens; for others it stays hidden. */
export async function showFeeds() {
  if (!can("supervisor", "dispatcher", "admin", "handler", "auditor")) return;
  part.hidden = false;
  const form = $("#feed-new");
  form.hidden = !changes;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!select.value) return;
    await doing(() => api("POST", path(), { body: { name: form.name.value } }), "account.feed_made");
    if (!shown.hidden) form.reset();
  });
  select.addEventListener("change", () => { clear(); show(); });
  const own = given.person.departments;
  const all = await listed("departments");
  fill(select, all.filter(([code]) => !own.length || own.includes(code)).map(([code, name]) => el("option", { value: code }, name)));
  await show();
}
