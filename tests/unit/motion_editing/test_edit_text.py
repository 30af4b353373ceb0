"""Edits as text: what is written, that it is read back equal, and that every kind of wrong text is refused with its place."""

from __future__ import annotations

import json

import pytest

from float_core.errors import OptionError
from float_core.motion_editing import edits_from_text, edits_to_text
from float_core.types import Keyframe, LambdaCurve, MotionEdit

KEYFRAMES = (Keyframe(0.0, 0.0), Keyframe(0.5, 1.25, "hold"), Keyframe(1, 2, "linear"), Keyframe(2.0, 0.1, "bezier", (0.1, -0.5, 1.0, 1.5)))
EVERY = MotionEdit(3, 1.5, 0.5, True, -1.0, 1.0, 1.0, 3.5, 0.3, "linear", LambdaCurve(KEYFRAMES))


@pytest.mark.parametrize(
    ("edits", "text"),
    [
        ((), "[]"),
        ((MotionEdit(0),), '[{"direction": 0}]'),
        ((MotionEdit(7, 1.0), MotionEdit(2, gain=0.25)), '[{"direction": 7, "offset": 1},\n {"direction": 2, "gain": 0.25}]'),
        ((MotionEdit(1, low=0.0, end=0.0),), '[{"direction": 1, "low": 0, "end": 0}]'),
        ((MotionEdit(1, curve=LambdaCurve(values=(0.0, 0.5))),), '[{"direction": 1, "curve": {"values": [0, 0.5]}}]'),
        (
            (MotionEdit(1, curve=LambdaCurve(KEYFRAMES)),),
            '[{"direction": 1, "curve": {"keyframes": '
            '[[0, 0], [0.5, 1.25, "hold"], [1, 2, "linear"], [2, 0.1, "bezier", [0.1, -0.5, 1, 1.5]]]}}]',
        ),
        (
            (MotionEdit(1, curve=LambdaCurve((Keyframe(0, 1, "bezier"),))),),
            '[{"direction": 1, "curve": {"keyframes": [[0, 1, "bezier"]]}}]',
        ),
    ],
)
def test_what_is_written(edits, text):
    assert edits_to_text(edits) == text
    assert edits_from_text(text) == edits


def test_every_field_survives():
    assert edits_from_text(edits_to_text([EVERY, MotionEdit(0, 0.1 + 0.2)])) == (EVERY, MotionEdit(0, 0.1 + 0.2))
    assert set(json.loads(edits_to_text([EVERY]))[0]) == {
        "direction", "offset", "gain", "freeze", "low", "high", "start", "end", "ease", "easing", "curve",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "  \n", "[]"])
def test_no_edits(text):
    assert edits_from_text(text) == ()


def test_null_is_a_limit_that_is_not_there():
    assert edits_from_text('[{"direction": 0, "low": null, "high": 2, "end": null, "curve": null}]') == (MotionEdit(0, high=2.0),)


def entry(**fields) -> str:
    return json.dumps([{"direction": 0}, {"direction": 0} | fields])


def keyframe(*parts) -> str:
    return entry(curve={"keyframes": [[0, 0], list(parts)]})


