import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { cubicBezier, frameValues, keyBefore, snapTime, tidyTime, tidyValue, valueAt } from "../../web/js/curve_math.js";
import { curvesToText, parseCurves } from "../../web/js/curve_text.js";

const cases = JSON.parse(readFileSync(new URL("curve_cases.json", import.meta.url)));

for (const { name, fps, frames, keyframes, values } of cases) {
  test(`as in Python: ${name}`, () => {
    const { entries, problem } = parseCurves(JSON.stringify([{ direction: 0, curve: { keyframes } }]));
    assert.equal(problem, "");
    const found = frameValues(entries[0].keyframes, frames, fps);
    assert.equal(found.length, values.length);
    found.forEach((value, i) => assert.ok(Math.abs(value - values[i]) < 2e-6, `frame ${i}: ${value}, not ${values[i]}`));
  });
}

test("a curve without keyframes is 0", () => assert.equal(valueAt([], 1), 0));

test("the browser's own ease-in and ease-out at a half", () => {
  assert.ok(Math.abs(cubicBezier([0.42, 0, 1, 1], 0.5) - 0.3153568) < 1e-6);
  assert.ok(Math.abs(cubicBezier([0, 0, 0.58, 1], 0.5) - 0.6846432) < 1e-6);
});

test("the keyframe before a time", () => {
  const keys = [{ time: 1 }, { time: 2 }, { time: 3 }];
  assert.deepEqual([0, 1, 1.5, 2.99, 3, 9].map((time) => keyBefore(keys, time)), [-1, 0, 0, 1, 2, 2]);
});

test("times snap to the nearest frame, and are never written after it", () => {
  assert.equal(snapTime(0.13, 25), 0.12);
  assert.equal(snapTime(-3, 25), 0);
  for (const fps of [10, 23.976, 24, 25, 29.97, 30, 59.94, 60, 119.88]) {
    for (let frame = 0; frame < 3000; frame += 1) {
      const written = tidyTime(frame / fps);
      assert.ok(written <= frame / fps && frame / fps - written < 1.1e-6, `${frame} at ${fps}`);
    }
  }
});

test("values have four decimals and no -0", () => {
  assert.equal(tidyValue(1.23456), 1.2346);
  assert.ok(Object.is(tidyValue(-0.00001), 0));
});

test("text and back", () => {
  const text = '[{"direction": 0, "gain": 0.5, "curve": {"keyframes": [[0, 0], [1.5, 2, "hold"], [2, -1, "bezier", [0.1, -2, 0.9, 3]]]}},\n {"direction": 3, "offset": 1}]';
  const { entries, problem } = parseCurves(text);
  assert.equal(problem, "");
  assert.deepEqual(entries[0].keyframes[0], { time: 0, value: 0, easing: "smooth", handles: [0.42, 0, 0.58, 1] });
  assert.deepEqual(entries[0].keyframes[2].handles, [0.1, -2, 0.9, 3]);
  assert.equal(curvesToText(entries), text);
  assert.equal(curvesToText([]), "[]");
});

test("what the editor does not show is kept", () => {
  const other = [{ direction: 4, curve: { values: [1, 2] } }, { direction: 5, curve: null }, { direction: 6, curve: { keyframes: [], values: [1] } }, { direction: 1, note: { deep: [null, true, 'a "b"'] }, curve: { keyframes: [[0, 1]] } }];
  const { entries } = parseCurves(JSON.stringify(other));
  assert.deepEqual(JSON.parse(curvesToText(entries)), other);
});

test("nothing is an empty list", () => {
  for (const text of ["", "  \n", "[]", undefined, null]) assert.deepEqual(parseCurves(text), { entries: [], problem: "" });
});

const broken = {
  "[": /not JSON/,
  "{}": /not a list/,
  "7": /not a list/,
  "[1]": /edit 1: is not an object/,
  "[[]]": /edit 1: is not an object/,
  "[null]": /edit 1: is not an object/,
  '[{"curve": {"keyframes": []}}]': /edit 1: its direction/,
  '[{"direction": 1.5}]': /edit 1: its direction/,
  '[{"direction": -1}]': /edit 1: its direction/,
  '[{"direction": "0"}]': /edit 1: its direction/,
  '[{"direction": 0, "curve": 3}]': /edit 1: its keyframes are not a list/,
  '[{"direction": 0, "curve": {"keyframes": [[0, 0, "hold", [0, 0, 1, 1]]]}}]': /has handles/,
  '[{"direction": 0, "curve": {"keyframes": {"length": 5}}}]': /edit 1: its keyframes are not a list/,
  '[{"direction": 0, "curve": {"keyframes": [[0, 0], 5]}}]': /edit 1, keyframe 2: is not \[time, value\]/,
  '[{"direction": 0, "curve": {"keyframes": [[0]]}}]': /keyframe 1: is not/,
  '[{"direction": 0, "curve": {"keyframes": [["0", 0]]}}]': /its time/,
  '[{"direction": 0, "curve": {"keyframes": [[-2e6, 0]]}}]': /its time/,
  '[{"direction": 0, "curve": {"keyframes": [[1e999, 0]]}}]': /its time/,
  '[{"direction": 0, "curve": {"keyframes": [[0, null]]}}]': /its value/,
  '[{"direction": 0, "curve": {"keyframes": [[0, 1e999]]}}]': /its value/,
  '[{"direction": 0, "curve": {"keyframes": [[0, 0, "toString"]]}}]': /its easing/,
  '[{"direction": 0, "curve": {"keyframes": [[0, 0, "bezier", [0, 0, 1]]]}}]': /four numbers/,
  '[{"direction": 0, "curve": {"keyframes": [[0, 0, "bezier", [-0.1, 0, 1, 1]]]}}]': /times of its handles/,
  '[{"direction": 0, "curve": {"keyframes": [[0, 0, "bezier", "abcd"]]}}]': /four numbers/,
};
for (const [text, message] of Object.entries(broken)) {
  test(`broken text: ${text}`, () => {
    const { entries, problem } = parseCurves(text);
    assert.deepEqual(entries, []);
    assert.match(problem, message);
  });
}

test("hostile text does not throw and reaches no prototype", () => {
  const { entries, problem } = parseCurves('[{"__proto__": {"polluted": 1}, "direction": 0, "curve": {"keyframes": [[0, 1]]}}]');
  assert.equal(problem, "");
  assert.equal({}.polluted, undefined);
  assert.match(curvesToText(entries), /"__proto__": \{"polluted": 1\}/);
  for (const value of [5, {}, [], true, "[".repeat(100000), `[${"0,".repeat(150000)}0]`, `["${"x".repeat(500000)}"]`]) {
    assert.notEqual(parseCurves(value).problem, "");
  }
  const many = JSON.stringify([{ direction: 0, curve: { keyframes: Array.from({ length: 20001 }, (_, i) => [i, 0]) } }]);
  assert.notEqual(parseCurves(many).problem, "");
});
