"""The points of a face that the landmark network knows: a part of MediaPipe's 478, by their numbers there.

What belongs to the left is left in the image.
"""

from __future__ import annotations

# fmt: off
LIP_OUTER_UPPER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)  # lips and lids go from the image's left to its right
LIP_OUTER_LOWER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
LIP_INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LIP_INNER_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LEFT_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133))  # upper, lower
RIGHT_LIDS = ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263))
LEFT_IRIS, RIGHT_IRIS = (468, 469, 470, 471, 472), (473, 476, 475, 474, 477)  # center, then the rim, each the other's mirror image
LEFT_BROW, RIGHT_BROW = (55, 65, 52, 53, 46, 107, 66, 105, 63, 70), (285, 295, 282, 283, 276, 336, 296, 334, 293, 300)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58,
    132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
NOSE_MIDDLE = (9, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2)
NOSE_LEFT, NOSE_RIGHT = (122, 98, 129), (351, 327, 358)
CHEEK_LEFT, CHEEK_RIGHT = (50, 205, 187), (280, 425, 411)
# fmt: on


def _unique(*rows: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(number for row in rows for number in row))


MOUTH = _unique(LIP_OUTER_UPPER, LIP_OUTER_LOWER, LIP_INNER_UPPER, LIP_INNER_LOWER)
LEFT_EYE = _unique(*LEFT_LIDS, LEFT_IRIS)
RIGHT_EYE = _unique(*(tuple(reversed(row)) for row in RIGHT_LIDS), RIGHT_IRIS)  # the order of LEFT_EYE in the mirrored image
POINTS = _unique(
    MOUTH, LEFT_EYE, RIGHT_EYE, LEFT_BROW, RIGHT_BROW, OVAL, NOSE_MIDDLE, NOSE_LEFT, NOSE_RIGHT, CHEEK_LEFT, CHEEK_RIGHT
)  # fmt: skip


def places(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Where points are in POINTS."""
    return tuple(POINTS.index(number) for number in numbers)


def _mirror() -> tuple[int, ...]:
    pairs: dict[int, int] = {}
    rows = (LIP_OUTER_UPPER, LIP_OUTER_LOWER, LIP_INNER_UPPER, LIP_INNER_LOWER)
    for row, other in [(row, tuple(reversed(row))) for row in rows] + [
        (LEFT_EYE, RIGHT_EYE), (LEFT_BROW, RIGHT_BROW), (NOSE_LEFT, NOSE_RIGHT), (CHEEK_LEFT, CHEEK_RIGHT),
        (NOSE_MIDDLE, NOSE_MIDDLE), (OVAL, (OVAL[0], *reversed(OVAL[1:]))),
    ]:  # fmt: skip
        pairs |= dict(zip(row, other, strict=True)) | dict(zip(other, row, strict=True))
    return places(tuple(pairs[number] for number in POINTS))


MIRROR = _mirror()  # mirrored[i] = x-flipped points[MIRROR[i]]
