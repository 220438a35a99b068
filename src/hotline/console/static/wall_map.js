// The map of the wall: outlines as SVG, a place as its worst ticket (colour and shape), a dashed ring for an incident.
import { el, fill, get, joined, named, t } from "./core.js";

const NS = "http://www.w3.org/2000/svg";
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) made.setAttribute(name, value);
  made.append(...children.filter((child) => child != null));
  return made;
}
const RANK = { green: 1, yellow: 2, red: 3, emergency: 4 };
const LOOK = { green: "g", yellow: "y", red: "r", emergency: "e" };
const OPEN = ["received", "awaiting_info", "triaged", "dispatched", "resolved", "shelved"];
const kept = new Map(); // outlines by community: they change when somebody imports others
export const forgetOutlines = () => kept.clear();
/** The list of the open tickets of these places. */
export const listOf = (areas) => `/console/tickets?${new URLSearchParams([...areas.map((code) => ["area", code]), ...OPEN.map((status) => ["status", status])])}`;

function outlinesOf(community) {
  if (!kept.has(community)) {
    kept.set(community, get(`/v1/map/outlines?area=${encodeURIComponent(community)}`).then((page) => page.features));
    kept.get(community).catch(() => kept.delete(community));
  }
  return kept.get(community);
}
const rings = (shape) => ({ Point: [[shape.coordinates]], LineString: [shape.coordinates], Polygon: shape.coordinates, MultiPolygon: shape.coordinates.flat() })[shape.type];
const box = (points) => points.reduce((b, [x, y]) => [Math.min(b[0], x), Math.min(b[1], y), Math.max(b[2], x), Math.max(b[3], y)], [Infinity, Infinity, -Infinity, -Infinity]);

/** From degrees to pixels of a box of this size, north up, one scale for both ways. */
function projection(bounds, wide, high, margin) {
  const narrow = Math.cos((((bounds[1] + bounds[3]) / 2) * Math.PI) / 180);
  const [across, up] = [Math.max((bounds[2] - bounds[0]) * narrow, 1e-5), Math.max(bounds[3] - bounds[1], 1e-5)];
  const scale = Math.min((wide - 2 * margin) / across, (high - 2 * margin) / up);
  const [left, top] = [(wide - across * scale) / 2, (high - up * scale) / 2];
  return ([lon, lat]) => [left + (lon - bounds[0]) * narrow * scale, top + (bounds[3] - lat) * scale];
}
/** A place's name without that of the community it lies in. */
export function shortName(area, community) {
  const [name, around] = [named(area), community ? named(community) : ""];
  return around && name.startsWith(around) && name.length > around.length ? name.slice(around.length).trim() : name;
}
/** A mark with the number: its shape says what its colour says. */
function mark(x, y, size, looks, n) {
  const shape = { red: svg("rect", { class: "mark", x: x - size, y: y - size, width: 2 * size, height: 2 * size, rx: size / 4 }), emergency: svg("rect", { class: "mark", x: x - size, y: y - size, width: 2 * size, height: 2 * size, rx: size / 4 }), yellow: svg("path", { class: "mark", d: `M${x} ${y - size * 1.35}L${x + size * 1.35} ${y + size}L${x - size * 1.35} ${y + size}Z` }) }[looks] ?? svg("circle", { class: "mark", cx: x, cy: y, r: size });
  return [shape, Object.assign(svg("text", { class: "n", x, y: looks === "yellow" ? y + size * 0.2 : y }), { textContent: n })];
}
const said = (name, places) => t("wall.place_says", { place: name, n: places.reduce((sum, one) => sum + one.open, 0), look: t(`wall.look.${worst(places)}`) });
const worst = (places) => places.reduce((a, one) => (RANK[one.looks] > RANK[a] ? one.looks : a), "green");

/** Marks that would lie upon each other become one: [{x, y, places}]. */
export function clustered(points, near) {
  const found = [];
  for (const point of points) {
    const close = found.find((one) => Math.hypot(one.x - point.x, one.y - point.y) < near);
    if (close) close.places.push(...point.places); else found.push({ ...point, places: [...point.places] });
  }
  return found;
}

