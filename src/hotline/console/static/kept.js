// On every page: deeds that wait in this browser are sent, and nobody logs out without being told of them.
import { $, given } from "./core.js";

const leave = $("#leave");
const waits = () => Number(localStorage.getItem(`deeds:${given.person?.id}`) ?? 0);
let decided = false;
if (waits()) import("./outbox.js");
document.addEventListener("click", (event) => {
  if (decided || !leave?.contains(event.target) || !waits()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  import("./leaving.js").then(({ askBefore }) => askBefore(waits(), () => { decided = true; leave.click(); }));
}, true);
