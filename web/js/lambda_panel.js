/**
 * The panel in a LambdaEdit node: a live preview, and controls that write the node's own widgets. What the edit is, only the widgets know;
 * the panel keeps what is looked at (time, search, what is folded), and keeps that beside the node, as undo makes all nodes again.
 */
import { el } from "./dom.js";
import { parseEdits, formatEdits } from "./edit_text.js";
import { directionLookup } from "./direction_lookup.js";
import { onFrames, wake } from "./frame_watch.js";
import { executionIds } from "./graph_paths.js";
import { LivePreview } from "./live_preview.js";
import { countOthers, plainFields, takeApart, wholeText, withField, withRange } from "./panel_edits.js";
import { SliderList } from "./slider_list.js";
import { DEFAULTS, DIRECTIONS, readDirections, sliderName } from "./panel_state.js";
import { installStyle } from "./panel_style.js";
import { PanelToolbar } from "./panel_toolbar.js";
import { PanelWidgets } from "./panel_widgets.js";
import { rememberedView } from "./panel_views.js";
import { focusLabel, focusedLabel, stayMounted } from "./stay_mounted.js";
import { isUndoKey, undoOrRedo } from "./undo_keys.js";
import { chain } from "./widget_host.js";

const LEAST = { width: 260, height: 400 }; // of the panel, in the canvas's units
const NODE_SIZE = [400, 780]; // of a new node
const REMADE_MS = 3000; // undo makes a node again at once; later it is a new one

export function buildLambdaPanel(node, host) {
  const panel = new LambdaPanel(node, host);
  const widget = node.addDOMWidget("float_panel", "float_lambda_panel", panel.root, {
    serialize: false, // not in prompts
    hideOnZoom: false,
    margin: 8,
    getMinHeight: () => LEAST.height,
    getValue: () => "",
    setValue: () => {},
  });
  widget.serialize = false; // not in workflows: it has no value
  node.setSize([Math.max(node.size[0], NODE_SIZE[0]), Math.max(node.computeSize()[1], NODE_SIZE[1])]);
  return panel;
}

class LambdaPanel {
  constructor(node, host) {
    const { app, api } = host;
    Object.assign(this, { node, app });
    this.widgets = new PanelWidgets(node, app);
    this.widgets.hide();
    this.live = new LivePreview(api, {
      ids: () => executionIds(this.app.rootGraph ?? this.app.graph, this.node),
      values: () => this.widgets.read().values,
      directions: (state) => this.name(state),
    });
    this.names = directionLookup(node, host, (directions) => this.live.memory.ready || this.setDirections(readDirections({ directions })));
    this.toolbar = new PanelToolbar(this.toolbarActs(), this.widgets.choices("preset"));
    this.list = new SliderList(this.listActs());
    this.root = this.build();
    this.follow();
  }

  build() {
    installStyle(document);
    const root = el("div", { class: "float-panel", "data-capture-wheel": "true", tabindex: "-1" });
    root.style.setProperty("--fp-least-height", `${LEAST.height - 16}px`);
    root.append(
      el(
        "div",
        { class: "fp-body" },
        el("div", { class: "fp-view" }, this.live.stage, this.live.bar),
        el("div", { class: "fp-controls" }, this.toolbar.element, this.list.element),
      ),
    );
    root.addEventListener("keydown", (event) => isUndoKey(event) && undoOrRedo(event, this.app));
    const canvasHasItsOwn = ["dblclick", "copy", "cut", "paste"];
    for (const kind of canvasHasItsOwn) root.addEventListener(kind, (event) => event.stopPropagation());
    return root;
  }

  /** Follows the node: its widgets, its links, its end. */
  follow() {
    const { node } = this;
    const stop = onFrames(() => this.look());
    const arranged = () => (this.widgets.hide(), wake());
    chain(node, "onConnectionsChange", arranged);
    chain(node, "onConfigure", arranged);
    chain(node, "onAdded", wake);
    chain(node, "onExecuted", (output) => this.noteOfRun(output?.float_edit?.[0]));
    chain(node, "onRemoved", () => {
      if (this.view) this.view.focus = { label: focusedLabel(this.root), at: performance.now() };
      stop();
      this.names.stop();
      this.live.stop();
    });
  }

  look() {
    stayMounted(this.app, this.node, this.root, "float-panel");
    if (!this.node.graph || !this.root.isConnected) return;
    const view = rememberedView(this.node);
    if (view !== this.view) this.take(view);
    this.sync();
    if (!this.live.memory.ready) this.names.look();
  }

