/* Makes elements of the page. Nothing is put into it here. */

const SVG = "http://www.w3.org/2000/svg";

/** An element with those properties, and children (elements or texts). */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, tag === "button" ? { type: "button" } : {}, properties);
  made.append(...children);
  return made;
}

/** A line drawing on a field of 16 x 16, in the colour of the text. */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 16 16", width: 14, height: 14, fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-linecap": "round", "stroke-linejoin": "round" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Puts a style sheet into the page, once for each name. */
export function addStyle(name, text) {
  if (document.getElementById(name)) return;
  document.head.append(element("style", { id: name }, text));
}
