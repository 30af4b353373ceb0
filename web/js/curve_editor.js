/* The editor in FLOATLambdaCurve: draws the curves of its `curves` widget, a plain text, and writes them back. Shown where `source` is
 * "keyframes"; the text itself is then shown only on request, or where it cannot be read. */

import { chips, keyFields, viewTools } from "./curve_controls.js";
import { connectGestures } from "./curve_gestures.js";
import { paint, paletteOf, themeOf } from "./curve_paint.js";
import { CurveStore } from "./curve_store.js";
import { CURVE_STYLE } from "./curve_style.js";
import { directionLookup } from "./direction_lookup.js";
import { addStyle, el } from "./dom.js";
import { onFrames, wake, wakeWithSize } from "./frame_watch.js";
import { recall, remember } from "./run_memory.js";
import { focusLabel, focusedLabel, stayMounted } from "./stay_mounted.js";
import { isUndoKey, undoOrRedo } from "./undo_keys.js";
import { chain, isLinked, passOn, setAsUser, showWidgets, widgetOf } from "./widget_host.js";

const MARGINS = { left: 34, right: 12, top: 10, bottom: 22 };
const SMALLEST = [520, 300]; // of the editor, in pixels
const REMADE_MS = 3000; // within which undo makes a node again
const SHARPEST = 4; // canvas pixels per pixel of the layout

/** The plot: a canvas that is as sharp as the screen, and drawn at most once per frame. */
function plotOf(store) {
  const canvas = el("canvas", { tabindex: "0", "aria-label": "Curves. Double-click adds a keyframe, Delete removes it, arrows move it." });
  const frame = el("div", { class: "float-curve-plot", "data-capture-wheel": "true" }, canvas);
  let [pointer, hover, theme] = [undefined, undefined, undefined];
  const box = () => {
    const { left, right, top, bottom } = MARGINS;
    return { left, top, width: Math.max(1, canvas.clientWidth - left - right), height: Math.max(1, canvas.clientHeight - top - bottom) };
  };
  const draw = () => {
    if (!canvas.clientWidth) return;
    const scale = Math.min(SHARPEST, (canvas.getBoundingClientRect().width / canvas.clientWidth) * window.devicePixelRatio || 1);
    const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    paint(context, { ...store.seen(box()), pointer, hover }, (theme ??= themeOf(frame)));
  };
  connectGestures(canvas, store, box, (place, hit) => {
    [pointer, hover] = [place, hit];
    store.changed();
  });
  let seen = "";
  const look = () => {
    const now = `${canvas.getBoundingClientRect().width} ${canvas.clientWidth} ${canvas.clientHeight} ${window.devicePixelRatio} ${paletteOf(frame)}`;
    if (now === seen) return false;
    [seen, theme] = [now, themeOf(frame)];
    return true;
  };
  return { element: frame, draw, look, theme: () => (theme ??= themeOf(frame)) };
}

/** Builds it into a node that was just created. */
export function buildCurveEditor(node, { app, api }) {
  const [text, source] = [widgetOf(node, "curves"), widgetOf(node, "source")];
  if (!text || !source) return;
  addStyle("float-curve-style", CURVE_STYLE);
  let [stale, written] = [true, false];
  const changed = () => ((stale = true), wake());
  const store = new CurveStore({ write: (written) => setAsUser(app, node, text, written), changed });
  const plot = plotOf(store);
  const showText = { shown: () => written, toggle: () => ((written = !written), changed()) };
  const parts = [chips(store, plot.theme), keyFields(store), viewTools(store, showText)];
  const root = frameOf(app, parts, plot);
  const editor = node.addDOMWidget("curve_editor", "float_curve_editor", root, { serialize: false, hideOnZoom: false, getMinHeight: () => SMALLEST[1] });
  editor.serialize = false; // not in workflows: the text holds all of it

  const arrange = ({ fit } = { fit: true }) => {
    const drawn = source.value === "keyframes";
    const loudness = source.value === "loudness";
    const curves = drawn && (written || store.problem !== "");
    if (!showWidgets(node, { curve_editor: drawn, curves, direction: !drawn, attack: loudness, release: loudness }) || !fit) return;
    node.setSize([Math.max(node.size[0], SMALLEST[0]), node.computeSize()[1]]);
    app.canvas?.setDirty?.(true, true);
  };
  const names = directionLookup(node, { app, api }, (directions) => store.call(directions?.map(({ name }) => String(name))));
  const look = () => {
    names.look();
    stayMounted(app, node, root, "float-curve");
    store.load(text.value);
    store.link(isLinked(node, text));
    arrange();
    if (!root.isConnected) return;
    keepFocus(node, root);
    if (!plot.look() && !stale) return;
    stale = false;
    remember(node, "view", store.place);
    parts.forEach((part) => part.update());
    plot.draw();
  };
  store.load(text.value);
  arrange();
  chain(node, "onConfigure", () => arrange({ fit: false })); // the saved size is the user's
  wakeWithSize(root);
  followNode(node, store, look, names);
}

/** Keeps in mind what has the keyboard, and gives it back after undo made the node again, so that Delete still means a keyframe. */
function keepFocus(node, root) {
  const now = performance.now();
  const label = focusedLabel(root);
  const before = recall(node, "focus");
  if (label) remember(node, "focus", { label, at: now, root });
  else if (before && before.root !== root && document.activeElement === document.body && now - before.at < REMADE_MS) focusLabel(root, before.label);
}

function frameOf(app, parts, plot) {
  const tools = el("div", { class: "float-curve-row" }, ...parts[1].elements, el("span", { class: "float-curve-gap" }), parts[2].element);
  const root = el("div", { class: "float-curve", tabindex: "-1" }, parts[0].element, plot.element, tools);
  root.addEventListener("keydown", (event) => isUndoKey(event) && undoOrRedo(event, app));
  passOn(root, app);
  for (const kind of ["dblclick", "copy", "cut", "paste"]) root.addEventListener(kind, (event) => event.stopPropagation()); // the canvas has its own
  return root;
}

/** Looks at the node while it is in a graph, and takes what a run tells, or told the node that was there before. */
function followNode(node, store, look, names) {
  let stop;
  chain(node, "onAdded", () => {
    const run = recall(node, "run");
    if (run) store.learn(run);
    Object.assign(store, recall(node, "view"));
    stop ??= onFrames(look);
  });
  chain(node, "onConnectionsChange", wake);
  chain(node, "onRemoved", () => {
    stop = stop?.();
    names.stop();
  });
  chain(node, "onExecuted", (told) => {
    remember(node, "run", told?.float_curve?.[0]);
    store.learn(told?.float_curve?.[0]);
  });
}
