// Makes the residents' forms easier: keeps what is typed, scales photos, shows what would happen, proves work, sends without leaving the
// page. Without this module the same forms are sent as they are.
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const assets = document.body.dataset.static, WIDEST = 1600, QUALITY = 0.82, MOST_PHOTOS = 3;
const KEPT = "resident-draft.", KEPT_FOR = 7 * 24 * 3600 * 1000, SHORT_LIVED = "resident-person", ELDER = "resident-elder";
const LASTING_FIELDS = ["words", "place", "where", "lat", "lon", "key"], PERSONAL_FIELDS = ["name", "phone"];
const photos = new Map(); // by the element that shows them: scaled pictures
const scaling = new Map(); // by the same: pictures that are being scaled
let slot = null; // where this tab keeps its draft: each form has a place of its own
const sending = new WeakSet();

// --- what is remembered: a web view may refuse its storage
const stored = (store, name) => { try { return JSON.parse(store.getItem(name) ?? "{}"); } catch { return {}; } };
const store = (store, name, value) => { try { if (value) store.setItem(name, JSON.stringify(value)); else store.removeItem(name); } catch { /* nothing is kept */ } };
const local = (() => { try { return localStorage; } catch { return null; } })();
const session = (() => { try { return sessionStorage; } catch { return null; } })();

const drafts = () => { try { return Object.keys(local ?? {}).filter((name) => name.startsWith(KEPT)); } catch { return []; } };

function hold(name) { // no other tab restores what is being written here
  if (slot === name) return;
  slot = name;
  navigator.locks?.request(name, () => new Promise(() => {})).catch(() => {});
}

function keepDraft(form) {
  const taken = (names) => Object.fromEntries(names.map((name) => [name, form.elements[name]?.value ?? ""]));
  const lasting = taken(LASTING_FIELDS);
  hold(KEPT + lasting.key);
  store(local, slot, lasting.words || lasting.where || lasting.place ? { ...lasting, at: Date.now() } : null);
  store(session, SHORT_LIVED, { ...taken(PERSONAL_FIELDS), slot });
}

function forgetDraft() {
  if (slot) store(local, slot, null);
  store(session, SHORT_LIVED, null);
}

async function restoreDraft(form) {
  for (const name of drafts()) if (!(stored(local, name).at > Date.now() - KEPT_FOR)) store(local, name, null);
  store(local, "resident-draft", null); // as versions before kept it: without an end
  const person = stored(session, SHORT_LIVED);
  const held = new Set((await navigator.locks?.query().catch(() => null))?.held?.map((lock) => lock.name));
  const newest = drafts().filter((name) => !held.has(name)).sort((a, b) => stored(local, b).at - stored(local, a).at);
  const name = person.slot && stored(local, person.slot).at ? person.slot : newest[0], kept = name ? stored(local, name) : {};
  if (form.elements.words.value) return;
  const values = [...LASTING_FIELDS.map((field) => [field, kept[field]]), ...PERSONAL_FIELDS.map((field) => [field, person[field]])];
  for (const [field, value] of values) if (value && form.elements[field]) form.elements[field].value = value;
  if (name) hold(name);
  if (kept.words) { tell(form, form.dataset.restored); hear(form); }
}

// --- photos: scaled here, which also leaves behind place and device
async function scaled(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const share = Math.min(1, WIDEST / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * share));
  canvas.height = Math.max(1, Math.round(picture.height * share));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", QUALITY));
}

async function takePhotos(input) {
  const list = $("[data-photos]", input.closest("fieldset, form")), form = input.form, kept = photos.get(list) ?? [];
  photos.set(list, kept);
  const files = [...input.files], waiting = scaling.get(list) ?? [];
  input.value = "";
  const work = (async () => {
    await Promise.all(waiting);
    for (const file of files.slice(0, MOST_PHOTOS - kept.length)) {
      try { kept.push(await scaled(file)); } catch { kept.push(file); } // the server looks at it
    }
    showPhotos(list, form);
  })();
  scaling.set(list, [...waiting, work]); // what is sent meanwhile waits for it
  await work;
}

