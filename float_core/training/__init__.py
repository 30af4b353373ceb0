"""Training material and the two training phases: synthetic faces and voices, the loop, the auto-encoder's and the motion's losses."""
