/* What an editor in a node needs of ComfyUI's widgets, in the classic renderer and in Nodes 2.0: showing and hiding them, noticing that their
 * value changed, one step of undo, and the canvas's own gestures over an element. */

/** The node's widget of that name. */
export function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

/** Shows or hides widgets: {widget name: whether it is shown}. One that a link leads to stays, as its wire needs its socket. */
export function showWidgets(node, shown) {
  const linked = new Set(node.inputs?.filter((input) => input.link != null).map((input) => input.widget?.name));
  let changed = false;
  for (const widget of node.widgets ?? []) {
    if (!(widget.name in shown)) continue;
    const hidden = !shown[widget.name] && !linked.has(widget.name);
    changed ||= Boolean(widget.hidden) !== hidden;
    widget.hidden = hidden; // read by the classic renderer
    widget.options.hidden = hidden; // read by Nodes 2.0
  }
  if (changed) node.widgets = [...node.widgets]; // a new list: Nodes 2.0 looks at the options again
  return changed;
}

/** Sets a widget's value as the user would, as one step of undo. */
export function setAsUser(app, widget, value) {
  widget.value = value;
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  if (tracker?.captureCanvasState) tracker.captureCanvasState();
  else tracker?.checkState?.();
}

/** Calls `added()` whenever the node comes into a graph. */
export function whenAdded(node, added) {
  const { onAdded } = node;
  node.onAdded = function (...given) {
    onAdded?.apply(this, given);
    added();
  };
}

/** Calls `look()` on every animation frame while the node is in a graph: undo, loading and other code change widgets without telling. */
export function whileInGraph(node, look) {
  let running = false;
  const frame = () => {
    running = Boolean(node.graph);
    if (!running) return;
    look();
    requestAnimationFrame(frame);
  };
  whenAdded(node, () => running || frame());
}
