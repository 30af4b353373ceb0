/** The LambdaEdit panel's range of seconds and the scale of what lies outside the directions. Holds no state of the edit. */
import { assign, el, iconButton } from "./dom.js";
import { readNumber } from "./panel_state.js";

const FIELDS = {
  start: { label: "from", high: 36000, empty: "start", title: "When sliders, gains and limits begin to act, in seconds" },
  end: { label: "to", high: 36000, empty: "end", title: "When they stop acting, in seconds. Empty = at the end" },
  ease: { label: "ease", high: 60, empty: "0", title: "Seconds in which they fade in after the start and out before the end" },
};

/** `act`: `range({start, end, ease})`, `outside(value)` while a gesture lasts, `done()` at its end, `time()` -> seconds of the image. */
export class RangeControls {
  constructor(act) {
    this.act = act;
    this.fields = Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, this.field(name, field)]));
    const here = (name) =>
      iconButton("chevron", `${FIELDS[name].label}: the time of the image`, () => this.set(name, this.act.time()), `fp-here fp-${name}`);
    const line = [
      labelled("start", this.fields.start),
      here("start"),
      labelled("end", this.fields.end),
      here("end"),
      labelled("ease", this.fields.ease),
      el("span", { class: "fp-unit", text: "s" }),
    ];
    const moved = () => act.outside(Number(this.outside.value));
    const on = { input: moved, change: () => act.done(), dblclick: () => (act.outside(1), act.done()) };
    const title = "Scales the motion that no direction describes: 1 keeps it, 0 removes it. Double-click: 1";
    this.outside = el("input", {
      class: "fp-slider",
      type: "range",
      min: 0,
      max: 2,
      step: 0.05,
      "aria-label": "Motion outside the directions",
      title,
      on,
    });
    this.scale = el("output", { class: "fp-time" });
    const rest = el(
      "div",
      { class: "fp-line fp-outside" },
      el("span", { class: "fp-name", text: "rest of the motion", title }),
      this.outside,
      this.scale,
    );
    this.element = el("div", { class: "fp-range" }, el("div", { class: "fp-line" }, ...line), rest);
  }

  field(name, { label, high, empty, title }) {
    const change = ({ target }) => this.set(name, readNumber(target.value, 0, high) ?? 0);
    return el("input", {
      class: "fp-number",
      type: "text",
      inputmode: "decimal",
      placeholder: empty,
      title,
      "aria-label": `Range ${label}`,
      "data-shown": "",
      on: { change },
    });
  }

  set(name, seconds) {
    const rounded = Math.round(seconds * 1000) / 1000;
    this.act.range({ ...this.range, [name]: rounded });
    this.act.done();
  }

  /** Shows what the widgets hold; returns whether that is not the whole clip, or something outside is scaled. */
  show({ range, outside, linked }) {
    this.range = range;
    for (const [name, field] of Object.entries(this.fields)) {
      const text = range[name] || name === "ease" ? range[name].toFixed(2) : "";
      assign(field, { value: text, disabled: linked.has(name) });
      field.dataset.shown = text;
    }
    assign(this.outside, { value: String(outside), disabled: linked.has("outside_scale") });
    this.outside.style.setProperty("--from", String(Math.min(outside, 1) / 2));
    this.outside.style.setProperty("--to", String(Math.max(outside, 1) / 2));
    this.scale.textContent = `× ${outside.toFixed(2)}`;
    return Boolean(range.start || range.end) || outside !== 1;
  }
}

function labelled(name, field) {
  return el("label", { class: "fp-field", title: field.title }, el("span", { text: FIELDS[name].label }), field);
}
