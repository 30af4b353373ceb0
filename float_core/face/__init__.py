"""Pictures of faces: finding the face, cutting the square that the encoder expects, pasting frames back."""

from .crop import prepare_picture
from .detect import Detection, Face, detect_faces
from .paste_back import paste_back

__all__ = ["Detection", "Face", "detect_faces", "paste_back", "prepare_picture"]
