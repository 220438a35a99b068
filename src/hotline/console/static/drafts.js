// Drafts: typed text is kept until it is sent, through reloads and lost connections, for this person only.
import { PARTS, given, unique } from "./core.js";
import { recalled } from "./undo_offer.js";

// What lies in the browser is sealed (AES-GCM). The keys come with the page, to a session of this person, and are stored
// nowhere: a session that ended leaves nothing that can be read, and the next one of the same person reads it again.
const OLDEST = 30 * 864e5; // milliseconds that a draft is kept
const TAKEN_BACK = 15_000; // and that of a call which was sent: ten seconds to take it back, and as long as that may take
const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
function text(raw) {
  let whole = "";
  for (let n = 0; n < raw.length; n += 0x8000) whole += String.fromCharCode(...raw.subarray(n, n + 0x8000));
  return btoa(whole);
}
// without https there is no such key: the text then stays in this window, and goes when it is closed
const lasting = Boolean(crypto.subtle);
const store = lasting ? localStorage : sessionStorage;
const keys = lasting ? await Promise.all((given.draft_keys ?? []).map((raw) => crypto.subtle.importKey("raw", bytes(raw), "AES-GCM", false, ["encrypt", "decrypt"]))) : [];
delete given.draft_keys;

async function seal(place, fields) {
  if (!lasting) return JSON.stringify(fields);
  const plain = new TextEncoder().encode(JSON.stringify(fields));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(place) }, keys[0], plain);
  return `${Date.now()}.${text(nonce)}.${text(new Uint8Array(sealed))}`;
}
/** The fields of a stored draft; null where no key of this person opens it. */
async function unseal(place, kept) {
  if (kept.startsWith("{")) return JSON.parse(kept); // as drafts were kept before they were sealed, or without https
  const [, nonce, sealed] = kept.split(".");
  for (const key of keys) {
    try {
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(nonce), additionalData: new TextEncoder().encode(place) }, key, bytes(sealed));
      return JSON.parse(new TextDecoder().decode(plain));
    } catch { /* of an earlier secret, or not ours */ }
  }
  return null;
}
/** Removes what is too old to be gone on with, whoever typed it. */
function tidy() {
  for (const place of Object.keys(localStorage)) {
    if (place.startsWith("draft:") && Number(/^([0-9]+)\./.exec(localStorage.getItem(place))?.[1] ?? Infinity) < Date.now() - OLDEST) localStorage.removeItem(place);
  }
}

/** Each call has a draft of its own, by its key (`form.key`), and each window a call of its own: no window writes into
 *  another's. The draft of a closed window goes to the next one. */
export async function draft(form, name) {
  const begin = `draft:${given.person?.id}:${name}`;
  const place = (key) => `${begin}:${key}`;
  const held = (key) => `open:${begin}:${key}`; // a window has it before it
  const worth = (fields) => fields && !fields.sent && ["narrative", "phone", "caller_name", "contact", "area_words", "address", ...PARTS].some((field) => fields[field]);
  const known = new Map(); // key -> fields, of every draft of this person
  const changes = new Map(); // key -> number of the last change, as sealing takes a moment
  const change = (key) => { changes.set(key, (changes.get(key) ?? 0) + 1); return changes.get(key); };
  async function read(key) {
    const kept = store.getItem(place(key));
    const mine = changes.get(key);
    const fields = kept === null ? null : await unseal(place(key), kept);
    if (changes.get(key) !== mine) return; // typed into meanwhile
    if (fields) known.set(key, fields); else known.delete(key);
    if (fields && lasting && kept.startsWith("{")) write(key, fields);
  }
  function write(key, fields) {
    const mine = change(key);
    known.set(key, fields);
    seal(place(key), fields).then((sealed) => {
      if (changes.get(key) !== mine) return; // changed again, sent or dropped meanwhile
      try { store.setItem(place(key), sealed); } catch { /* a full store loses no call */ }
    });
  }
  function forget(key = form.key.value) {
    change(key);
    known.delete(key);
    store.removeItem(place(key));
  }
  tidy();
  const found = () => Object.keys(store).filter((one) => one.startsWith(`${begin}:`)).map((one) => one.slice(begin.length + 1));
  await Promise.all(found().map(read));
  addEventListener("storage", (event) => { if (event.storageArea === store && event.key?.startsWith(`${begin}:`)) read(event.key.slice(begin.length + 1)); });
  const others = () => [...known].filter(([key]) => key !== form.key.value).map(([key, fields]) => ({ ...fields, key, open: Boolean(localStorage.getItem(held(key))) })).filter(worth);
  function keep() {
    const fields = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    if (worth(fields)) write(form.key.value, fields); else forget();
  }
  function hold(key) {
    localStorage.removeItem(held(form.key.value));
    form.key.value = key;
    localStorage.setItem(held(key), "1");
    sessionStorage.setItem(begin, key);
  }
  function show(fields) {
    for (const field of form.elements) {
      if (!field.name || field.type === "radio" || field.name === "key") continue; // radios are made by what is found, not by what was typed
      if (field.type === "checkbox") field.checked = field.name in fields;
      else if (field.type === "hidden") field.value = fields[field.name] ?? ""; // nobody sees what a reset left there
      else if (field.name in fields) field.value = fields[field.name];
    }
  }
  form.addEventListener("input", keep);
  addEventListener("pagehide", () => localStorage.removeItem(held(form.key.value)));
  addEventListener("pageshow", (event) => { if (event.persisted) hold(form.key.value); });
  const bare = ({ sent: _, ends: __, ...fields }) => fields;
  /** Forgets sent calls that can be taken back no longer. */
  function sift() {
    for (const [key, { sent, ends }] of [...known]) if (sent && ends < Date.now() && !recalled().includes(sent)) forget(key);
  }
  /** The same words under another key: a call of its own. */
  function renamed(key) {
    const [own, fields] = [unique(), bare(known.get(key))];
    forget(key);
    write(own, fields);
    return own;
  }
  sift();
  return {
    keep, others, forget,
    /** The call was sent as `number`, and may be taken back: its draft stays until it no longer can. */
    putAside(number) {
      const fields = known.get(form.key.value);
      if (!fields) return;
      write(form.key.value, { ...fields, sent: number, ends: Date.now() + TAKEN_BACK });
      const again = () => setTimeout(() => { if (recalled().includes(number)) again(); else sift(); }, TAKEN_BACK + 100);
      again();
    },
    /** The key of the draft of the call that was sent as `number`, and taken back; null: it is not here. */
    bringBack(number) {
      const [key] = [...known].find(([, fields]) => fields.sent === number) ?? [];
      return key ? renamed(key) : null;
    },
    /** This window's draft, or the only one left by a closed window; else a new one. */
    restore() {
      const mine = sessionStorage.getItem(begin);
      const free = others().filter((one) => !one.open);
      const key = mine && !localStorage.getItem(held(mine)) ? mine : !mine && free.length === 1 ? free[0].key : unique();
      hold(key);
      const fields = known.get(key);
      if (fields) show(fields);
      return fields ?? {};
    },
    /** Loads another draft into the form. */
    take(key) { const fields = known.get(key); form.reset(); hold(key); if (fields) show(fields); return fields ?? {}; },
    /** Begins a new call; the text typed before stays a draft. */
    renew: () => hold(unique()),
  };
}
