import assert from "node:assert/strict";
import test from "node:test";
import * as state from "../../web/js/panel_state.js";

const direction = (index, name, group, labels = []) => ({ index, name, group, low: -2.034, high: 1.506, measured: true, labels });
const yaw = direction(0, "yaw (λ0)", "head", [
  { name: "yaw", group: "head", strength: 0.834 },
  { name: "roll", group: "head", strength: 0.166 },
]);

test("widgets: twenty sliders and the rest, with the node's defaults", () => {
  assert.deepEqual([state.SLIDERS[0], state.SLIDERS[19], state.SLIDERS.length], ["lambda_00", "lambda_19", 20]);
  assert.equal(Object.keys(state.DEFAULTS).length, 27);
  assert.deepEqual(state.DEFAULTS.ease, 0.2);
});

test("without names there are λ0 to λ19 in one group", () => {
  const [only, ...more] = state.groupDirections(state.unnamedDirections());
  assert.deepEqual([only.group, only.directions.length, more.length], ["other", 20, 0]);
  assert.deepEqual(state.unnamedDirections()[7], { index: 7, name: "λ7", group: "other", low: -3, high: 3, measured: false, labels: [] });
});

test("a server's answer names the directions it knows", () => {
  const read = state.readDirections({ directions: [yaw, direction(25, "beyond", "head")] });
  assert.equal(read.length, 20);
  assert.deepEqual([read[0].name, read[1].name], ["yaw (λ0)", "λ1"]);
  assert.deepEqual(state.readDirections({ error: "no" }), state.unnamedDirections());
});

test("groups come in the order of a face, unknown ones last", () => {
  const groups = state.groupDirections([direction(0, "a", "brows"), direction(1, "b", "ears"), yaw]);
  assert.deepEqual(
    groups.map(({ group, directions }) => [group, directions.map(({ name }) => name)]),
    [
      ["head", ["yaw (λ0)"]],
      ["brows", ["a"]],
      ["other", ["b"]],
    ],
  );
});

test("search finds names, numbers, groups and labels; every word counts", () => {
  for (const found of ["", "YAW", "λ0", "0", "head", "roll", "yaw head", "lambda_0", "lambda 0"])
    assert.ok(state.matches(yaw, found), found);
  for (const none of ["smile", "yaw smile", "1"]) assert.ok(!state.matches(yaw, none), none);
});

test("a slider's range is in whole steps and reaches the value", () => {
  const close = (found, expected) => found.forEach((end, i) => assert.ok(Math.abs(end - expected[i]) < 1e-9, `${found}`));
  close(state.sliderRange(yaw, 0), [-5.09, 5.09]); // 2.5 times 2.034, and up to a whole step
  close(state.sliderRange(yaw, 4.2), [-5.09, 5.09]);
  close(state.sliderRange(yaw, -9), [-9, 9]);
  close(state.sliderRange({ low: -0.004, high: 0.002, measured: true }, 0), [-0.13, 0.13]);
  close(state.sliderRange({ low: -99, high: 99, measured: true }, 0), [-10, 10]);
  close(state.sliderRange(state.unnamedDirections()[3], 0), [-3, 3]);
});

test("a tooltip says what moves, and how far", () => {
  assert.equal(state.describe(yaw), "λ0: moves yaw 83 %, roll 17 %; natural range -2.03 to 1.51");
  assert.equal(state.describe(state.unnamedDirections()[3]), "λ3: not measured for this model");
});

test("typed numbers", () => {
  assert.deepEqual(
    ["1.5", "1,5", " -3 ", "99", "-99", "", "abc", "1e1"].map((text) => state.readNumber(text, -10, 10)),
    [1.5, 1.5, -3, 10, -10, null, null, 10],
  );
});

test("time in seconds and frame", () => assert.equal(state.timeLabel(1.24, 25), "1.24 s · frame 31"));

test("an offset is shown with the decimals it has", () => {
  assert.deepEqual([0, -0, 1.5, -0.125, 0.29, 10].map(state.offsetLabel), ["0.00", "0.00", "1.50", "-0.125", "0.29", "10.00"]);
});

test("words of a name are found with a space or an underscore", () => {
  const jaw = direction(6, "jaw_open (λ6)", "jaw");
  assert.ok(state.matches(jaw, "jaw open") && state.matches(jaw, "jaw_open") && state.matches(jaw, "w_o"));
});

test("the range in short", () => {
  assert.equal(state.rangeLabel({ start: 0, end: 0 }, 1), "whole clip");
  assert.equal(state.rangeLabel({ start: 0.4, end: 0 }, 1), "0.40 – end s");
  assert.equal(state.rangeLabel({ start: 0, end: 2 }, 0.5), "0.00 – 2.00 s · rest × 0.50");
});
