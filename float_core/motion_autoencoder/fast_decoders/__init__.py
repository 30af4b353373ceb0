"""Decoders prepared for one source. Which one runs when: README.md beside this file."""
