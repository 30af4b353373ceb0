/* Where the curve is on the plot: seconds and values to pixels and back, what lies under the pointer, and where the grid's lines are.
 * A view is {start, end, low, high, left, top, width, height}: the seconds and values in sight and the plot's box in pixels. No DOM. */

import { keyBefore, valueAt } from "./curve_math.js";
import { clamp, handlePoints } from "./curve_keys.js";

export const KEY_REACH = 9; // pixels within which a keyframe is hit
const HANDLE_REACH = 8;
const LINE_REACH = 6;
const SHORTEST = 0.2; // seconds in sight at the closest zoom
const FLATTEST = 1.5; // units in sight at least, above and below 0

export const xOf = (view, time) => view.left + ((time - view.start) / (view.end - view.start)) * view.width;
export const yOf = (view, value) => view.top + ((view.high - value) / (view.high - view.low)) * view.height;
export const timeOf = (view, x) => view.start + ((x - view.left) / view.width) * (view.end - view.start);
export const valueOf = (view, y) => view.high - ((y - view.top) / view.height) * (view.high - view.low);

/** How long the time axis is: the clip's length, more where keyframes lie beyond it; without a clip a little more than the keyframes. */
export function axisSeconds(tracks, duration) {
  const last = Math.max(0, ...tracks.map(({ keyframes }) => keyframes.at(-1)?.time ?? 0));
  if (duration > 0) return Math.max(duration, last);
  return Math.max(5, Math.ceil(last * 1.15));
}

/** [low, high] of the value axis that shows every keyframe and handle, evenly around 0, with some room. */
export function fitValues(tracks) {
  const values = tracks.flatMap(({ keyframes }) => [
    ...keyframes.map((key) => key.value),
    ...keyframes.flatMap((_, i) => handlePoints(keyframes, i).map(([, value]) => value)),
  ]);
  const reach = values.reduce((most, value) => Math.max(most, Math.abs(value)), FLATTEST) * 1.2;
  const step = niceStep(reach / 4);
  const high = Math.ceil(reach / step - 1e-9) * step;
  return [-high, high];
}

/** 1, 2 or 5 times a power of ten, at least `least`. */
export function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= least * (1 - 1e-9));
  return factor * power;
}

/** Round numbers from `low` to `high`, at most `most` of them. */
export function ticks(low, high, most) {
  const step = niceStep((high - low) / Math.max(1, most));
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** A tick as text, with no more decimals than its neighbors need. */
export function tickLabel(value, step) {
  const decimals = clamp(Math.ceil(-Math.log10(step) - 1e-9), 0, 3);
  return value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1");
}

/** [start, end] zoomed by `factor` (below 1: closer) around `time`, inside 0 to `seconds`. */
export function zoomTime([start, end], time, factor, seconds) {
  const length = clamp((end - start) * factor, Math.min(SHORTEST, seconds), seconds);
  return panTime([time - ((time - start) / (end - start)) * length, 0], length, seconds);
}

/** [start, end] of that length, moved inside 0 to `seconds`. */
export function panTime([start], length, seconds) {
  const first = clamp(start, 0, Math.max(0, seconds - length));
  return [first, first + length];
}

/** The frames in sight, if they are at least `apart` pixels apart; else none. */
export function frameTicks(view, fps, apart) {
  if ((view.width / (view.end - view.start)) / fps < apart) return [];
  const first = Math.ceil(view.start * fps - 1e-9);
  const last = Math.floor(view.end * fps + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) / fps);
}

function near(points, view, x, y, reach) {
  let found = -1;
  let best = reach;
  points.forEach(([time, value], i) => {
    const distance = Math.hypot(xOf(view, time) - x, yOf(view, value) - y);
    if (distance <= best) [found, best] = [i, distance];
  });
  return found;
}

function distanceToPiece([ax, ay], [bx, by], x, y) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = length ? clamp(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1) : 0;
  return Math.hypot(ax + along * (bx - ax) - x, ay + along * (by - ay) - y);
}

/** How far (pixels) a point is from the curve. */
export function distanceToCurve(view, keys, x, y) {
  if (!keys.length) return Infinity;
  const at = (px) => [px, yOf(view, valueAt(keys, timeOf(view, px)))];
  let best = Infinity;
  for (let px = x - LINE_REACH; px < x + LINE_REACH; px += 1) best = Math.min(best, distanceToPiece(at(px), at(px + 1), x, y));
  return best;
}

/** The handles that are shown: of the selected keyframe and of the one before it, which leads to it. [{index, which, point}] */
export function shownHandles(keys, selected) {
  if (selected < 0) return [];
  return [selected - 1, selected].flatMap((index) => handlePoints(keys, index).map((point, which) => ({ index, which, point })));
}

/** What lies under the pointer: {kind: "key", track, index}, {kind: "handle", track, index, which}, {kind: "line", track} or
 * {kind: "none"}. The active track comes first, its handles before its keyframes only where a keyframe is not nearer. */
export function hitTest(view, tracks, active, selected, x, y) {
  const order = [active, ...tracks.keys()].filter((track, i, all) => tracks[track] && all.indexOf(track) === i);
  const mine = tracks[active]?.keyframes ?? [];
  const key = near(mine.map(({ time, value }) => [time, value]), view, x, y, KEY_REACH);
  if (key >= 0) return { kind: "key", track: active, index: key };
  const handles = shownHandles(mine, selected);
  const handle = near(handles.map(({ point }) => point), view, x, y, HANDLE_REACH);
  if (handle >= 0) return { kind: "handle", track: active, index: handles[handle].index, which: handles[handle].which };
  for (const track of order.slice(tracks[active] ? 1 : 0)) {
    const index = near(tracks[track].keyframes.map(({ time, value }) => [time, value]), view, x, y, KEY_REACH);
    if (index >= 0) return { kind: "key", track, index };
  }
  const line = order.find((track) => distanceToCurve(view, tracks[track].keyframes, x, y) <= LINE_REACH);
  return line === undefined ? { kind: "none" } : { kind: "line", track: line };
}

/** The pieces of the curve in sight, in pixels, for a path: {move} once, then {line} or {bezier} per piece. Exact: "smooth" is the cubic
 * with its inner points at a third and two thirds of the time. */
export function curvePath(view, keys) {
  if (!keys.length) return [];
  const point = (time, value) => [xOf(view, time), yOf(view, value)];
  const first = Math.max(0, keyBefore(keys, view.start));
  const pieces = [{ move: point(Math.min(view.start, keys[first].time), keys[first].value) }, { line: point(keys[first].time, keys[first].value) }];
  let i = first;
  for (; i + 1 < keys.length && keys[i].time <= view.end; i += 1) {
    const [from, to] = [keys[i], keys[i + 1]];
    const [x1, y1, x2, y2] = from.easing === "smooth" ? [1 / 3, 0, 2 / 3, 1] : from.handles;
    const at = (x, y) => point(from.time + x * (to.time - from.time), from.value + y * (to.value - from.value));
    if (from.easing === "hold") pieces.push({ line: at(1, 0) }, { line: at(1, 1) });
    else if (from.easing === "linear") pieces.push({ line: at(1, 1) });
    else pieces.push({ bezier: [...at(x1, y1), ...at(x2, y2), ...at(1, 1)] });
  }
  const last = keys[i];
  pieces.push({ line: point(Math.max(view.end, last.time), last.value) });
  return pieces;
}
