"""Weight files to models and back. Nothing is fetched without a call of `download`."""
