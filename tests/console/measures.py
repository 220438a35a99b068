"""What a machine can measure of how a page looks: what reaches over an edge, what is cut, what lies upon other words, what
is squeezed, too small to read or to touch, and light patches on a dark page."""

from playwright.async_api import Page

LOOKS = """(touch) => {
  const told = (one) => `${one.tagName.toLowerCase()}${one.id ? "#" + one.id : ""}.${[...one.classList].join(".")} “${(one.innerText ?? one.value ?? "").trim().replace(/\\s+/g, " ").slice(0, 24)}”`;
  const wide = document.documentElement.clientWidth;
  const dialog = [...document.querySelectorAll("dialog[open]")].pop();
  const root = dialog ?? document.body;
  const kept = ".sr, .hidden, .skip, svg, [hidden], .leaflet-container, option, datalist, script, style, template";
  const clipped = (one) => one && one !== document.body && (getComputedStyle(one).clipPath === "inset(50%)" || clipped(one.parentElement));
  const shown = [...root.querySelectorAll("*")].filter((one) => !one.closest(kept) && !clipped(one) && one.checkVisibility({ visibilityProperty: true, opacityProperty: true }));
  const scrolls = (one) => one && one !== document.documentElement && one !== document.body && (["auto", "scroll"].includes(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
  const clips = (one) => (!one || one === document.body ? null : ["hidden", "clip"].includes(getComputedStyle(one).overflowX) ? one : ["auto", "scroll"].includes(getComputedStyle(one).overflowX) ? null : clips(one.parentElement));
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.background = "var(--accent)";
  const accent = getComputedStyle(probe).backgroundColor;
  probe.remove();
  const found = [];
  const say = (what, one, more = "") => found.push(`${what}: ${told(one)}${more}`);
  if (document.documentElement.scrollWidth > wide + 1) found.push(`over the edge: the page, ${document.documentElement.scrollWidth} of ${wide}`);
  const words = [];
  for (const one of shown) {
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    if (!box.width || !box.height) continue;
    if ((box.right > wide + 1 || box.left < -1) && !scrolls(one.parentElement)) say("over the edge", one, ` ${Math.round(box.left)} to ${Math.round(box.right)} of ${wide}`);
    const texts = [...one.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
    if (one.matches("textarea, select, input")) { if (parseFloat(style.fontSize) < 12.5) say("too small to read", one); continue; }
    if (!texts.length) continue;
    if (parseFloat(style.fontSize) < 12.5) say("too small to read", one, ` ${style.fontSize}`);
    if (style.display !== "inline" && ["hidden", "clip"].includes(style.overflowX) && one.scrollWidth > one.clientWidth + 1 && !one.title && !one.matches(".wall .cut, .wall h2 span")) say("cut", one, ` ${one.scrollWidth} in ${one.clientWidth}`);
    if (style.display !== "inline" && ["hidden", "clip"].includes(style.overflowY) && one.scrollHeight > one.clientHeight + 3 && style.webkitLineClamp === "none") say("cut", one, ` ${one.scrollHeight} in ${one.clientHeight} high`);
    for (const node of texts) {
      const range = document.createRange();
      range.selectNodeContents(node);
      const rects = [...range.getClientRects()].filter((rect) => rect.width > 1 && rect.height > 1);
      const long = node.data.trim().length;
      if (long >= 4 && long < 40 && rects.length > 1 && rects.length >= long / 1.6) say("squeezed", one);
      const line = Math.min(parseFloat(style.lineHeight) || 99, parseFloat(style.fontSize) * 1.1); // the letters, without the space over and under them
      for (const rect of rects) words.push([{ left: rect.left, right: rect.right, top: (rect.top + rect.bottom - line) / 2, bottom: (rect.top + rect.bottom + line) / 2 }, one]);
      const frame = clips(one.parentElement);
      const last = frame && Math.max(...rects.map((rect) => rect.right)), edge = frame?.getBoundingClientRect().right;
      if (frame && last > edge + 2 && !style.textOverflow.includes("ellipsis")) say("cut", one, ` ${Math.round(last)} by ${Math.round(edge)}`);
    }
  }
  const moved = (one) => { for (let at = one; at && at !== root; at = at.parentElement) if (["fixed", "sticky"].includes(getComputedStyle(at).position)) return true; return false; };
  const still = words.filter(([rect, one]) => !moved(one) && !scrolls(one)).slice(0, 900);
  const upon = new Set();
  still.forEach(([a, first], n) => {
    for (const [b, second] of still.slice(n + 1)) {
      if (first === second || first.contains(second) || second.contains(first) || upon.has(second)) continue;
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left), y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (x > 3 && y > 7) { upon.add(second); say("one upon another", second, ` on ${told(first)}`); }
    }
  });
  if (touch) for (const one of shown.filter((each) => each.matches("button, a[href], summary, select, textarea, input:not([type=hidden], [type=file]), [role=button]"))) {
    const label = (one.matches("[type=checkbox], [type=radio]") ? one.closest("label") : one.closest(".find")) ?? one;
    if (one.matches("a[href]") && getComputedStyle(one).display === "inline") continue;
    const box = label.getBoundingClientRect();
    if (box.height && (box.height < 43.5 || box.width < 24)) say("too small to touch", one, ` ${Math.round(box.width)}x${Math.round(box.height)}`);
  }
  const first = shown.filter((one) => one.matches("button, .btn") && !one.disabled && getComputedStyle(one).backgroundColor === accent && !one.hasAttribute("aria-pressed"));
  if (first.length > 1) found.push(`${first.length} primary buttons: ${first.map(told).join(", ")}`);
  if (document.documentElement.dataset.theme === "dark" || matchMedia("(prefers-color-scheme: dark)").matches) for (const one of shown) {
    const at = one.getBoundingClientRect(), rgb = (getComputedStyle(one).backgroundColor.match(/[\\d.]+/g) ?? []).map(Number);
    if (at.width * at.height > 1500 && rgb.length >= 3 && (rgb[3] ?? 1) > 0.5 && rgb[0] * 0.3 + rgb[1] * 0.59 + rgb[2] * 0.11 > 205 && !one.matches(".btn, .qr, .toast *, canvas, img")) say("light on a dark page", one);
  }
  return [...new Set(found)];
}"""


async def faults_in_looks(page: Page, *, touch: bool = False) -> list[str]:
    """What is wrong with how a page looks as it stands. `touch`: it is used with a thumb."""
    found: list[str] = await page.evaluate(LOOKS, touch)
    return found
