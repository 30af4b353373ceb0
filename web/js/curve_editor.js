/* The editor in FLOATLambdaCurve: draws the curves of its `curves` widget, a plain text, and writes them back. Shown where `source` is
 * "keyframes"; the text itself is then shown only on request, or where it cannot be read. */

import { chips, keyFields, viewTools } from "./curve_controls.js";
import { connectGestures } from "./curve_gestures.js";
import { paint, paletteOf, themeOf } from "./curve_paint.js";
import { CurveStore } from "./curve_store.js";
import { CURVE_STYLE } from "./curve_style.js";
import { addStyle, element } from "./elements.js";
import { recall, remember } from "./run_memory.js";
import { setAsUser, showWidgets, whenAdded, whileInGraph, widgetOf } from "./widget_host.js";

const MARGINS = { left: 34, right: 12, top: 10, bottom: 22 };
const SMALLEST = [520, 300]; // of the editor, in pixels
const SHARPEST = 4; // canvas pixels per pixel of the layout

/** The picture: a canvas that is as sharp as the screen, and drawn at most once a frame. */
function picture(store) {
  const canvas = element("canvas", { tabIndex: 0, ariaLabel: "Curves. Double-click adds a keyframe, Delete removes it, arrows move it." });
  const frame = element("div", { className: "float-curve-plot" }, canvas);
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
export function buildCurveEditor(node, { app }) {
  const [text, source] = [widgetOf(node, "curves"), widgetOf(node, "source")];
  if (!text || !source) return;
  addStyle("float-curve-style", CURVE_STYLE);
  const store = new CurveStore({ write: (written) => setAsUser(app, text, written), changed: () => later() });
  const plot = picture(store);
  let [written, requested] = [false, 0];
  const showText = { shown: () => written, toggle: () => ((written = !written)) };
  const parts = [chips(store, plot.theme), keyFields(store), viewTools(store, showText)];
  const tools = element("div", { className: "float-curve-row" }, ...parts[1].elements, element("span", { className: "float-curve-gap" }), parts[2].element);
  const root = element("div", { className: "float-curve" }, parts[0].element, plot.element, tools);
  const editor = node.addDOMWidget("curve_editor", "float_curve_editor", root, { serialize: false, hideOnZoom: false, getMinHeight: () => SMALLEST[1] });
  editor.serialize = false;

  const later = () => {
    requested ||= requestAnimationFrame(() => {
      requested = 0;
      remember(node, "view", store.place);
      parts.forEach((part) => part.update());
      plot.draw();
    });
  };
  const arrange = () => {
    const drawn = source.value === "keyframes";
    const loudness = source.value === "loudness";
    const curves = drawn && (written || store.problem !== "");
    if (!showWidgets(node, { curve_editor: drawn, curves, direction: !drawn, attack: loudness, release: loudness })) return;
    node.setSize([Math.max(node.size[0], SMALLEST[0]), node.computeSize()[1]]);
    app.canvas?.setDirty(true, true);
    later();
  };
  const look = () => {
    store.load(text.value);
    arrange();
    plot.look() && later();
  };
  whileInGraph(node, look);
  const { onExecuted } = node;
  node.onExecuted = function (told) {
    onExecuted?.call(this, told);
    remember(node, "run", told?.float_curve?.[0]);
    store.learn(told?.float_curve?.[0]);
  };
  whenAdded(node, () => {
    const run = recall(node, "run");
    if (run) store.learn(run);
    Object.assign(store, recall(node, "view"));
  });
  look();
}
