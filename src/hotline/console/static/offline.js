// What is shown in place of a page while there is no line: how much waits here, and the page itself as soon as it can be had.
const count = new Promise((good) => {
  const request = indexedDB.open("hotline");
  request.onsuccess = () => { try { const asked = request.result.transaction("deeds").objectStore("deeds").count(); asked.onsuccess = () => good(asked.result); asked.onerror = () => good(0); } catch { good(0); } };
  request.onupgradeneeded = () => { request.transaction.abort(); good(0); };
  request.onerror = () => good(0);
});
count.then((n) => { const place = document.getElementById("waits"); place.hidden = !n; document.getElementById("n").textContent = n; });
const look = async () => { try { if ((await fetch("/healthz", { cache: "no-store" })).ok) location.reload(); } catch { /* not yet */ } };
addEventListener("online", look);
setInterval(look, 3000);
document.getElementById("again").addEventListener("click", look);
