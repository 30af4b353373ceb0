"""Everything that needs several networks: encode, sample, render, and `animate`, which does all of it."""
