/* What an editor in a node needs of ComfyUI's widgets, in the classic renderer and in Nodes 2.0: showing and hiding them, one step of undo, and
 * the canvas's own gestures over an element. */

/** The node's widget of that name. */
export function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

/** Whether a widget's value comes over a link. */
export function isLinked(node, widget) {
  return Boolean(node.inputs?.some((input) => input.link != null && input.widget?.name === widget.name));
}

/** Shows or hides widgets: {widget name: whether it is shown}. One that a link leads to stays, as its wire needs its socket. */
export function showWidgets(node, shown) {
  let changed = false;
  for (const widget of node.widgets ?? []) {
    if (!(widget.name in shown)) continue;
    const hidden = !shown[widget.name] && !isLinked(node, widget);
    changed ||= Boolean(widget.hidden) !== hidden;
    widget.hidden = hidden; // read by the classic renderer
    // Nodes 2.0 reads the options in its store, which tells of a change only if it comes through the store, and first.
    for (const options of [widget._state?.options, widget.options]) if (options) options.hidden = hidden;
  }
  if (changed) node.widgets = [...node.widgets]; // a new list: Nodes 2.0 looks at the options again
  return changed;
}

/** Sets a widget's value as ComfyUI's own controls do. Undo sees it only after `endStep`. */
export function setWidget(app, node, widget, value) {
  widget.value = value;
  widget.callback?.(value, app.canvas, node);
}

/** The end of a gesture: what was set since the last one becomes one step of undo. */
export function endStep(app) {
  app.canvas?.emitBeforeChange?.();
  app.canvas?.emitAfterChange?.();
}

/** Sets a widget's value as one step of undo. */
export function setAsUser(app, node, widget, value) {
  setWidget(app, node, widget, value);
  endStep(app);
}

/** Calls `also(...)` after the node's own method of that name. */
export function chain(node, name, also) {
  const before = node[name];
  node[name] = function (...given) {
    const result = before?.apply(this, given);
    also(...given);
    return result;
  };
}

/** Lets ComfyUI's canvas be zoomed and dragged (middle button) over an element, in the classic renderer; Nodes 2.0 does it itself. */
export function passOn(element, app) {
  const classic = () => !element.closest(".lg-node");
  element.addEventListener("wheel", (event) => {
    if (!classic() || event.defaultPrevented) return;
    event.preventDefault();
    app.canvas?.canvas?.dispatchEvent(new WheelEvent("wheel", event));
  });
  for (const kind of ["pointerdown", "pointermove", "pointerup"]) {
    const middle = (event) => (kind === "pointermove" ? event.buttons & 4 : event.button === 1);
    element.addEventListener(kind, (event) => classic() && middle(event) && app.canvas?.canvas?.dispatchEvent(new PointerEvent(kind, event)));
  }
}
