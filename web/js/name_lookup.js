/* What the directions are called before a run: by the model whose loader feeds the node's input `model`. */

import { widgetUpstream } from "./graph_paths.js";

const EVERY_MS = 700; // a look at the graph

/** A function of the time (ms), to be called often; calls `found(names)` when the model is another one; undefined where nobody knows. */
export function nameLookup(node, { app, api }, found) {
  let [last, known] = [-Infinity, undefined];
  return async (time) => {
    if (time - last < EVERY_MS) return;
    last = time;
    const model = widgetUpstream(app.rootGraph ?? app.graph, node, "model", "LoadFLOAT", "model");
    if (model === known) return;
    known = model;
    const answer = model === undefined ? undefined : await api.fetchApi(`/float/directions?model=${encodeURIComponent(model)}`);
    const told = answer?.ok ? await answer.json() : undefined;
    if (known === model) found(told?.directions?.map(({ name }) => String(name)));
  };
}
