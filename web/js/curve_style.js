/* How the curve editor looks, in the colors of ComfyUI's palette. */

export const CURVE_STYLE = `
.float-curve { --float-field: var(--comfy-input-bg, #222); display: flex; flex-direction: column; gap: 5px; height: 100%; box-sizing: border-box; min-width: 0; overflow: hidden;
  color: var(--input-text, #ddd); font: 11px/1.3 Inter, system-ui, sans-serif; user-select: none; outline: none; }
.lg-node .float-curve { --float-field: var(--component-node-widget-background, var(--comfy-input-bg, #222)); } /* Nodes 2.0 has its own color for fields */
.float-curve .fp-icon { width: 14px; height: 14px; fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.float-curve-row { display: flex; flex-wrap: wrap; align-items: center; gap: 4px; flex: none; }
.float-curve-chips { max-height: 76px; overflow-y: auto; }
.float-curve-plot { flex: 1; min-height: 120px; position: relative; border-radius: 8px; overflow: hidden;
  background: var(--float-field); border: 1px solid var(--border-color, #4e4e4e); box-sizing: border-box; }
.float-curve-plot canvas { position: absolute; inset: 0; width: 100%; height: 100%; outline: none; touch-action: none; display: block; }
.float-curve-plot:focus-within { border-color: var(--descrip-text, #999); }
.float-curve button, .float-curve select, .float-curve input { font: inherit; color: inherit; margin: 0; box-sizing: border-box; height: 22px;
  background: var(--float-field); border: 1px solid transparent; border-radius: 6px; outline: none; }
.float-curve button { display: inline-flex; align-items: center; justify-content: center; padding: 0 4px; cursor: pointer; }
.float-curve button:hover:enabled, .float-curve select:hover { border-color: var(--border-color, #4e4e4e); }
.float-curve :focus-visible:not(canvas) { border-color: var(--descrip-text, #999) !important; }
.float-curve button:disabled { opacity: 0.4; cursor: default; }
.float-curve button[aria-pressed="true"] { background: color-mix(in srgb, var(--input-text, #ddd) 22%, var(--float-field)); }
.float-curve select { padding: 0 2px; cursor: pointer; max-width: 96px; }
.float-curve option { color: var(--input-text, #ddd); background: var(--comfy-menu-bg, #353535); }
.float-curve-chip { display: inline-flex; align-items: center; height: 22px; border-radius: 11px; overflow: hidden; box-sizing: border-box;
  background: var(--float-field); border: 1px solid transparent; }
.float-curve-chip[aria-current="true"] { border-color: var(--float-color); background: color-mix(in srgb, var(--float-color) 16%, var(--float-field)); }
.float-curve .float-curve-name { background: none; border: none; padding: 0 2px 0 8px; gap: 5px; }
.float-curve .float-curve-name::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--float-color); }
.float-curve .float-curve-remove { background: none; border: none; padding: 0 7px 0 3px; opacity: 0.55; font-size: 13px; }
.float-curve .float-curve-remove:hover { opacity: 1; }
.float-curve .float-curve-add { border-radius: 11px; padding: 0 6px; color: var(--descrip-text, #999); }
.float-curve-field { display: inline-flex; align-items: center; gap: 4px; color: var(--descrip-text, #999); }
.float-curve-field input { width: 48px; padding: 0 5px; text-align: right; color: var(--input-text, #ddd); user-select: text; }
.float-curve-field input:disabled { opacity: 0.5; }
.float-curve-group { display: inline-flex; border-radius: 6px; overflow: hidden; background: var(--float-field); }
.float-curve-group button, .float-curve-group select { border-radius: 0; flex: none; }
.float-curve-group select { width: 52px; }
.float-curve-gap { flex: 1; }
`;
