import assert from "node:assert/strict";
import test from "node:test";
import { retrying } from "../../web/js/retry.js";

/** A clock that shows what was asked of it. */
function clock() {
  const timers = new Map();
  let last = 0;
  return {
    set: (call, delay) => (timers.set((last += 1), { call, delay }), last),
    clear: (timer) => timers.delete(timer),
    delays: () => [...timers.values()].map(({ delay }) => delay),
    ring() {
      const [[timer, { call }]] = timers;
      timers.delete(timer);
      call();
    },
  };
}

test("what failed is tried again, each time later, up to a minute", () => {
  const time = clock();
  let tried = 0;
  const retry = retrying(() => ((tried += 1), retry.failed()), time);
  retry.failed();
  const delays = Array.from({ length: 9 }, () => {
    const [delay] = time.delays();
    time.ring();
    return delay;
  });
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
  assert.equal(tried, 9);
});

test("two failures are one timer, and nothing is left once it is stopped", () => {
  const time = clock();
  const retry = retrying(() => assert.fail("stopped"), time);
  retry.failed();
  retry.failed();
  assert.deepEqual(time.delays(), [2000]);
  retry.stop();
  assert.deepEqual(time.delays(), []);
  retry.failed();
  assert.deepEqual(time.delays(), [1000], "and the next failure is a first one");
});
