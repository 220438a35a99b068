// The second step of a log-in, then on to the requested page.
import { $, nextPage } from "./core.js";
import { finishLogIn } from "./factors.js";

await finishLogIn($("#step"), () => { location.href = nextPage(); }); // where a step is left, that page leads to it
