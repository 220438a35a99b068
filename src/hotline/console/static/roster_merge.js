// A roster that two people changed at once: what was planned here and not saved, joined with what a colleague has saved.
const minute = (moment) => moment.slice(0, 16); // a stored moment may have seconds
const plain = (value) => JSON.stringify(value, value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value).sort() : undefined);
const code = (one) => one.code;
const LISTS = { members: code, shifts: code, overrides: (one) => [minute(one.start), minute(one.end), one.instead_of ?? ""].join("|") };
const alike = (part, a, b) => (part === "overrides" && a && b ? a.member === b.member : plain(a) === plain(b));
const partsOf = (roster, part) => new Map(part in LISTS ? (roster[part] ?? []).map((one) => [LISTS[part](one), one]) : [["", roster[part]]]);

/** Whether two rosters say the same. */
export const isSame = (one, other) => [...new Set([...Object.keys(one), ...Object.keys(other)])].every((part) => (part in LISTS
  ? plain([...partsOf(one, part)].map(([key, value]) => [key, plain(value)]).sort()) === plain([...partsOf(other, part)].map(([key, value]) => [key, plain(value)]).sort())
  : plain(one[part]) === plain(other[part])));

/** `{ roster, changes }` of a plan made on `base`. `changes`: what the colleague did: `{ part, key, was, mine, theirs,
 *  both }`; `both`: it was changed here too, and differently; what was planned here stays until somebody chooses. */
export function mergeRosters(base, mine, theirs) {
  const changes = [];
  const roster = {};
  for (const part of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
    const [was, here, there] = [base, mine, theirs].map((one) => partsOf(one, part));
    const kept = [];
    for (const key of new Set([...there.keys(), ...here.keys(), ...was.keys()])) {
      const [before, own, other] = [was.get(key), here.get(key), there.get(key)];
      const isMine = !alike(part, own, before);
      const differs = !alike(part, own, other);
      if (!alike(part, other, before) && differs) changes.push({ part, key, was: before, mine: own, theirs: other, both: isMine });
      const value = isMine && differs ? own : other;
      if (value !== undefined) kept.push(value);
    }
    roster[part] = part in LISTS ? kept : kept[0];
  }
  return { roster: whole(roster, [theirs, mine, base]), changes };
}
/** The plan with the colleague's side of a change. */
export function withTheirs(roster, { part, key, theirs }, others) {
  if (!(part in LISTS)) return { ...roster, [part]: theirs };
  const kept = partsOf(roster, part);
  if (theirs === undefined) kept.delete(key); else kept.set(key, theirs);
  return whole({ ...roster, [part]: [...kept.values()] }, others);
}
/** In order, and with every member that it names. */
function whole(roster, others) {
  const named = new Set([...roster.shifts.flatMap((shift) => shift.turns), ...roster.overrides.flatMap((one) => [one.member, one.instead_of])]);
  const known = new Set(roster.members.map(code));
  for (const member of others.flatMap((one) => one.members)) if (named.has(member.code) && !known.has(member.code)) { known.add(member.code); roster.members.push(member); }
  roster.overrides.sort((a, b) => (a.start < b.start ? -1 : 1));
  return roster;
}
