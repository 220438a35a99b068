// Where the matter is: a key for each building, and a whole door typed in one field.
import { $, PARTS, el, fill, named, plain } from "./core.js";

/** "8-2-5" or "8-2-502" as building, unit, floor or room; null: it is something else. */
function doors(text) {
  const found = /^\s*([0-9]{1,3})[-－]([0-9]{1,2})(?:[-－]([0-9]{1,4}))?(?:[-－]([0-9]{1,4}))?\s*$/.exec(text.normalize("NFKC"));
  if (!found) return null;
  const [, building, unit, third, room] = found;
  if (room) return { building, unit, floor: third, room };
  return third?.length > 2 ? { building, unit, room: third } : { building, unit, ...(third ? { floor: third } : {}) };
}
/** Whether a building is spoken of that the directory does not list there: it is kept as it was said. `area`: what the place
 *  was read as, if anything. */
export const isUnlisted = (area, location) => Boolean(location?.building) && area?.level !== "building";
/** `areas()`: the directory's; `here()`: the area spoken of; `pick(area)`: takes one; `changed()`: a door was typed. Returns
 *  what draws the keys of the buildings, and what reads a door that was typed and not left yet. */
export function placePicker({ form, areas, here, pick, changed }) {
  let indexed = null; // the areas that these two are made of
  let byCode = new Map();
  let numbered = []; // buildings: [number, area, code of its community]
  /** The community that an area lies in. */
  function community(code) {
    let area = byCode.get(code);
    while (area && area.level !== "community") area = byCode.get(area.parent);
    return area?.code;
  }
  /** Once for each directory: a street office has thousands of buildings, and this is asked in each pause of typing. */
  function index() {
    if (indexed === areas()) return;
    indexed = areas();
    byCode = new Map(indexed.map((area) => [area.code, area]));
    numbered = indexed.filter((area) => area.level === "building").map((area) => [Number(/([0-9]+)[^0-9]*$/.exec(plain(named(area)))?.[1]), area, community(area.code)]).filter(([n]) => n);
  }
  /** The buildings of the community that is spoken of; before, all. */
  function near() {
    index();
    const around = community(here());
    return numbered.filter(([, , code]) => !around || code === around);
  }
  const fields = [form.building, form.area_words];
  function read(field) {
    const door = doors(field.value);
    if (!door) return;
    if (field === form.area_words) field.value = "";
    const found = near().filter(([n]) => n === Number(door.building)); // it is taken where only one is meant
    if (found.length === 1 && !form.area_words.value.trim()) form.area_words.value = plain(named(found[0][1]));
    for (const part of PARTS) if (door[part]) form[part].value = door[part];
    changed();
  }
  for (const field of fields) field.addEventListener("change", () => read(field));
  const draw = () => {
    const all = near().sort(([one], [other]) => one - other);
    fill($("#buildings"), all.length <= 40 ? all.map(([n, area]) => el("button", { type: "button", "data-key": area.code, title: named(area), "aria-pressed": String(here() === area.code), onclick: () => { pick({ ...area, building: undefined }); form.unit.focus(); } }, n)) : null);
  };
  return { draw, readDoors: () => fields.forEach(read) };
}
