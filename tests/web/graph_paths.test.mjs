import assert from "node:assert/strict";
import test from "node:test";
import { executionIds, placesOf, widgetUpstream } from "../../web/js/graph_paths.js";

/** A graph as LiteGraph has it: nodes by id, links [id, from node, from slot]. */
function graph(nodes, links = [], outputs = []) {
  const made = { nodes, outputs, getNodeById: (id) => nodes.find((node) => String(node.id) === String(id)) };
  const known = new Map(links.map(([id, origin_id, origin_slot]) => [id, { origin_id, origin_slot }]));
  made.getLink = (id) => known.get(id);
  for (const node of nodes) node.graph = made;
  return made;
}
const loader = (id, model) => ({ id, comfyClass: "LoadFLOAT", widgets: [{ name: "model", value: model }], inputs: [] });
const edit = (id, link) => ({ id, comfyClass: "LambdaEdit", inputs: [{ name: "model", type: "FLOAT_MODEL", link }] });
const modelOf = (root, node) => widgetUpstream(root, node, "model", "LoadFLOAT", "model");

test("ids in the root and inside subgraphs, each time the subgraph is used", () => {
  const node = edit(9, null);
  const inner = graph([node]);
  const middle = graph([{ id: 7, subgraph: inner }]);
  const root = graph([{ id: 5, subgraph: inner }, { id: 6, subgraph: middle }, edit(1, null)]);
  assert.deepEqual(executionIds(root, root.nodes[2]), ["1"]);
  assert.deepEqual(executionIds(root, node), ["5:9", "6:7:9"]);
  assert.deepEqual(
    placesOf(root, middle).map(({ path }) => path),
    [["6"]],
  );
});

test("a node in no graph, or in one that is not used, has no id", () => {
  const root = graph([]);
  assert.deepEqual(executionIds(root, { id: 1 }), []);
  const lost = edit(1, null);
  graph([lost]);
  assert.deepEqual(executionIds(root, lost), []);
});

test("the model's name, straight and through a reroute", () => {
  const reroute = { id: 2, type: "Reroute", inputs: [{ name: "", type: "*", link: 10 }] };
  const root = graph(
    [loader(1, "mini"), reroute, edit(3, 10), edit(4, 11), edit(5, null)],
    [
      [10, 1, 0],
      [11, 2, 0],
    ],
  );
  assert.deepEqual(
    [2, 3, 4].map((i) => modelOf(root, root.nodes[i])),
    ["mini", "mini", undefined],
  );
});

test("the model's name, into a subgraph and out of another", () => {
  const node = edit(9, 20);
  const user = { id: 5, subgraph: graph([node], [[20, -10, 0]]), inputs: [{ name: "model", type: "FLOAT_MODEL", link: 30 }] };
  const maker = {
    id: 6,
    subgraph: graph([loader(2, "big.safetensors")], [[40, 2, 0]], [{ type: "FLOAT_MODEL", linkIds: [40] }]),
    inputs: [],
  };
  const root = graph([user, maker], [[30, 6, 0]]);
  assert.equal(modelOf(root, node), "big.safetensors");
});

test("a model from elsewhere has no name, and a circle ends", () => {
  const other = { id: 2, type: "SomeLoader", inputs: [] };
  const round = { id: 3, type: "Reroute", inputs: [{ name: "", type: "*", link: 11 }] };
  const root = graph(
    [edit(1, 10), edit(4, 11), other, round],
    [
      [10, 2, 0],
      [11, 3, 0],
    ],
  );
  assert.deepEqual([modelOf(root, root.nodes[0]), modelOf(root, root.nodes[1])], [undefined, undefined]);
});
