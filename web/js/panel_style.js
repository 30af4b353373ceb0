/** The look of the panel, in the colors of ComfyUI's theme. */

const ID = "float-panel-style";
const STYLE = `
.float-panel {
  --fp-field: var(--comfy-input-bg, #222);
  --fp-text: var(--input-text, #ddd);
  --fp-dim: var(--descrip-text, #999);
  --fp-line: var(--border-color, #4e4e4e);
  --fp-accent: var(--p-primary-color, #4f9cf9);
  --fp-mark: #f0a33c;
  container-type: size; min-height: var(--fp-least-height); height: 100%; width: 100%; box-sizing: border-box;
  color: var(--fp-text); font: 12px/1.35 Inter, system-ui, sans-serif; outline: none; overflow: hidden; user-select: none;
}
.lg-node .float-panel { --fp-field: var(--component-node-widget-background, var(--comfy-input-bg, #222));
  } /* Nodes 2.0 has its own color for fields */
.float-panel *, .float-panel *::before { box-sizing: border-box; }
.float-panel [hidden] { display: none !important; }
.fp-body { display: flex; flex-direction: column; gap: 6px; height: 100%; }
.fp-view { display: flex; flex-direction: column; gap: 4px; flex: none; }
.fp-controls { display: flex; flex-direction: column; gap: 6px; flex: 1; min-height: 0; min-width: 0; }
.fp-stage { position: relative; height: min(100cqw, 42cqh); border-radius: 8px; overflow: hidden;
  background: color-mix(in srgb, #000 12%, var(--fp-field)); }
.fp-stage.fp-empty { height: 88px; background: var(--fp-field); }
.fp-image { width: 100%; height: 100%; object-fit: contain; display: block; visibility: hidden; -webkit-user-drag: none; }
.fp-has-image .fp-image { visibility: visible; }
.fp-empty .fp-image { visibility: hidden; }
.fp-message { position: absolute; inset: auto 0 0 0; padding: 6px 10px; background: rgb(0 0 0 / 72%); color: #fff; text-align: center;
  text-wrap: balance; }
.fp-message:empty { display: none; }
.fp-empty .fp-message { inset: 0; display: flex; align-items: center; justify-content: center; gap: 10px; background: none;
  color: var(--fp-dim); padding: 8px 16px; }
.fp-empty .fp-message .fp-icon { width: 26px; height: 26px; flex: none; stroke-width: 1; }
.fp-message.fp-error { background: rgb(150 30 30 / 88%); }
.fp-bar { display: flex; align-items: center; gap: 8px; padding: 0 2px; }
.fp-time { color: var(--fp-dim); white-space: nowrap; font-variant-numeric: tabular-nums; text-align: right; min-width: 40px; }
.fp-bar .fp-time { min-width: 108px; }
.fp-tools { display: flex; flex-direction: column; gap: 6px; }
.fp-line { display: flex; align-items: center; gap: 5px; min-width: 0; }
.float-panel input, .float-panel select, .float-panel textarea, .float-panel button { font: inherit; color: inherit; margin: 0; }
.fp-search { flex: 1; min-width: 60px; display: flex; align-items: center; gap: 6px; padding: 0 8px; height: 26px; border-radius: 6px;
  background: var(--fp-field); color: var(--fp-dim); }
.fp-search input { flex: 1; min-width: 0; border: 0; background: none; outline: none; color: var(--fp-text); padding: 0; }
.fp-search:focus-within, .fp-number:focus, .float-panel select:focus-visible, .fp-text:focus { outline: 1px solid var(--fp-accent); }
.fp-icon { width: 15px; height: 15px; fill: none; stroke: currentColor; stroke-width: 1.4; stroke-linecap: round;
  stroke-linejoin: round; flex: none; }
.fp-button { display: inline-flex; align-items: center; justify-content: center; width: 26px; height: 26px; padding: 0; border: 0;
  border-radius: 6px; background: none; color: var(--fp-dim) !important; cursor: pointer; flex: none; }
.fp-button:hover { background: var(--fp-field); color: var(--fp-text) !important; }
.fp-button:focus-visible, .fp-heading:focus-visible { outline: 1px solid var(--fp-accent); }
.fp-wide { width: auto; padding: 0 12px; background: var(--fp-field); color: var(--fp-text) !important; }
.fp-more .fp-icon { stroke-width: 2.4; }
.float-panel select { flex: 1 1 45%; min-width: 0; height: 26px; border: 0; border-radius: 6px; padding: 0 6px;
  background: var(--fp-field); color: var(--fp-text); }
.float-panel select option { background: var(--comfy-menu-bg, #333); color: var(--fp-text); }
.float-panel select.fp-changed { box-shadow: inset 2px 0 var(--fp-mark); }
.fp-preset .fp-slider { flex: 1 1 40%; }
.fp-drawer { display: flex; flex-direction: column; gap: 5px; }
.fp-text { width: 100%; resize: vertical; border: 1px solid var(--fp-line); border-radius: 6px; padding: 6px;
  background: var(--fp-field); color: var(--fp-text); font: 11px/1.4 ui-monospace, monospace !important; user-select: text; }
.fp-note { color: var(--fp-dim); padding: 0 2px; user-select: text; overflow-wrap: anywhere; }
.fp-note:empty { display: none; }
.fp-reach { max-height: 4.1em; overflow-y: auto; scrollbar-width: thin; font-size: 11px; }
.fp-note.fp-error { color: var(--error-text, #ff6b6b); }
.fp-list { flex: 1; min-height: 0; overflow: hidden auto; scrollbar-width: thin; scrollbar-color: var(--fp-line) transparent;
  padding-right: 2px; }
.fp-group { margin-bottom: 4px; }
.fp-folded > :not(.fp-heading) { display: none !important; }
.fp-heading { display: flex; align-items: center; gap: 5px; width: 100%; height: 24px; padding: 0 2px; border: 0; background: none;
  color: var(--fp-dim) !important; font-weight: 600 !important; cursor: pointer; text-align: left; border-radius: 4px; }
.fp-heading:hover { color: var(--fp-text) !important; }
.fp-heading .fp-icon { width: 11px; height: 11px; transform: rotate(90deg); stroke-width: 2; }
.fp-folded .fp-heading .fp-icon { transform: none; }
.fp-count { color: var(--fp-mark); margin-left: auto; padding-right: 32px; font-variant-numeric: tabular-nums; }
.fp-count.fp-plain { color: var(--fp-dim); font-weight: 400; }
.fp-row { display: grid; grid-template-columns: minmax(64px, 34%) minmax(40px, 1fr) 52px 24px; align-items: center; column-gap: 6px;
  min-height: 26px; padding-left: 8px; border-left: 2px solid transparent; border-radius: 2px; }
.fp-row.fp-changed { border-left-color: var(--fp-mark); }
.fp-row.fp-linked { opacity: 0.5; }
.fp-row .fp-more { width: 24px; height: 22px; }
.fp-row.fp-special .fp-more { color: var(--fp-mark) !important; }
.fp-name { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.fp-name small { color: var(--fp-dim); font-size: 10px; margin-left: 4px; }
.fp-number { width: 100%; height: 22px; border: 0; border-radius: 5px; padding: 0 5px; background: var(--fp-field);
  color: var(--fp-text); text-align: right; font-variant-numeric: tabular-nums; outline: none; }
.fp-number::placeholder { color: var(--fp-dim); opacity: 0.7; }
.fp-detail { display: none; grid-column: 1 / -1; flex-wrap: wrap; align-items: center; gap: 4px 8px; padding: 2px 0 6px 2px; }
.fp-open .fp-detail { display: flex; }
.fp-open .fp-more { background: var(--fp-field); }
.fp-field { display: flex; align-items: center; gap: 5px; color: var(--fp-dim); min-width: 0; }
.fp-field .fp-number { width: 44px; }
.fp-check { cursor: pointer; }
.fp-check input { accent-color: var(--fp-accent); }
.fp-range { display: flex; flex-direction: column; gap: 6px; padding: 2px 0 6px 10px; }
.fp-range .fp-line { flex-wrap: wrap; }
.fp-range .fp-here { width: 18px; margin-left: -4px; }
.fp-unit { color: var(--fp-dim); }
.fp-outside .fp-name { flex: 0 1 34%; }
.fp-outside .fp-slider { flex: 1; min-width: 60px; }
.fp-slider, .fp-scrubber {
  appearance: none; width: 100%; min-width: 0; height: 18px; background: none; cursor: pointer; outline: none; padding: 0; border: 0;
  --rail: color-mix(in srgb, var(--fp-text) 18%, transparent);
  --usual: color-mix(in srgb, var(--fp-text) 40%, transparent); /* the natural range */
  --c: calc(6px + (100% - 12px) * var(--natural-low, 0));
  --d: calc(6px + (100% - 12px) * var(--natural-high, 0));
  --band: linear-gradient(to right, transparent var(--c), var(--usual) var(--c) var(--d), transparent var(--d));
  --a: calc(6px + (100% - 12px) * var(--from, 0)); /* where the thumb's middle is at that share of the way */
  --b: calc(6px + (100% - 12px) * var(--to, 0));
  --track: linear-gradient(to right, transparent var(--a), var(--fp-accent) var(--a) var(--b), transparent var(--b));
}
.fp-slider::-webkit-slider-runnable-track, .fp-scrubber::-webkit-slider-runnable-track { height: 4px; border-radius: 2px;
  background: var(--track), var(--band), var(--rail); }
.fp-slider::-moz-range-track, .fp-scrubber::-moz-range-track { height: 4px; border-radius: 2px; background: var(--track), var(--band), var(--rail); }
.fp-slider::-webkit-slider-thumb, .fp-scrubber::-webkit-slider-thumb { appearance: none; width: 12px; height: 12px; margin-top: -4px;
  border: 0; border-radius: 50%; background: var(--fp-text); box-shadow: 0 0 0 1px rgb(0 0 0 / 35%); }
.fp-slider::-moz-range-thumb, .fp-scrubber::-moz-range-thumb { width: 12px; height: 12px; border: 0; border-radius: 50%;
  background: var(--fp-text); }
.fp-slider:focus-visible::-webkit-slider-thumb,
.fp-scrubber:focus-visible::-webkit-slider-thumb { box-shadow: 0 0 0 3px color-mix(in srgb, var(--fp-accent) 60%, transparent); }
.fp-slider:disabled { opacity: 0.4; cursor: default; }
@container (min-width: 600px) {
  .fp-body { flex-direction: row; gap: 12px; }
  .fp-view { flex: 0 0 45%; }
  .fp-stage { height: min(45cqw, calc(100cqh - 26px)); }
}
@container (max-width: 290px) {
  .fp-row { grid-template-columns: minmax(40px, 1fr) minmax(40px, 1.1fr) 46px 22px; column-gap: 4px; padding-left: 4px; }
  .fp-bar { flex-direction: column; gap: 0; align-items: stretch; }
}
`;

/** Adds the style to the document, once. */
export function installStyle(document) {
  if (document.getElementById(ID)) return;
  const style = document.createElement("style");
  style.id = ID;
  style.textContent = STYLE;
  document.head.append(style);
}
