// Replace the password that was given by somebody else, then continue.
import { $ } from "./core.js";
import { changesPassword } from "./own_password.js";

const form = $("#password");
form.old_password.focus();
changesPassword(form, () => { location.href = "/console"; });
