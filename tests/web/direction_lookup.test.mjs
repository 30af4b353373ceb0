import assert from "node:assert/strict";
import test from "node:test";
import { directionLookup } from "../../web/js/direction_lookup.js";

const NAMES = [{ index: 0, name: "yaw" }];

/** A graph in which a LoadFLOAT feeds the node; `answers` are given one after the other. */
function scene(answers) {
  const loader = { id: 1, comfyClass: "LoadFLOAT", widgets: [{ name: "model", value: "mini" }] };
  const graph = { getNodeById: (id) => (id === 1 ? loader : null), getLink: () => ({ origin_id: 1, origin_slot: 0 }) };
  const node = { graph, inputs: [{ name: "model", type: "FLOAT_MODEL", link: 7 }] };
  const asked = [];
  const timers = [];
  const api = {
    async fetchApi(path) {
      asked.push(path);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return { ok: answer.status === 200, status: answer.status, json: async () => answer };
    },
  };
  const found = [];
  const clock = { set: (call) => timers.push(call), clear: () => timers.splice(0) };
  const lookup = directionLookup(node, { app: { rootGraph: graph }, api }, (directions) => found.push(directions), clock);
  return { lookup, loader, node, asked, found, timers };
}

test("a model is asked for once, another one anew", async () => {
  const { lookup, loader, asked, found } = scene([{ status: 200, directions: NAMES }, { status: 200, directions: [] }]);
  await lookup.look();
  await lookup.look();
  loader.widgets[0].value = "a model.pth";
  await lookup.look();
  assert.deepEqual(asked, ["/float/directions?model=mini", "/float/directions?model=a%20model.pth"]);
  assert.deepEqual(found, [NAMES, []]);
});

for (const failure of [new TypeError("no connection"), { status: 503 }]) {
  test(`a look-up that fails once is tried again (${failure.status ?? failure.message})`, async () => {
    const { lookup, asked, found, timers } = scene([failure, failure, { status: 200, directions: NAMES }]);
    await lookup.look();
    await lookup.look();
    assert.deepEqual([asked.length, found.length, timers.length], [1, 0, 1], "not at every look, but by a timer");
    await timers.pop()();
    assert.equal(timers.length, 1, "and again");
    await timers.pop()();
    assert.deepEqual(found, [NAMES]);
    assert.equal(timers.length, 0);
  });
}

test("a model that the server does not know has no names, and is not asked for again", async () => {
  const { lookup, asked, found, timers } = scene([{ status: 404 }]);
  await lookup.look();
  await lookup.look();
  assert.deepEqual([asked.length, found, timers.length], [1, [undefined], 0]);
});

test("without a loader nobody is asked", async () => {
  const { lookup, node, asked, found } = scene([]);
  node.inputs[0].link = null;
  node.graph.getLink = () => undefined;
  await lookup.look();
  assert.deepEqual([asked, found], [[], [undefined]]);
});

test("what was forgotten is asked for again", async () => {
  const { lookup, found } = scene([{ status: 200, directions: NAMES }, { status: 200, directions: [] }]);
  await lookup.look();
  lookup.forget();
  await lookup.look();
  assert.deepEqual(found, [NAMES, []]);
});

test("an answer that comes late does not take the place of a newer one", async () => {
  const { lookup, loader, found } = scene([{ status: 200, directions: [] }, { status: 200, directions: NAMES }]);
  const late = lookup.look();
  loader.widgets[0].value = "other";
  await lookup.look();
  await late;
  assert.deepEqual(found, [NAMES]);
});
