"""Training material without a data set: the rig, drawn heads, synthetic voices."""
