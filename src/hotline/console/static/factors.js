// Second factors: the second step of a log-in, and how codes and passkeys are set up.
import { $, api, el, fill, get, press, t } from "./core.js";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const listed = (all = []) => all.map((one) => ({ ...one, id: bytes(one.id) }));
/** Whether this browser makes passkeys: over https, or on this machine. */
export const hasPasskeys = () => isSecureContext && "PublicKeyCredential" in window;

function answered(credential, ...names) {
  const response = Object.fromEntries(names.filter((name) => credential.response[name]).map((name) => [name, text(credential.response[name])]));
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
}
async function made(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: listed(options.excludeCredentials) };
  return answered(await navigator.credentials.create({ publicKey }), "clientDataJSON", "attestationObject");
}
export async function asked(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: listed(options.allowCredentials) };
  return answered(await navigator.credentials.get({ publicKey }), "clientDataJSON", "authenticatorData", "signature", "userHandle");
}
/** What went wrong, in one sentence: of the API, or of the browser, which tells no more than that nothing came of it. */
export const told = (fault) => (fault.code ? fault.said : t("factor.not_answered"));

function codeField(label, extra = {}) {
  return el("label", {}, t(label), el("input", { name: "code", required: true, autocomplete: "one-time-code", spellcheck: "false", maxlength: "60", minlength: "6", ...extra }));
}
/** A form that sends once at a time and shows what was refused. */
function form(work, ...children) {
  const why = el("p", { class: "error", role: "alert" });
  const made = el("form", { "data-enter": true }, ...children.slice(0, -1), why, children.at(-1));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $("button:not([type=button])", made);
    button.disabled = true;
    why.textContent = "";
    try { await work(made); } catch (fault) { why.textContent = told(fault); made.code?.select(); } finally { button.disabled = false; }
  });
  return { made, why };
}

/** The second step for somebody who has factors. `done(stage)` is called when the log-in has gone on. */
export function secondStep(root, mine, done) {
  const sent = async (proof) => done((await api("POST", "/v1/token/factor", { body: proof })).stage);
  const parts = [el("h1", {}, t("factor.title"))];
  const why = el("p", { class: "error", role: "alert" });
  if (mine.items.some((one) => one.kind === "passkey") && hasPasskeys()) {
    const ask = press(async () => {
      why.textContent = "";
      try {
        const begun = await api("POST", "/v1/token/factor/options");
        await sent({ state: begun.state, credential: await asked(begun.options) });
      } catch (fault) { why.textContent = told(fault); }
    });
    parts.push(el("button", { type: "button", id: "by-passkey", class: "first", onclick: ask }, t("factor.use_passkey")), why);
  }
  const { made: codes } = form((f) => sent({ code: f.code.value }), codeField("factor.code"),
    el("p", { class: "note" }, t("factor.code_note")), el("button", { class: "first" }, t("factor.go_on")));
  fill(root, ...parts, codes);
  ($("#by-passkey", root) ?? $("input", root)).focus();
}

/** Recovery codes, once. */
export function showCodes(root, codes, done) {
  fill(root, el("h2", {}, t("factor.codes_title")), el("p", { class: "note" }, t("factor.codes_note")),
    el("ul", { class: "codes" }, ...codes.map((code) => el("li", {}, el("code", {}, code)))),
    el("button", { type: "button", id: "codes-kept", class: "first", onclick: done }, t("factor.codes_kept")));
  $("#codes-kept", root).focus();
}

/** Setting a factor up: the choice, then codes or a passkey. `done(added)` has the reply, with recovery codes of a first one. */
export function setUp(root, done) {
  const name = (value) => el("label", {}, t("factor.name"), el("input", { name: "name", required: true, maxlength: "60", value }));
  const { made: codes } = form(async (f) => confirmCodes(root, await api("POST", "/v1/me/factors/totp", { body: { name: f.name.value } }), done),
    el("h2", {}, t("factor.totp")), el("p", { class: "note" }, t("factor.totp_note")), name(t("factor.totp_name")), el("button", { class: "first" }, t("factor.set_up")));
  codes.id = "set-up-totp";
  const { made: passkey } = form(async (f) => {
    const begun = await api("POST", "/v1/me/factors/passkey/options");
    done(await api("POST", "/v1/me/factors/passkey", { body: { name: f.name.value, state: begun.state, credential: await made(begun.options) } }));
  }, el("h2", {}, t("factor.passkey")), el("p", { class: "note" }, t("factor.passkey_note")), name(t("factor.passkey_name")), el("button", { class: "first" }, t("factor.set_up")));
  passkey.id = "set-up-passkey";
  fill(root, codes, hasPasskeys() ? passkey : el("p", { class: "note" }, t("factor.no_passkeys")));
}
function confirmCodes(root, begun, done) {
  const { made: code } = form(async (f) => done(await api("POST", `/v1/me/factors/${begun.id}/confirmation`, { body: { code: f.code.value } })),
    el("h2", {}, t("factor.totp")), el("p", { class: "note" }, t("factor.scan")),
    el("img", { src: `data:image/svg+xml,${encodeURIComponent(begun.qr)}`, alt: t("factor.qr"), class: "qr" }),
    el("p", { class: "note" }, t("factor.by_hand"), " ", el("code", { id: "secret" }, begun.secret.match(/.{1,4}/g).join(" "))),
    codeField("factor.first_code", { inputmode: "numeric" }), el("button", { class: "first" }, t("factor.confirm")));
  fill(root, code);
  code.code.focus();
}

/** The second step, or the setting up of a factor where the role needs one and there is none. `done(stage)`. */
export async function finishLogIn(root, done) {
  const mine = await get("/v1/me/factors");
  if (mine.items.length) { secondStep(root, mine, done); return; }
  const place = el("div", {});
  fill(root, el("h1", {}, t("factor.required_title")), el("p", { class: "note" }, t("factor.required_note")), place);
  setUp(place, (added) => showCodes(root, added.recovery_codes, () => done(null)));
}
