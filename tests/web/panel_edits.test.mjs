import assert from "node:assert/strict";
import test from "node:test";
import { parseEdits } from "../../web/js/edit_text.js";
import { PLAIN, WHOLE_CLIP, countOthers, plainFields, takeApart, wholeText, withField, withRange } from "../../web/js/panel_edits.js";

const FROM_1_TO_3 = { start: 1, end: 3, ease: 0.3 };

test("a direction without an edit has the defaults", () => {
  assert.deepEqual(plainFields([], 4, WHOLE_CLIP), { gain: 1, freeze: false, low: null, high: null });
});

test("fields are written, read and taken back", () => {
  let edits = withField([], 4, WHOLE_CLIP, "gain", 0.5);
  edits = withField(edits, 2, WHOLE_CLIP, "freeze", true);
  edits = withField(edits, 4, WHOLE_CLIP, "low", -1);
  assert.deepEqual(edits, [
    { direction: 4, gain: 0.5, low: -1 },
    { direction: 2, freeze: true },
  ]);
  assert.deepEqual(plainFields(edits, 4, WHOLE_CLIP), { gain: 0.5, freeze: false, low: -1, high: null });
  edits = withField(edits, 4, WHOLE_CLIP, "gain", 1);
  edits = withField(edits, 4, WHOLE_CLIP, "low", null);
  assert.deepEqual(edits, [{ direction: 2, freeze: true }]);
});

test("nothing is written for a default, and no list is changed", () => {
  const edits = Object.freeze([Object.freeze({ direction: 1, gain: 2 })]);
  assert.deepEqual(withField(edits, 3, WHOLE_CLIP, "gain", 1), [{ direction: 1, gain: 2 }]);
  assert.deepEqual(withField(edits, 1, WHOLE_CLIP, "gain", 3), [{ direction: 1, gain: 3 }]);
});

test("fields have the panel's range, and move with it", () => {
  const edits = withField([], 4, FROM_1_TO_3, "gain", 0.5);
  assert.deepEqual(edits, [{ direction: 4, gain: 0.5, start: 1, end: 3, ease: 0.3 }]);
  assert.equal(plainFields(edits, 4, FROM_1_TO_3).gain, 0.5);
  assert.equal(plainFields(edits, 4, WHOLE_CLIP).gain, 1);
  assert.deepEqual(withRange(edits, FROM_1_TO_3, { start: 0, end: 2, ease: 0 }), [{ direction: 4, gain: 0.5, end: 2 }]);
  assert.deepEqual(withRange(edits, FROM_1_TO_3, WHOLE_CLIP), [{ direction: 4, gain: 0.5 }]);
});

test("edits that rows cannot show stay as they are", () => {
  const others = [
    { direction: 4, offset: 1 },
    { direction: 4, curve: { values: [1, 2] } },
    { direction: 4, gain: 2, start: 7 },
  ];
  const edits = withField(others, 4, WHOLE_CLIP, "gain", 0.5);
  assert.deepEqual(edits, [...others, { direction: 4, gain: 0.5 }]);
  assert.deepEqual(withRange(others, WHOLE_CLIP, FROM_1_TO_3), others);
  assert.equal(countOthers(edits, WHOLE_CLIP), 3);
});

test("of two plain edits of one direction the rows show the first", () => {
  const twice = [
    { direction: 1, gain: 2 },
    { direction: 1, gain: 3 },
  ];
  assert.equal(plainFields(twice, 1, WHOLE_CLIP).gain, 2);
  assert.equal(countOthers(twice, WHOLE_CLIP), 1);
  assert.equal(countOthers([], WHOLE_CLIP), 0);
});

test("copy and paste give the same edit", () => {
  const text = '[{"direction": 0, "gain": 0.5, "start": 1, "end": 3, "ease": 0.3},\n {"direction": 6, "curve": {"values": [0, 1]}}]';
  const offsets = new Map([
    [0, 1.5],
    [1, 0],
    [6, -0.25],
  ]);
  const copied = wholeText(text, offsets, FROM_1_TO_3);
  assert.equal(parseEdits(copied).length, 4);
  const pasted = takeApart(copied, 20);
  assert.deepEqual(
    [...pasted.offsets],
    [
      [0, 1.5],
      [6, -0.25],
    ],
  );
  assert.deepEqual(pasted.range, FROM_1_TO_3);
  assert.equal(pasted.text, text);
});

test("copying nothing is no text", () => {
  assert.equal(wholeText("", new Map([[0, 0]]), FROM_1_TO_3), "");
  assert.deepEqual(takeApart("", 20), { offsets: new Map(), range: WHOLE_CLIP, text: "" });
});

test("an offset becomes a slider only where that does the same", () => {
  const keep = (list, directions = 20) => parseEdits(takeApart(JSON.stringify(list), directions).text);
  assert.deepEqual(
    keep([
      { direction: 0, offset: 1 },
      { direction: 1, gain: 2 },
    ]),
    [{ direction: 1, gain: 2 }],
  );
  const clamped = [
    { direction: 0, offset: 3 },
    { direction: 0, high: 1 },
  ];
  assert.deepEqual(keep(clamped), clamped); // the limit comes after the offset
  assert.deepEqual(
    keep([
      { direction: 0, offset: 1 },
      { direction: 0, offset: 2 },
    ]),
    [{ direction: 0, offset: 1 }],
  );
  assert.deepEqual(keep([{ direction: 0, offset: 11 }]), [{ direction: 0, offset: 11 }]);
  assert.deepEqual(keep([{ direction: 20, offset: 1 }]), [{ direction: 20, offset: 1 }]);
  assert.deepEqual(keep([{ direction: 0, offset: 1, easing: "linear", start: 1 }]).length, 1);
  const elsewhere = [
    { direction: 0, offset: 1 },
    { direction: 1, offset: 1, start: 2 },
  ];
  assert.deepEqual(keep(elsewhere), [elsewhere[1]]);
});

test("without sliders the range is that of the first plain edit, so that the rows show it", () => {
  const { range } = takeApart('[{"direction": 0, "curve": {"values": [1]}}, {"direction": 0, "gain": 2, "start": 1, "ease": 0.1}]', 20);
  assert.deepEqual(range, { start: 1, end: 0, ease: 0.1 });
});

test("the defaults change nothing", () => assert.deepEqual(PLAIN, { gain: 1, freeze: false, low: null, high: null }));
