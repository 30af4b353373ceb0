/* The list of entries that the text holds, as the editor changes it: a track is an entry with keyframes. Every function returns a new list.
 * No DOM. */

export const DIRECTIONS = 20;

/** The entries that are drawn. */
export function tracksOf(entries) {
  return entries.filter((entry) => entry.keyframes);
}

function placeOf(entries, track) {
  return entries.indexOf(tracksOf(entries)[track]);
}

/** With those keyframes on a track. */
export function withKeyframes(entries, track, keyframes) {
  const place = placeOf(entries, track);
  return entries.map((entry, i) => (i === place ? { ...entry, keyframes } : entry));
}

/** With a new track at the end, which holds one keyframe of 0 at the start. */
export function withDirection(entries, direction) {
  const first = { time: 0, value: 0, easing: "smooth", handles: [0.42, 0, 0.58, 1] };
  return [...entries, { direction, keyframes: [first], rest: {} }];
}

/** Without a track. */
export function withoutTrack(entries, track) {
  const place = placeOf(entries, track);
  return entries.filter((_, i) => i !== place);
}

/** The directions that have no track yet, of the `count` that the model has. */
export function freeDirections(entries, count) {
  const taken = new Set(tracksOf(entries).map(({ direction }) => direction));
  return Array.from({ length: count }, (_, direction) => direction).filter((direction) => !taken.has(direction));
}

/** A direction's name: the node's own after a run, else its number. */
export function nameOf(direction, names) {
  return names?.[direction] ?? `λ${direction}`;
}

/** A direction's color: twenty hues, of which neighbors on the circle differ in lightness too, and neighbors in the list lie far apart. */
export function colorOf(direction, light) {
  const slot = (direction * 7) % DIRECTIONS;
  const [even, odd] = light ? ["72% 36%", "58% 47%"] : ["78% 68%", "58% 53%"];
  return `hsl(${(200 + slot * 18) % 360} ${slot % 2 ? odd : even})`;
}
