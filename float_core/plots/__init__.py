"""Plots of motion and edits, and the sheet that shows what each direction does."""
