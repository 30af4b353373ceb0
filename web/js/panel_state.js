/**
 * The LambdaEdit panel's model: its widgets' names and defaults, directions, groups and search. No DOM.
 *
 * A direction is what the server tells: `{index, name, group, low, high, measured, labels: [{name, strength, group}]}`; low and high are what
 * speech moves it by, where that was `measured`.
 */
import { LIMIT } from "./panel_edits.js";

export const DIRECTIONS = 20;
export const STEP = 0.01; // of a slider, in coefficient units: natural ranges may be narrower than one
export const NUDGE = 0.05; // of an arrow key in a number field
export const NO_PRESET = "none";
export const GROUPS = ["head", "jaw", "mouth", "eyes", "brows", "other"];
export const SLIDERS = Array.from({ length: DIRECTIONS }, (_, index) => sliderName(index));
const UNKNOWN_RANGE = 3;
const REACH = 2.5; // of a slider, in natural ranges: speech turns a head by five degrees, an artist by more

/** Every widget that the panel stands for, with its default. */
export const DEFAULTS = {
  ...Object.fromEntries(SLIDERS.map((name) => [name, 0])),
  edit: "",
  preset: NO_PRESET,
  preset_strength: 1,
  start: 0,
  end: 0,
  ease: 0.2,
  outside_scale: 1,
};

/** The widget of a direction's offset. */
export function sliderName(index) {
  return `lambda_${String(index).padStart(2, "0")}`;
}

/** Directions without a calibration: λ0 to λ19, from -3 to 3. */
export function unnamedDirections() {
  return SLIDERS.map((_, index) => ({ index, name: `λ${index}`, group: "other", low: -UNKNOWN_RANGE, high: UNKNOWN_RANGE, measured: false, labels: [] }));
}

/** What a server's answer holds of directions that this panel has sliders for; those that it lacks are unnamed. */
export function readDirections(answer) {
  const given = new Map((answer?.directions ?? []).map((direction) => [direction.index, direction]));
  return unnamedDirections().map((plain) => ({ ...plain, ...given.get(plain.index) }));
}

/** [{group, directions}] in the order of GROUPS, without empty ones. */
export function groupDirections(directions) {
  const groupOf = ({ group }) => (GROUPS.includes(group) ? group : "other");
  return GROUPS.map((group) => ({ group, directions: directions.filter((direction) => groupOf(direction) === group) })).filter(
    (part) => part.directions.length,
  );
}

/** Whether every word of the search is found in the direction's name, number, group or labels. */
export function matches(direction, search) {
  const labels = direction.labels.map((label) => `${label.name} ${label.group}`).join(" ");
  const plain = (text) => text.toLowerCase().replaceAll("_", " ");
  const text = plain(`${direction.name} λ${direction.index} lambda ${direction.index} ${direction.group} ${labels}`);
  return plain(search)
    .split(/\s+/)
    .every((word) => text.includes(word) || (/^\d+$/.test(word) && Number(word) === direction.index));
}

/** [low, high] of a slider: 0 in the middle, well beyond the natural range, in whole steps, and wide enough for the value. */
export function sliderRange({ low, high, measured }, value) {
  const widest = Math.max(-low, high, NUDGE) * (measured ? REACH : 1);
  const reach = Math.min(LIMIT, Math.max(Math.ceil(widest / STEP - 1e-9) * STEP, Math.abs(value)));
  return [-reach, reach];
}

/** What a direction moves, for a tooltip. */
export function describe(direction) {
  const parts = direction.labels.map((label) => `${label.name} ${Math.round(label.strength * 100)} %`);
  const moves = parts.length ? `moves ${parts.join(", ")}; ` : "";
  const range = direction.measured ? `natural range ${direction.low.toFixed(2)} to ${direction.high.toFixed(2)}` : "not measured for this model";
  return `λ${direction.index}: ${moves}${range}`;
}

/** A number that was typed, inside its limits; null where it is none. */
export function readNumber(text, low, high) {
  const number = text.trim() === "" ? NaN : Number(text.replace(",", "."));
  return Number.isFinite(number) ? Math.min(high, Math.max(low, number)) : null;
}

/** An offset as it is shown: two decimals, three where it has them. */
export function offsetLabel(offset) {
  const exact = Math.round(offset * 1000) / 1000 + 0;
  return exact.toFixed(Math.abs(exact * 100 - Math.round(exact * 100)) < 1e-6 ? 2 : 3);
}

/** The range of seconds and the scale of the rest, in short. */
export function rangeLabel({ start, end }, outside) {
  const whole = !start && !end;
  const time = whole ? "whole clip" : `${start.toFixed(2)} – ${end ? end.toFixed(2) : "end"} s`;
  return outside === 1 ? time : `${time} · rest × ${outside.toFixed(2)}`;
}

/** Seconds and frame of a time: "1.24 s · frame 31". */
export function timeLabel(seconds, fps) {
  return `${seconds.toFixed(2)} s · frame ${Math.round(seconds * fps)}`;
}
