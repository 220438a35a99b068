// Oversight: who did what, what is overdue, which rules changed. Read only.
import { $, MARKS, addWords, authorOf, can, el, fill, get, heads, joined, isolated, link, named, row, state, t, when, word } from "./core.js";

heads($("#audit"), "oversight.at", "ticket.number", "oversight.what", "oversight.who", "ticket.status");
let next = null;
async function audit(more) {
  const asked = new URLSearchParams({ limit: "50" });
  const person = $("#who").person.value.trim();
  if (person) asked.set("person", person);
  if (more) asked.set("cursor", next);
  const page = await get(`/v1/audit?${asked}`);
  const rows = page.items.map((x) => row(when(x.at), link(x.number), word("action", x.action), `${isolated(authorOf(x.by))} (${word("actor", x.by.kind)})`, !x.from || x.from === x.to ? state(x, "to") : `${state(x, "from")} → ${state(x, "to")}`));
  if (more) $("#audit tbody").append(...rows); else fill($("#audit tbody"), rows.length ? rows : row(t("app.none")));
  next = page.next;
  $("#more").hidden = !next;
}
$("#who").addEventListener("submit", (event) => { event.preventDefault(); audit(); });
$("#more").addEventListener("click", () => audit(true));
audit();
const late = await get("/v1/tickets?overdue=true&limit=20");
fill($("#overdue"), late.items.length ? late.items.map((x) => el("li", {}, link(x.number), " ", x.title, " ", el("span", { class: "late" }, when(x.due_at)))) : el("li", { class: "note" }, t("app.none")));
if (can("auditor", "supervisor", "admin")) {
  const [log] = await Promise.all([get("/v1/directory-log?limit=20"), addWords("admin")]); // the names of the nouns
  fill($("#directory"), log.items.length ? log.items.map((x) => el("li", {}, joined([when(x.at), word("actor", x.by.name), `${t(`noun.${x.noun}`)}${MARKS[0]}${named(x.after ?? x.before) || x.code}`], " · "))) : el("li", { class: "note" }, t("app.none")));
}
