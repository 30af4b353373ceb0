/* What an editor in a node needs of ComfyUI's widgets, in the classic renderer and in Nodes 2.0: showing and hiding them, noticing that their
 * value changed, one step of undo, and the canvas's own gestures over an element. */

/** The node's widget of that name. */
export function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

/** Shows or hides a widget, and fits the node's height. One that is fed by a link stays, as its socket would hang in the air. */
export function showWidget(node, widget, shown) {
  const linked = node.inputs?.some((input) => input.widget?.name === widget.name && input.link != null);
  const hidden = !shown && !linked;
  if (Boolean(widget.hidden) === hidden) return false;
  widget.hidden = hidden;
  widget.options = { ...widget.options, hidden };
  return true;
}

/** Calls `changed()` after every change of the widget's value, whoever makes it: the user, a program, undo, loading. */
export function follow(widget, changed) {
  for (const [owner, name] of [[widget, "callback"], [widget.options, "setValue"]]) {
    const before = owner?.[name];
    if (!owner || (name === "setValue" && !before)) continue;
    owner[name] = function (...given) {
      const result = before?.apply(this, given);
      changed();
      return result;
    };
  }
}

/** Sets a widget's value as the user would, as one step of undo. */
export function setAsUser(app, widget, value) {
  widget.value = value;
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  if (tracker?.captureCanvasState) tracker.captureCanvasState();
  else tracker?.checkState?.();
}
