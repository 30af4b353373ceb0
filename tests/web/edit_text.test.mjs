import assert from "node:assert/strict";
import test from "node:test";
import { EditTextError, formatEdits, parseEdits, tidy } from "../../web/js/edit_text.js";

test("no text is no edits, and the other way round", () => {
  for (const text of ["", "  \n", "[]"]) assert.deepEqual(parseEdits(text), []);
  assert.equal(formatEdits([]), "");
});

test("text and back, an edit a line, spaced as Python does", () => {
  const text = '[{"direction": 0, "gain": 0.5},\n {"direction": 3, "curve": {"keyframes": [[0, 1], [1.5, -2, "hold"]]}}]';
  assert.equal(formatEdits(parseEdits(text)), text);
});

test("null is allowed where Python has None", () => {
  assert.deepEqual(parseEdits('[{"direction": 1, "low": null, "end": null}]'), [{ direction: 1, low: null, end: null }]);
});

const wrong = {
  "[": /not an edit/,
  "{}": /not a list/,
  "[3]": /edit 1: expected/,
  '[{"direction": 0}, null]': /edit 2: expected/,
  '[{"gain": 1}]': /edit 1: direction/,
  '[{"direction": 1.5}]': /direction is not/,
  '[{"direction": "0"}]': /direction is not/,
  '[{"direction": 0, "speed": 1}]': /"speed" is not known/,
  '[{"direction": 0, "gain": "1"}]': /gain is not a number/,
  '[{"direction": 0, "gain": null}]': /gain is not a number/,
  '[{"direction": 0, "offset": 1e999}]': /offset is not a number/,
  '[{"direction": 0, "start": -1}]': /start is below 0/,
  '[{"direction": 0, "freeze": 1}]': /freeze/,
  '[{"direction": 0, "easing": "bounce"}]': /easing/,
  '[{"direction": 0, "curve": 2}]': /curve/,
};
for (const [text, message] of Object.entries(wrong)) {
  test(`refused: ${text}`, () =>
    assert.throws(
      () => parseEdits(text),
      (error) => error instanceof EditTextError && message.test(error.message),
    ));
}

test("numbers are tidy", () => {
  assert.equal(tidy(0.1 + 0.2), 0.3);
  assert.ok(Object.is(tidy(-0.0001), 0));
});
