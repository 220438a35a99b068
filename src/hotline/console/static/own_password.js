// The form that replaces one's own password.
import { Refusal, $, api, t, toldOf } from "./core.js";

/** `done()` is called when the password was replaced. */
export function changesPassword(form, done) {
  const why = $("[role=alert]", form);
  const refuse = (text, field) => { why.textContent = text; field?.select(); };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { old_password: old, new_password: chosen, again } = form;
    if (chosen.value !== again.value) { refuse(t("login.password_differs"), again); return; }
    const button = $("button", form);
    button.disabled = true;
    why.textContent = "";
    try {
      await api("POST", "/v1/me/password", { body: { old_password: old.value, new_password: chosen.value } });
      form.reset();
      await done();
    } catch (fault) {
      if (!(fault instanceof Refusal)) throw fault;
      refuse(fault.errors.length ? fault.errors.map(toldOf).join(" · ") : fault.said, form[fault.errors[0]?.field]);
    } finally { button.disabled = false; }
  });
}
