"""A look at a tree of processes from outside: the memory of all of them at once, and the CPU time of each.

Memory is the proportional set size (proc(5), smaps_rollup): what processes share is counted once, and the sum is what
the machine would have again without them. The CPU times check the meter: a process that nobody waited for would be
missing there.
"""

import os
from dataclasses import dataclass, field

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Tree:
    """What was seen of the descendants of a process so far."""

    root: int
    peak_bytes: int = 0
    most_processes: int = 0
    cpu: dict[int, float] = field(default_factory=dict)  # The last seen of each process, by number.

    def look(self) -> None:
        members = descendants(self.root, parents())
        total = 0
        for process in members:
            try:
                total += proportional_bytes(process)
                self.cpu[process] = cpu_seconds(process)
            except (FileNotFoundError, ProcessLookupError):
                continue  # It ended meanwhile.
        self.peak_bytes = max(self.peak_bytes, total)
        self.most_processes = max(self.most_processes, len(members))

    @property
    def seen_cpu(self) -> float:
        return sum(self.cpu.values())


def parents() -> dict[int, int]:
    """The parent of every process there is."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found[int(name)] = int(stat_fields(int(name))[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def descendants(root: int, parents: dict[int, int]) -> list[int]:
    children: dict[int, list[int]] = {}
    for process, parent in parents.items():
        children.setdefault(parent, []).append(process)
    found, waiting = [], [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def stat_fields(process: int) -> list[str]:
    """Of proc(5)'s stat, from the third on; the second is a name that may hold anything, also parentheses."""
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()


def cpu_seconds(process: int) -> float:
    fields = stat_fields(process)
    return (int(fields[11]) + int(fields[12])) / TICKS


def proportional_bytes(process: int) -> int:
    with open(f"/proc/{process}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
