/* The parts of the curve editor around its plot: chips of the directions, fields of the selected keyframe, zoom. Each part is an element
 * and a function that brings it up to date with the store. */

import { EASINGS } from "./curve_math.js";
import { moveKey, removeKey, setEasing } from "./curve_keys.js";
import { DIRECTIONS, colorOf, freeDirections, nameOf } from "./curve_tracks.js";
import { assign, el, icon } from "./dom.js";

const EASING_WORDS = { linear: "straight", smooth: "eases in and out", hold: "holds, then jumps", bezier: "shaped by two handles" };
const REACHES = [0.5, 1, 2, 3, 5, 10];

/** A chip for each direction, and a list of the others to add. */
export function chips(store, theme) {
  const element = el("div", { class: "float-curve-row float-curve-chips" });
  let built;
  const update = () => {
    const { light } = theme();
    const state = JSON.stringify([store.tracks.map(({ direction }) => direction), store.active, store.names, light, store.closed]);
    if (state === built) return; // an open list would close
    built = state;
    element.replaceChildren(...(store.closed ? [] : store.tracks).map((track, i) => chip(store, track, i, light)), ...(store.closed ? [] : [adder(store)]));
  };
  return { element, update };
}

function chip(store, { direction }, index, light) {
  const name = nameOf(direction, store.names);
  const choose = button("float-curve-name", `Edit ${name}`, () => store.select(index), name);
  const remove = button("float-curve-remove", `Remove ${name}`, () => store.removeTrack(index), "×");
  const made = el("span", { class: "float-curve-chip", "aria-current": String(index === store.active) }, choose, remove);
  made.style.setProperty("--float-color", colorOf(direction, light));
  return made;
}

function adder(store) {
  const free = freeDirections(store.entries, store.names?.length ?? DIRECTIONS);
  const options = free.map((direction) => el("option", { value: direction, text: nameOf(direction, store.names) }));
  const choose = ({ target }) => target.value !== "" && store.addDirection(Number(target.value));
  const attributes = { class: "float-curve-add", title: "Add a direction to move", "aria-label": "Add a direction", on: { change: choose } };
  return el("select", attributes, el("option", { value: "", text: "+ direction" }), ...options);
}

function button(className, title, press, ...children) {
  return el("button", { class: className, type: "button", title, "aria-label": title.split(/: | \(/)[0], on: { click: press } }, ...children);
}

/** Time, value and easing of the selected keyframe, and its removal. */
export function keyFields(store) {
  const place = (time, value) => store.key && store.change(moveKey(store.keys, store.selected, time ?? store.key.time, value ?? store.key.value));
  const time = number("Time", "Time in seconds", "s", (seconds) => place(seconds));
  const value = number("Value", "Value, in the units of a slider", "", (height) => place(undefined, height));
  const easings = EASINGS.map((easing) => {
    const title = `${easing}: ${EASING_WORDS[easing]} (E: the next one)`;
    return button("", title, () => store.change(setEasing(store.keys, store.selected, easing)), icon(easing));
  });
  const remove = button("", "Delete this keyframe (Delete, or right-click)", () => store.change(removeKey(store.keys, store.selected), -1), icon("bin"));
  const group = el("span", { class: "float-curve-group", role: "group", "aria-label": "Easing" }, ...easings);
  const update = () => {
    const { key } = store;
    time.show(key && String(Number(key.time.toFixed(3))), 1 / store.fps);
    value.show(key && String(key.value), 0.05);
    easings.forEach((easing, i) => {
      easing.setAttribute("aria-pressed", String(key?.easing === EASINGS[i]));
      easing.disabled = !key;
    });
    remove.disabled = !key;
  };
  return { elements: [time.element, value.element, group, remove], update };
}

/** A field for a number: Enter or leaving takes it, arrow keys step by `step`. */
function number(label, title, unit, take) {
  let step = 1;
  const change = () => {
    if (input.value.trim() !== "" && Number.isFinite(Number(input.value))) take(Number(input.value));
    else input.value = input.dataset.shown; // what cannot be read goes away
  };
  const keydown = (event) => {
    const sign = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") change();
    if (!sign) return;
    event.preventDefault();
    input.value = String(Number((Number(input.value) + sign * step * (event.shiftKey ? 10 : 1)).toFixed(3)));
    change();
  };
  const focus = () => input.select();
  const input = el("input", { type: "text", inputmode: "decimal", title, "aria-label": label, "data-shown": "", on: { change, keydown, focus } });
  const show = (text, nextStep) => {
    step = nextStep;
    if (input.dataset.shown !== (text ?? "") || input !== document.activeElement) input.value = text ?? ""; // not over what is being typed
    input.dataset.shown = text ?? "";
    assign(input, { disabled: text === undefined, placeholder: text === undefined ? "–" : "" });
  };
  return { element: el("label", { class: "float-curve-field" }, label, input, unit), show };
}

/** Snapping, the value axis, zoom, and whether the text is shown. */
export function viewTools(store, text) {
  const tool = (name, title, press) => button("", title, press, icon(name));
  const snap = tool("snap", "Snap to frames (Alt while dragging: switch)", () => {
    store.snap = !store.snap;
    store.changed();
  });
  const options = [["", "± fit"], ...REACHES.map((most) => [String(most), `± ${most}`])].map(([value, label]) => el("option", { value, text: label }));
  const choose = ({ target }) => {
    store.reach = Number(target.value) || undefined;
    store.changed();
  };
  const reach = el("select", { title: "Range of values that is shown", "aria-label": "Range of values", on: { change: choose } }, ...options);
  const closer = tool("closer", "Zoom in (mouse wheel, after a click on the curves)", () => store.zoom(0.6, store.key?.time));
  const wider = tool("wider", "Zoom out (mouse wheel, after a click on the curves)", () => store.zoom(1 / 0.6));
  const fit = tool("fit", "Show everything (F)", () => store.fit());
  const written = tool("code", "Show the curves as text", text.toggle);
  const update = () => {
    snap.setAttribute("aria-pressed", String(store.snap));
    written.setAttribute("aria-pressed", String(text.shown()));
    assign(reach, { value: store.reach ? String(store.reach) : "" });
    assign(wider, { disabled: !store.window });
  };
  return { element: el("span", { class: "float-curve-group" }, snap, reach, closer, wider, fit, written), update };
}
