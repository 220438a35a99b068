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
