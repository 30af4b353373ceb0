/**
 * Calls back on animation frames while something happens, and for a moment after: then the renderers have placed what they place. While
 * nothing happens, nothing runs.
 *
 * Undo, loading and other code change widgets and elements without telling anybody. But something always comes before: a key or the
 * mouse, a word from the server, another value in a widget, a node in a graph, another size or theme.
 */

import { chain } from "./widget_host.js";

const FRAMES = 40; // that are looked at after anything happened: also enough on a slow machine
const MOMENT_MS = 700; // but at least so long: animations of the view are over then
const HAND = ["pointerdown", "pointerup", "keydown", "keyup", "wheel", "input", "change", "drop", "focusin", "dblclick"];
const PAGE = ["resize", "focus", "litegraph:set-graph"];
const SERVER = ["graphChanged", "graphCleared", "status", "reconnected"];

const watchers = new Set();
let [left, until, asked] = [0, 0, false];

function look(time) {
  asked = false;
  left -= 1;
  for (const watcher of [...watchers]) watcher(time);
  if (left > 0 || performance.now() < until) ask();
}

function ask() {
  if (asked || !watchers.size) return;
  asked = true;
  requestAnimationFrame(look);
}

/** Something happened: the watchers look for a moment. */
export function wake() {
  [left, until] = [FRAMES, performance.now() + MOMENT_MS];
  ask();
}

/** Calls `watcher(time)` on every frame of those moments; returns what stops it. */
export function onFrames(watcher) {
  watchers.add(watcher);
  wake();
  return () => watchers.delete(watcher);
}

/** Wakes the watchers whenever the user, the page or the server does something. Called once. */
export function wakeWithPage(page, api) {
  for (const kind of [...HAND, ...PAGE]) page.addEventListener(kind, wake, { capture: true, passive: true });
  page.addEventListener("pointermove", ({ buttons }) => buttons && wake(), { capture: true, passive: true });
  for (const kind of SERVER) api.addEventListener(kind, wake);
  const theme = new MutationObserver(wake); // ComfyUI's palettes are classes and variables of these two
  for (const root of [page.document.documentElement, page.document.body]) theme.observe(root, { attributeFilter: ["class", "style"] });
}

/** Wakes the watchers whenever the canvas is drawn at another scale, whoever has zoomed it. */
export function wakeWithView(canvas) {
  let scale;
  chain(canvas, "onDrawForeground", () => {
    if (canvas.ds.scale === scale) return;
    scale = canvas.ds.scale;
    wake();
  });
}

/** Wakes the watchers whenever anybody gives the widget another value, in whatever way it keeps it. */
export function wakeWithWidget(widget) {
  const own = propertyOf(widget, "value");
  if (!own || own.set?.wakes) return;
  if (Object.getOwnPropertyDescriptor(widget, "value")?.configurable === false) return chain(widget, "callback", wake); // text fields call it
  let held = own.value;
  const get = own.get ?? (() => held);
  function set(value) {
    if (own.set) own.set.call(this, value);
    else held = value;
    wake();
  }
  set.wakes = true;
  return Object.defineProperty(widget, "value", { configurable: true, enumerable: true, get, set });
}

/** Wakes the watchers whenever the element is laid out in another size. */
export function wakeWithSize(element) {
  new ResizeObserver(wake).observe(element);
}

/** The descriptor of a property, wherever in the chain of prototypes it is. */
function propertyOf(object, name) {
  for (let place = object; place; place = Object.getPrototypeOf(place)) {
    const found = Object.getOwnPropertyDescriptor(place, name);
    if (found) return found;
  }
  return undefined;
}
