"""`python -m benchmarks`: speed and memory of this machine."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
