/* What editors know beyond the workflow, such as a run's results, for as long as the page lives: undo and changing between workflows make
 * every node again. */

const MOST = 400;
const memory = new Map();

function keyOf(node, name) {
  return `${node.graph?.rootGraph?.id ?? ""} ${node.graph?.id ?? ""} ${node.id} ${name}`;
}

/** Keeps a value under a name for the node, which is in a graph. */
export function remember(node, name, value) {
  if (!node.graph) return;
  const key = keyOf(node, name);
  memory.delete(key);
  memory.set(key, value);
  if (memory.size > MOST) memory.delete(memory.keys().next().value);
}

/** What was kept, or undefined. */
export function recall(node, name) {
  return memory.get(keyOf(node, name));
}
