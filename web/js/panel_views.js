/** What is looked at in each panel, kept while the page is open: undo, loading and leaving a subgraph make nodes and panels again. */

const MOST = 100;
const views = new Map();

/** The view of a node, the same object each time. Nodes are told apart by the workflow, their graph and their id. */
export function rememberedView(app, node) {
  const root = app.rootGraph ?? app.graph;
  const key = `${root.id}/${node.graph === root ? "" : node.graph.id}/${node.id}`;
  const known = views.get(key);
  if (known) return known;
  const view = { search: "", folded: new Set(["clip"]), open: new Set(), scroll: 0, note: "", directions: undefined, live: {} };
  views.set(key, view);
  if (views.size > MOST) views.delete(views.keys().next().value);
  return view;
}
