/** The upper controls of the LambdaEdit panel: search, copy, paste, reset, the text drawer, preset. Holds no state of the edit. */
import { assign, el, icon, iconButton } from "./dom.js";

/**
 * `act`: `search(text)`, `copy() -> text`, `paste(text)` (may throw an Error to show), `reset()`, `preset(name)`, `strength(value)` while a
 * gesture lasts, `done()` at its end.
 */
export class PanelToolbar {
  constructor(act, presets) {
    this.act = act;
    this.search = el("input", {
      type: "search",
      placeholder: "Search",
      "aria-label": "Search directions",
      on: { input: () => act.search(this.search.value) },
    });
    const find = el("label", { class: "fp-search" }, icon("search"), this.search);
    const buttons = [
      iconButton("copy", "Copy the edit as text", () => this.copy()),
      iconButton("paste", "Paste an edit", () => this.paste()),
      iconButton("text", "Show the edit as text", () => this.toggleText()),
      iconButton("reset", "Reset everything", () => act.reset()),
    ];
    this.note = el("div", { class: "fp-note", role: "status" });
    this.reach = el("div", { class: "fp-note fp-reach", role: "status" }); // how far the preset reached in the last run
    this.element = el(
      "div",
      { class: "fp-tools" },
      el("div", { class: "fp-line" }, find, ...buttons),
      this.presetLine(presets),
      this.reach,
      this.drawer(),
      this.note,
    );
    this.element.addEventListener("input", (event) => event.target === this.text && this.tell(""));
  }

  presetLine(presets) {
    const chosen = () => (this.act.preset(this.preset.value), this.act.done());
    this.preset = el(
      "select",
      { "aria-label": "Preset", on: { change: chosen } },
      ...presets.map((name) => el("option", { value: name, text: presetLabel(name) })),
    );
    const moved = () => this.act.strength(Number(this.strength.value));
    const on = { input: moved, change: () => this.act.done() };
    this.strength = el("input", {
      class: "fp-slider",
      type: "range",
      min: 0,
      max: 1,
      step: 0.05,
      "aria-label": "Preset strength",
      title: "How much of the preset is used",
      on,
    });
    this.percent = el("output", { class: "fp-time" });
    return el("div", { class: "fp-line fp-preset" }, this.preset, this.strength, this.percent);
  }

  drawer() {
    this.text = el("textarea", { class: "fp-text", rows: 5, spellcheck: "false", "aria-label": "The edit as text" });
    const use = el("button", {
      class: "fp-button fp-wide",
      type: "button",
      text: "Apply",
      on: { click: () => this.apply(this.text.value) && this.openText(false) },
    });
    const close = el("button", { class: "fp-button fp-wide", type: "button", text: "Close", on: { click: () => this.openText(false) } });
    this.drawerElement = el("div", { class: "fp-drawer", hidden: true }, this.text, el("div", { class: "fp-line" }, use, close));
    return this.drawerElement;
  }

  async copy() {
    const text = this.act.copy();
    try {
      await navigator.clipboard.writeText(text);
      this.tell(text ? "Copied." : "Copied: an empty edit.");
    } catch {
      this.openText(true, text, "Your browser does not let this page use the clipboard: copy the text from here.");
    }
  }

  async paste() {
    let text;
    try {
      text = await navigator.clipboard.readText();
    } catch {
      this.openText(true, "", "Your browser does not let this page read the clipboard: paste the text here, then press Apply.");
      return;
    }
    this.apply(text);
  }

  /** Whether the text was an edit; if not, it says why. */
  apply(text) {
    try {
      this.act.paste(text);
      this.tell("");
      return true;
    } catch (error) {
      this.tell(`Not pasted: ${error.message}`, true);
      return false;
    }
  }

  toggleText() {
    this.openText(this.drawerElement.hidden, this.act.copy());
  }

  openText(open, text = "", note = "") {
    this.drawerElement.hidden = !open;
    this.text.value = text;
    this.tell(note);
    if (open) this.text.select();
  }

  tell(text, error = false) {
    this.note.textContent = text;
    this.note.classList.toggle("fp-error", error);
  }

  /** Shows what the widgets hold. */
  show({ preset, strength, presetLinked, strengthLinked, note }) {
    assign(this.preset, { value: preset, disabled: presetLinked });
    assign(this.strength, { value: String(strength), disabled: strengthLinked || preset === "none" });
    this.strength.style.setProperty("--to", String(strength));
    this.percent.textContent = `${Math.round(strength * 100)} %`;
    this.preset.classList.toggle("fp-changed", preset !== "none");
    assign(this.reach, { textContent: note, title: note });
  }
}

function presetLabel(name) {
  return name === "none" ? "no preset" : name;
}
