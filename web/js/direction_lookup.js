/* What is known of the directions before a run: by the model whose loader feeds the node's input `model`. */

import { widgetUpstream } from "./graph_paths.js";
import { retrying } from "./retry.js";

const NOT_ASKED = Symbol("not asked");

/**
 * `{look(), forget(), stop()}`. `look` is to be called when something may have changed: when the model is another one, or was forgotten,
 * `found(directions)` gets the server's list, or undefined where nobody knows any. A server that does not answer is asked again.
 */
export function directionLookup(node, { app, api }, found, timers) {
  let known = NOT_ASKED; // the model whose directions were found, or are being asked for
  const forget = () => (known = NOT_ASKED);
  const retry = retrying(() => (forget(), look()), timers);

  async function look() {
    const model = widgetUpstream(app.rootGraph ?? app.graph, node, "model", "LoadFLOAT", "model");
    if (model === known) return;
    known = model;
    try {
      const directions = model === undefined ? undefined : await directionsOf(api, model);
      if (known !== model) return;
      retry.stop();
      found(directions);
    } catch {
      if (known === model) retry.failed();
    }
  }

  return { look, forget, stop: retry.stop };
}

/** A model's directions; undefined where the server has none. Throws where it does not answer, or has failed. */
async function directionsOf(api, model) {
  const answer = await api.fetchApi(`/float/directions?model=${encodeURIComponent(model)}`);
  if (answer.status >= 500) throw new Error(`the server answers ${answer.status}`);
  return answer.ok ? (await answer.json()).directions : undefined;
}
