// The switch in the menu of the bell by which this browser is told of dangers while the console is closed (Web Push).
import { api, el, get, language, say, t } from "./core.js";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const ready = async () => { await navigator.serviceWorker.register("/console/worker.js", { scope: "/console" }); return (await navigator.serviceWorker.ready).pushManager; };
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
  const { endpoint, keys } = subscription.toJSON();
  await api("PUT", "/v1/me/push", { body: { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth }, language } });
  return true;
}
async function end(subscription) {
  const id = await idOf(subscription);
  await subscription.unsubscribe();
  if ((await get("/v1/me/push")).items.some((one) => one.id === id)) await api("DELETE", `/v1/me/push/${id}`);
}
/** Adds the switch to a box: on where this browser is one of the person's devices. */
export async function offer(box) {
  const subscription = await navigator.serviceWorker.getRegistration("/console").then((found) => found?.pushManager.getSubscription());
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
