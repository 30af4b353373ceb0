/**
 * What the LambdaEdit panel shows of the edit text, and what it writes there. No DOM.
 *
 * A range is `{start, end, ease}` in seconds as in the node's widgets: end 0 = to the clip's end. A *plain* edit has only gain, freeze,
 * low or high, over the panel's range: those the rows show. Everything else in the text is kept as it is.
 */
import { formatEdits, parseEdits, tidy } from "./edit_text.js";

export const LIMIT = 10; // of a slider's widget, in coefficient units
export const WHOLE_CLIP = { start: 0, end: 0, ease: 0.2 };
export const PLAIN = { gain: 1, freeze: false, low: null, high: null }; // fields of a plain edit, and what changes nothing
const RANGE_KEYS = ["start", "end", "ease"];

/** The plain edit of a direction: its fields with their defaults. */
export function plainFields(edits, direction, range) {
  const found = edits.find((edit) => edit.direction === direction && isPlain(edit, range));
  return {
    ...PLAIN,
    ...Object.fromEntries(
      Object.keys(PLAIN)
        .filter((key) => found?.[key] != null)
        .map((key) => [key, found[key]]),
    ),
  };
}

/** How many edits of the text the rows do not show. */
export function countOthers(edits, range) {
  const shown = new Set(edits.filter((edit) => isPlain(edit, range)).map((edit) => edit.direction));
  return edits.length - shown.size;
}

/** The edits with one field of a direction's plain edit set; an edit that changes nothing is left out. */
export function withField(edits, direction, range, field, value) {
  const place = edits.findIndex((edit) => edit.direction === direction && isPlain(edit, range));
  const fields = { ...plainFields(edits, direction, range), [field]: typeof value === "number" ? tidy(value) : value };
  const kept = Object.entries(fields).filter(([key, given]) => given !== PLAIN[key]);
  const made = kept.length ? [{ direction, ...Object.fromEntries(kept), ...rangeFields(range) }] : [];
  return place < 0 ? [...edits, ...made] : edits.toSpliced(place, 1, ...made);
}

/** The edits after the panel's range moved: plain ones move with it. */
export function withRange(edits, before, after) {
  return edits.map((edit) => (isPlain(edit, before) ? { ...without(edit, RANGE_KEYS), ...rangeFields(after) } : edit));
}

/** Text and sliders (direction -> offset) as one text: what "copy" gives. Throws EditTextError where the text cannot be read. */
export function wholeText(text, offsets, range) {
  const sliders = [...offsets].filter(([, offset]) => offset !== 0);
  return formatEdits([
    ...parseEdits(text),
    ...sliders.map(([direction, offset]) => ({ direction, offset: tidy(offset), ...rangeFields(range) })),
  ]);
}

/**
 * A whole edit as text, taken apart: `offsets` (direction -> offset) for sliders, their `range`, and the `text` of all else. Together they
 * do what the text does: sliders come last, so an offset moves there only when no later edit has its direction. Throws EditTextError.
 */
export function takeApart(wholeEdit, directions) {
  const edits = parseEdits(wholeEdit);
  const movable = edits.map(
    (edit, place) => isSlider(edit, directions) && !edits.slice(place + 1).some((next) => next.direction === edit.direction),
  );
  const first = edits.find((edit, place) => movable[place]) ?? edits.find((edit) => isPlain(edit, rangeOf(edit)));
  const range = first ? rangeOf(first) : WHOLE_CLIP;
  const moved = movable.map((may, place) => may && sameRange(rangeOf(edits[place]), range));
  return {
    offsets: new Map(edits.filter((_, place) => moved[place]).map((edit) => [edit.direction, edit.offset])),
    range,
    text: formatEdits(edits.filter((_, place) => !moved[place])),
  };
}

function isSlider(edit, directions) {
  const extra = Object.keys(without(edit, ["direction", "offset", ...RANGE_KEYS]));
  return edit.offset !== undefined && Math.abs(edit.offset) <= LIMIT && edit.direction < directions && extra.length === 0;
}

function isPlain(edit, range) {
  const extra = Object.keys(without(edit, ["direction", ...Object.keys(PLAIN), ...RANGE_KEYS]));
  return extra.length === 0 && sameRange(rangeOf(edit), range);
}

/** The range of an edit of the text; where it is the whole clip, its ease means nothing. */
function rangeOf(edit) {
  const range = { start: edit.start ?? 0, end: edit.end ?? 0, ease: edit.ease ?? 0 };
  return isWhole(range) ? WHOLE_CLIP : range;
}

function sameRange(one, other) {
  return (isWhole(one) && isWhole(other)) || RANGE_KEYS.every((key) => tidy(one[key]) === tidy(other[key]));
}

function isWhole(range) {
  return !range.start && !range.end;
}

/** A range as fields of an edit of the text. */
function rangeFields(range) {
  if (isWhole(range)) return {};
  return Object.fromEntries(RANGE_KEYS.filter((key) => range[key]).map((key) => [key, tidy(range[key])]));
}

function without(object, keys) {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
