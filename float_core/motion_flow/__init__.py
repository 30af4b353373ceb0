"""Motion over time: the flow matching transformer, the path it learns, guidance, solvers, and sampling window by window."""
