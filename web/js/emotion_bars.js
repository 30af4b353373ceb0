/* The bars in Speech2Emotion: what the last run heard, or was told to take; over time too where it was heard in windows. */

import { colorOf, readEmotions, stackedAreas } from "./emotion_data.js";
import { addStyle, el } from "./dom.js";
import { onFrames } from "./frame_watch.js";
import { recall, remember } from "./run_memory.js";
import { stayMounted } from "./stay_mounted.js";
import { chain } from "./widget_host.js";

const SVG = "http://www.w3.org/2000/svg";
const FIELD = [600, 100]; // of the drawing over time, in its own units
const HEIGHTS = { waiting: 26, bars: 130, area: 62 }; // pixels
const STYLE = `
.float-emotion { display: flex; flex-direction: column; gap: 3px; height: 100%; box-sizing: border-box; overflow: hidden;
  color: var(--input-text, #ddd); font: 11px/1.3 Inter, system-ui, sans-serif; }
.float-emotion-quiet { color: var(--descrip-text, #999); text-align: center; padding: 5px 0; }
.float-emotion-row { display: grid; grid-template-columns: 56px 1fr 36px; align-items: center; gap: 6px; height: 15px; flex: none; color: var(--descrip-text, #999); }
.float-emotion-row[data-most="true"] { color: var(--input-text, #ddd); font-weight: 600; }
.float-emotion-track { height: 8px; border-radius: 4px; overflow: hidden; background: var(--comfy-input-bg, #222); }
.float-emotion-bar { height: 100%; border-radius: 4px; transition: width 0.25s ease-out; }
.float-emotion-share { text-align: right; font-variant-numeric: tabular-nums; }
.float-emotion svg { flex: 1; min-height: 36px; width: 100%; border-radius: 6px; background: var(--comfy-input-bg, #222); margin-top: 4px; }
.float-emotion-times { display: flex; justify-content: space-between; font-size: 10px; color: var(--descrip-text, #999); flex: none; }
`;

function bar({ name, share, most }) {
  const filled = el("div", { class: "float-emotion-bar" });
  Object.assign(filled.style, { width: `${Number((share * 100).toFixed(1))}%`, background: colorOf(name) });
  return el(
    "div",
    { class: "float-emotion-row", "data-most": String(most) },
    el("span", { text: name }),
    el("div", { class: "float-emotion-track" }, filled),
    el("span", { class: "float-emotion-share", text: `${(share * 100).toFixed(0)} %` }),
  );
}

function overTime(heard) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${FIELD.join(" ")}`);
  svg.setAttribute("preserveAspectRatio", "none");
  stackedAreas(heard, ...FIELD).forEach((points, i) => {
    const area = document.createElementNS(SVG, "polygon");
    area.setAttribute("points", points);
    area.setAttribute("fill", colorOf(heard.emotions[i].name));
    const title = document.createElementNS(SVG, "title");
    title.textContent = heard.emotions[i].name;
    area.append(title);
    svg.append(area);
  });
  const times = [heard.times[0], heard.times.at(-1)].map((time) => el("span", { text: `${time.toFixed(1)} s` }));
  return [svg, el("div", { class: "float-emotion-times" }, ...times)];
}

/** Builds them into a node that was just created. */
export function buildEmotionBars(node, { app }) {
  addStyle("float-emotion-style", STYLE);
  const root = el("div", { class: "float-emotion" });
  let height = HEIGHTS.waiting;
  const widget = node.addDOMWidget("emotion_bars", "float_emotion_bars", root, { serialize: false, hideOnZoom: false, getMinHeight: () => height });
  widget.serialize = false; // not in workflows: it has no value
  const show = (told) => {
    const heard = readEmotions(told);
    if (!heard) return root.replaceChildren(el("div", { class: "float-emotion-quiet", text: "Run to see the emotions." }));
    root.replaceChildren(...heard.emotions.map(bar), ...(heard.rows.length ? overTime(heard) : []));
    height = HEIGHTS.bars + (heard.rows.length ? HEIGHTS.area : 0);
    root.style.minHeight = `${height}px`;
    node.setSize([node.size[0], Math.max(node.size[1], node.computeSize()[1])]);
    return app.canvas?.setDirty?.(true, true);
  };
  let stop;
  show(undefined);
  chain(node, "onAdded", () => {
    if (recall(node, "emotions")) show(recall(node, "emotions"));
    stop ??= onFrames(() => stayMounted(app, node, root, "float-emotion"));
  });
  chain(node, "onRemoved", () => (stop = stop?.()));
  chain(node, "onExecuted", (told) => {
    remember(node, "emotions", told?.float_emotion?.[0]);
    show(told?.float_emotion?.[0]);
  });
}
