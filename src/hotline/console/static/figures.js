// Figures are rendered by the server; what is listed can be taken along as a file.
import { $, api, el, fill, get, press, say, settled, t, word } from "./core.js";

for (const button of document.querySelectorAll("[data-export]")) {
  button.addEventListener("click", press(async () => {
    const made = await settled(api("POST", "/v1/exports", { body: { kind: "tickets", form: button.dataset.export, filters: JSON.parse(button.dataset.filters) } }));
    say(t("export.begun"));
    await follow(made.id);
  }));
}
/** Tells how the file gets on, until it can be fetched. */
async function follow(id) {
  for (;;) {
    const x = await get(`/v1/exports/${id}`);
    if (!["waiting", "making"].includes(x.status)) {
      fill($("#exported"), x.status === "ready" ? el("a", { href: `/v1/exports/${id}/file`, download: true }, `${t("export.download")} ${t("export.rows", { n: x.rows })}`) : word("export_status", x.status));
      return;
    }
    fill($("#exported"), word("export_status", x.status));
    await new Promise((go) => setTimeout(go, 1500));
  }
}

/** A table of the page as a file: the numbers as they stand there. No cell is read as a formula by a spreadsheet. */
for (const button of document.querySelectorAll("[data-table]")) {
  button.addEventListener("click", () => {
    const cell = (text) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
    const said = (one) => [...one.childNodes].filter((part) => part.nodeName !== "SMALL").map((part) => part.textContent).join("").trim();
    const lines = [...$(`#${button.dataset.table}`).rows].map((row) => [...row.cells].map((one) => cell(said(one))).join(","));
    const url = URL.createObjectURL(new Blob([`\ufeff${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
    el("a", { href: url, download: button.dataset.file }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
}
