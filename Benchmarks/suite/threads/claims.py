"""What the figures say of the note's claims, in sentences. Pure."""

from ..report import number
from .figures import Cost
from .points import AIOHTTP, NOTE, SWIFT, TITLES, TRAWL, USUAL, Point

# What two rounds on a quiet machine can tell apart.
TELLING = 1.05

Costs = dict[Point, Cost]


def sentences(costs: Costs) -> list[str]:
    return [*fifty_threads(costs), *processes(costs), *asynchrony(costs), *trawl(costs), *connections(costs)]


def fifty_threads(costs: Costs) -> list[str]:
    """About 50 threads in a process are best."""
    line = {p.threads: value for p, value in costs.items() if p.kind == NOTE and p.processes == 1}
    if USUAL not in line:
        return []
    best = min(line, key=lambda threads: line[threads].cpu_microseconds)
    least, fifty = line[best].cpu_microseconds, line[USUAL].cpu_microseconds
    enough = min(threads for threads, value in line.items() if value.cpu_microseconds <= TELLING * least)
    verdict = "holds" if fifty <= TELLING * least and enough > 16 else "does not hold"
    text = (
        f"**“About 50 threads in a process are best” {verdict}.** The note's client in one process costs least with "
        f"{best}: {number(least)} us CPU a request; with 50 threads {number(fifty)} us, {fifty / least:.2f} times as "
        f"much. {enough} thread{'s are' if enough > 1 else ' is'} within 5 % of the least"
    )
    if 1 in line:
        alone = line[1]
        text += (
            f"; one thread alone costs {number(alone.cpu_microseconds)} us, for it waits after each request: "
            f"{alone.switches:.2f} context switches a request, {line[USUAL].switches:.2f} with 50"
        )
    return [text + "."]


def processes(costs: Costs) -> list[str]:
    """Processes times threads beat either alone."""
    note = {p: value.cpu_microseconds for p, value in costs.items() if p.kind == NOTE}
    both = [p for p in note if p.processes > 1 and p.threads > 1]
    alone = [p for p in note if p.processes == 1 or p.threads == 1]
    if not both or not alone:
        return []
    best, other = min(both, key=note.__getitem__), min(alone, key=note.__getitem__)
    if note[best] * TELLING < note[other]:
        verdict = "holds even on one processor"
    else:
        verdict = "does not hold on one processor"
    return [
        f"**“Processes times threads beat either alone” {verdict}.** At best {best.processes} x {best.threads} cost "
        f"{number(note[best])} us, {other.processes} x {other.threads} {number(note[other])} us. Here all clients have "
        "one processor; what processes gain by having several, which a lock keeps the threads of one Python process "
        "from, is not measured."
    ]


def asynchrony(costs: Costs) -> list[str]:
    """Async is not faster by magic."""
    blocking = least(costs, NOTE)
    rivals = {kind: found for kind in (AIOHTTP, SWIFT) if (found := least(costs, kind)) is not None}
    if blocking is None or not rivals:
        return []
    slower = all(value.cpu_microseconds > blocking.cpu_microseconds * TELLING for value in rivals.values())
    listed = " and ".join(f"{TITLES[kind]} {number(value.cpu_microseconds)} us" for kind, value in rivals.items())
    return [
        f"**“Async is not faster by magic” {'holds' if slower else 'does not hold'}.** At their best, {listed} beside "
        f"{number(blocking.cpu_microseconds)} us of blocking threads in Python. It is no law either: Trawl, whose "
        f"threads are event loops, costs {number(at_best(costs, TRAWL))} us with a durable record of each request. "
        "What counts is what is done for a request, not how one waits for it."
    ]


def trawl(costs: Costs) -> list[str]:
    """Worker threads and agents beyond the processors there are."""
    grid = {p: value for p, value in costs.items() if p.kind == TRAWL and p.connections == USUAL}
    if Point(TRAWL, 1, 1, USUAL) not in grid:
        return []
    one = grid[Point(TRAWL, 1, 1, USUAL)]
    worst = max(grid, key=lambda point: grid[point].cpu_microseconds)
    best = min(grid, key=lambda point: grid[point].cpu_microseconds)
    most = grid[worst]
    is_best = one.cpu_microseconds <= TELLING * grid[best].cpu_microseconds
    opening = (
        "**Trawl needs no more threads than processors.**" if is_best
        else f"**One worker is not the best of Trawl: {best.processes} x {best.threads} "
        f"cost {number(grid[best].cpu_microseconds)} us.**"
    )
    return [
        f"{opening} One agent with one worker costs {number(one.cpu_microseconds)} us and {one.switches:.2f} context "
        f"switches a request; the dearest, {worst.processes} x {worst.threads}, {number(most.cpu_microseconds)} us and "
        f"{most.switches:.2f}."
    ]


def connections(costs: Costs) -> list[str]:
    """What a request costs among more connections."""
    found = []
    for kind in (TRAWL, SWIFT):
        line = {p.connections: v for p, v in costs.items() if p.kind == kind and p.processes == p.threads == 1}
        if USUAL not in line or len(line) < 2:
            continue
        parts = [f"{number(v.cpu_microseconds)} us with {opened(count, v)}" for count, v in sorted(line.items())]
        found.append(f"{TITLES[kind]} {', '.join(parts)} ({line[max(line)].peak_bytes / 2**20:.0f} MiB with the most)")
    return [f"**Connections:** {'; '.join(found)}."] if found else []


def opened(asked: int, value: Cost) -> str:
    """How many connections there were: fewer cost less, so it is not passed over."""
    if value.connections >= 0.95 * asked:
        return f"{asked:,}"
    return f"{value.connections:,.0f} of {asked:,}"


def least(costs: Costs, kind: str) -> Cost | None:
    found = [value for point, value in costs.items() if point.kind == kind]
    return min(found, key=lambda value: value.cpu_microseconds, default=None)


def at_best(costs: Costs, kind: str) -> float:
    found = least(costs, kind)
    return found.cpu_microseconds if found else float("nan")
