// The clock that ends next, as the API tells it: by colour, shape and word, its time kept right. Boards, orders, lists and
// tickets show it, all by this.
import { el, spent, t, word } from "./core.js";

export const COLOURS = { green: "green", blue: "teal", yellow: "amber", red: "red", grey: "grey" };

/** `next`: { colour, due_at, running, metric }; `metric` absent: it stands beside, and `of` is which it is. Null: there is none. */
export function clock(next) {
  const { colour = "grey", due_at: ends = "", running = false, metric = "" } = next ?? {};
  return el("span", { class: `clk ${COLOURS[colour] ?? "grey"}`, "data-ends": ends ?? "", "data-running": running ? "1" : "", "data-colour": colour, "data-metric": metric ?? "", "data-of": next?.of ?? metric ?? "" });
}
/** The promised answer is overdue, an order is not signed for in time, any other limit is missed: one word for each. */
function timeOf(left, of) {
  const time = spent(left);
  if (left >= 0) return t("time.left", { time });
  if (of === "accept") return t("time.over_accept", { time });
  return of === "resolve" || of === "report" ? t("time.over", { time }) : t("time.late", { time });
}
export function tickClocks() {
  for (const place of document.querySelectorAll("[data-ends]")) {
    const { ends, running, colour, metric, of } = place.dataset;
    const left = (new Date(ends) - Date.now()) / 60000;
    const now = !running ? (colour === "red" ? "red" : "grey") : ends && left < 0 ? "red" : colour;
    place.className = `clk ${COLOURS[now] ?? "grey"}`;
    const time = !ends ? t("time.none") : !running ? "" : timeOf(left, of);
    const text = [now === "red" && running && left < 0 ? "" : word("colour", ends ? now : "grey"), time, metric && !(running && left < 0 && metric === "accept") ? word("metric", metric) : ""].filter(Boolean).join(" ");
    if (place.textContent !== text) place.textContent = text;
  }
}
/** The order of a board: emergencies first, then by the clock that is shown. */
export const byClock = (a, b) => a.rank - b.rank || endOf(a) - endOf(b) || a.id.localeCompare(b.id);
const endOf = (one) => Date.parse(one.next_clock?.running ? one.next_clock.due_at : one.sort_at);
setInterval(tickClocks, 1000);
