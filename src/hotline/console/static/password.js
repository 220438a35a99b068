// Replace one's own password, then continue.
import { $, Refusal, api, t } from "./core.js";

const form = $("#password");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const why = $("#why");
  if (form.new_password.value !== form.again.value) { why.textContent = t("login.password_differs"); form.again.select(); return; }
  try {
    await api("POST", "/v1/me/password", { old_password: form.old_password.value, new_password: form.new_password.value });
  } catch (refused) {
    if (!(refused instanceof Refusal)) throw refused;
    why.textContent = refused.said;
    return;
  }
  location.href = "/console";
});
