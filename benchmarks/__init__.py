"""How fast the library is, and how much memory it takes: plain references and fast paths measured in one run.

Puts the other rooms together and times them, each path in a process of its own. Only the command line imports it. Knows no threshold:
what is fast enough is not decided here.
"""
