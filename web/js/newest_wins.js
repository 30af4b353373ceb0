/** One piece of work at a time; of what is asked for meanwhile only the newest is done. No DOM, no network. */

/**
 * `work(item)` may be async; its rejection goes to `failed`. Returns `{ask(item), stop()}`; after `stop` nothing starts any more.
 */
export function newestWins(work, failed) {
  let running = false;
  let stopped = false;
  let waiting = []; // none, or the newest

  async function run(item) {
    running = true;
    try {
      await work(item);
    } catch (error) {
      failed(error);
    }
    running = false;
    next();
  }

  function next() {
    const [item] = waiting.splice(0);
    if (item !== undefined && !stopped) run(item);
  }

  return {
    ask(item) {
      waiting = [item];
      if (!running) next();
    },
    stop() {
      stopped = true;
    },
  };
}
