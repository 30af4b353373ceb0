/** Small helpers to build elements. Nothing happens on import. */

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  search: "M10.5 10.5 14 14M12 7A5 5 0 1 1 2 7a5 5 0 0 1 10 0Z",
  copy: "M5.5 5.5V2.5h8v8h-3M2.5 5.5h8v8h-8Z",
  paste: "M5.5 3h-2v10.5h9V3h-2M5.5 1.8h5v2.6h-5ZM6 8h4M6 10.5h4",
  reset: "M3 3v3.5h3.5M3.2 6.3A5.2 5.2 0 1 1 3 9.8",
  more: "M3.2 8h.1M8 8h.1M12.8 8h.1",
  chevron: "M5.5 3.5 10 8l-4.5 4.5",
  text: "M2.5 3.5h11M2.5 6.5h8M2.5 9.5h11M2.5 12.5h6",
  plug: "M2 8h4M10 8h4M6 5.2v5.6a4 2.8 0 0 0 4 0V5.2a4 2.8 0 0 0-4 0Z",
  face: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6 6.6v.1M10 6.6v.1M5.8 9.6c1.2 1.4 3.2 1.4 4.4 0",
  linear: "M2 12 14 4",
  smooth: "M2 12C8 12 8 4 14 4",
  hold: "M2 12H10V4H14",
  bezier: "M2 12C2 5 6 4 14 4M2 12V6M2 5.9V5.8",
  bin: "M3 5H13M6 5V3H10V5M4.5 5 5 13.5H11L11.5 5M7 7.5V11M9 7.5V11",
  snap: "M3 9V3M8 13V3M13 9V3M5.5 13H10.5",
  closer: "M10.5 10.5 14 14M12 7A5 5 0 1 1 2 7a5 5 0 0 1 10 0ZM5 7H9M7 5V9",
  wider: "M10.5 10.5 14 14M12 7A5 5 0 1 1 2 7a5 5 0 0 1 10 0ZM5 7H9",
  fit: "M2 6V2H6M10 2H14V6M14 10V14H10M6 14H2V10",
  code: "M6 4 2 8 6 12M10 4 14 8 10 12",
};

/** An element: `props` are attributes, except `class`, `text` and `on` (handlers by event). */
export function el(tag, { class: name, text, on = {}, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  for (const [event, handler] of Object.entries(on)) made.addEventListener(event, handler);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A drawing of 16 by 16 in the text's color. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("class", "fp-icon");
  drawing.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

/** A button with a drawing; `label` is its tooltip and its name for screen readers. */
export function iconButton(name, label, press, className = "") {
  return el(
    "button",
    { class: `fp-button ${className}`, type: "button", title: label, "aria-label": label, on: { click: press } },
    icon(name),
  );
}

/** Sets what differs, so that nothing is laid out again for nothing. */
export function assign(element, properties) {
  for (const [key, value] of Object.entries(properties)) if (element[key] !== value) element[key] = value;
}

/** Puts a style sheet into the page, once for each id. */
export function addStyle(id, text) {
  if (!document.getElementById(id)) document.head.append(el("style", { id, text }));
}
