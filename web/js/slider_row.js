/** One direction in the LambdaEdit panel: name, slider, number; under "more" gain, freeze, limits, socket. Holds no state of the edit. */
import { assign, el, icon, iconButton } from "./dom.js";
import { LIMIT, PLAIN } from "./panel_edits.js";
import { NUDGE, STEP, describe, offsetLabel, readNumber, sliderName, sliderRange } from "./panel_state.js";
import { tidy } from "./edit_text.js";

const MOST_GAIN = 10;
const NUMBERS = {
  gain: {
    low: -MOST_GAIN,
    high: MOST_GAIN,
    empty: "1",
    title: "How much of the movement around the mean is kept: 0.5 = half of it, 0 = none.",
  },
  low: { low: -1000, high: 1000, empty: "none", title: "The value never falls below this. The slider's offset comes on top." },
  high: { low: -1000, high: 1000, empty: "none", title: "The value never rises above this. The slider's offset comes on top." },
};

/**
 * `act` is what the row may do: `offset(index, value)`, `field(index, name, value)` while a gesture lasts, `done()` at its end,
 * `toggle(index)` of "more", `reveal(index)` of the socket.
 */
export class SliderRow {
  constructor(direction, act) {
    this.direction = direction;
    this.act = act;
    this.slider = el("input", { class: "fp-slider", type: "range", step: STEP, "aria-label": direction.name, on: this.sliderHandlers() });
    this.number = this.numberField("", `${direction.name}, number`, -LIMIT, LIMIT, (value) => this.act.offset(direction.index, value ?? 0));
    this.more = iconButton("more", `More for ${direction.name}: gain, freeze, limits`, () => act.toggle(direction.index), "fp-more");
    this.detail = el("div", { class: "fp-detail" }, ...this.detailFields());
    this.element = el(
      "div",
      { class: "fp-row", "data-direction": direction.index },
      this.name(),
      this.slider,
      this.number,
      this.more,
      this.detail,
    );
  }

  name() {
    const [, name, symbol] = /^(.*?)(?:\s*\((λ\d+)\))?$/.exec(this.direction.name);
    const parts = [el("span", { text: name.replaceAll("_", " ") }), ...(symbol ? [el("small", { text: symbol })] : [])];
    return el("label", { class: "fp-name", title: describe(this.direction), on: { dblclick: () => this.reset() } }, ...parts);
  }

  sliderHandlers() {
    let held = false; // a key that is held down is one gesture
    const done = () => {
      if (held) this.act.done();
      held = false;
    };
    return {
      input: () => this.act.offset(this.direction.index, tidy(Number(this.slider.value))),
      change: () => held || this.act.done(),
      keydown: (event) => (held ||= /^(Arrow|Page|Home|End)/.test(event.key)),
      keyup: done,
      blur: done,
      dblclick: () => this.reset(),
    };
  }

  reset() {
    this.act.offset(this.direction.index, 0);
    this.act.done();
  }

  detailFields() {
    const { index } = this.direction;
    this.fields = Object.fromEntries(
      Object.entries(NUMBERS).map(([name, { low, high, empty, title }]) => {
        const field = this.numberField(empty, `${this.direction.name}, ${name}`, low, high, (value) =>
          this.act.field(index, name, value ?? PLAIN[name]),
        );
        field.title = title;
        return [name, field];
      }),
    );
    const toggled = () => (this.act.field(index, "freeze", this.freeze.checked), this.act.done());
    this.freeze = el("input", { type: "checkbox", "aria-label": `${this.direction.name}, freeze`, on: { change: toggled } });
    const named = (name, field) => el("label", { class: "fp-field", title: field.title }, el("span", { text: name }), field);
    this.plug = iconButton("plug", "Show this slider's input, to connect a number to it", () => this.act.reveal(index));
    const freeze = el(
      "label",
      { class: "fp-field fp-check", title: "Holds the value of the first frame of the range." },
      this.freeze,
      el("span", { text: "freeze" }),
    );
    return [named("gain", this.fields.gain), freeze, named("low", this.fields.low), named("high", this.fields.high), this.plug];
  }

  /** A text field for a number: Enter or leaving writes it, arrow keys step, nothing typed = null. */
  numberField(placeholder, label, low, high, write) {
    const read = (field) => readNumber(field.value, low, high);
    const step = (field, by) => {
      write(tidy(Math.min(high, Math.max(low, (read(field) ?? (Number(placeholder) || 0)) + by))));
      this.act.done();
    };
    const on = {
      change: ({ target }) => {
        const value = read(target);
        if (value !== null || target.value.trim() === "") write(value === null ? null : tidy(value));
        target.value = target.dataset.shown; // what cannot be read goes away
        this.act.done();
      },
      keydown: (event) => {
        const by = { ArrowUp: NUDGE, ArrowDown: -NUDGE }[event.key];
        if (by) event.preventDefault();
        if (by) step(event.target, event.shiftKey ? 10 * by : by);
      },
      focus: ({ target }) => target.select(),
    };
    return el("input", { class: "fp-number", type: "text", inputmode: "decimal", placeholder, "aria-label": label, "data-shown": "", on });
  }

  /** Shows what the widgets hold. `state`: {offset, fields, linked, open, textReadable}. */
  show({ offset, fields, linked, open, textReadable }) {
    const [low, high] = sliderRange(this.direction, offset);
    assign(this.slider, { min: String(tidy(low)), max: String(tidy(high)), disabled: linked });
    assign(this.slider, { value: String(offset) });
    const share = (value) => String((value - low) / (high - low));
    this.slider.style.setProperty("--from", share(Math.min(0, offset)));
    this.slider.style.setProperty("--to", share(Math.max(0, offset)));
    const natural = this.direction.measured ? this.direction : { low: 0, high: 0 };
    this.slider.style.setProperty("--natural-low", share(natural.low));
    this.slider.style.setProperty("--natural-high", share(natural.high));
    this.showNumber(this.number, offsetLabel(offset), linked);
    for (const [name, field] of Object.entries(this.fields)) {
      this.showNumber(field, fields[name] === PLAIN[name] ? "" : String(tidy(fields[name])), !textReadable);
    }
    assign(this.freeze, { checked: fields.freeze, disabled: !textReadable });
    const special = Object.keys(PLAIN).some((name) => fields[name] !== PLAIN[name]);
    this.element.classList.toggle("fp-changed", offset !== 0 || special);
    this.element.classList.toggle("fp-special", special);
    this.element.classList.toggle("fp-linked", linked);
    this.element.classList.toggle("fp-open", open);
    this.more.setAttribute("aria-expanded", String(open));
    this.slider.title = linked ? `${sliderName(this.direction.index)} comes from its input` : "Double-click: 0";
    return offset !== 0 || special;
  }

  /** Not over what is being typed. */
  showNumber(field, text, disabled) {
    if (field.dataset.shown !== text || field !== document.activeElement) assign(field, { value: text });
    field.dataset.shown = text;
    assign(field, { disabled });
  }
}

/** A heading with a chevron that folds what follows. */
export function foldHeading(title, fold) {
  const count = el("span", { class: "fp-count" });
  const heading = el(
    "button",
    { class: "fp-heading", type: "button", on: { click: fold } },
    icon("chevron"),
    el("span", { text: title }),
    count,
  );
  return { heading, count };
}
