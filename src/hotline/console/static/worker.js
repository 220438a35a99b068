// The service worker: keeps the shell of the console (files that everybody may have) for when there is no line. Of tickets, of
// persons and of pages it keeps nothing. AT, OFFLINE, LANGUAGE and SHELL stand above, as it is served.
const SHELF = `shell ${AT} ${LANGUAGE}`;
addEventListener("install", (event) => event.waitUntil((async () => {
  await (await caches.open(SHELF)).addAll(SHELL);
  await skipWaiting();
})()));
addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== SHELF) await caches.delete(name);
  await clients.claim();
})()));
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  const kept = (path) => caches.match(path, { ignoreVary: true });
  if (SHELL.includes(pathname) && pathname !== OFFLINE) event.respondWith(kept(pathname).then((found) => found ?? fetch(request)));
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(async () => (await kept(OFFLINE)) ?? Response.error()));
});
// A danger, told by the push service: place, kind and number, encrypted for this browser.
addEventListener("push", (event) => {
  const { title, body, number } = event.data.json();
  event.waitUntil(registration.showNotification(title, { body, tag: number || "first", renotify: Boolean(number), requireInteraction: Boolean(number), lang: LANGUAGE, icon: `${AT}/icon-192.png`, data: number }));
});
addEventListener("notificationclick", (event) => {
  event.notification.close();
  const path = event.notification.data ? `/console/tickets/${event.notification.data}` : "/console";
  event.waitUntil(clients.openWindow(path));
});
