"""The motion auto-encoder (paper section 3.1): images to identity and motion, and back."""
