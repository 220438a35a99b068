// Search tickets and export the results.
import { $, api, choices, el, fill, get, heads, instant, link, listed, named, press, row, say, settled, t, urgency, when, word } from "./core.js";

const form = $("#find");
heads($("#list"), "ticket.number", "field.title", "ticket.status", "field.category", "field.area", "field.department", "ticket.received", "field.due_at");
let next = null;
let sought = new URLSearchParams(); // what the list shows, whatever the form says meanwhile
const filters = () => {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (!value) continue;
    if (name === "from") asked.set("created_from", instant(value));
    else if (name === "to") asked.set("created_before", new Date(Date.parse(instant(value)) + 864e5).toISOString());
    else asked.append(name, value);
  }
  return asked;
};
/** The filters but the words, as a body has them. */
function chosen(asked) {
  const found = {};
  for (const name of asked.keys()) if (name !== "q") found[name] = name === "overdue" ? true : ["status", "category", "area", "department"].includes(name) ? asked.getAll(name) : asked.get(name);
  return found;
}
async function find(more) {
  const mine = more ? sought : (sought = filters());
  const on = more ? { cursor: next } : {};
  const page = mine.has("q") ? await api("POST", "/v1/search", { body: { q: mine.get("q"), filters: chosen(mine), limit: 50, ...on } }) // words may name somebody: not in an address
    : await get(`/v1/tickets?${new URLSearchParams([...mine, ["limit", "50"], ...Object.entries(on)])}`);
  if (mine !== sought) return; // something else was looked for meanwhile
  const rows = page.items.map((x) => row(link(x.number), el("span", {}, urgency(x.priority), " ", x.title), word("status", x.status), named(x.category), named(x.area), named(x.department), when(x.created_at), el("span", { class: x.overdue ? "late" : "" }, when(x.due_at))));
  if (more) $("#list tbody").append(...rows); else fill($("#list tbody"), rows.length ? rows : row(t("app.none")));
  next = page.next;
  $("#more").hidden = !next;
}
form.addEventListener("submit", (event) => { event.preventDefault(); find(); });
$("#more").addEventListener("click", press(() => find(true)));
$("#export").addEventListener("click", press(async () => {
  await find(); // what is taken along is what is seen
  const q = sought.has("q") ? { q: sought.get("q") } : {};
  await settled(api("POST", "/v1/exports", { body: { form: $("#form").value, kind: $("#kind").value, filters: { ...chosen(sought), ...q } } }));
  say(t("export.begun"));
  exports();
}));
async function exports() {
  const page = await get("/v1/exports");
  fill($("#exports"), page.items.slice(0, 5).map((x) => el("p", {}, `${word("export", x.kind)} ${x.form.toUpperCase()} · ${when(x.created_at)} · ${word("export_status", x.status)} · ${t("export.rows", { n: x.rows })} `,
    x.status === "ready" ? el("a", { href: `/v1/exports/${x.id}/file`, download: true }, t("export.download")) : "")));
  if (page.items.some((x) => ["waiting", "making"].includes(x.status))) setTimeout(exports, 1500);
}
for (const [name, noun] of [["category", "categories"], ["department", "departments"], ["area", "areas"]]) choices(form[name], await listed(noun, true));
find();
exports();