  /** Takes up what was looked at before; nodes are made again by undo, and get their id only now. */
  take(view) {
    this.view = view;
    this.drawn = null;
    this.list.rebuild(view.directions ?? readDirections(null), view);
    this.toolbar.search.value = view.search;
    this.live.remember(view.live);
    if (performance.now() - view.focus?.at < REMADE_MS) focusLabel(this.root, view.focus.label);
  }

  /** Shows the widgets' values where they are no longer those shown, whoever changed them. */
  sync() {
    const now = this.widgets.read();
    const key = JSON.stringify([now.values, [...now.linked]]);
    if (key === this.drawn) return;
    const first = !this.drawn;
    this.drawn = key;
    this.widgets.hide();
    this.draw(now);
    if (!first) this.live.ask();
  }

  draw({ values: given, linked }) {
    const values = { ...DEFAULTS, ...given };
    const range = rangeOf(values);
    const { edits, problem } = readEdits(values.edit);
    this.toolbar.show({
      preset: values.preset,
      strength: values.preset_strength,
      presetLinked: linked.has("preset"),
      strengthLinked: linked.has("preset_strength"),
      note: values.preset === "none" ? "" : (this.view.note ?? ""),
    });
    this.list.show({
      offset: (index) => values[sliderName(index)],
      fields: (index) => plainFields(edits, index, range),
      linked,
      range,
      outside: values.outside_scale,
      others: countOthers(edits, range),
      problem: linked.has("edit") ? "The edit text comes from its input." : problem,
    });
  }

  /** The server's answer about the last run, or null: what the directions are called. */
  name(state) {
    if (!state.ready) return;
    this.names.forget(); // they are the model's as it was in the run, and may be another's when ComfyUI has freed that
    this.setDirections(readDirections(state));
  }

  setDirections(directions) {
    if (JSON.stringify(directions) === JSON.stringify(this.view.directions)) return;
    this.view.directions = directions;
    this.list.rebuild(directions, this.view);
    this.drawn = null;
    this.sync();
  }

  noteOfRun(note) {
    if (!this.view || note === undefined) return;
    this.view.note = note;
    this.drawn = null; // shown, and the text below the panel hidden, with the next frame
    wake();
  }

  toolbarActs() {
    return {
      search: (text) => this.list.search((this.view.search = text)),
      copy: () => this.copy(),
      paste: (text) => this.paste(text),
      reset: () => (this.write(DEFAULTS), this.widgets.commit()),
      preset: (name) => ((this.view.note = ""), this.write({ preset: name })),
      strength: (value) => this.write({ preset_strength: value }),
      done: () => this.widgets.commit(),
    };
  }

  listActs() {
    return {
      offset: (index, value) => this.write({ [sliderName(index)]: value }),
      field: (index, name, value) => this.writeEdits((edits, range) => withField(edits, index, range, name, value)),
      reveal: (index) => (this.widgets.reveal(sliderName(index)), (this.drawn = null)),
      range: (after) => this.writeEdits((edits, before) => withRange(edits, before, after), after),
      outside: (value) => this.write({ outside_scale: value }),
      time: () => this.live.memory.time ?? 0,
      done: () => this.widgets.commit(),
    };
  }

  write(values) {
    this.widgets.write(values);
    this.sync();
  }

  /** Changes the edit text; where it cannot be read it is left as it is. */
  writeEdits(change, also = {}) {
    const { values } = this.widgets.read();
    const { edits, problem } = readEdits(values.edit ?? "");
    this.write(problem ? also : { ...also, edit: formatEdits(change(edits, rangeOf({ ...DEFAULTS, ...values }))) });
  }

  /** The whole edit as text; a text that cannot be read as it is, to be fixed. */
  copy() {
    const values = { ...DEFAULTS, ...this.widgets.read().values };
    const offsets = new Map(Array.from({ length: DIRECTIONS }, (_, index) => [index, values[sliderName(index)]]));
    return readEdits(values.edit).problem ? values.edit : wholeText(values.edit, offsets, rangeOf(values));
  }

  /** Puts an edit in the place of the one here; preset and the rest of the motion stay. Throws EditTextError. */
  paste(whole) {
    const { offsets, range, text } = takeApart(whole, DIRECTIONS);
    const sliders = Array.from({ length: DIRECTIONS }, (_, index) => [sliderName(index), offsets.get(index) ?? 0]);
    this.write({ ...Object.fromEntries(sliders), ...range, edit: text });
    this.widgets.commit();
  }
}

function rangeOf({ start, end, ease }) {
  return { start, end, ease };
}

function readEdits(text) {
  try {
    return { edits: parseEdits(text), problem: "" };
  } catch (error) {
    return { edits: [], problem: `The edit text cannot be read: ${error.message}` };
  }
}
