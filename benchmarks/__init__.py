"""How fast the library is, and how much memory it takes: plain references and fast paths measured in one run, each path in a process of its
own. Outside of the library: nothing in it imports this. Knows no threshold: what is fast enough is not decided here.
"""
