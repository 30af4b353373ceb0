"""Training in two phases: data sets, losses, the training loop."""
