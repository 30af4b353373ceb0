/** What is looked at in each panel, kept while the page is open: undo, loading and leaving a subgraph make nodes and panels again. */

import { recall, remember } from "./run_memory.js";

/** The view of a node, the same object each time. */
export function rememberedView(node) {
  const known = recall(node, "view");
  if (known) return known;
  const view = { search: "", folded: new Set(["clip"]), open: new Set(), scroll: 0, note: "", directions: undefined, live: {} };
  remember(node, "view", view);
  return view;
}
