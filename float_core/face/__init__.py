"""Faces in images: detecting them, cropping the square that the encoder expects, pasting frames back."""
