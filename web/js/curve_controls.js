/* The parts of the curve editor around its picture: chips of the directions, fields of the selected keyframe, zoom. Each part is an element
 * and a function that brings it up to date with the store. */

import { EASINGS } from "./curve_math.js";
import { moveKey, removeKey, setEasing } from "./curve_keys.js";
import { DIRECTIONS, colourOf, freeDirections, nameOf } from "./curve_tracks.js";
import { element, icon } from "./elements.js";

const EASING_ICONS = {
  linear: "M2 12 L14 4",
  smooth: "M2 12 C8 12 8 4 14 4",
  hold: "M2 12 H10 V4 H14",
  bezier: "M2 12 C2 5 6 4 14 4 M2 12 V6 M2 5.9 V5.8",
};
const EASING_WORDS = { linear: "straight on", smooth: "soft at both ends", hold: "stays, then jumps", bezier: "by two handles" };
const REACHES = [0.5, 1, 2, 3, 5, 10];

/** A chip for each direction, and a list of the others to add. */
export function chips(store, theme) {
  const row = element("div", { className: "float-curve-row float-curve-chips" });
  let built;
  const update = () => {
    const { light } = theme();
    const state = JSON.stringify([store.tracks.map(({ direction }) => direction), store.active, store.names, light, store.problem]);
    if (state === built) return; // an open list would close
    built = state;
    row.replaceChildren(...store.tracks.map((track, i) => chip(store, track, i, light)), ...(store.problem ? [] : [adder(store)]));
  };
  return { element: row, update };
}

function chip(store, { direction }, index, light) {
  const name = nameOf(direction, store.names);
  const choose = element("button", { className: "float-curve-name", title: `Edit ${name}`, onclick: () => store.select(index) }, name);
  const remove = element("button", { className: "float-curve-remove", title: `Remove ${name}`, onclick: () => store.removeTrack(index) }, "×");
  const made = element("span", { className: "float-curve-chip", ariaCurrent: String(index === store.active) }, choose, remove);
  made.style.setProperty("--float-colour", colourOf(direction, light));
  return made;
}

function adder(store) {
  const free = freeDirections(store.entries, store.names?.length ?? DIRECTIONS);
  const options = free.map((direction) => element("option", { value: String(direction) }, nameOf(direction, store.names)));
  const select = element("select", { className: "float-curve-add", title: "Move another direction" });
  select.append(element("option", { value: "" }, "+ direction"), ...options);
  select.onchange = () => select.value !== "" && store.addDirection(Number(select.value));
  return select;
}

/** Time, value and easing of the selected keyframe, and its removal. */
export function keyFields(store) {
  const time = number("Time", "Time in seconds", "s", (value) => store.change(moveKey(store.keys, store.selected, value, store.key.value)));
  const value = number("Value", "Value in units of the slider (lambda)", "", (to) => store.change(moveKey(store.keys, store.selected, store.key.time, to)));
  const easings = EASINGS.map((easing) => {
    const title = `${easing}: ${EASING_WORDS[easing]} (E: next)`;
    return element("button", { title, ariaLabel: easing, onclick: () => store.change(setEasing(store.keys, store.selected, easing)) }, icon(EASING_ICONS[easing]));
  });
  const remove = element("button", { title: "Delete this keyframe (Delete)", ariaLabel: "delete", onclick: () => store.change(removeKey(store.keys, store.selected), -1) });
  remove.append(icon("M3 5 H13 M6 5 V3 H10 V5 M4.5 5 L5 13.5 H11 L11.5 5 M7 7.5 V11 M9 7.5 V11"));
  const group = element("span", { className: "float-curve-group", role: "group", ariaLabel: "Easing" }, ...easings);
  const update = () => {
    const { key } = store;
    time.show(key && String(Number(key.time.toFixed(3))), 1 / store.fps);
    value.show(key && String(key.value), 0.05);
    easings.forEach((button, i) => {
      button.ariaPressed = String(key?.easing === EASINGS[i]);
      button.disabled = !key;
    });
    remove.disabled = !key;
  };
  return { elements: [time.element, value.element, group, remove], update };
}

function number(label, title, unit, take) {
  const input = element("input", { type: "number", step: "any", title, ariaLabel: label });
  input.onchange = () => input.value !== "" && Number.isFinite(input.valueAsNumber) && take(input.valueAsNumber);
  const show = (text, step) => {
    input.disabled = text === undefined;
    input.placeholder = text === undefined ? "–" : "";
    if (input.value !== (text ?? "")) input.value = text ?? "";
    stepBy(input, step);
  };
  return { element: element("label", { className: "float-curve-field" }, label, input, unit), show };
}

/** Arrow keys step by `step` from where the number is; any number can be typed. */
function stepBy(input, step) {
  input.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === "Enter") input.blur();
    const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!sign || input.disabled) return;
    event.preventDefault();
    input.value = String(Number((input.valueAsNumber + sign * step * (event.shiftKey ? 10 : 1)).toFixed(3)));
    input.onchange();
  };
}

/** Snapping, zoom, the value axis, and whether the text is shown. */
export function viewTools(store, text) {
  const snap = tool("Snap to frames (Alt while dragging: the other way)", "M3 8 V3 M8 13 V3 M13 8 V3 M5 13 H11", () => {
    store.snap = !store.snap;
    store.changed();
  });
  const reach = element("select", { title: "Values in sight", ariaLabel: "Values in sight" });
  reach.append(element("option", { value: "" }, "± fit"), ...REACHES.map((most) => element("option", { value: String(most) }, `± ${most}`)));
  reach.onchange = () => {
    store.reach = Number(reach.value) || undefined;
    store.changed();
  };
  const closer = tool("Closer (Shift + wheel)", "M7 7 m-4.5 0 a4.5 4.5 0 1 0 9 0 a4.5 4.5 0 1 0 -9 0 M10.5 10.5 L14 14 M5 7 H9 M7 5 V9", () => store.zoom(0.6, store.key?.time));
  const wider = tool("Wider (Shift + wheel)", "M7 7 m-4.5 0 a4.5 4.5 0 1 0 9 0 a4.5 4.5 0 1 0 -9 0 M10.5 10.5 L14 14 M5 7 H9", () => store.zoom(1 / 0.6));
  const fit = tool("The whole clip, all values (F)", "M2 6 V2 H6 M10 2 H14 V6 M14 10 V14 H10 M6 14 H2 V10", () => store.fit());
  const written = tool("Show the curves as text", "M6 4 L2 8 L6 12 M10 4 L14 8 L10 12", text.toggle);
  const update = () => {
    snap.ariaPressed = String(store.snap);
    written.ariaPressed = String(text.shown());
    reach.value = store.reach ? String(store.reach) : "";
    wider.disabled = !store.window;
  };
  return { element: element("span", { className: "float-curve-group" }, snap, reach, closer, wider, fit, written), update };
}

function tool(title, path, onclick) {
  return element("button", { title, ariaLabel: title.split(" (")[0], onclick }, icon(path));
}
