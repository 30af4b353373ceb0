/**
 * Undo from inside a panel: ComfyUI leaves Ctrl+Z to any focused input, as if it were being typed in; after moving a slider, one expects
 * the canvas to go back.
 */

export function isUndoKey(event) {
  return (event.ctrlKey || event.metaKey) && !event.altKey && /^[zy]$/i.test(event.key);
}

/** Undoes or redoes on the canvas, unless the key is for the text under the cursor. */
export function undoOrRedo(event, app) {
  if (event.target.tagName !== "INPUT" || isBeingTyped(event.target)) return;
  event.preventDefault();
  event.stopPropagation();
  const redo = event.key.toLowerCase() === "y" || event.shiftKey;
  app.extensionManager.command.execute(redo ? "Comfy.Redo" : "Comfy.Undo");
}

/** A number field with a number that is not yet written, or a field for words. */
function isBeingTyped(input) {
  if (input.type === "search") return true;
  return input.type === "text" && input.value !== input.dataset.shown;
}
