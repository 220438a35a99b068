// Sign in, then continue to the requested page. The form is this page's before core.js and its texts are there: sent by the
// browser itself it would lead to a refusal.
const loaded = import("./core.js");
sessionStorage.removeItem("push-linked"); // the browser goes with the log-in that begins here: push.js
const form = document.querySelector("#login");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { logIn } = await loaded;
  goOn(await logIn(form.login.value, form.password.value));
});
form.querySelector("button.first").disabled = false;
const { $, nextPage, notLoggedIn, press } = await loaded;
const why = $("#why");
function goOn({ code, stage }) {
  if (code) { why.textContent = notLoggedIn(code); form.password.select(); return; }
  location.href = stage === "pending_factor" ? `/console/factor${location.search}` : nextPage();
}
for (const provider of document.querySelectorAll("[data-provider]")) {
  provider.disabled = false; // a press before would do nothing
  provider.addEventListener("click", press(async () => {
    why.textContent = "";
    const { code, location: address } = await (await fetch(provider.dataset.provider, { method: "POST" })).json();
    if (code) why.textContent = notLoggedIn(code); else location.href = address;
  }));
}
const key = $("#passkey");
if (key) {
  const { asked, hasPasskeys } = await import("./factors.js");
  key.hidden = !hasPasskeys();
  key.addEventListener("click", async () => {
    why.textContent = "";
    const post = (path, body) => fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    const begun = await (await post("/console/session/passkey/options", {})).json();
    let credential;
    try { credential = await asked(begun.options); } catch { return; } // closed by whoever was asked
    const reply = await post("/console/session/passkey", { state: begun.state, credential });
    goOn(await reply.json());
  });
}
