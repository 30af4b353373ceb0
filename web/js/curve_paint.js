/* Draws the curve editor's plot on a canvas. Knows what is to be seen; knows no gestures and no node. */

import { KEY_REACH, curvePath, frameTicks, shownHandles, tickLabel, ticks, timeOf, valueOf, xOf, yOf } from "./curve_view.js";
import { handlePoints } from "./curve_keys.js";
import { colorOf, nameOf } from "./curve_tracks.js";

const FONT = "10px Inter, system-ui, sans-serif";
const FRAMES_APART = 7; // pixels from which on single frames are shown

/** A text that changes with the palette. */
export function paletteOf(element) {
  const style = getComputedStyle(element);
  return `${style.backgroundColor} ${style.color}`;
}

/** The colors of ComfyUI's palette as they are now. */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const read = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const ground = read("--float-field", "#222");
  return {
    ground,
    text: read("--input-text", "#ddd"),
    quiet: read("--descrip-text", "#999"),
    border: read("--border-color", "#4e4e4e"),
    light: isLight(ground),
  };
}

/** Whether a CSS color is light: the browser itself reads it. */
function isLight(color) {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140;
}

/** Draws all of it. `scene`: {view, tracks, active, selected, hover, pointer, fps, duration, waveform, names, message}. */
export function paint(context, scene, theme) {
  const { view } = scene;
  context.font = FONT;
  context.lineJoin = context.lineCap = "round";
  context.clearRect(0, 0, view.left + view.width + 99, view.top + view.height + 99);
  if (scene.message) return message(context, view, scene.message, theme);
  context.save();
  context.beginPath();
  context.rect(view.left, view.top, view.width, view.height);
  context.clip();
  waveform(context, scene, theme);
  grid(context, scene, theme);
  scene.tracks.forEach((track, i) => i !== scene.active && curve(context, view, track, theme, 0.45));
  if (scene.tracks[scene.active]) activeCurve(context, scene, theme);
  context.restore();
  labels(context, view, theme);
  scene.tracks.forEach((track, i) => i !== scene.active && points(context, view, track, theme));
  if (scene.tracks[scene.active]) activePoints(context, scene, theme);
  if (scene.pointer) readout(context, scene, theme);
  return undefined;
}

function message(context, view, text, theme) {
  context.fillStyle = theme.quiet;
  context.font = FONT.replace("10px", "12px");
  context.textAlign = "center";
  context.textBaseline = "middle";
  const middle = view.left + view.width / 2;
  const lines = wrapped(context, text, view.width);
  lines.forEach((line, i) => context.fillText(line, middle, view.top + view.height / 2 + (i - (lines.length - 1) / 2) * 17));
}

function wrapped(context, text, width) {
  return text.split(" ").reduce((lines, word) => {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (context.measureText(longer).width <= width) return [...lines.slice(0, -1), longer];
    return [...lines, word];
  }, [""]);
}

function waveform(context, { view, waveform: peaks, duration }, theme) {
  if (!peaks?.length || !(duration > 0)) return;
  const middle = yOf(view, (view.low + view.high) / 2);
  const step = duration / peaks.length;
  const height = (peak) => Math.max(0.5, Math.sqrt(peak) * view.height * 0.44); // the root shows quiet audio too
  context.beginPath();
  peaks.forEach((peak, i) => context.lineTo(xOf(view, (i + 0.5) * step), middle - height(peak)));
  [...peaks.entries()].reverse().forEach(([i, peak]) => context.lineTo(xOf(view, (i + 0.5) * step), middle + height(peak)));
  context.closePath();
  context.globalAlpha = theme.light ? 0.16 : 0.2;
  context.fillStyle = theme.quiet;
  context.fill();
  context.globalAlpha = 1;
}

function line(context, from, to) {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

function grid(context, { view, fps, duration }, theme) {
  const [right, bottom] = [view.left + view.width, view.top + view.height];
  const sharp = (pixels) => Math.round(pixels) + 0.5;
  const upright = (time) => line(context, [sharp(xOf(view, time)), view.top], [sharp(xOf(view, time)), bottom]);
  context.lineWidth = 1;
  context.strokeStyle = theme.text;
  context.globalAlpha = 0.05;
  frameTicks(view, fps, FRAMES_APART).forEach(upright);
  context.globalAlpha = 0.1;
  timeTicks(view).forEach(upright);
  for (const value of valueTicks(view)) {
    context.globalAlpha = value === 0 ? 0.35 : 0.1;
    line(context, [view.left, sharp(yOf(view, value))], [right, sharp(yOf(view, value))]);
  }
  if (duration > 0 && view.end > duration) {
    context.globalAlpha = 0.08;
    context.fillStyle = theme.text;
    context.fillRect(xOf(view, duration), view.top, right - xOf(view, duration), view.height);
  }
  context.globalAlpha = 1;
}

const timeTicks = (view) => ticks(view.start, view.end, view.width / 55);
const valueTicks = (view) => ticks(view.low, view.high, view.height / 26);

function labels(context, view, theme) {
  const [times, values] = [timeTicks(view), valueTicks(view)];
  context.fillStyle = theme.quiet;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const time of times) {
    context.fillText(`${tickLabel(time, times[1] - times[0] || 1)} s`, xOf(view, time), view.top + view.height + 5);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of values) context.fillText(tickLabel(value, values[1] - values[0] || 1), view.left - 6, yOf(view, value));
}

