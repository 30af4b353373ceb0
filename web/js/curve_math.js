/* The value of a curve at a time, equal to float_core's evaluate_curve (tests/web/curve_cases.json holds both to the same numbers).
 * A keyframe is {time, value, easing, handles}: seconds, coefficient units, how the curve goes on to the next one, and for "bezier" the two
 * inner control points (x1, y1, x2, y2) as shares of the time and value in between, as in CSS. No DOM. */

export const EASINGS = ["linear", "smooth", "hold", "bezier"];
export const DEFAULT_EASING = "smooth";
export const DEFAULT_HANDLES = [0.42, 0, 0.58, 1];
const HALVINGS = 48; // of the interval in which the curve's parameter lies: below the resolution of a double

/** One coordinate of the curve 0, a, b, 1 at parameter s. */
export function bezierCoordinate(a, b, s) {
  const r = 1 - s;
  return 3 * r * r * s * a + 3 * r * s * s * b + s * s * s;
}

/** CSS cubic-bezier(x1, y1, x2, y2) at x in 0..1: y where the curve's x is x. Bisection, as x grows with the parameter. */
export function cubicBezier([x1, y1, x2, y2], x) {
  let low = 0;
  let high = 1;
  for (let i = 0; i < HALVINGS; i += 1) {
    const middle = (low + high) / 2;
    if (bezierCoordinate(x1, x2, middle) < x) low = middle;
    else high = middle;
  }
  return bezierCoordinate(y1, y2, (low + high) / 2);
}

/** How much of the way to the next keyframe is done after the share x (0..1) of the time. */
export function ease(easing, handles, x) {
  if (easing === "hold") return 0;
  if (easing === "linear") return x;
  if (easing === "bezier") return cubicBezier(handles, x);
  return x * x * (3 - 2 * x);
}

/** Index of the last keyframe at or before `time` (of two at the same time, the later one); -1 before the first. */
export function keyBefore(keys, time) {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle].time <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The curve's value at `time` seconds: held before the first and after the last keyframe; 0 without keyframes. */
export function valueAt(keys, time) {
  if (!keys.length) return 0;
  const index = keyBefore(keys, time);
  if (index < 0) return keys[0].value;
  const from = keys[index];
  const to = keys[index + 1];
  if (!to) return from.value;
  return from.value + (to.value - from.value) * ease(from.easing, from.handles, (time - from.time) / (to.time - from.time));
}

/** The values of all frames; frame i is at i / fps seconds. */
export function frameValues(keys, frames, fps) {
  return Array.from({ length: frames }, (_, i) => valueAt(keys, i / fps));
}

/** The time of the frame nearest to `time`. */
export function snapTime(time, fps) {
  return Math.max(0, Math.round(time * fps)) / fps;
}

/** The time as it is written: whole microseconds, never after the frame that it was snapped to (a "hold" would come one frame late). */
export function tidyTime(time) {
  const near = Math.round(time * 1e6);
  return (Math.abs(time * 1e6 - near) < 1e-5 ? near : Math.floor(time * 1e6)) / 1e6;
}

/** The value as it is written: four decimals, no -0. */
export function tidyValue(value) {
  return Math.round(value * 1e4) / 1e4 + 0;
}