/** Draws `view` (a community with its places) into `root`; `rungs`: codes of areas under an incident. `unit`: a pixel of 1920 × 1080. */
export async function drawMap(root, view, places, incidents, unit) {
  const features = view ? await outlinesOf(view.area.code) : [];
  const shown = places.filter((one) => one.lat != null && (!view || one.community === view.area.code));
  const all = [...features.flatMap((f) => rings(f.geometry).flat()), ...shown.map((one) => [one.lon, one.lat])];
  const [wide, high] = [root.clientWidth, root.clientHeight];
  if (!all.length || !wide || !high) { fill(root, el("p", { class: "none" }, t("wall.no_outlines"))); return; }
  const to = projection(box(all), wide, high, 22 * unit);
  const path = (f) => rings(f.geometry).map((ring) => ring.map((p, n) => `${n ? "L" : "M"}${to(p).map((v) => v.toFixed(1)).join(" ")}`).join("") + (f.geometry.type === "LineString" ? "" : "Z")).join("");
  const drawn = svg("svg", { viewBox: `0 0 ${wide} ${high}`, role: "group", "aria-label": t("wall.map_of", { place: view ? named(view.area) : t("wall.where"), n: shown.reduce((sum, one) => sum + one.open, 0) }) });
  const of = new Map(shown.map((one) => [one.area.code, one]));
  const order = ["land", "green", "water", "road", "place", "building", "label"];
  const label = (x, y, kind, text) => Object.assign(svg("text", { x, y, class: kind }), { textContent: text });
  const middle = (f) => { const b = box(rings(f.geometry).flat().map(to)); return [(b[0] + b[2]) / 2, (b[1] + b[3]) / 2, b[2] - b[0], b[3] - b[1]]; };
  const loose = [];
  const boxes = new Map();
  for (const f of [...features].sort((a, b) => order.indexOf(a.properties.kind) - order.indexOf(b.properties.kind))) {
    const p = f.properties;
    const [x, y, w, h] = middle(f);
    const name = p.area ? shortName(p.area, view?.area) : named({ name: p.name ?? "", name_en: p.name_en ?? p.name ?? "" });
    const place = p.area ? of.get(p.area.code) : null;
    if (p.area) boxes.set(p.area.code, [x - w / 2, y - h / 2, x + w / 2, y + h / 2]);
    if (["land", "green", "water", "road"].includes(p.kind)) {
      drawn.append(svg("path", { class: { green: "green-ground" }[p.kind] ?? p.kind, d: path(f) }));
      if (place && p.kind !== "land") loose.push({ x, y, places: [place] });
      continue;
    }
    if (p.kind === "label") { drawn.append(label(x, y, "gate", name)); if (place) loose.push({ x, y: y + 24 * unit, places: [place] }); continue; }
    const size = 12 * unit;
    const room = h > 26 * unit && [...name].reduce((sum, c) => sum + (c > "\u2e7f" ? 20 : 11.5), place ? 46 : 6) * unit < w;
    const shape = svg("path", { class: p.kind === "place" ? "bd pub" : "bd", d: path(f) });
    if (!place) { drawn.append(shape, room ? label(x, y, p.kind === "place" ? "pl" : null, name) : null); continue; }
    if (!room && w < 40 * unit) { drawn.append(svg("g", { class: LOOK[place.looks] }, shape)); loose.push({ x, y, places: [place] }); continue; }
    of.delete(p.area.code);
    const link = svg("a", { href: listOf([p.area.code]), class: LOOK[place.looks], "aria-label": said(named(p.area), [place]) }, shape);
    if (place.looks === "emergency") drawn.append(svg("rect", { class: "halo", x: x - w / 2 - 6 * unit, y: y - h / 2 - 6 * unit, width: w + 12 * unit, height: h + 12 * unit, rx: 11 * unit }));
    if (room) link.append(label(x - 15 * unit, y, null, name), ...mark(x + w / 2 - 22 * unit, y, size, place.looks, place.open)); else link.append(...mark(x, y, size, place.looks, place.open));
    drawn.append(link);
  }
  for (const one of loose) for (const place of one.places) of.delete(place.area.code);
  for (const place of of.values()) { // no outline: where its coordinates are; the community itself stands in the list below
    if (place.area.code === view?.area.code) continue;
    const [x, y] = to([place.lon, place.lat]);
    loose.push({ x, y, places: [place] });
  }
  for (const one of clustered(loose, 34 * unit)) {
    const names = one.places.map((place) => named(place.area));
    drawn.append(svg("a", { href: listOf(one.places.map((place) => place.area.code)), class: LOOK[worst(one.places)], "aria-label": said(joined(names, " "), one.places) }, ...mark(one.x, one.y, (one.places.length > 1 ? 16 : 13) * unit, worst(one.places), one.places.reduce((sum, place) => sum + place.open, 0))));
  }
  for (const codes of incidents) {
    const around = codes.map((code) => boxes.get(code)).filter(Boolean);
    if (!around.length) continue;
    const [x, y, right, bottom] = [Math.min(...around.map((b) => b[0])), Math.min(...around.map((b) => b[1])), Math.max(...around.map((b) => b[2])), Math.max(...around.map((b) => b[3]))];
    drawn.append(svg("rect", { class: "inc", x: Math.max(2, x - 9 * unit), y: Math.max(2, y - 9 * unit), width: Math.min(wide - 2, right + 9 * unit) - Math.max(2, x - 9 * unit), height: Math.min(high - 2, bottom + 9 * unit) - Math.max(2, y - 9 * unit), rx: 14 * unit }));
  }
  fill(root, drawn, el("ul", { class: "hidden" }, shown.map((one) => el("li", {}, said(named(one.area), [one])))));
}
