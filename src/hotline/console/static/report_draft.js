// What was written into the form of a result, sealed: kept until it is sent, and then until it can be taken back no longer.
import { given } from "./core.js";
import { rowsOf, within } from "./deed_store.js";
import { lasting, namesOf, sealText, unsealText } from "./sealing.js";

const TAKEN_BACK = 15_000; // ms: ten seconds to take it back, and as long as that may take
const UNSENT = 864e5; // ms that one which waits for a line is kept at most
const held = new Map(); // place -> { fields, number, ends }: of this page, and where nothing can be sealed
const isOver = ({ ends }) => ends != null && ends < Date.now();

/** Where the result of an order is kept: by a name that tells neither the order nor its ticket. */
export async function placeOf(order) {
  const told = `report:${given.person.id}:${order.id}`; // as they were named before
  if (!lasting) return told;
  const names = await namesOf(told);
  const kept = new Set((await rowsOf("forms")).map((row) => row.place));
  return [...names, told].find((name) => kept.has(name)) ?? names[0];
}
const rowOf = async (place) => (lasting ? within("forms", "readonly", (store) => store.get(place)) : null);
export async function readDraft(place) {
  const row = held.get(place) ?? await rowOf(place);
  if (!row || isOver(row)) return {};
  return (await opened(place, row)).fields ?? {};
}
/** What a row tells: the words, and of which ticket, which stands nowhere else. */
async function opened(place, row) {
  if (row.fields) return row;
  const told = (await unsealText(place, row.told)) ?? {};
  return { ...row, ...("fields" in told ? told : { fields: told }) }; // as they were kept before
}
async function put(place, row) {
  held.set(place, row);
  if (!lasting) return;
  const told = await sealText(place, { fields: row.fields, number: row.number });
  if (held.get(place) === row) await within("forms", "readwrite", (store) => store.put({ place, person: given.person.id, told, ends: row.ends }));
}
export const writeDraft = (place, fields) => put(place, { fields });
async function forget(place) {
  held.delete(place);
  if (lasting) await within("forms", "readwrite", (store) => store.delete(place));
}
const forgetLater = (place) => setTimeout(async () => { const row = held.get(place) ?? await rowOf(place); if (row && isOver(row)) await forget(place); }, TAKEN_BACK + 100);
/** The result was sent, or `waits` for a line: its words stay until it can be taken back no longer. */
export async function putAside(place, number, fields, waits) {
  await put(place, { fields, number, ends: Date.now() + (waits ? UNSENT : TAKEN_BACK) });
  forgetLater(place);
}
async function ofNumber(number) {
  const kept = lasting ? (await rowsOf("forms")).filter((row) => row.ends != null && !held.has(row.place)) : [];
  const rows = [...[...held].map(([place, row]) => ({ place, ...row })), ...await Promise.all(kept.map((row) => opened(row.place, row)))];
  return rows.filter((row) => row.number === number);
}
/** The result of this ticket was taken back: its words stand in the form again. */
export async function bringBack(number) {
  for (const row of await ofNumber(number)) if (!isOver(row)) await put(row.place, { fields: row.fields });
}
document.addEventListener("undone", ({ detail }) => bringBack(detail.number));
document.addEventListener("undoable", async ({ detail }) => { // the one that waited was sent
  if (detail.did !== "report") return;
  for (const { place } of await ofNumber(detail.number)) {
    const fields = await readDraft(place);
    await putAside(place, detail.number, fields, false);
  }
});
if (lasting) for (const row of await rowsOf("forms")) if (isOver(row)) await forget(row.place);
