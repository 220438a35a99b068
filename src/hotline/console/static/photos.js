// Photos: scaled down here, with nothing left of what the camera wrote into them, and shown with what they are of.
import { $, MARKS, el, fill, icon, isolated, joined, openDialog, say, t, when, word } from "./core.js";
import { arrived, ask, put, waiting } from "./outbox.js";

const LONGEST = 1600; // pixels of the longer side
const listed = new Map(); // files of tickets as last seen, for when there is no line
const taken = new Map(); // photos taken on this page, by name: they are shown without a line, too
const PICTURES = /^image\/(jpeg|png|gif|webp)$/;

/** The bytes of a JPEG as it is to be sent: smaller, upright, without place, time and device. Throws where it is no picture. */
export async function shrink(file) {
  const drawn = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST / Math.max(drawn.width, drawn.height));
  const canvas = el("canvas", {});
  Object.assign(canvas, { width: Math.round(drawn.width * scale), height: Math.round(drawn.height * scale) });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff"; // what a picture leaves open
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(drawn, 0, 0, canvas.width, canvas.height);
  drawn.close();
  return new Uint8Array(await (await new Promise((end) => canvas.toBlob(end, "image/jpeg", 0.82))).arrayBuffer());
}
/** A picture that waits to be sent, drawn from its bytes. */
function drawnFrom(bytes, name) {
  const canvas = el("canvas", { role: "img", "aria-label": name, width: 320, height: 240 });
  createImageBitmap(new Blob([bytes])).then((drawn) => {
    const scale = Math.max(320 / drawn.width, 240 / drawn.height);
    canvas.getContext("2d").drawImage(drawn, (320 - drawn.width * scale) / 2, (240 - drawn.height * scale) / 2, drawn.width * scale, drawn.height * scale);
  }).catch(() => {});
  return canvas;
}
/** `more(close)`: a further button, or null. */
function enlarge(src, name, more) {
  const close = openDialog(el("dialog", { class: "photo", "aria-label": name }, el("img", { src, alt: name }), el("div", { class: "go" }, el("span", { class: "grow" }, name), more(() => close()), el("button", { type: "button", class: "first", onclick: () => close() }, t("app.close")))), () => close());
}
/** Keeps a photo of a ticket at once; it is sent when there is a line. */
async function keep(ticket, purpose, title, name, photo) {
  taken.set(name, photo);
  await put({ number: ticket.number, path: `/v1/tickets/${ticket.number}/attachments`, version: ticket.version, seen: ticket.updated_at, photo, purpose, name, title });
}
/** A button that blurs parts of a photo in a copy beside it. `made(name)`: the copy is kept under this name. */
export function blurrer(ticket, file, title, made) {
  const start = async () => {
    const { nameOfCopy, openBlur } = await import("./blur.js");
    let photo = file.bytes ?? taken.get(file.name);
    if (!photo) try { photo = await shrink(await (await fetch(file.src)).blob()); } catch { say(t("photo.unreadable"), true); return; }
    await openBlur(photo, nameOf(file), async (bytes) => {
      const name = nameOfCopy(file.name);
      await keep(ticket, file.purpose, title, name, bytes);
      made(name);
    });
  };
  return el("button", { type: "button", class: "btn", "data-blur": file.name, onclick: start }, t("photo.blur"));
}
/** A label that takes a photo for a ticket: kept at once, sent when there is a line. `purpose`: what it shows. */
export function taker(ticket, purpose, title, after, { text = t("photo.take", { what: word("attachment_purpose", purpose) }), camera = true } = {}) {
  const field = el("input", { type: "file", accept: "image/*", class: "sr", capture: camera ? "environment" : null, multiple: !camera });
  field.addEventListener("change", async () => {
    for (const file of field.files) {
      let photo;
      try { photo = await shrink(file); } catch { say(t("photo.unreadable"), true); continue; }
      const at = new Date().toISOString();
      const stem = `${purpose}-${at.slice(0, 23).replaceAll(":", "")}`;
      const name = [stem, ...Array.from({ length: taken.size }, (_, n) => `${stem}-${n + 2}`)].map((one) => `${one}.jpg`).find((one) => !taken.has(one));
      await keep(ticket, purpose, title, name, photo);
      after?.();
    }
    field.value = "";
  });
  return el("label", { class: "ph add", "data-purpose": purpose }, icon(camera ? "cam" : "plus", 24), el("span", {}, text), field);
}
/** The files of a ticket: [{ id, purpose, at, name, src | bytes }], those that wait here last. */
export async function filesOf(ticket) {
  const path = `/v1/tickets/${ticket.number}/attachments`;
  const any = ticket.counters.attachments || [...arrived.values()].some((file) => file.number === ticket.number);
  const sent = any ? await ask(path).then((page) => page.items, () => listed.get(ticket.number) ?? []) : [];
  listed.set(ticket.number, sent);
  return [...sent.map((file) => ({ ...file, src: `${path}/${file.id}` })), ...waiting(ticket.number).filter((deed) => deed.photo).map((deed) => ({ id: deed.id, purpose: deed.purpose, at: deed.at, name: deed.name, media_type: "image/jpeg", bytes: deed.photo }))];
}
/** What a file is of, or whose it is: what a resident sent shows neither the place before the work nor after it. */
const kindOf = (file) => (file.by_kind === "resident" && file.purpose === "evidence" ? t(PICTURES.test(file.media_type) ? "photo.by_resident" : "photo.file_by_resident") : word("attachment_purpose", file.purpose));
const nameOf = (file) => `${kindOf(file)} ${when(file.at)}`;
/** Frames of a ticket's files. Whoever may attach can blur an opened photo in a copy; `after()`: there is one. */
export const framer = (ticket, title, after) => (file) => frame(file, (close) => (takesFiles(ticket) && /jpeg|png/.test(file.media_type) ? blurrer(ticket, file, title, () => { close(); after(); }) : null));
/** One file: a picture in a frame, or its name as a link. `more(close)`: a button beside the opened picture. */
export function frame(file, more = () => null) {
  const name = nameOf(file);
  const notes = [el("b", {}, name), file.by_name ? el("small", { class: "by" }, t("photo.by", { name: isolated(file.by_name) })) : null, file.bytes ? el("b", { class: "waits" }, t("outbox.waits_photo")) : null, file.name.endsWith("-blurred.jpg") ? el("b", {}, t("photo.blurred")) : null, file.for_resident ? el("b", { class: "shown" }, t("photo.for_resident")) : null];
  if (file.bytes) return el("figure", { class: "ph", "data-photo": file.id }, drawnFrom(file.bytes, name), notes);
  if (file.scan && file.scan !== "clean") return el("figure", { class: "ph", "data-photo": file.id }, el("span", { class: "note" }, t(file.scan === "waiting" ? "photo.scanning" : "photo.withheld")), notes);
  if (!PICTURES.test(file.media_type)) return el("figure", { class: "ph file" }, el("a", { href: file.src, download: file.name }, file.name), notes);
  return el("figure", { class: "ph", "data-photo": file.id }, el("button", { type: "button", "data-key": file.id, "aria-label": name, onclick: () => enlarge(file.src, name, more) }, taken.has(file.name) ? drawnFrom(taken.get(file.name), name) : el("img", { src: file.src, alt: "", loading: "lazy", decoding: "async" })), notes);
}
/** Says which of the files are one and the same picture, sent as several; null: none. */
function sameFiles(files) {
  const found = new Map();
  for (const file of files) if (file.sha256) found.set(file.sha256, [...(found.get(file.sha256) ?? []), file]);
  const same = [...found.values()].filter((some) => some.length > 1);
  return same.length ? el("div", { class: "ban amber same", role: "note" }, icon("warn", 18), el("div", {}, same.map((some) => el("p", {}, t("photo.same", { n: some.length, names: joined(some.map(nameOf), MARKS[1]) }))))) : null;
}
/** Whether this person may attach to a ticket: whoever may note something. */
export const takesFiles = (ticket) => ticket.allowed_actions.some((move) => move.action === "comment");
/** The files of a ticket in a section of its page, with a way to attach for whoever may. */
export function gallery(ticket, title, { heading = "h3", changed = () => {} } = {}) {
  const place = el("div", { class: "photos" });
  const draw = async () => {
    const files = await filesOf(ticket).catch(() => []);
    const order = ["before", "after", "evidence"];
    fill(place, [...files].sort((one, other) => order.indexOf(one.purpose) - order.indexOf(other.purpose)).map(framer(ticket, title, again)), takesFiles(ticket) ? [taker(ticket, "before", title, again), taker(ticket, "after", title, again), taker(ticket, "evidence", title, again, { camera: false, text: t("photo.choose") })] : null);
    $(".same", section)?.remove();
    place.before(...[sameFiles(files)].filter(Boolean));
    section.hidden = !place.childElementCount;
  };
  const again = () => { changed(); draw(); };
  const section = el("section", { class: "card files", hidden: true }, el(heading, {}, t("photo.title")), place);
  draw();
  return section;
}
/** The pictures of a ticket in `place`, to be looked at while something is decided; it stays hidden where there are none. */
export async function look(place, ticket) {
  const files = await filesOf(ticket).catch(() => []);
  place.hidden = !files.length;
  fill(place, el("p", { class: "note" }, t("photo.title")), sameFiles(files), el("div", { class: "photos" }, files.map((file) => frame(file))));
}
document.head.append(el("link", { rel: "stylesheet", href: `${document.body.dataset.static}/photos.css` }));
/** The same, in place of a node of a page that loads this module when a ticket is shown. */
export const into = (node, ...more) => { if (node.isConnected) node.replaceWith(gallery(...more)); };
