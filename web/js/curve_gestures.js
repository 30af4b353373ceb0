/* Mouse, pen, touch and keys on the curve editor's canvas. Knows the store and where the canvas is; draws nothing. */

import { addKey, cycleEasing, moveHandle, moveKey, removeKey } from "./curve_keys.js";
import { hitTest, timeOf, valueOf } from "./curve_view.js";

const MOVED = 3; // pixels from which on a press is a drag
const VALUE_STEP = 0.05;
const WHEEL = 0.0016; // of the zoom, per pixel of the wheel

/** Connects them. `box()`: the plot's box in the canvas's own pixels; `pointer(place, hit)`: shows what lies under the pointer. */
export function connectGestures(canvas, store, box, pointer) {
  let drag;
  const place = (event) => placeOn(canvas, event);
  const hit = ([x, y]) => hitTest(store.view(box()), store.tracks, store.active, store.selected, x, y);

  function press(event) {
    if (event.button !== 0 || store.closed) return;
    const at = place(event);
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    drag = { ...begin(store, box(), at, hit(at)), from: at, text: store.text, moved: false };
  }

  function move(event) {
    const at = place(event);
    if (drag && drag.text !== store.text) drag = undefined; // the text changed under the hand
    if (drag && Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) > MOVED) drag.moved = true;
    if (drag?.moved) drag.to?.(at, event);
    if (!drag) canvas.style.cursor = cursorOf(hit(at));
    pointer(at, drag ? undefined : hit(at));
  }

  function release() {
    if (!drag) return;
    if (drag.to && (drag.moved || drag.changed)) store.commit();
    else if (!drag.moved && drag.click) drag.click();
    store.frozen = undefined;
    drag = undefined;
    store.changed();
  }

  function cancel() {
    if (drag?.keys) store.preview(drag.keys, drag.selected);
    store.frozen = drag = undefined;
    store.changed();
  }

  canvas.addEventListener("pointerdown", press);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", cancel);
  canvas.addEventListener("pointerleave", () => !drag && pointer(undefined, undefined));
  canvas.addEventListener("dblclick", (event) => addAt(store, box(), place(event), hit(place(event))));
  canvas.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    event.stopPropagation();
    removeAt(store, hit(place(event)));
  });
  canvas.addEventListener("wheel", (event) => zoomByWheel(event, store, box(), place(event)), { passive: false });
  connectKeys(canvas, store, () => drag && (cancel(), true));
}

/** A place on the element in its own pixels, however the page has scaled it. */
function placeOn(element, event) {
  const rect = element.getBoundingClientRect();
  return [((event.clientX - rect.left) * element.clientWidth) / rect.width, ((event.clientY - rect.top) * element.clientHeight) / rect.height];
}

function cursorOf({ kind }) {
  return { key: "grab", handle: "grab", line: "copy" }[kind] ?? "crosshair";
}

/** What a press begins: {to(place, event) while it is dragged, click() if it is not, keys and selected to go back to}. */
function begin(store, box, at, target) {
  if (target.kind === "none") return beginPan(store, box, at);
  const other = target.track !== store.active;
  if (target.kind === "line" && other) return { click: () => store.select(target.track) };
  if (target.kind === "key") store.select(target.track, target.index);
  const before = { keys: store.keys, selected: store.selected };
  store.freeze();
  if (target.kind === "handle") return { ...before, to: handleMover(store, box, target) };
  if (target.kind === "line") addAt(store, box, at, target, { write: false });
  return { ...before, to: keyMover(store, box, at), changed: target.kind === "line" };
}

function beginPan(store, box, [x]) {
  const view = store.view(box);
  return { panning: true, to: ([to]) => store.pan(view.start + timeOf(view, x) - timeOf(view, to)), click: () => store.select(store.active) };
}

