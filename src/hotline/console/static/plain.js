// A page made by the server: only the log-out and the words are alive.
import "./core.js";
