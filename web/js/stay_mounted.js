/**
 * Keeps a DOM widget's element on the page when its node was made again. After undo, and when graphs are switched, Nodes 2.0 keeps the
 * element of the node that was there before under the same id: nobody would see the new one. The classic renderer needs no help.
 */

/** Puts `element` (with that class) in the place of the former one of the node's id, unless it is on the page, or should not be. */
export function stayMounted(app, node, element, className) {
  if (element.isConnected || !node.graph || node.graph !== app.canvas?.graph) return;
  const seated = document.querySelector(`[data-node-id="${CSS.escape(String(node.id))}"] .${className}`);
  seated?.replaceWith(element);
}

/** What has the keyboard inside an element, by its label, for the element that follows; undefined where nothing has. */
export function focusedLabel(element) {
  const active = document.activeElement;
  return (element.contains(active) && active.getAttribute("aria-label")) || undefined;
}

/** Gives the keyboard to what has that label. */
export function focusLabel(element, label) {
  const found = label && element.querySelector(`[aria-label="${CSS.escape(label)}"]`);
  found?.focus({ preventScroll: true });
}