/** Moves the selected keyframe with the hand. Shift keeps the time or the value, whichever moved less; Alt turns snapping around. */
function keyMover(store, box, from) {
  const [keys, index, key] = [store.keys, store.selected, store.key];
  const view = store.hand(box);
  return ([x, y], event) => {
    const level = event.shiftKey && Math.abs(x - from[0]) > Math.abs(y - from[1]);
    const upright = event.shiftKey && !level;
    const time = upright ? key.time : Math.min(view.end, key.time + timeOf(view, x) - timeOf(view, from[0]));
    const value = level ? key.value : key.value + valueOf(view, y) - valueOf(view, from[1]);
    const grid = event.altKey === store.snap ? 0 : store.fps;
    store.preview(moveKey(keys, index, time, value, upright ? 0 : grid), index);
  };
}

function handleMover(store, box, { index, which }) {
  const keys = store.keys;
  const view = store.hand(box);
  return ([x, y]) => store.preview(moveHandle(keys, index, which, timeOf(view, x), valueOf(view, y)));
}

/** Adds a keyframe: on the active track's line where the pointer is near it, else where the pointer is. */
function addAt(store, box, [x, y], target, { write = true } = {}) {
  if (!store.track || store.closed || target.kind === "key" || target.kind === "handle") return;
  const view = store.view(box);
  const { keys, index } = addKey(store.keys, Math.min(Math.max(timeOf(view, x), view.start), view.end), valueOf(view, y), store.grid);
  if (write) store.change(keys, index);
  else store.preview(keys, index);
}

function removeAt(store, target) {
  if (target.kind !== "key" || target.track !== store.active) return;
  store.change(removeKey(store.keys, target.index), -1);
}

function zoomByWheel(event, store, box, [x]) {
  if (document.activeElement !== event.currentTarget) return; // ComfyUI's canvas zooms; as with its own text fields
  event.preventDefault();
  event.stopPropagation();
  store.zoom(Math.exp((event.deltaY || event.deltaX) * WHEEL), timeOf(store.view(box), x));
}

/** Arrows nudge (Shift: ten times as far), Delete removes, E changes the easing, comma and full stop go from keyframe to keyframe. */
function connectKeys(canvas, store, cancelled) {
  let nudged = false;
  const settle = () => {
    if (nudged) store.commit();
    nudged = false;
  };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // undo, copy, ...: ComfyUI's
    const nudge = nudgeOf(event, store);
    const action = actionOf(event, store, cancelled);
    if (!nudge && !action) return;
    event.preventDefault();
    event.stopPropagation();
    if (nudge) {
      if (!nudged) store.freeze();
      nudged = true;
      store.preview(moveKey(store.keys, store.selected, store.key.time + nudge[0], store.key.value + nudge[1], nudge[0] ? store.grid : 0));
    } else action();
  });
  canvas.addEventListener("keyup", settle);
  canvas.addEventListener("blur", settle);
}

function nudgeOf(event, store) {
  if (!store.key) return undefined;
  const far = event.shiftKey ? 10 : 1;
  const frame = far / store.fps;
  const steps = { ArrowLeft: [-frame, 0], ArrowRight: [frame, 0], ArrowUp: [0, far * VALUE_STEP], ArrowDown: [0, -far * VALUE_STEP] };
  return steps[event.key];
}

function actionOf(event, store, cancelled) {
  const step = (by) => () => store.select(store.active, (store.selected + by + store.keys.length) % store.keys.length);
  const withKey = (action) => (store.key ? action : () => {});
  return {
    Delete: withKey(() => store.change(removeKey(store.keys, store.selected), -1)),
    Backspace: withKey(() => store.change(removeKey(store.keys, store.selected), -1)),
    e: withKey(() => store.change(cycleEasing(store.keys, store.selected))),
    f: () => store.fit(),
    ",": store.keys.length ? step(-1) : undefined,
    ".": store.keys.length ? step(1) : undefined,
    Escape: () => cancelled() || store.select(store.active),
  }[event.key];
}
