// Why a message to another system did not arrive, in words: what the log keeps is for machines.
import { isolated, t } from "./core.js";

const KINDS = [
  [/waits no longer/, "over"], [/switched off|gone or|nobody subscribes/, "off"], [/not a public|only https|address of ours/, "address"], [/redirects/, "redirect"],
  [/Timeout/, "timeout"], [/Connect|Network|Read|Write|Protocol/, "connect"], [/cannot be read|another shape|without a code/, "answer"], [/410 Gone/, "gone"],
];
/** The words for an error of the log; empty where there is none. */
export function faultText(error) {
  if (!error) return "";
  const code = /\bcode (-?\d+)/.exec(error)?.[1];
  if (code) return t("delivery_fault.code", { code: isolated(code) });
  const kind = KINDS.find(([pattern]) => pattern.test(error))?.[1];
  if (kind) return t(`delivery_fault.${kind}`);
  const status = /\b([1-5]\d\d)\b/.exec(error)?.[1];
  if (status) return t("delivery_fault.http", { status });
  return t(error.startsWith("refused") ? "delivery_fault.refused" : "delivery_fault.other");
}
