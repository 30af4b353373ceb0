"""Plots of motion, and the sheet of what every direction does."""
