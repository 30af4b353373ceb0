"""What a run tells FLOATLambdaCurve's editor and Speech2Emotion's bars, and what a curve drawn by hand does to the motion."""

from __future__ import annotations

import hashlib
import json
import urllib.request

import pytest

from ..comfyui.comfy_server import node_id
from .comfy_page import ComfyPage, Json
from .curve_hand import CurveHand, nothing

SHORT_SECONDS = 1.2  # of the voice short.wav
EMOTIONS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


def test_in_a_subgraph(comfy: ComfyPage) -> None:
    comfy.load(nothing())
    made = comfy.add("FLOATLambdaCurve")
    seen = comfy.add("PreviewImage", (700.0, 100.0))
    comfy.do(
        """([curve, seen]) => {
          const graph = app.canvas.graph;
          const [from, to] = [graph.getNodeById(curve), graph.getNodeById(seen)];
          from.connect(1, to, 0);
          const { subgraph } = graph.convertToSubgraph(new Set([from, to]));
          app.canvas.setGraph(subgraph);
        }""",
        [made, seen],
    )
    comfy.settle()
    inner = comfy.do("() => String(app.canvas.graph.nodes.find((node) => node.comfyClass === 'FLOATLambdaCurve').id)")
    comfy.look_at(inner)
    hand = CurveHand(comfy, inner)
    hand.add_direction(2)
    hand.double_click(2.0, 1.0)
    comfy.set_widget(inner, "amount", 0.5 if comfy.renderer == "classic" else 0.25)  # nothing that the server knows already
    prompt = comfy.prompt()
    sent = node_id(prompt, "FLOATLambdaCurve")
    assert ":" in sent
    assert json.loads(prompt[sent]["inputs"]["curves"])[0]["curve"]["keyframes"] == [[0, 0], [2, 1]]
    comfy.run()
    hand.seconds = 2.0  # the run's own length: as far as the curve reaches
    hand.double_click(1.0, 1.5)
    assert hand.keyframes() == [[0, 0], [1, pytest.approx(1.5, abs=0.02)], [2, 1]]


def images(comfy: ComfyPage) -> dict[str, str]:
    """What each PreviewImage shows: a hash of its file."""
    script = """() => app.rootGraph.nodes.filter((node) => node.comfyClass === "PreviewImage")
        .map((node) => [String(node.id), app.nodeOutputs[node.id]?.images?.[0]])"""
    shown = {}
    for key, image in comfy.do(script):
        path = f"/view?filename={image['filename']}&subfolder={image['subfolder']}&type={image['type']}"
        with urllib.request.urlopen(comfy.server.url(path), timeout=60) as answer:
            shown[key] = hashlib.sha256(answer.read()).hexdigest()
    return shown


def test_a_run_draws_the_voice_and_moves_the_face(comfy: ComfyPage, curves: Json) -> None:
    comfy.load(curves)
    (drawn,) = [
        str(node["id"]) for node in curves["nodes"] if node["type"] == "FLOATLambdaCurve" and node["widgets_values"][0] == "keyframes"
    ]
    comfy.look_at(drawn)
    comfy.set_widget(drawn, "curves", '[{"direction": 0, "curve": {"keyframes": [[0, 0], [1, 1]]}}]')
    names = comfy.page.locator(".float-curve-name")
    comfy.page.wait_for_function("() => document.querySelector('.float-curve-name')?.innerText.includes('λ0')")
    hand = CurveHand(comfy, drawn)
    silent = hand.image()
    comfy.run()
    comfy.page.wait_for_function("(silent) => document.querySelector('.float-curve-plot canvas').toDataURL() !== silent", arg=silent)
    assert "λ0" in names.first.inner_text()
    before = images(comfy)
    assert len(before) >= 2
    hand.seconds = SHORT_SECONDS
    hand.drag((1.0, 1.0), (0.6, -1.5))
    assert hand.keyframes() == [[0, 0], [0.6, pytest.approx(-1.5, abs=0.03)]]
    comfy.run()
    after = images(comfy)
    assert all(after[key] != before[key] for key in before)  # the curves' plot, and the motion's


def test_the_waveform_is_behind_the_curve(hand: CurveHand) -> None:
    """By the run's own message, so that the audio is known: silence, then a tone."""
    tell = "([id, peaks]) => app.canvas.graph.getNodeById(id).onExecuted({ float_curve: [{ duration: 5, fps: 25, waveform: peaks }] })"
    hand.add_direction(0)
    hand.comfy.do(tell, [hand.node_id, [0.0] * 300 + [1.0] * 300])
    hand.comfy.settle()
    assert hand.opacity(1.3, 0.6) == 0 < hand.opacity(3.3, 0.6)


def emotion_node(comfy: ComfyPage) -> str:
    """A Speech2Emotion, alone in its workflow."""
    comfy.load(nothing())
    made = comfy.add("Speech2Emotion")
    comfy.look_at(made)
    return made


def test_emotions_are_shown_after_a_run(comfy: ComfyPage, talk: Json) -> None:
    comfy.load(talk)
    (node,) = [str(node["id"]) for node in talk["nodes"] if node["type"] == "Speech2Emotion"]
    comfy.look_at(node)
    assert comfy.page.locator(".float-emotion-quiet").is_visible()
    comfy.set_widget(node, "emotion", "sad")
    comfy.run()
    rows = comfy.page.locator(".float-emotion-row")
    rows.first.wait_for()
    assert rows.all_inner_texts() == [f"{name}\n{100 if name == 'sad' else 0} %" for name in EMOTIONS]
    widths = comfy.do("() => [...document.querySelectorAll('.float-emotion-bar')].map((bar) => bar.style.width)")
    assert widths == ["100%" if name == "sad" else "0%" for name in EMOTIONS]
    assert "emotion_bars" not in json.dumps([comfy.workflow(), comfy.prompt()])


def test_emotions_over_time_are_stacked(comfy: ComfyPage) -> None:
    """By a message of the node, as the bundled model hears none."""
    node = emotion_node(comfy)
    rows = [[0.0] * 3 + [1.0] + [0.0] * 3, [0.0] * 5 + [1.0, 0.0]]
    told = {"names": EMOTIONS, "probabilities": [0, 0, 0, 0.5, 0, 0.5, 0], "times": [0.0, 4.0], "rows": rows}
    comfy.do("([id, told]) => app.canvas.graph.getNodeById(id).onExecuted({ float_emotion: [told] })", [node, told])
    comfy.settle()
    areas = comfy.do("() => [...document.querySelectorAll('.float-emotion polygon')].map((area) => area.getAttribute('points'))")
    assert len(areas) == 7 and areas[3] == "0,0 600,100 600,100 0,100" and areas[5] == "0,0 600,0 600,100 0,0"
    assert comfy.page.locator(".float-emotion-times span").all_inner_texts() == ["0.0 s", "4.0 s"]
    box = comfy.page.locator(".float-emotion svg").bounding_box()
    assert box is not None and box["height"] >= 36
