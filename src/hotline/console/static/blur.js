// Faces and plates of a photo are made unrecognisable before its resident sees it: each chosen part becomes a few large
// squares, of one colour each, in a copy; the copy can be blurred further. The photo itself stays with the ticket, for staff.
import { el, openDialog, t } from "./core.js";

const OF_PART = 6; // squares along the longer side of a part, at most: a face that fills the picture is known by no more
const OF_PICTURE = 36; // and along that of the whole picture, if it were one part
const STEP = 24; // pixels of the picture that an arrow key moves the frame by
const MARK = "-blurred";
/** The name of the copy of a photo of this name; of a copy that is blurred further, too. */
export const nameOfCopy = (name) => `${name.replace(/\.\w+$/, "")}${MARK}.jpg`;

/** Replaces a part of a picture by squares, each of the mean colour of what it stands for. */
function blur(pen, { x, y, width, height }) {
  const side = Math.max(8, Math.ceil(Math.max(width, height) / OF_PART), Math.ceil(Math.max(pen.canvas.width, pen.canvas.height) / OF_PICTURE));
  for (let top = y; top < y + height; top += side) {
    for (let left = x; left < x + width; left += side) {
      const [wide, high] = [Math.min(side, pen.canvas.width - left), Math.min(side, pen.canvas.height - top)];
      if (wide <= 0 || high <= 0) continue;
      const { data } = pen.getImageData(left, top, wide, high);
      const sum = [0, 0, 0];
      for (let at = 0; at < data.length; at += 4) for (let n = 0; n < 3; n++) sum[n] += data[at + n];
      pen.fillStyle = `rgb(${sum.map((one) => Math.round((one * 4) / data.length)).join(" ")})`;
      pen.fillRect(left, top, wide, high);
    }
  }
}
/** Shows a photo to be blurred in parts. `save(bytes)` is given the copy, once something in it was. */
export async function openBlur(photo, name, save) {
  const drawn = await createImageBitmap(photo instanceof Uint8Array ? new Blob([photo]) : photo);
  const canvas = el("canvas", { tabindex: "0", role: "img", class: "blur", "aria-label": name, "aria-describedby": "blur-help" });
  Object.assign(canvas, { width: drawn.width, height: drawn.height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const parts = [];
  const side = Math.round(Math.min(drawn.width, drawn.height) / 5);
  let frame = { x: Math.round((drawn.width - side) / 2), y: Math.round((drawn.height - side) / 2), width: side, height: side };
  const add = (part) => { parts.push(part); box.dispatchEvent(new Event("input")); }; // closing asks before they are dropped
  const back = el("button", { type: "button", "data-blur": "back", onclick: () => { parts.pop(); draw(); } }, t("photo.blur_back"));
  const keep = el("button", { type: "button", class: "btn pri", "data-blur": "save", onclick: () => finish() }, t("photo.blur_save"));
  function draw(chosen = null) {
    pen.drawImage(drawn, 0, 0);
    for (const part of parts) blur(pen, part);
    back.disabled = keep.disabled = !parts.length;
    if (!chosen) return;
    pen.lineWidth = Math.max(3, drawn.width / 300);
    for (const [colour, dashes] of [["#000", []], ["#fff", [12, 12]]]) {
      pen.strokeStyle = colour;
      pen.setLineDash(dashes);
      pen.strokeRect(chosen.x, chosen.y, chosen.width, chosen.height);
    }
  }
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * (drawn.width / box.width), (event.clientY - box.top) * (drawn.height / box.height)];
  };
  const between = ([x, y], [toX, toY]) => ({ x: Math.floor(Math.max(0, Math.min(x, toX))), y: Math.floor(Math.max(0, Math.min(y, toY))), width: Math.ceil(Math.abs(toX - x)), height: Math.ceil(Math.abs(toY - y)) });
  let from = null;
  canvas.addEventListener("pointerdown", (event) => { from = point(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => { if (from) draw(between(from, point(event))); });
  canvas.addEventListener("pointercancel", () => { from = null; draw(); });
  canvas.addEventListener("pointerup", (event) => {
    if (!from) return;
    const part = between(from, point(event));
    from = null;
    if (part.width > 4 && part.height > 4) add(part);
    draw();
  });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (by && event.shiftKey) frame = { ...frame, width: Math.max(STEP, frame.width + by[0]), height: Math.max(STEP, frame.height + by[1]) };
    else if (by) frame = { ...frame, x: Math.max(0, Math.min(drawn.width - STEP, frame.x + by[0])), y: Math.max(0, Math.min(drawn.height - STEP, frame.y + by[1])) };
    else if (event.key === "Enter" || event.key === " ") add({ ...frame });
    else return;
    event.preventDefault();
    draw(frame);
  });
  canvas.addEventListener("focus", () => { if (canvas.matches(":focus-visible")) draw(frame); });
  const box = el("dialog", { class: "photo", "aria-label": t("photo.blur") }, el("h2", {}, t("photo.blur")), el("p", { class: "note", id: "blur-help" }, t("photo.blur_help")), canvas,
    el("div", { class: "go" }, back, keep, el("button", { type: "button", "data-blur": "close", onclick: () => (parts.length ? box.dispatchEvent(new Event("cancel")) : leave()) }, t("app.close"))));
  const close = openDialog(box, () => leave());
  function leave() { drawn.close(); close(); }
  async function finish() {
    if (!parts.length) return;
    draw(); // without the frame
    const bytes = new Uint8Array(await (await new Promise((end) => canvas.toBlob(end, "image/jpeg", 0.82))).arrayBuffer());
    leave();
    await save(bytes);
  }
  draw();
}
