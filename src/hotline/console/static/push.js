// The switch in the menu of the bell by which this browser is told of dangers while the console is closed (Web Push).
import { api, el, get, given, language, say, t } from "./core.js";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const ready = async () => { await navigator.serviceWorker.register("/console/worker.js", { scope: "/console" }); return (await navigator.serviceWorker.ready).pushManager; };
const present = async () => { const found = await navigator.serviceWorker?.getRegistration("/console"); return found?.pushManager?.getSubscription() ?? null; };
const LINKED = "push-linked"; // the log-in page removes it: by this window, since that log-in
const body = (subscription) => { const { endpoint, keys } = subscription.toJSON(); return { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth }, language }; };
/** As the server calls a browser. */
async function idOf(subscription) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(subscription.endpoint));
  return [...new Uint8Array(hash)].map((one) => one.toString(16).padStart(2, "0")).join("").slice(0, 40);
}
async function begin() {
  if (await Notification.requestPermission() !== "granted") { say(t("alert.push_refused"), true); return false; }
  const { key } = await get("/v1/me/push");
  let subscription;
  try {
    const manager = await ready();
    subscription = await manager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  } catch { say(t("alert.push_failed"), true); return false; }
  await api("PUT", "/v1/me/push", { body: body(subscription) });
  return true;
}
async function end(subscription) {
  const id = await idOf(subscription);
  await subscription.unsubscribe();
  if ((await get("/v1/me/push")).items.some((one) => one.id === id)) await api("DELETE", `/v1/me/push/${id}`);
}
/** Of the devices that are told, the id of this browser; null: it is none. */
export async function ownId() {
  const subscription = await present();
  return subscription && idOf(subscription);
}
/** Once for each log-in: this browser goes with it where it is a device of this person; what another one left ends. */
export async function goOn() {
  const subscription = await present();
  const mark = subscription && `${given.person.id} ${subscription.endpoint}`;
  if (!mark || sessionStorage.getItem(LINKED) === mark) return;
  const [id, { items }] = await Promise.all([idOf(subscription), get("/v1/me/push")]);
  if (items.some((one) => one.id === id)) await api("PUT", "/v1/me/push", { body: body(subscription) }); else await subscription.unsubscribe();
  sessionStorage.setItem(LINKED, mark);
}
/** Adds the switch to a box: on where this browser is one of the person's devices. */
export async function offer(box) {
  const subscription = await present();
  const known = subscription ? await idOf(subscription) : null;
  const mine = subscription ? (await get("/v1/me/push")).items : [];
  const field = el("input", { type: "checkbox", id: "danger-push", checked: mine.some((one) => one.id === known) });
  field.addEventListener("change", async () => {
    field.disabled = true;
    try {
      if (field.checked) field.checked = await begin(); else await end(await (await ready()).getSubscription());
    } finally { field.disabled = false; }
  });
  box.append(el("label", {}, field, t("alert.push")), el("p", { class: "note" }, t("alert.push_note")));
}
