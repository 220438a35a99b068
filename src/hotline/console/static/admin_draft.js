// What was changed on a page of administration and not saved yet: it is there again after a reload, for this window alone.
import { given } from "./core.js";

/** `{ read(), write(value) }`; null: nothing is kept. */
export function kept(name) {
  const key = `admin.${given.person.id}.${name}`;
  return {
    read() { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } },
    write(value) { if (value === null) sessionStorage.removeItem(key); else sessionStorage.setItem(key, JSON.stringify(value)); },
  };
}
