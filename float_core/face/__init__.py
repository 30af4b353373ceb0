"""Faces in images: finding them, the square that the encoder expects, pasting frames back."""