function showPhotos(list, form) {
  const kept = photos.get(list);
  list.replaceChildren(...kept.map((blob, place) => {
    const figure = document.createElement("figure"), image = document.createElement("img"), remove = document.createElement("button");
    image.src = URL.createObjectURL(blob);
    image.alt = String(place + 1);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
    remove.type = "button";
    remove.textContent = document.body.dataset.remove;
    remove.addEventListener("click", () => { kept.splice(place, 1); showPhotos(list, form); });
    figure.append(image, remove);
    return figure;
  }));
}

// --- proof of work
async function prove(purpose) {
  const challenge = await (await send("/report/challenge", new URLSearchParams({ purpose }))).text();
  const worker = new Worker(`${assets}/proof.js`);
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = reject;
      worker.postMessage(challenge);
    });
  } finally {
    worker.terminate();
  }
}

const send = (path, body) => fetch(path, { method: "POST", body, credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" });

function tell(form, words) {
  let place = $("[data-told]", form);
  if (!place) {
    place = document.createElement("div");
    place.className = "told";
    place.dataset.told = "";
    place.setAttribute("role", "status");
    ($("button[type=submit]", form) ?? form.lastElementChild).before(place);
  }
  place.textContent = words ?? "";
}

// what to say of a reply that is no page
const said = (status) => document.body.dataset[status === 413 ? "large" : status === 429 ? "busy" : "refused"];

async function submit(form, submitter) {
  if (sending.has(form)) return;
  sending.add(form);
  const button = submitter ?? $("[type=submit]", form), path = submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  const body = new FormData(form, submitter), joins = submitter?.dataset.purpose === "join", isReport = form.dataset.report !== undefined;
  body.delete("photos");
  button.disabled = true;
  try {
    await Promise.all([...scaling].flatMap(([list, works]) => (form.contains(list) ? works : [])));
    if (isReport) {
      tell(form, form.dataset.solving);
      try { body.set("proof", await prove(joins ? "join" : "report")); } catch { /* it is sent without, as from a browser without a script */ }
      tell(form, form.dataset.sending);
    }
    for (const [list, kept] of photos) if (form.contains(list)) for (const blob of kept) body.append("photos", blob, "photo.jpg");
    const plain = form.enctype !== "multipart/form-data" ? new URLSearchParams([...body].filter(([, value]) => typeof value === "string")) : body;
    const reply = await send(path, plain);
    if (!(reply.headers.get("content-type") ?? "").startsWith("text/html")) {
      tell(form, said(reply.status));
      button.disabled = false;
      return;
    }
    const found = new DOMParser().parseFromString(await reply.text(), "text/html");
    if ((reply.status === 429 || reply.status >= 500) && !(isReport && $("form[data-report]", found))) { // the form stays, with its photos
      tell(form, $(".error", found)?.textContent ?? said(reply.status));
      button.disabled = false;
      return;
    }
    show(found, form);
    button.disabled = false; // somebody may come back to it
  } catch {
    button.disabled = false;
    tell(form, document.body.dataset.cut);
  } finally {
    sending.delete(form);
  }
}

// the button "back", also of a mini-program's web view, leads to what was shown before
const left = [];
function look(title, language, isElder, top) {
  document.title = title;
  document.documentElement.lang = language;
  document.documentElement.toggleAttribute("data-elder", isElder);
  if (top && $(".top")) $(".top").replaceWith(top);
}
addEventListener("popstate", () => {
  const before = left.pop();
  if (!before) return;
  $("main").replaceWith(before[0]);
  look(...before[1]);
  $("main").focus();
});

function show(found, form) {
  const chosen = $("[data-photos]", form), carried = chosen ? photos.get(chosen) : undefined;
  const root = document.documentElement, isElder = root.hasAttribute("data-elder");
  left.push([$("main"), [document.title, root.lang, isElder, $(".top")]]);
  history.pushState({}, "", location.href);
  look(found.title, found.documentElement.lang, found.documentElement.hasAttribute("data-elder"), $(".top", found));
  Object.assign(document.body.dataset, { ...found.body.dataset });
  $("main").replaceWith(document.adoptNode($("main", found)));
  scrollTo(0, 0);
  ready();
  const back = $("form[data-report], form[data-again]"), list = back ? $("[data-photos]", back) : null;
  if (list && carried?.length) { // a form that comes back has no photos of its own
    photos.set(list, carried);
    showPhotos(list, back);
  }
  ($("[data-focus]") ?? $("#error") ?? $("main")).focus();
}

// --- what would happen to it, while it is typed
let asked = 0, timer = 0;
function listen(form) {
  clearTimeout(timer);
  keepDraft(form);
  timer = setTimeout(() => hear(form), 500);
}

async function hear(form) {
  const place = $("[data-heard]", form), words = form.elements.words.value.trim(), mine = ++asked;
  if (words.length < 2) { place.replaceChildren(); return; }
  const names = ["words", "place", "where", "lat", "lon", "lang", "elder"];
  const body = new URLSearchParams(names.map((name) => [name, form.elements[name]?.value ?? ""]));
  try {
    const reply = await send("/report/advice", body);
    if (!reply.ok || mine !== asked) return;
    place.replaceChildren(...new DOMParser().parseFromString(await reply.text(), "text/html").body.childNodes);
  } catch { /* the next letter asks again */ }
}

// --- the map, and where one stands
function pin(form, lat, lon) {
  form.elements.lat.value = lat.toFixed(6);
  form.elements.lon.value = lon.toFixed(6);
  const map = $("[data-map]", form);
  if (map) {
    const mark = $("[data-pin]", map), at = map.dataset;
    mark.setAttribute("cx", (lon - at.left) / at.across);
    mark.setAttribute("cy", (lat - at.top) / at.down);
  }
  listen(form);
}

function choosePlace(form, code) {
  form.elements.place.value = code;
  $$("[data-map] [data-place]", form).forEach((each) => each.toggleAttribute("data-on", each.dataset.place === code));
  listen(form);
}

function readyMap(form) {
  const map = $("[data-map]", form);
  map?.addEventListener("click", (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse()), at = map.dataset;
    const group = event.target.closest("[data-place]");
    if (group) choosePlace(form, group.dataset.place);
    pin(form, Number(at.top) + point.y * Number(at.down), Number(at.left) + point.x * Number(at.across));
  });
  const button = $("[data-locate]", form);
  if (!button || !navigator.geolocation || !isSecureContext) return;
  button.hidden = false;
  button.addEventListener("click", () => navigator.geolocation.getCurrentPosition(
    ({ coords }) => { pin(form, coords.latitude, coords.longitude); tell(form, form.dataset.located); },
    () => tell(form, form.dataset.unlocated), { enableHighAccuracy: true, timeout: 15000 }));
}

// --- every page, also one that was put in
function ready() {
  const report = $("form[data-report]");
  if ($("[data-sent]")) forgetDraft();
  if (report) {
    restoreDraft(report);
    readyMap(report);
    report.addEventListener("input", () => listen(report));
    if (report.elements.words.value) hear(report);
    const clear = $("[data-clear]", report);
    clear.hidden = $("[data-kept]", report).hidden = false;
    clear.addEventListener("click", () => { forgetDraft(); location.reload(); });
  }
  $$("form[data-report], form[data-look], form[data-step]").forEach((form) => form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form, event.submitter);
  }));
  $$("input[type=file]").forEach((input) => input.addEventListener("change", () => takePhotos(input)));
  const flip = $("[data-elder-link]");
  flip?.addEventListener("click", () => store(local, ELDER, flip.search.includes("elder=1") ? { on: true } : null));
  const print = $("[data-print]");
  if (print) { print.hidden = false; print.addEventListener("click", () => window.print()); }
}

// a link or QR code names number and code behind the #, which is never sent as an address
function fromFragment() {
  const [, number, code] = /^#(\d{6,14})\.(\d{4,12})$/.exec(location.hash) ?? [];
  const form = $("form[data-look]");
  if (!number || !form) return;
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.number.value = number;
  form.elements.code.value = code;
  form.requestSubmit();
}

function readyLook() {
  const chosen = new URLSearchParams(location.search).get("elder");
  if (chosen === null && local && stored(local, ELDER).on && location.pathname === "/") {
    location.replace(`?${new URLSearchParams([...new URLSearchParams(location.search), ["elder", "1"]])}`);
  }
}

readyLook();
ready();
fromFragment();
