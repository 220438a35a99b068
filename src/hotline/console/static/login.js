// Sign in, then continue to the requested page.
import { $, logIn, notLoggedIn } from "./core.js";

const form = $("#login");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const code = await logIn(form.login.value, form.password.value);
  if (code) {
    $("#why").textContent = notLoggedIn(code);
    form.password.select();
    return;
  }
  const next = new URLSearchParams(location.search).get("next");
  location.href = next?.startsWith("/console") ? next : "/console";
});
