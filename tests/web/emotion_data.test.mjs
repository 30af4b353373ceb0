import assert from "node:assert/strict";
import test from "node:test";
import { EMOTION_COLORS, colorOf, readEmotions, stackedAreas } from "../../web/js/emotion_data.js";
import { recall, remember } from "../../web/js/run_memory.js";

const names = ["angry", "happy", "sad"];

test("shares by name, the strongest marked", () => {
  const { emotions, rows, times } = readEmotions({ names, probabilities: [0.25, 0.6, 0.15] });
  assert.deepEqual(emotions.map(({ name, share, most }) => [name, share, most]), [["angry", 0.25, false], ["happy", 0.6, true], ["sad", 0.15, false]]);
  assert.deepEqual([rows, times], [[], []]);
});

test("broken messages are none, or shares of 0", () => {
  for (const told of [undefined, null, 5, {}, { names: 3, probabilities: [] }, { names }]) assert.equal(readEmotions(told), undefined);
  assert.deepEqual(readEmotions({ names, probabilities: [NaN, "x", 7] }).emotions.map(({ share }) => share), [0, 0, 1]);
  assert.deepEqual(readEmotions({ names, probabilities: [1], rows: [null, [0.5]], times: "?" }).rows, [[0, 0, 0], [0.5, 0, 0]]);
});

test("areas are stacked from below and fill the field", () => {
  const heard = readEmotions({ names, probabilities: [0, 0, 0], times: [1, 2, 5], rows: [[1, 0, 0], [0.5, 0.25, 0.25], [0, 0, 2]] });
  const areas = stackedAreas(heard, 400, 100);
  assert.equal(areas[0], "0,0 100,50 400,100 400,100 100,100 0,100");
  assert.equal(areas[1], "0,0 100,25 400,100 400,100 100,50 0,0");
  assert.equal(areas[2], "0,0 100,0 400,0 400,100 100,25 0,0");
});

test("every emotion has its own color", () => {
  assert.equal(new Set(Object.values(EMOTION_COLORS)).size, 7);
  assert.match(colorOf("boredom"), /^#/);
});

test("a run's results are kept for the node at the same place", () => {
  const node = (id, graph = "a", root = "r") => ({ id, graph: { id: graph, rootGraph: { id: root } } });
  remember(node(1), "run", 7);
  remember({ id: 1 }, "run", 8); // in no graph
  assert.equal(recall(node(1), "run"), 7);
  for (const other of [node(2), node(1, "b"), node(1, "a", "s")]) assert.equal(recall(other, "run"), undefined);
  for (let i = 0; i < 500; i += 1) remember(node(100 + i), "run", i);
  assert.equal(recall(node(1), "run"), undefined);
  assert.equal(recall(node(599), "run"), 499);
});
