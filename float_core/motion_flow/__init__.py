"""Motion in time: the flow matching transformer, the path it learns, its guidance, the solvers, and sampling window after window."""
