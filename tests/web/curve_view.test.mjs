import assert from "node:assert/strict";
import test from "node:test";
import * as view from "../../web/js/curve_view.js";

const key = (time, value, easing = "smooth", handles = [0.42, 0, 0.58, 1]) => ({ time, value, easing, handles });
const box = { start: 1, end: 3, low: -2, high: 2, left: 10, top: 20, width: 200, height: 100 }; // 100 px a second, 25 px a unit
const at = (keys, selected, x, y, more = []) => view.hitTest(box, [{ keyframes: keys }, ...more], 0, selected, x, y);

test("pixels and back", () => {
  assert.equal(view.xOf(box, 1.5), 60);
  assert.equal(view.yOf(box, 1), 45);
  assert.equal(view.timeOf(box, view.xOf(box, 2.25)), 2.25);
  assert.equal(view.valueOf(box, view.yOf(box, -1.5)), -1.5);
});

test("the time axis reaches the clip's end and every keyframe", () => {
  assert.equal(view.axisSeconds([{ keyframes: [] }], 0), 5);
  assert.equal(view.axisSeconds([{ keyframes: [key(10, 0)] }], 0), 12);
  assert.equal(view.axisSeconds([{ keyframes: [key(2, 0)] }], 3.2), 3.2);
  assert.equal(view.axisSeconds([{ keyframes: [key(9, 0)] }, { keyframes: [] }], 3.2), 9);
});

test("the value axis shows every keyframe and handle", () => {
  assert.deepEqual(view.fitValues([]), [-2, 2]);
  assert.deepEqual(view.fitValues([{ keyframes: [key(0, 0), key(1, -7)] }]), [-10, 10]);
  assert.deepEqual(view.fitValues([{ keyframes: [key(0, 0), key(1, 2)] }]), [-3, 3]);
  assert.deepEqual(view.fitValues([{ keyframes: [key(0, 0, "bezier", [0, 0, 1, 3]), key(1, 5)] }]), [-20, 20]);
});

test("ticks are round and few", () => {
  assert.deepEqual(view.ticks(-2, 2, 5), [-2, -1, 0, 1, 2]);
  assert.deepEqual(view.ticks(0, 3.2, 8), [0, 0.5, 1, 1.5, 2, 2.5, 3]);
  assert.deepEqual(view.ticks(1.23, 1.29, 4), [1.24, 1.26, 1.28]);
  assert.equal(view.tickLabel(-0.0001, 0.5), "0.0");
  assert.equal(view.tickLabel(2, 1), "2");
  assert.equal(view.tickLabel(1.24, 0.02), "1.24");
});

test("frames are shown once they are apart", () => {
  assert.deepEqual(view.frameTicks(box, 25, 6), []); // 4 px a frame
  assert.equal(view.frameTicks(box, 10, 6).length, 21);
  assert.deepEqual(view.frameTicks({ ...box, start: 1.01, end: 1.09 }, 25, 6), [1.04, 1.08]);
});

test("zooming keeps the place under the pointer and ends at the clip", () => {
  const [start, end] = view.zoomTime([0, 10], 4, 0.5, 10);
  assert.deepEqual([start, end], [2, 7]);
  assert.deepEqual(view.zoomTime([2, 7], 4, 100, 10), [0, 10]);
  assert.deepEqual(view.zoomTime([0, 1], 0, 0.001, 10), [0, 0.2]);
  assert.deepEqual(view.panTime([9.5, 0], 2, 10), [8, 10]);
  assert.deepEqual(view.panTime([-3, 0], 2, 10), [0, 2]);
});

test("hits: keyframe, line, nothing", () => {
  const keys = [key(1, 0, "linear"), key(2, 1, "linear"), key(3, 1)];
  assert.deepEqual(at(keys, -1, 112, 47), { kind: "key", track: 0, index: 1 });
  assert.deepEqual(at(keys, -1, 60, 57.5), { kind: "line", track: 0 });
  assert.deepEqual(at(keys, -1, 60, 66), { kind: "none" });
  assert.deepEqual(at([], -1, 60, 57.5), { kind: "none" });
});

test("the upright piece of a hold is part of the line", () => {
  const keys = [key(1, 0, "hold"), key(2, 2)];
  assert.deepEqual(at(keys, -1, 112, 45), { kind: "line", track: 0 });
  assert.deepEqual(at(keys, -1, 100, 45), { kind: "none" });
});

test("handles are hit only where they are shown, and behind their keyframes", () => {
  const keys = [key(1, 0, "bezier", [0.5, 0, 0.5, 1]), key(2, 1, "linear"), key(3, 1)];
  assert.deepEqual(at(keys, -1, 60, 45), { kind: "none" });
  assert.deepEqual(at(keys, 0, 60, 45), { kind: "handle", track: 0, index: 0, which: 1 });
  assert.deepEqual(at(keys, 1, 60, 70), { kind: "handle", track: 0, index: 0, which: 0 });
  assert.deepEqual(at(keys, 2, 60, 70), { kind: "none" });
  const zero = [key(1, 0, "bezier", [0, 0, 0.5, 1]), key(2, 1)];
  assert.deepEqual(at(zero, 0, 10, 70), { kind: "key", track: 0, index: 0 });
});

test("the other tracks come after the active one", () => {
  const mine = [key(1, 0), key(3, 0)];
  const other = { keyframes: [key(1, 0), key(2, 0), key(3, 1)] };
  assert.deepEqual(at(mine, -1, 10, 70, [other]), { kind: "key", track: 0, index: 0 });
  assert.deepEqual(at(mine, -1, 110, 70, [other]), { kind: "key", track: 1, index: 1 });
  assert.deepEqual(at(mine, -1, 60, 70, [other]), { kind: "line", track: 0 });
  assert.deepEqual(at(mine, -1, 190, 48, [other]), { kind: "line", track: 1 });
});

test("the path is the curve itself", () => {
  const keys = [key(1.5, 0, "smooth"), key(2.5, 1, "hold"), key(2.75, 0)];
  const path = view.curvePath(box, keys);
  assert.deepEqual(path[0], { move: [10, 70] });
  assert.deepEqual(path[1], { line: [60, 70] });
  const [x1, y1, x2, y2, x3, y3] = path[2].bezier;
  assert.ok(Math.abs(x1 - (60 + 100 / 3)) < 1e-9 && y1 === 70 && Math.abs(x2 - (60 + 200 / 3)) < 1e-9 && y2 === 45);
  assert.deepEqual([x3, y3], [160, 45]);
  assert.deepEqual(path.slice(3), [{ line: [185, 45] }, { line: [185, 70] }, { line: [210, 70] }]);
  assert.deepEqual(view.curvePath(box, []), []);
  assert.deepEqual(view.curvePath(box, [key(2, 1)]), [{ move: [10, 45] }, { line: [110, 45] }, { line: [210, 45] }]);
});

test("of a long curve only the pieces in sight are drawn", () => {
  const keys = Array.from({ length: 1000 }, (_, i) => key(i / 10, 0));
  assert.ok(view.curvePath(box, keys).length < 30);
});
