/**
 * The pack in the browser: the only file that imports ComfyUI's app and api, and the only one with a side effect.
 *
 * Every .js file under web/ is loaded as an extension; all others only define things. A builder gets a node that was just created (before
 * its saved values are put into its widgets, and before it is in a graph) and the host, `{ app, api }`.
 */
import { app } from "../../../scripts/app.js";
import { api } from "../../../scripts/api.js";
import { buildCurveEditor } from "./curve_editor.js";
import { buildEmotionBars } from "./emotion_bars.js";
import { wakeWithPage, wakeWithView, wakeWithWidget } from "./frame_watch.js";
import { buildLambdaPanel } from "./lambda_panel.js";

const BUILDERS = {
  FLOATLambdaCurve: buildCurveEditor,
  LambdaEdit: buildLambdaPanel,
  LoadFLOAT: () => {}, // has no panel, but other nodes' panels show its model's directions
  Speech2Emotion: buildEmotionBars,
};

app.registerExtension({
  name: "FLOATPortrait",
  setup() {
    wakeWithPage(window, api);
    wakeWithView(app.canvas);
  },
  nodeCreated(node) {
    if (!BUILDERS[node.comfyClass]) return;
    for (const widget of node.widgets ?? []) wakeWithWidget(widget);
    BUILDERS[node.comfyClass](node, { app, api });
  },
});
