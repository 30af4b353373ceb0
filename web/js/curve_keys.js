/* What the hand does to a list of keyframes: add, move, remove, change the easing, drag a handle. Every function returns a new list;
 * keyframes stay in order, and none passes its neighbors. No DOM. */

import { DEFAULT_EASING, DEFAULT_HANDLES, EASINGS, keyBefore, snapTime, tidyTime, tidyValue } from "./curve_math.js";

export const VALUE_LIMIT = 100; // coefficient units; a slider of LambdaEdit ends at 10
export const TIME_LIMIT = 24 * 3600; // seconds
const HANDLE_LIMIT = 10; // shares of the value between two keyframes
const SMALLEST_GAP = 0.001; // seconds between two keyframes that are not snapped to frames

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

function replaced(keys, index, changes) {
  return keys.map((key, i) => (i === index ? { ...key, ...changes } : key));
}

/** The allowed time nearest to `time`, on a frame if `fps` is given; where there is no room between the neighbors, `fallback`. */
function timeBetween(before, after, time, fps, fallback) {
  const unit = fps ? 1 / fps : SMALLEST_GAP;
  const first = before === undefined ? 0 : Math.floor(before / unit + 1e-3) + 1; // in units: the first one after `before`
  const last = after === undefined ? Math.floor(TIME_LIMIT / unit) : Math.ceil(after / unit - 1e-3) - 1;
  if (first > last) return fallback;
  if (fps) return tidyTime(clamp(Math.round(time / unit), first, last) / fps);
  return tidyTime(clamp(time, first * unit, last * unit));
}

/** {keys, index} with a keyframe at `time` (on a frame if `fps` is given) and `value`; where one is already, that one takes the value.
 * The new keyframe goes on with the easing of the one before it. */
export function addKey(keys, time, value, fps = 0) {
  const wanted = tidyTime(clamp(fps ? snapTime(time, fps) : time, 0, TIME_LIMIT));
  const there = keys.findIndex((key) => Math.abs(key.time - wanted) < (fps ? 0.5 / fps : SMALLEST_GAP));
  const height = tidyValue(clamp(value, -VALUE_LIMIT, VALUE_LIMIT));
  if (there >= 0) return { keys: replaced(keys, there, { value: height }), index: there };
  const index = keyBefore(keys, wanted) + 1;
  const { easing = DEFAULT_EASING, handles = DEFAULT_HANDLES } = keys[index - 1] ?? keys[0] ?? {};
  const key = { time: wanted, value: height, easing, handles: [...handles] };
  return { keys: [...keys.slice(0, index), key, ...keys.slice(index)], index };
}

/** With the keyframe at `time` and `value` as far as its neighbors allow. */
export function moveKey(keys, index, time, value, fps = 0) {
  const placed = timeBetween(keys[index - 1]?.time, keys[index + 1]?.time, time, fps, keys[index].time);
  return replaced(keys, index, { time: placed, value: tidyValue(clamp(value, -VALUE_LIMIT, VALUE_LIMIT)) });
}

/** Without that keyframe. */
export function removeKey(keys, index) {
  return keys.filter((_, i) => i !== index);
}

/** With that easing from the keyframe to the next one. */
export function setEasing(keys, index, easing) {
  return EASINGS.includes(easing) ? replaced(keys, index, { easing }) : keys;
}

/** With the next easing in the list. */
export function cycleEasing(keys, index) {
  return setEasing(keys, index, EASINGS[(EASINGS.indexOf(keys[index].easing) + 1) % EASINGS.length]);
}

/** Where the two handles after a keyframe are: [[time, value], [time, value]]; none if it has no bezier to a next one. */
export function handlePoints(keys, index) {
  const from = keys[index];
  const to = keys[index + 1];
  if (!from || !to || from.easing !== "bezier") return [];
  const [x1, y1, x2, y2] = from.handles;
  const at = (x, y) => [from.time + x * (to.time - from.time), from.value + y * (to.value - from.value)];
  return [at(x1, y1), at(x2, y2)];
}

/** With handle `which` (0 or 1) after the keyframe at `time` and `value`. Between two equal values a handle has no height. */
export function moveHandle(keys, index, which, time, value) {
  const from = keys[index];
  const to = keys[index + 1];
  const rise = to.value - from.value;
  const x = clamp((time - from.time) / Math.max(to.time - from.time, 1e-9), 0, 1);
  const y = Math.abs(rise) < 1e-6 ? from.handles[2 * which + 1] : clamp((value - from.value) / rise, -HANDLE_LIMIT, HANDLE_LIMIT);
  const handles = from.handles.map((old, i) => (i === 2 * which ? tidyValue(x) : i === 2 * which + 1 ? tidyValue(y) : old));
  return replaced(keys, index, { handles });
}
