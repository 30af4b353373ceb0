/** Asks the server again for what it did not answer: after a second, then two, four and so on, up to a minute. */

const FIRST_MS = 1000;
const MOST_MS = 60000;

/** `again()` is what failed. Returns `{failed(), stop()}`: call `failed` each time it fails, `stop` once it succeeds or nobody wants it. */
export function retrying(again, { set = setTimeout, clear = clearTimeout } = {}) {
  let [delay, timer] = [FIRST_MS, undefined];
  return {
    failed() {
      clear(timer);
      timer = set(again, delay);
      delay = Math.min(2 * delay, MOST_MS);
    },
    stop() {
      clear(timer);
      delay = FIRST_MS;
    },
  };
}
