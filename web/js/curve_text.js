/* The text of the `curves` widget, float_core's edit text: reading it without ever throwing, and writing it. No DOM.
 *
 * An entry is {direction, keyframes, rest} where the text has a curve of keyframes (`rest`: its other fields, kept as they are), or
 * {other} for an edit of another kind, which the editor keeps and does not show. */

import { DEFAULT_EASING, DEFAULT_HANDLES, EASINGS, tidyTime, tidyValue } from "./curve_math.js";

const MOST_KEYFRAMES = 20000; // more cannot be edited by hand, and would make the page slow
const LONGEST = 400000; // characters that are read: more than that many keyframes need
const LARGEST = 1e6; // of any number, as in float_core

class TextProblem extends Error {}

function fail(place, found) {
  throw new TextProblem(`${place}: ${found}`);
}

function isNumber(value) {
  return typeof value === "number" && Math.abs(value) <= LARGEST;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readHandles(given, place) {
  if (given === undefined) return [...DEFAULT_HANDLES];
  if (!Array.isArray(given) || given.length !== 4 || !given.every(isNumber)) fail(place, "its handles are not four numbers");
  if ([given[0], given[2]].some((x) => x < 0 || x > 1)) fail(place, "the times of its handles are not in 0 to 1");
  return [...given];
}

function readKeyframe(given, place) {
  if (!Array.isArray(given) || given.length < 2 || given.length > 4) fail(place, "is not [time, value] or [time, value, easing]");
  const [time, value, easing = DEFAULT_EASING, handles] = given;
  if (!isNumber(time)) fail(place, "its time is not a number of seconds");
  if (!isNumber(value)) fail(place, "its value is not a number");
  if (!EASINGS.includes(easing)) fail(place, `its easing is none of ${EASINGS.join(", ")}`);
  if (handles !== undefined && easing !== "bezier") fail(place, 'has handles, but its easing is not "bezier"');
  return { time, value, easing, handles: readHandles(handles, place) };
}

function readKeyframes(given, place) {
  if (given.length > MOST_KEYFRAMES) fail(place, `has more than ${MOST_KEYFRAMES} keyframes`);
  const keyframes = given.map((keyframe, i) => readKeyframe(keyframe, `${place}, keyframe ${i + 1}`));
  return keyframes.sort((one, other) => one.time - other.time); // those of the same time keep their order, as in Python
}

function readEntry(given, index) {
  const place = `edit ${index + 1}`;
  if (!isObject(given)) fail(place, 'is not an object like {"direction": 0, ...}');
  const { direction, curve, ...rest } = given;
  if (!Number.isInteger(direction) || direction < 0) fail(place, "its direction is not a whole number from 0");
  const drawn = isObject(curve) ? Object.keys(curve).every((key) => key === "keyframes") && curve.keyframes !== undefined : curve != null;
  if (!drawn) return { other: given };
  if (!isObject(curve) || !Array.isArray(curve.keyframes)) fail(place, "its keyframes are not a list");
  return { direction, keyframes: readKeyframes(curve.keyframes, place), rest };
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw error instanceof SyntaxError ? new TextProblem(`not JSON: ${error.message}`) : error;
  }
}

/** {entries, problem}: what the text says, or why it cannot be shown (then no entries). Never throws, whatever the value is. */
export function parseCurves(text) {
  try {
    if (text === undefined || text === null || (typeof text === "string" && text.trim() === "")) return { entries: [], problem: "" };
    if (typeof text !== "string") fail("curves", "is not a text");
    if (text.length > LONGEST) fail("curves", `is longer than ${LONGEST} characters`);
    const list = parseJson(text);
    if (!Array.isArray(list)) fail("curves", "is not a list [...]");
    return { entries: list.map(readEntry), problem: "" };
  } catch (error) {
    if (!(error instanceof TextProblem)) throw error;
    return { entries: [], problem: error.message };
  }
}

function writeKeyframe({ time, value, easing, handles }) {
  const point = [tidyTime(time), tidyValue(value)];
  if (easing === "bezier") return [...point, easing, handles.map(tidyValue)];
  return easing === DEFAULT_EASING ? point : [...point, easing];
}

function writeEntry(entry) {
  if (entry.other) return entry.other;
  const { direction, keyframes, rest } = entry;
  return { direction, ...rest, curve: { keyframes: keyframes.map(writeKeyframe) } };
}

/** JSON with a space after commas and colons, as Python writes it. */
function spaced(value) {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (isObject(value)) return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${spaced(item)}`).join(", ")}}`;
  return JSON.stringify(value);
}

/** The text of entries, an edit a line. */
export function curvesToText(entries) {
  return entries.length ? `[${entries.map((entry) => spaced(writeEntry(entry))).join(",\n ")}]` : "[]";
}
