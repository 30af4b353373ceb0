/**
 * The live preview of a LambdaEdit node and its scrubber: asks the server for the frame at a time under the widgets' values, from the last
 * run. Knows nothing of sliders.
 */
import { assign, el, icon } from "./dom.js";
import { newestWins } from "./newest_wins.js";
import { timeLabel } from "./panel_state.js";
import { retrying } from "./retry.js";

const ENDS_OF_RUNS = ["execution_success", "execution_error", "execution_interrupted", "reconnected"];
const NO_ANSWER = "The server does not answer.";

/** `source`: {ids() -> [ids of the node in a prompt], values() -> widget values, directions(answer) takes the names in an answer}. */
export class LivePreview {
  constructor(api, source) {
    this.api = api;
    this.source = source;
    this.queue = newestWins(
      () => this.draw(),
      () => this.unanswered(),
    );
    this.retry = retrying(() => this.refresh());
    this.memory = {}; // {time, blob, frames, fps, ready, node}: outlives the node when it is made again (undo)
    this.build();
    this.listen();
  }

  build() {
    this.image = el("img", { class: "fp-image", alt: "The edited frame", draggable: "false", on: { load: () => this.shown() } });
    this.message = el("div", { class: "fp-message", role: "status" });
    this.stage = el("div", { class: "fp-stage" }, this.image, this.message);
    const moved = () => {
      this.memory.time = Number(this.scrubber.value);
      this.showTime();
      this.ask();
    };
    this.scrubber = el("input", {
      class: "fp-scrubber",
      type: "range",
      min: 0,
      max: 0,
      value: 0,
      "aria-label": "Time of the image",
      on: { input: moved },
    });
    this.time = el("output", { class: "fp-time" });
    this.bar = el("div", { class: "fp-bar" }, this.scrubber, this.time);
    this.tell("");
  }

  listen() {
    const ended = () => this.refresh();
    const status = ({ detail }) => this.busy && detail?.exec_info?.queue_remaining === 0 && this.refresh();
    for (const kind of ENDS_OF_RUNS) this.api.addEventListener(kind, ended);
    this.api.addEventListener("status", status);
    this.stopListening = () => {
      for (const kind of ENDS_OF_RUNS) this.api.removeEventListener(kind, ended);
      this.api.removeEventListener("status", status);
    };
  }

  /** Takes up what an earlier panel of the same node knew. */
  remember(memory) {
    this.memory = memory;
    if (memory.blob) this.show(memory.blob);
    this.showTime();
    this.refresh();
  }

  /** Asks whether there was a run, then for the image. */
  async refresh() {
    const asked = (this.asked = {}); // an answer that is no longer the newest question's is dropped
    let state;
    try {
      state = await this.stateOfRun();
    } catch {
      if (this.asked === asked) this.unanswered();
      return;
    }
    if (this.asked !== asked) return;
    Object.assign(this.memory, { ready: state.ready, frames: state.frames ?? 0, fps: state.fps ?? 25, node: state.node });
    this.source.directions(state);
    this.showTime();
    if (state.ready) {
      this.ask();
    } else {
      this.retry.stop();
      this.tell(state.message, { empty: true });
    }
  }

  /** The server did not answer: it is asked again. */
  unanswered() {
    this.tell(NO_ANSWER, { empty: !this.memory.ready });
    this.retry.failed();
  }

  /** Of the places where the node's subgraph is used, the first that ran. */
  async stateOfRun() {
    let state = { ready: false, message: "No run yet: press Run once, then this preview follows the sliders." };
    for (const node of this.source.ids()) {
      const answer = await this.api.fetchApi(`/float/live?node=${encodeURIComponent(node)}`);
      if (answer.status > 500) throw new Error("nobody behind the proxy answers");
      state = answer.ok ? { ...(await answer.json()), node } : { ready: false, message: await errorOf(answer) };
      if (state.ready) break;
    }
    return state;
  }

  /** Asks for the image again as soon as the one under way is there. */
  ask() {
    if (this.memory.ready) this.queue.ask(true);
  }

  async draw() {
    const { node, time = 0 } = this.memory;
    if (!this.memory.ready) return;
    const body = JSON.stringify({ node, values: this.source.values(), time, format: "jpeg" });
    const headers = { "Content-Type": "application/json" };
    const answer = await this.api.fetchApi("/float/live", { method: "POST", headers, body });
    this.retry.stop();
    this.busy = answer.status === 503;
    if (answer.ok) {
      this.memory.blob = await answer.blob();
      this.show(this.memory.blob);
      this.tell("");
    } else if (answer.status === 404) {
      this.memory.ready = false;
      this.tell(await errorOf(answer), { empty: true });
    } else if (answer.status !== 409) {
      this.tell(await errorOf(answer), { error: !this.busy });
    }
  }

  show(blob) {
    const old = this.address;
    this.address = URL.createObjectURL(blob);
    this.image.src = this.address;
    if (old) URL.revokeObjectURL(old);
  }

  shown() {
    this.stage.classList.add("fp-has-image");
  }

  showTime() {
    const { frames = 0, fps = 25, time = 0 } = this.memory;
    const last = Math.max(0, (frames - 1) / fps);
    this.bar.hidden = frames < 2;
    assign(this.scrubber, { max: String(last), step: String(1 / fps) });
    assign(this.scrubber, { value: String(Math.min(time, last)) });
    this.scrubber.style.setProperty("--to", last ? String(Math.min(time, last) / last) : "0");
    this.time.textContent = timeLabel(Math.min(time, last), fps);
  }

  /** A message over the image; '' takes it away. */
  tell(text, { empty = false, error = false } = {}) {
    this.message.replaceChildren(
      ...(text ? [...(empty ? [icon("face")] : []), el("span", { text: text[0].toUpperCase() + text.slice(1) })] : []),
    );
    this.message.classList.toggle("fp-error", error);
    this.stage.classList.toggle("fp-empty", empty);
  }

  stop() {
    this.asked = null;
    this.retry.stop();
    this.queue.stop();
    this.stopListening();
    if (this.address) URL.revokeObjectURL(this.address);
  }
}

async function errorOf(answer) {
  try {
    return (await answer.json()).error ?? `The server answers ${answer.status}.`;
  } catch {
    return `The server answers ${answer.status}.`;
  }
}
