"""The two training phases: data sets, losses, the loop."""