WRONG = [
    (None, "NoneType; expected text"),
    ("offset 3", "not JSON: Expecting value at line 1, column 1"),
    ('[{"direction": 0},\n {"direction" 1}]', "line 2, column 15"),
    ('[{"direction": 0}', "not JSON"),
    ('{"direction": 0}', 'are {"direction": 0}; expected a list'),
    ("3", "are 3; expected a list"),
    ("null", "are null; expected a list"),
    ("[3]", "edit 1 is 3; expected an object"),
    ("[[]]", r"edit 1 is \[\]; expected an object"),
    ('[{"offset": 1}]', "edit 1 has no direction"),
    (entry(ofset=1), "edit 2 has 'ofset'; expected only direction, offset"),
    (entry(direction=-1), "edit 2: direction is -1"),
    (entry(direction=0.5), "edit 2: direction is 0.5"),
    (entry(direction="0"), "edit 2: direction is '0'"),
    (entry(direction=True), "edit 2: direction is True"),
    (entry(direction=None), "edit 2: direction is None"),
    (entry(offset="1"), 'edit 2, offset is "1"; expected a finite number'),
    (entry(offset=None), "edit 2, offset is null"),
    (entry(offset=True), "edit 2, offset is true"),
    (entry(offset=[1]), r"edit 2, offset is \[1\]"),
    (entry(offset=1e9), "edit 2, offset is 1000000000.0"),
    (entry(offset=10**400), "edit 2, offset is 1000"),
    ('[{"direction": 0, "offset": NaN}]', "hold NaN; expected finite"),
    ('[{"direction": 0, "offset": -Infinity}]', "hold -Infinity"),
    ('[{"direction": 0, "offset": 1e999}]', "edit 1, offset is Infinity"),
    ('[{"direction": 0, "offset": ' + "9" * 5000 + "}]", "cannot be read"),
    ('[{"direction": 0, "offset": 1, "offset": 2}]', "'offset' is given twice"),
    ("[" * 100_000, "cannot be read|not JSON"),
    (entry(gain=[]), "edit 2, gain"),
    (entry(freeze="yes"), "edit 2: freeze is 'yes'"),
    (entry(freeze=1), "edit 2: freeze is 1"),
    (entry(low=2, high=1), "edit 2: the low of direction 0 is 2.0; expected at most its high"),
    (entry(start=-1), "edit 2: start"),
    (entry(start=None), "edit 2, start is null"),
    (entry(start=2, end=1), "edit 2: end is 1.0 s; expected at least its start"),
    (entry(ease={}), "edit 2, ease"),
    (entry(easing="bezier"), "edit 2: easing is 'bezier'; expected one of linear, smooth"),
    (entry(easing=3), "edit 2: easing is 3"),
    (entry(curve=[0, 1]), r"edit 2, curve is \[0, 1\]; expected an object"),
    (entry(curve={"points": []}), "edit 2, curve has 'points'; expected only keyframes, values"),
    (entry(curve={"keyframes": {}}), "edit 2, curve, keyframes is {}; expected a list"),
    (entry(curve={"values": "123"}), 'edit 2, curve, values is "123"'),
    (entry(curve={"values": [0, None]}), "edit 2, curve, value 2 is null"),
    (entry(curve={"keyframes": [[0, 0]], "values": [1]}), "both keyframes and values"),
    (entry(curve={"keyframes": [[0, 0], 3]}), "edit 2, curve, keyframe 2 is 3"),
    (keyframe(1), r"keyframe 2 is \[1\]; expected \[time, value\]"),
    (keyframe(1, 2, "smooth", [0, 0, 1, 1]), 'keyframe 2 has handles, but its easing is "smooth"'),
    (keyframe(1, 2, "bezier", [0, 0, 1, 1], 5), "keyframe 2 is"),
    (keyframe("1", 2), 'keyframe 2, time is "1"'),
    (keyframe(1, None), "keyframe 2, value is null"),
    (keyframe(1, 2, "spring"), "keyframe 2: easing is 'spring'"),
    (keyframe(1, 2, ["hold"]), "keyframe 2: easing is"),
    (keyframe(1, 2, "bezier", [0, 0, 1]), "keyframe 2, handles has 3 numbers; expected four"),
    (keyframe(1, 2, "bezier", None), "keyframe 2, handles is null; expected a list"),
    (keyframe(1, 2, "bezier", [0, 0, "1", 1]), "keyframe 2, handles"),
    (keyframe(1, 2, "bezier", [-0.1, 0, 1, 1]), "x1 and x2 from 0 to 1"),
]


@pytest.mark.parametrize(("text", "says"), WRONG, ids=range(len(WRONG)))
def test_wrong_texts_are_refused_with_their_place(text, says):
    with pytest.raises(OptionError, match=says) as caught:
        edits_from_text(text)
    assert len(str(caught.value)) < 300


def test_wrong_edits_are_not_written():
    with pytest.raises(OptionError, match="edit 2: the gain"):
        edits_to_text([MotionEdit(0), MotionEdit(0, gain=float("nan"))])
