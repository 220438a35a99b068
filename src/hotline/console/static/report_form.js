// The result of an order, wherever it is reported: photos, what came of it, words for the resident. What was typed is kept, sealed.
import { el, fill, icon, t } from "./core.js";
import { nameOfCopy } from "./blur.js";
import { waiting } from "./outbox.js";
import { blurrer, filesOf, frame, taker, takesFiles } from "./photos.js";
import { placeOf, putAside, readDraft, writeDraft } from "./report_draft.js";

const OUTCOMES = ["fixed", "for_now", "cannot"]; // only the first is solved
/** The form. `send(body, wants)` resolves to an error, or to "". */
export async function reportForm({ ticket, order, title, files, send, done, anew }) { // a photo is chosen by its name: its id is another once it was sent
  const place = await placeOf(order);
  const fields = await readDraft(place);
  const lead = order.part === "lead";
  const wrong = el("p", { class: "error", role: "alert" });
  const photos = files.filter((file) => ["before", "after"].includes(file.purpose) && (file.bytes || /jpeg|png/.test(file.media_type)));
  const chosen = (file) => (fields.photos ?? {})[file.name] ?? file.purpose === "after";
  const hasCopy = (file) => photos.some((other) => other.name === nameOfCopy(file.name));
  const tick = (file) => {
    const shown = frame(file);
    if (!lead || hasCopy(file)) return shown; // what was blurred, or blurred further, is shown to nobody but staff
    shown.append(el("label", { class: "tick" }, el("input", { type: "checkbox", name: "photos", value: file.name, checked: chosen(file) }), t("report_form.for_resident")));
    if (takesFiles(ticket)) shown.append(blurrer(ticket, file, title, async (copy) => {
      const told = typed();
      await writeDraft(place, { ...told, photos: { ...told.photos, [file.name]: false, [copy]: true } });
      anew();
    }));
    return shown;
  };
  const outcome = (code) => el("label", { class: "pick" }, el("input", { type: "radio", name: "outcome", value: code, required: true, checked: fields.outcome === code }), t(`report_form.${code}`));
  const button = el("button", { class: "btn pri lg full first", "data-send": "report" }, t("report_form.send"));
  const area = (name, label, more) => el("label", { class: "fld" }, el("span", {}, label), el("textarea", { class: "area", name, rows: 3, maxlength: 4000, ...more }, fields[name] ?? ""));
  const form = el("form", { class: "report", method: "dialog", autocomplete: "off" },
    el("div", { class: "body" }, el("h2", { tabindex: "-1" }, `${t("board.report")} · ${title}`),
      el("fieldset", {}, el("legend", {}, t("photo.title")), el("p", { class: "note" }, t("report_form.photo_note")),
        el("div", { class: "photos" }, photos.map(tick), takesFiles(ticket) ? ["before", "after"].map((purpose) => taker(ticket, purpose, title, anew)) : null),
        lead && photos.length ? el("p", { class: "note" }, t("report_form.faces")) : null),
      lead ? el("fieldset", {}, el("legend", {}, t("report_form.outcome")), OUTCOMES.map(outcome)) : null,
      lead ? area("public_reply", t("report_form.words"), { required: true }) : null,
      area("internal_result", t(lead ? "report_form.inside" : "field.internal_result"), { required: !lead })),
    el("footer", { class: "foot" }, wrong, button, el("p", { class: "note" }, icon("check", 14), t("report_form.kept"))));
  const typed = () => {
    const data = new FormData(form);
    const ticks = [...form.querySelectorAll("[name=photos]")];
    return { outcome: data.get("outcome"), public_reply: data.get("public_reply"), internal_result: data.get("internal_result"), photos: Object.fromEntries(ticks.map((one) => [one.value, one.checked])) };
  };
  form.addEventListener("input", () => writeDraft(place, typed()));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    fill(wrong);
    const { outcome: came, public_reply: words, internal_result: inside } = typed();
    const names = [...form.querySelectorAll("[name=photos]:checked")].map((one) => one.value);
    const now = (await filesOf(ticket)).filter((file) => names.includes(file.name));
    const ids = now.filter((file) => !file.bytes).map((file) => file.id);
    const wants = now.filter((file) => file.bytes).map((file) => file.id);
    if (now.length < names.length) { button.disabled = false; fill(wrong, t("outbox.not_read")); return; }
    const body = lead ? { solved: came === "fixed", public_reply: words, internal_result: [t(`report_form.${came}`), inside].filter(Boolean).join("\n"), ...(ids.length ? { photos: ids } : {}) } : { internal_result: inside };
    try {
      const error = await send(body, wants);
      if (error) { fill(wrong, error); return; }
      await putAside(place, ticket.number, typed(), waiting(ticket.number).length > 0);
      done();
    } finally { button.disabled = false; }
  });
  return form;
}
