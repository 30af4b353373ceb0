/**
 * Edits as text: the JSON list that `LambdaEdit.edit` takes and float_core reads (edits_to_text, edits_from_text).
 *
 * An edit is a plain object `{direction, offset?, gain?, freeze?, low?, high?, start?, end?, ease?, easing?, curve?}`; what has its default
 * is left out. No DOM.
 */

const NUMBERS = ["offset", "gain", "low", "high", "start", "end", "ease"];
const MAY_BE_NULL = ["low", "high", "end"];
const NOT_NEGATIVE = ["start", "end", "ease"];
const KNOWN = new Set(["direction", "freeze", "easing", "curve", ...NUMBERS]);
const EASINGS = ["smooth", "linear"];

/** The text cannot be read; the message names the place. */
export class EditTextError extends Error {}

/** The edits of a text; '' = none. Throws EditTextError. */
export function parseEdits(text) {
  if (!text.trim()) return [];
  let list;
  try {
    list = JSON.parse(text);
  } catch {
    throw new EditTextError('not an edit: expected a list such as [{"direction": 0, "gain": 0.5}]');
  }
  if (!Array.isArray(list)) throw new EditTextError('not a list: expected [{"direction": 0, "gain": 0.5}, ...]');
  return list.map((edit, place) => checkEdit(edit, `edit ${place + 1}`));
}

/** The text of edits, one a line; '' for none. */
export function formatEdits(edits) {
  return edits.length ? `[${edits.map(spaced).join(",\n ")}]` : "";
}

/** The number without the noise of binary fractions: three decimals, no -0. */
export function tidy(number) {
  return Math.round(number * 1000) / 1000 + 0;
}

function checkEdit(edit, place) {
  if (edit === null || typeof edit !== "object" || Array.isArray(edit)) throw new EditTextError(`${place}: expected {"direction": ...}`);
  for (const key of Object.keys(edit)) if (!KNOWN.has(key)) throw new EditTextError(`${place}: "${key}" is not known`);
  if (!Number.isInteger(edit.direction) || edit.direction < 0) throw new EditTextError(`${place}: direction is not a whole number from 0`);
  for (const key of NUMBERS) checkNumber(edit[key], key, place);
  if (edit.freeze !== undefined && typeof edit.freeze !== "boolean") throw new EditTextError(`${place}: freeze is not true or false`);
  if (edit.easing !== undefined && !EASINGS.includes(edit.easing)) throw new EditTextError(`${place}: easing is not smooth or linear`);
  if (edit.curve !== undefined && (edit.curve === null || typeof edit.curve !== "object"))
    throw new EditTextError(`${place}: curve is not {...}`);
  return edit;
}

function checkNumber(value, key, place) {
  if (value === undefined || (value === null && MAY_BE_NULL.includes(key))) return;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new EditTextError(`${place}: ${key} is not a number`);
  if (value < 0 && NOT_NEGATIVE.includes(key)) throw new EditTextError(`${place}: ${key} is below 0`);
}

/** JSON with a space after commas and colons, as Python writes it. */
function spaced(value) {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${spaced(item)}`)
    .join(", ")}}`;
}
