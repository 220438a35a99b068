// How several dangers of one matter are named, each with its whole name: in the order in which the server tells them.
import { language, word } from "./core.js";

export const dangerNames = (dangers) => dangers.map((danger) => word("danger", danger)).join(language === "en" ? ", " : "、");
