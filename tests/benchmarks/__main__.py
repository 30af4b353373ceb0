"""The benchmarks of the library: `python -m tests.benchmarks` is `python -m float_core bench --suite cpu`, further options included."""

import sys

from float_core.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "--suite", "cpu", *sys.argv[1:]]))
