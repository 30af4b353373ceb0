"""Training material without a data set: the rig, drawn heads, moving photographs, synthetic voices."""
