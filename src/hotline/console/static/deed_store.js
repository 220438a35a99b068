// Where deeds wait in the browser until they are sent: one database, each row under its person's id, in order.
import { given } from "./core.js";

const person = given.person?.id;
const done = (request) => new Promise((good, bad) => { request.onsuccess = () => good(request.result); request.onerror = () => bad(request.error); });
let opened = null;
function database() {
  opened ??= new Promise((good, bad) => {
    const request = indexedDB.open("hotline", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("deeds", { keyPath: "seq", autoIncrement: true }).createIndex("person", "person");
      request.result.createObjectStore("forms", { keyPath: "place" }).createIndex("person", "person");
    };
    request.onsuccess = () => good(request.result);
    request.onerror = () => bad(request.error);
  });
  return opened;
}
/** `work(store)` in one transaction on the deeds or the forms of this browser. */
export async function within(name, mode, work) {
  const change = (await database()).transaction(name, mode);
  const ended = new Promise((good, bad) => { change.oncomplete = good; change.onabort = change.onerror = () => bad(change.error); });
  const found = await done(work(change.objectStore(name)));
  await ended;
  return found;
}
/** The rows of this person, oldest first. */
export const rowsOf = (name) => within(name, "readonly", (store) => store.index("person").getAll(person));
/** Removes what this person left here. */
export async function dropAll() {
  for (const name of ["deeds", "forms"]) for (const row of await rowsOf(name)) await within(name, "readwrite", (store) => store.delete(row.seq ?? row.place));
  localStorage.removeItem(`deeds:${person}`);
}
