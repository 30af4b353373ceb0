"""What needs several networks: encode, sample, render, and all of it in one call."""
