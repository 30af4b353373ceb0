"""The command line, one command a file: parse, call the library, report."""
