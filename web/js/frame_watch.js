/**
 * Calls back on every animation frame while anybody wants it. Undo, loading and other code change widgets without telling anybody, in both
 * of ComfyUI's renderers; looking is what works in both.
 */

const watchers = new Set();

function look(time) {
  for (const watcher of [...watchers]) watcher(time);
  if (watchers.size) requestAnimationFrame(look);
}

/** Starts calling `watcher(time)`; returns what stops it. */
export function onFrames(watcher) {
  if (!watchers.size) requestAnimationFrame(look);
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
