// Saved views of a list: filters and order under a name, one's own or a colleague's, found again by a link.
import { MARKS, Refusal, api, el, fill, get, isolated, joined, openDialog, press, say, settled, t } from "./core.js";

/** The saved views of `page` ("dispatch" or "tickets") in `place`. `read()`: the filters now, as the API takes them; `apply(query)`
 *  sets them and reads the list anew; an empty one takes all away. Gives `left()`: the filters were changed by hand. */
export function savedViews({ page, place, read, apply }) {
  let views = [];
  let current = null;
  const linkOf = (view) => `${location.origin}${location.pathname}?view=${view.id}`;
  const address = (view) => history.replaceState(null, "", view ? `?view=${view.id}` : location.pathname);
  const same = (a, b) => JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

  async function load() { views = (await get(`/v1/views?page=${page}`)).items; show(); }
  const list = el("span", { class: "saved" });
  const button = (key, kind, text, work) => el("button", { type: "button", class: `btn sm ${kind}`, "data-key": key, onclick: work }, text);
  const [update, settings, keep] = [button("update", "", t("views.update"), press(() => change({ query: read() }))), button("manage", "gho", t("views.manage"), () => manage()), button("save", "gho", `＋ ${t("views.save")}`, () => save())];
  fill(place, list, update, settings, keep);
  /** Says whether the filters are still those of the view. The buttons stay where they are: a press may be on its way. */
  function left() {
    update.hidden = !current?.mine || same(current.query, read());
    settings.hidden = !current?.mine;
  }
  function show() {
    fill(list,
      views.map((view) => el("a", { href: `?view=${view.id}`, class: "view", "data-key": view.id, "aria-current": view.id === current?.id ? "true" : null, onclick: (event) => { event.preventDefault(); choose(view.id === current?.id ? null : view); } },
        isolated(view.name), view.mine ? (view.shared ? el("small", { class: "muted" }, ` ${t("views.shared")}`) : null) : el("small", { class: "muted" }, ` ${view.owner}`))),
      current && !views.some((view) => view.id === current.id) ? el("a", { href: `?view=${current.id}`, class: "view", "aria-current": "true", onclick: (event) => { event.preventDefault(); choose(null); } }, isolated(current.name), el("small", { class: "muted" }, ` ${current.owner}`)) : null);
    left();
  }
  function choose(view) {
    current = view;
    address(view);
    apply(view ? view.query : {});
    show();
  }
  async function change(values) {
    try {
      current = await settled(api("PATCH", `/v1/views/${current.id}`, { body: values, version: current.version }));
      say(t("views.saved"));
    } catch (refused) {
      if (!(refused instanceof Refusal)) throw refused;
      say(refused.said, true);
      if (refused.status === 412) current = await get(`/v1/views/${current.id}`);
    }
    await load();
  }
  /** A dialog with a name and whether colleagues find it; `send(values)` keeps it. */
  function ask(title, known, send, more = []) {
    const name = el("input", { class: "inp", name: "name", required: true, maxlength: 40, value: known.name ?? "", autocomplete: "off" });
    const shared = el("input", { type: "checkbox", name: "shared", checked: Boolean(known.shared) });
    const wrong = el("p", { class: "error", role: "alert" });
    const form = el("form", { method: "dialog", autocomplete: "off" }, el("h2", {}, title), el("label", {}, t("views.name"), name), el("label", { class: "tick" }, shared, " ", t("views.share")), more, wrong,
      el("div", { class: "go" }, el("button", { class: "first btn pri" }, t("views.keep")), el("button", { type: "button", class: "btn", onclick: () => close() }, t("app.cancel"))));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try { await send({ name: name.value.trim(), shared: shared.checked }); close(); } catch (refused) {
        if (!(refused instanceof Refusal)) throw refused;
        wrong.textContent = refused.said;
      }
    });
    const close = openDialog(el("dialog", { "aria-label": title }, form), () => close());
    name.focus();
    return () => close();
  }
  function save() {
    ask(t("views.save"), {}, async (values) => {
      current = await settled(api("POST", "/v1/views", { body: { page, query: read(), ...values } }));
      address(current);
      say(t("views.saved"));
      await load();
    });
  }
  function manage() {
    const view = current;
    const link = el("input", { class: "inp", readonly: true, value: linkOf(view), "aria-label": t("views.link"), onfocus: () => link.select() });
    const copy = press(async () => {
      link.select();
      try { await navigator.clipboard.writeText(link.value); say(t("views.copied")); } catch { say(t("views.copy_by_hand")); } // not a page of https
    });
    const remove = press(async () => {
      await settled(api("DELETE", `/v1/views/${view.id}`));
      shut();
      choose(null);
      await load();
    });
    const shut = ask(t("views.manage"), view, async (values) => { current = view; await change(values); },
      [el("label", {}, t("views.link"), link), el("div", { class: "row" }, el("button", { type: "button", class: "btn sm", onclick: copy }, t("views.copy")), el("button", { type: "button", class: "btn sm warnline", onclick: remove }, t("views.delete")))]);
  }
  /** Reads the list of views; the one that the address names is applied. Resolves to whether there was one. */
  async function begin() {
    const wanted = new URLSearchParams(location.search).get("view");
    const [found] = await Promise.all([wanted ? get(`/v1/views/${encodeURIComponent(wanted)}`).catch(() => null) : null, load()]);
    if (wanted && (!found || found.page !== page)) { say(t("views.gone"), true); address(null); }
    current = found?.page === page ? found : null;
    if (current) apply(current.query);
    show();
    return Boolean(current);
  }
  left();
  return { begin, left };
}
/** The query of a list as an address has it: lists as repeated names. */
export function asParameters(query) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const one of value) found.append(name, one); else found.set(name, value === true ? "true" : value);
  }
  return found;
}
/** What a form of filters holds, as a view keeps it: codes as lists, ticks as true; what is empty is left out. */
export function formQuery(form, lists) {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (!value || name === "q") continue;
    if (lists.includes(name)) found[name] = [...(found[name] ?? []), ...value.split(",")];
    else found[name] = value === "true" ? true : name === "hours" ? Number(value) : value;
  }
  return found;
}
/** An entry of a list for several codes together, as a view may hold them. */
function several(field, codes) {
  const texts = codes.map((code) => [...field.options].find((one) => one.value === code)?.text ?? code);
  field.querySelector("[data-several]")?.remove();
  field.append(el("option", { value: codes.join(","), "data-several": true }, joined(texts, MARKS[1])));
  return codes.join(",");
}
/** Sets a form of filters to a query; what it does not name is emptied. */
export function setForm(form, query) {
  for (const field of form.elements) {
    if (!field.name || field.name === "q") continue;
    const value = query[field.name];
    if (field.type === "checkbox") field.checked = value === true;
    else field.value = (Array.isArray(value) ? (value.length > 1 && field.options ? several(field, value) : value[0]) : value) ?? field.dataset.first ?? "";
  }
}
