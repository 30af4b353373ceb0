"""`python -m float_core`: the command line of cli.py."""

import sys

from .allocator import keep_freed_memory
from .cli.main import main

if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
