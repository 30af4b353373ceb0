import assert from "node:assert/strict";
import test from "node:test";
import { CurveStore } from "../../web/js/curve_store.js";

const STEP = '[{"direction": 3, "curve": {"keyframes": [[0, 0], [2, 1]]}}]';
const box = { left: 0, top: 0, width: 100, height: 100 };

function made(text) {
  const written = [];
  const store = new CurveStore({ write: (now) => written.push(now), changed() {} });
  store.load(text);
  return { store, written };
}

test("what is only looked at is not written", () => {
  const { store, written } = made(STEP.replaceAll(" ", ""));
  store.select(0, 1);
  store.freeze();
  store.commit();
  store.change(store.keys);
  assert.deepEqual(written, []);
});

test("a change is written once, when the gesture is done", () => {
  const { store, written } = made(STEP);
  store.preview(store.keys.map((key) => ({ ...key, value: 5 })));
  assert.deepEqual(written, []);
  store.commit();
  assert.deepEqual(written, ['[{"direction": 3, "curve": {"keyframes": [[0, 5], [2, 5]]}}]']);
});

test("text that cannot be read, or comes over a link, is never written over", () => {
  const { store, written } = made("[broken");
  assert.match(store.message, /cannot be read/);
  store.addDirection(1);
  store.load(STEP);
  store.link(true);
  store.change([]);
  assert.deepEqual(written, []);
});

test("a selection that text from outside does not have is none", () => {
  const { store } = made(STEP);
  store.select(0, 1);
  store.load('[{"direction": 3, "curve": {"keyframes": [[0, 0]]}}]');
  assert.equal(store.selected, -1);
  store.load("[]");
  assert.deepEqual([store.active, store.track, store.keys, store.key], [0, undefined, [], undefined]);
});

test("removing a track keeps the one that is edited", () => {
  const { store } = made("[]");
  [4, 5, 6].forEach((direction) => store.addDirection(direction));
  store.select(1);
  store.removeTrack(0);
  assert.equal(store.track.direction, 5);
  store.removeTrack(0);
  assert.equal(store.track.direction, 6);
});

test("a keyframe that is dragged beyond the axis widens the view, not the hand's measure", () => {
  const { store } = made(STEP);
  store.select(0, 1);
  store.freeze();
  store.preview(store.keys.map((key, i) => (i === 1 ? { ...key, value: 9 } : key)));
  assert.deepEqual([store.view(box).low, store.view(box).high, store.hand(box).high], [-2, 9, 2]);
  store.commit();
  assert.equal(store.view(box).high, 15);
});

test("what a run tells is checked", () => {
  const { store } = made(STEP);
  for (const told of [undefined, null, {}, { duration: -1, fps: 0, waveform: "x", names: 5 }, { duration: "9", fps: NaN }]) {
    store.learn(told);
    assert.deepEqual([store.duration, store.fps, store.waveform, store.names], [0, 25, [], undefined]);
  }
  store.learn({ duration: 2.5, fps: 30, waveform: [0.5, 7, -1, null], names: ["yaw (λ0)", 3] });
  assert.deepEqual([store.duration, store.fps, store.waveform, store.names], [2.5, 30, [0.5, 1, 0, 0], ["yaw (λ0)", "3"]]);
  assert.equal(store.view(box).end, 2.5);
  store.call(["other"]);
  assert.equal(store.names[0], "yaw (λ0)");
});

test("zoom ends at the whole clip, pan stays inside it", () => {
  const { store } = made(STEP);
  store.zoom(0.5, 0);
  assert.deepEqual([store.view(box).start, store.view(box).end], [0, 2.5]);
  store.pan(99);
  assert.deepEqual([store.view(box).start, store.view(box).end], [2.5, 5]);
  store.zoom(9);
  assert.equal(store.window, undefined);
});
