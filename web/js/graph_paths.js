/**
 * Ways through ComfyUI's graphs, in and out of subgraphs: a node's id as the server knows it, and the node that its model comes from.
 * Works on anything shaped like LiteGraph's graphs; no DOM.
 */

const SUBGRAPH_INPUT = "-10"; // the id that LiteGraph gives to a subgraph's inner side of its inputs
const DEEPEST = 32;

const nodesOf = (graph) => graph.nodes ?? graph._nodes ?? [];
const linkOf = (graph, id) => (id == null ? undefined : (graph.getLink?.(id) ?? graph.links?.get?.(id) ?? graph.links?.[id]));

/** Where a graph stands: [{path: [ids of the subgraph nodes above], host, above}], one for every use of a subgraph; the root's has no host. */
export function placesOf(root, graph, path = [], host = undefined, above = undefined) {
  if (root === graph) return [{ path, host, above }];
  if (path.length >= DEEPEST) return [];
  return nodesOf(root)
    .filter((node) => node.subgraph)
    .flatMap((node) => placesOf(node.subgraph, graph, [...path, String(node.id)], node, root));
}

/** The ids of a node in a prompt: "9", or "5:9" inside a subgraph; several where its subgraph is used several times. */
export function executionIds(root, node) {
  if (!node.graph) return [];
  return placesOf(root, node.graph).map(({ path }) => [...path, String(node.id)].join(":"));
}

/** The value of `widget` in the node of class `kind` that feeds the input `name`, through reroutes and subgraphs; undefined without one. */
export function widgetUpstream(root, node, name, kind, widget) {
  const input = node.inputs?.find((slot) => slot.name === name);
  const source = sourceOf(root, node.graph, input, kind, DEEPEST);
  return source?.widgets?.find((candidate) => candidate.name === widget)?.value;
}

function sourceOf(root, graph, input, kind, left) {
  const link = graph && input && linkOf(graph, input.link);
  if (!link || left <= 0) return undefined;
  if (String(link.origin_id) === SUBGRAPH_INPUT) {
    const [place] = placesOf(root, graph);
    return place?.host && sourceOf(root, place.above, place.host.inputs?.[link.origin_slot], kind, left - 1);
  }
  const origin = graph.getNodeById(link.origin_id);
  if (!origin || origin.comfyClass === kind || origin.type === kind) return origin ?? undefined;
  if (origin.subgraph) return insideOf(root, origin.subgraph, link.origin_slot, kind, left);
  const through = origin.inputs?.find((slot) => slot.link != null && (origin.type === "Reroute" || slot.type === input.type));
  return through && sourceOf(root, graph, through, kind, left - 1);
}

function insideOf(root, subgraph, slot, kind, left) {
  const [linkId] = subgraph.outputs?.[slot]?.linkIds ?? [];
  return linkId == null ? undefined : sourceOf(root, subgraph, { link: linkId, type: subgraph.outputs[slot].type }, kind, left - 1);
}
