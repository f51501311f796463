"""What threads, processes and connections cost; started by Benchmarks/threads.py.

The note from which Trawl comes says that about 50 threads a process are best, that processes times threads beat either
alone, and that async is not faster by magic. Each point of the experiment is one client with so many processes,
threads and connections. A point is measured twice in a round, with a short list and a long one; what counts is the
difference: what the programs and their connections cost to start is in both and falls out, else 5,000 handshakes
would be most of the cost of a run of some seconds.

`points` says what is measured, `measuring` in which order, `figures` is the arithmetic, `claims` what the figures say
of the note's claims, `report` and `chart` what is shown.
"""
