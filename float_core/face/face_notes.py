"""What a user should know about a face before it is made to talk."""

from __future__ import annotations

from .landmark_points import LEFT_EYE, MOUTH, RIGHT_EYE, places
from .landmarks import FaceLandmarks

_YAW, _PITCH, _ROLL = 25.0, 20.0, 15.0  # degrees
_CLOSED = 0.1  # height of an eye's opening over its width
_OPEN = 0.3  # of the lips, in head units
_COVERED = 0.5  # mean visibility of a part's points


def face_notes(face: FaceLandmarks) -> tuple[str, ...]:
    """One sentence for each thing that stands out in the first of the faces; none if it is no face."""
    if float(face.is_face[0]) < 0.5:
        return ()
    yaw, pitch, roll = face.pose[0].tolist()
    notes = []
    if abs(yaw) > _YAW:
        notes.append(f"the head is turned to the side by about {abs(yaw):.0f} degrees; up to {_YAW:.0f} work well")
    if abs(pitch) > _PITCH:
        notes.append(f"the head is turned {'down' if pitch > 0 else 'up'} by about {abs(pitch):.0f} degrees; up to {_PITCH:.0f} work well")
    if abs(roll) > _ROLL:
        notes.append(f"the head is tilted by about {abs(roll):.0f} degrees; an upright head works best")
    covered = [name for name, part in (("mouth", MOUTH), ("left eye", LEFT_EYE), ("right eye", RIGHT_EYE)) if _hidden(face, part)]
    notes += [f"the {name} seems to be covered" for name in covered]
    if not any("eye" in name for name in covered) and float(face.lid_opening[0].max()) < _CLOSED:
        notes.append("the eyes seem to be closed; open eyes work better")
    if "mouth" not in covered and float(face.lip_opening[0]) > _OPEN:
        notes.append("the mouth is wide open; a closed mouth works better")
    return tuple(notes)


def _hidden(face: FaceLandmarks, part: tuple[int, ...]) -> bool:
    return float(face.visible[0, list(places(part))].mean()) < _COVERED
