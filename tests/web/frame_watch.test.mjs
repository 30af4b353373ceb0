import assert from "node:assert/strict";
import test from "node:test";

let time = 0;
let pending = [];
globalThis.requestAnimationFrame = (call) => pending.push(call);
globalThis.performance = { now: () => time };
globalThis.MutationObserver = class {
  constructor(call) {
    Object.assign(this, { call });
  }
  observe(element) {
    element.mutate = this.call;
  }
};
const { onFrames, wake, wakeWithPage, wakeWithView, wakeWithWidget } = await import("../../web/js/frame_watch.js");

/** Lets so many milliseconds of frames pass; how many frames that was. */
function pass(milliseconds) {
  let frames = 0;
  for (const end = time + milliseconds; time < end; time += 16) {
    const calls = pending.splice(0);
    frames += calls.length;
    for (const call of calls) call(time);
  }
  return frames;
}

/** Whether it wakes the watchers, who sleep before and after. */
function wakes(happen) {
  pass(3000);
  assert.equal(pass(3000), 0, "asleep");
  happen();
  return pass(3000) > 0;
}

test("without a watcher nothing runs", () => {
  wake();
  assert.equal(pass(1000), 0);
});

test("a watcher looks for a moment, and then nothing runs until something happens", () => {
  const seen = [];
  const stop = onFrames((now) => seen.push(now));
  assert.ok(pass(3000) >= 40);
  const looked = seen.length;
  assert.equal(pass(60000), 0);
  assert.equal(seen.length, looked);
  wake();
  wake();
  const again = pass(600);
  assert.ok(again < 40, "one frame at a time, however often it was woken");
  stop();
  pass(3000);
  assert.equal(seen.length, looked + again);
});

test("the hand, the page, the server and the theme wake", () => {
  const stop = onFrames(() => {});
  const target = () => Object.assign(new EventTarget(), { style: "" });
  const page = Object.assign(new EventTarget(), { document: { documentElement: target(), body: target() } });
  const api = new EventTarget();
  wakeWithPage(page, api);
  for (const kind of ["pointerdown", "keydown", "wheel", "input", "resize", "litegraph:set-graph"]) {
    assert.ok(wakes(() => page.dispatchEvent(new Event(kind))), kind);
  }
  assert.ok(wakes(() => api.dispatchEvent(new Event("reconnected"))));
  assert.ok(wakes(() => page.document.body.mutate()));
  const moved = (buttons) => () => page.dispatchEvent(Object.assign(new Event("pointermove"), { buttons }));
  assert.ok(wakes(moved(1)));
  assert.ok(!wakes(moved(0)), "a mouse that only moves changes nothing");
  stop();
});

test("another scale of the canvas wakes, a canvas that is only drawn does not", () => {
  const stop = onFrames(() => {});
  const canvas = { ds: { scale: 1 } };
  wakeWithView(canvas);
  canvas.onDrawForeground();
  assert.ok(!wakes(() => canvas.onDrawForeground()));
  canvas.ds.scale = 0.5;
  assert.ok(wakes(() => canvas.onDrawForeground()));
  stop();
});

test("another value in a widget wakes, whoever gives it", () => {
  const stop = onFrames(() => {});
  class Stored {
    state = { value: 1 };
    get value() {
      return this.state.value;
    }
    set value(value) {
      this.state.value = value;
    }
  }
  for (const widget of [{ value: 1 }, new Stored()]) {
    wakeWithWidget(widget);
    wakeWithWidget(widget);
    assert.equal(widget.value, 1);
    assert.ok(wakes(() => (widget.value = 2)));
    assert.equal(widget.value, 2);
    assert.equal(widget.state?.value ?? 2, 2, "where it is kept stays as it was");
    assert.deepEqual(Object.keys(widget).includes("value"), true, "copies of the widget have it");
  }
  wakeWithWidget({});
  const field = { callback: (value) => told.push(value) };
  const told = [];
  Object.defineProperty(field, "value", { get: () => "", set: (value) => field.callback(value) }); // a text field: cannot be defined again
  wakeWithWidget(field);
  assert.ok(wakes(() => (field.value = "text")));
  assert.deepEqual(told, ["text"]);
  stop();
});
