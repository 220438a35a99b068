// A page rendered by the server: only signing out and the texts use scripts.
import "./core.js";
