"""Compares Trawl with other HTTP clients on one box in one run; started by Benchmarks/run.sh.

nginx has one processor for itself. Every client in turn has another one: in each round all clients of a case follow one
another, so that whatever else the machine does hits all of them, and each round compares them with wrk in the same
round. What counts is CPU time per request of the client's whole process tree, which other load disturbs less than
rates.

The way through: `cases` says what is compared, `clients` how a program is called and what its output means, `server`
is nginx, `lists` the URLs, `runner` one run with `meter` and `tree` as its instruments, `rounds` the order and the
length of runs, `figures` the arithmetic, `goals` what the project wants of them, `results` what is kept, `merging` how
it is read again, `report` and `chart` what is shown.
"""
