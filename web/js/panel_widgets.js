/**
 * The widgets of a LambdaEdit node as the panel uses them: read, written, hidden from view. They alone hold the edit, so that a saved
 * workflow and a prompt carry it without a browser.
 */
import { DEFAULTS } from "./panel_state.js";
import { endStep, setWidget, showWidgets } from "./widget_host.js";

export class PanelWidgets {
  constructor(node, app) {
    this.node = node;
    this.app = app;
    this.named = new Map((node.widgets ?? []).filter((widget) => widget.name in DEFAULTS).map((widget) => [widget.name, widget]));
    this.revealed = new Set(); // shown by the user, to connect something
  }

  has(name) {
    return this.named.has(name);
  }

  /** The values by name, and the names of those that come over a link. */
  read() {
    const inputs = new Set(this.node.inputs?.filter((input) => input.link != null).map((input) => input.widget?.name ?? input.name));
    return {
      values: Object.fromEntries([...this.named].map(([name, widget]) => [name, widget.value])),
      linked: new Set([...this.named.keys()].filter((name) => inputs.has(name))),
    };
  }

  /** The choices of a list widget. */
  choices(name) {
    const values = this.named.get(name)?.options?.values;
    return typeof values === "function" ? values() : (values ?? []);
  }

  /** Writes values, except over links, as ComfyUI's own controls do. Undo sees it only after `commit`. */
  write(values) {
    const { linked } = this.read();
    for (const [name, value] of Object.entries(values)) {
      const widget = this.named.get(name);
      if (!widget || linked.has(name) || widget.value === value) continue;
      setWidget(this.app, this.node, widget, value);
    }
  }

  /** The end of a gesture: what was written since the last one becomes one step of undo. */
  commit() {
    endStep(this.app);
  }

  /** Shows a widget with its socket, or hides it again. */
  reveal(name) {
    if (!this.revealed.delete(name)) this.revealed.add(name);
    this.hide();
    this.app.canvas?.setDirty?.(true, true);
  }

  /** Hides every widget that the panel stands for, except those that a link leads to or the user has revealed. */
  hide() {
    showWidgets(this.node, Object.fromEntries([...this.named.keys()].map((name) => [name, this.revealed.has(name)])));
  }
}
