// Seals what waits in this browser to be sent (AES-GCM). The keys come with the page and are stored nowhere.
import { given } from "./core.js";

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const told = (place) => new TextEncoder().encode(place);
/** Whether what is sealed outlives this window: without https there is no such key. */
export const lasting = Boolean(globalThis.crypto?.subtle && globalThis.indexedDB && given.queue_keys?.length);
const keys = lasting ? await Promise.all(given.queue_keys.map((raw) => crypto.subtle.importKey("raw", bytes(raw), "AES-GCM", false, ["encrypt", "decrypt"]))) : [];
const macs = lasting ? await Promise.all(given.queue_keys.map((raw) => crypto.subtle.importKey("raw", bytes(raw), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]))) : [];
delete given.queue_keys;

/** Names for a place that tell nothing of it, one for each key, the newest first. */
export const namesOf = (place) => Promise.all(macs.map(async (mac) => btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", mac, told(place)))))));

/** Bytes, sealed for one place: they open nowhere else. */
export async function seal(place, plain) {
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  return { nonce, sealed: await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: told(place) }, keys[0], plain) };
}
/** The bytes; null where no key of this person opens them. */
export async function unseal(place, { nonce, sealed }) {
  for (const key of keys) {
    try { return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: told(place) }, key, sealed)); } catch { /* of an earlier secret */ }
  }
  return null;
}
export const sealText = (place, value) => seal(place, told(JSON.stringify(value)));
export async function unsealText(place, kept) {
  const plain = await unseal(place, kept);
  return plain && JSON.parse(new TextDecoder().decode(plain));
}
