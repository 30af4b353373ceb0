import assert from "node:assert/strict";
import test from "node:test";
import { addKey, cycleEasing, handlePoints, moveHandle, moveKey, removeKey, setEasing } from "../../web/js/curve_keys.js";

const key = (time, value, easing = "smooth", handles = [0.42, 0, 0.58, 1]) => ({ time, value, easing, handles });
const places = (keys) => keys.map(({ time, value }) => [time, value]);

test("adding keeps the order and goes on with the easing before", () => {
  const { keys, index } = addKey([key(0, 0, "hold"), key(2, 1)], 1.013, 3, 25);
  assert.equal(index, 1);
  assert.deepEqual(keys[1], key(1, 3, "hold"));
  assert.deepEqual(places(keys), [[0, 0], [1, 3], [2, 1]]);
  assert.deepEqual(addKey([key(1, 0, "linear")], 0.2, 1, 25).keys[0], key(0.2, 1, "linear"));
  assert.deepEqual(addKey([], 0.2, 1, 25), { keys: [key(0.2, 1)], index: 0 });
});

test("adding where a keyframe is moves that one", () => {
  const { keys, index } = addKey([key(0, 0), key(1, 1)], 1.01, 7, 25);
  assert.deepEqual([index, places(keys)], [1, [[0, 0], [1, 7]]]);
  assert.equal(addKey([key(1, 1)], 1.01, 7).keys.length, 2);
});

test("adding changes no other list and stays within the limits", () => {
  const before = [key(0, 0)];
  const { keys } = addKey(before, -5, 1e9);
  assert.deepEqual(before, [key(0, 0)]);
  assert.deepEqual(places(keys), [[0, 100]]);
  assert.deepEqual(places(addKey(before, 1e9, -1e9).keys), [[0, 0], [86400, -100]]);
});

test("a keyframe does not pass its neighbors", () => {
  const keys = [key(0, 0), key(1, 1), key(2, 2)];
  assert.equal(moveKey(keys, 1, 5, 1, 25)[1].time, 1.96);
  assert.equal(moveKey(keys, 1, -5, 1, 25)[1].time, 0.04);
  assert.equal(moveKey(keys, 1, 1.513, 1, 25)[1].time, 1.52);
  assert.equal(moveKey(keys, 1, 5, 1)[1].time, 1.999);
  assert.equal(moveKey(keys, 1, 1.51349, 1)[1].time, 1.51349);
  assert.equal(moveKey(keys, 0, -5, 1, 25)[0].time, 0);
  assert.equal(moveKey(keys, 2, 99, 1, 25)[2].time, 99);
});

test("without a free frame between the neighbors it stays", () => {
  const tight = [key(0.04, 0), key(0.05, 1), key(0.08, 2)];
  assert.equal(moveKey(tight, 1, 0.06, 1, 25)[1].time, 0.05);
  assert.equal(moveKey([key(0.041, 0), key(0.05, 1), key(0.13, 2)], 1, 0, 1, 25)[1].time, 0.08);
});

test("every frame of an odd rate can be reached", () => {
  for (const fps of [23.976, 29.97, 59.94]) {
    let keys = [key(0, 0), key(0.5, 0), key(9, 0)];
    for (let frame = 1; frame < 200; frame += 1) {
      keys = moveKey(keys, 1, frame / fps, 0, fps);
      assert.equal(Math.round(keys[1].time * fps * 1000) / 1000, frame);
    }
  }
});

test("removing, easings", () => {
  const keys = [key(0, 0), key(1, 1), key(2, 2)];
  assert.deepEqual(places(removeKey(keys, 1)), [[0, 0], [2, 2]]);
  let turned = keys;
  const seen = [];
  for (let i = 0; i < 4; i += 1) {
    turned = cycleEasing(turned, 1);
    seen.push(turned[1].easing);
  }
  assert.deepEqual(seen, ["hold", "bezier", "linear", "smooth"]);
  assert.equal(setEasing(keys, 0, "nonsense"), keys);
});

test("handles: where they are, and how they follow the hand", () => {
  const keys = [key(1, 10, "bezier", [0.25, 0, 0.5, 1]), key(3, 20)];
  assert.deepEqual(handlePoints(keys, 0), [[1.5, 10], [2, 20]]);
  assert.deepEqual(handlePoints(keys, 1), []);
  assert.deepEqual(handlePoints([key(0, 0), key(1, 1)], 0), []);
  const moved = moveHandle(keys, 0, 1, 2.5, 25);
  assert.deepEqual(moved[0].handles, [0.25, 0, 0.75, 1.5]);
  assert.deepEqual(handlePoints(moved, 0)[1], [2.5, 25]);
  assert.deepEqual(moveHandle(keys, 0, 0, -9, 10)[0].handles, [0, 0, 0.5, 1]);
  assert.deepEqual(moveHandle(keys, 0, 0, 99, 10)[0].handles, [1, 0, 0.5, 1]);
});

test("a handle between equal values keeps its height", () => {
  const flat = [key(0, 5, "bezier", [0.3, 0.7, 0.6, 1]), key(1, 5)];
  assert.deepEqual(moveHandle(flat, 0, 0, 0.5, 9)[0].handles, [0.5, 0.7, 0.6, 1]);
});