function curve(context, view, { direction, keyframes }, theme, alpha) {
  context.strokeStyle = colorOf(direction, theme.light);
  context.globalAlpha = alpha;
  context.lineWidth = alpha < 1 ? 1.5 : 2;
  context.setLineDash(keyframes.length ? [] : [3, 5]);
  context.beginPath();
  const pieces = keyframes.length ? curvePath(view, keyframes) : flat(view);
  for (const piece of pieces) {
    if (piece.move) context.moveTo(...piece.move);
    else if (piece.line) context.lineTo(...piece.line);
    else context.bezierCurveTo(...piece.bezier);
  }
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function flat(view) {
  return [{ move: [view.left, yOf(view, 0)] }, { line: [view.left + view.width, yOf(view, 0)] }];
}

function activeCurve(context, scene, theme) {
  const { view, tracks, active, selected } = scene;
  const { direction, keyframes } = tracks[active];
  curve(context, view, tracks[active], theme, 1);
  context.strokeStyle = colorOf(direction, theme.light);
  context.lineWidth = 1;
  context.globalAlpha = 0.7;
  for (const { index, which, point } of shownHandles(keyframes, selected)) {
    const end = keyframes[index + which];
    line(context, [xOf(view, end.time), yOf(view, end.value)], [xOf(view, point[0]), yOf(view, point[1])]);
  }
  context.globalAlpha = 1;
}

function inSight(view, time) {
  return time >= view.start - 1e-9 && time <= view.end + 1e-9;
}

function disc(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

function points(context, view, { direction, keyframes }, theme) {
  context.fillStyle = colorOf(direction, theme.light);
  context.globalAlpha = 0.55;
  for (const { time, value } of keyframes.filter((key) => inSight(view, key.time))) {
    disc(context, xOf(view, time), yOf(view, value), 2.5);
    context.fill();
  }
  context.globalAlpha = 1;
}

function activePoints(context, { view, tracks, active, selected, hover }, theme) {
  const { direction, keyframes } = tracks[active];
  const color = colorOf(direction, theme.light);
  for (const { point } of shownHandles(keyframes, selected).filter(({ point: [time] }) => inSight(view, time))) {
    disc(context, xOf(view, point[0]), yOf(view, point[1]), 4);
    fillAndRing(context, theme.ground, color, 1.5);
  }
  keyframes.forEach(({ time, value }, i) => {
    if (!inSight(view, time)) return;
    const [x, y] = [xOf(view, time), yOf(view, value)];
    const hovered = hover?.kind === "key" && hover.track === active && hover.index === i;
    if (hovered || i === selected) {
      disc(context, x, y, KEY_REACH);
      context.globalAlpha = 0.25;
      context.fillStyle = color;
      context.fill();
      context.globalAlpha = 1;
    }
    disc(context, x, y, 4.5);
    if (i === selected) fillAndRing(context, theme.light ? "#fff" : theme.text, color, 2.5);
    else fillAndRing(context, color, theme.ground, 1.5);
  });
}

function fillAndRing(context, inside, ring, width) {
  context.fillStyle = inside;
  context.fill();
  context.strokeStyle = ring;
  context.lineWidth = width;
  context.stroke();
}

/** Time, frame and value under the pointer, or of the keyframe there, in the upper right corner. */
function readout(context, { view, tracks, active, hover, pointer, fps, names }, theme) {
  const key = hover?.kind === "key" ? tracks[hover.track]?.keyframes[hover.index] : undefined;
  const [time, value] = key ? [key.time, key.value] : [timeOf(view, pointer[0]), valueOf(view, pointer[1])];
  const other = hover && hover.track !== undefined && hover.track !== active ? `${nameOf(tracks[hover.track].direction, names)}   ` : "";
  const text = `${other}${time.toFixed(2)} s   frame ${Math.round(time * fps)}   ${value.toFixed(2)}`;
  context.textAlign = "right";
  context.textBaseline = "top";
  const width = context.measureText(text).width;
  const right = view.left + view.width - 6;
  context.globalAlpha = 0.85;
  context.fillStyle = theme.ground;
  context.fillRect(right - width - 5, view.top + 3, width + 10, 16);
  context.globalAlpha = 1;
  context.fillStyle = theme.quiet;
  context.fillText(text, right, view.top + 6);
}
