// A category found by its name, its pinyin or the first letters of it: a field that narrows a list.
import { MARKS, choices, el, get, joined, named, t } from "./core.js";

let asked = null; // the categories with how they may be typed, once
const categories = () => (asked ??= get("/v1/directory/categories?sounds=true").catch((failed) => { asked = null; throw failed; }));
const spelt = (typed) => typed.toLowerCase().replace(/[\s']/g, "");
/** The categories that are called so: those whose name or pinyin begins with it first. */
function fitting(items, sounds, typed) {
  const [words, letters] = [typed.trim().toLowerCase(), spelt(typed)];
  const rank = (item) => {
    const names = [named(item), item.name, item.name_en].filter(Boolean).map((name) => name.toLowerCase());
    const typedAs = sounds?.[item.code] ?? [];
    if (names.some((name) => name.startsWith(words)) || typedAs.some((sound) => sound.startsWith(letters))) return 0;
    return names.some((name) => name.includes(words)) || (letters.length > 1 && typedAs.some((sound) => sound.includes(letters))) ? 1 : 2;
  };
  return items.map((item) => [rank(item), item]).filter(([place]) => place < 2).sort(([one], [other]) => one - other).map(([, item]) => item);
}
/** The lines of a form: a field to type in, and a required list named `category`. */
export async function categoryPicker() {
  const { items, sounds } = await categories();
  const active = items.filter((item) => item.active !== false);
  const above = new Map(items.map((item) => [item.code, item]));
  const said = (item) => joined([named(item), item.parent && named(above.get(item.parent))], MARKS[1]);
  const list = el("select", { name: "category", required: true, size: 8 });
  const typed = el("input", { name: "sought", autocomplete: "off", maxlength: 60 });
  const offer = () => {
    const found = fitting(active, sounds, typed.value);
    choices(list, found.map((item) => [item.code, said(item)]));
    list.selectedIndex = typed.value.trim() && found.length ? 0 : -1; // the likeliest is in sight, and can be changed
  };
  typed.addEventListener("input", offer);
  typed.addEventListener("keydown", (event) => { // the list is gone through without leaving the field
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.isComposing || !list.options.length) return; // of an open input method it is
    event.preventDefault();
    list.selectedIndex = Math.min(list.options.length - 1, Math.max(0, list.selectedIndex + by));
  });
  offer();
  return [el("label", {}, t("bulk.sought"), typed), el("label", {}, t("field.category"), list)];
}
