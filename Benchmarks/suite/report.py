"""results.md: what came out in short, then a table for each case, then how and where it was measured. Pure."""

from .figures import Figures, Spread, of_case
from .goals import Verdict, verdicts
from .results import FIXED, ROTATING, CaseResult, Results

TRAWL = "trawl-discard"

METHOD = """\
nginx has one processor for itself, and every client in turn has another one. In each round all clients of a case follow
one another.
{order}
A ratio is that of a client to the case's first one in the same round, wherever the two had their turns; figures are
medians over the rounds. CPU is user and system time of all the client's processes, from their start to their end
(getrusage(2)); memory is the peak of their proportional set sizes together, sampled four times a second. Connections
are those that nginx accepted. wrk and h2load ask for one URL again and again, verify no certificate and keep nothing;
all others fetch distinct URLs and verify; Trawl alone makes a durable record of each request. nginx's own count of
requests confirmed what each client says, in every run.

What to bear in mind:

- The URLs of a list are distinct, but all lead to one file. So the heads of the responses repeat, but for `Date`. Trawl
  profits by that: it compares each header line with the one in the same place in the response before, on the same
  connection, and reads a line that is repeated faster than a new one.
- In full handshakes Trawl verifies a chain of certificates once for each name, and for ten minutes it then looks up the
  same bytes instead. The minimal C program verifies the chain each time, and wrk never. The server's signature is
  checked by Trawl each time.
- nginx has one core. Where a client is fast, nginx may be the limit of requests/s, and then the rates say little about
  the client; CPU per request still does."""

ORDERS = {
    ROTATING: "The first round begins with the case's first client, each further one with the next client of the case; "
    "the sequence is that of the tables, and the clients before the one that began come last.",
    FIXED: "The order is that of the tables, in every round.",
}


def markdown(results: Results, remade_with: str | None = None) -> str:
    """`remade_with`: the checkout, if this is made of rounds that were kept."""
    parts = ["# Trawl beside other clients", when(results)]
    if remade_with:
        parts.append(f"This page was made later, of the rounds in `results.json`, with checkout {remade_with}, whose "
                     "words on the method these are.")
    if results.settings["quick"]:
        parts.append("**A smoke test: one round of 2 s. The figures mean nothing.**")
    if results.differences:
        parts.append(different(results.differences))
    if found := verdicts(results.cases):
        parts.append(f"## Goals\n\n{goals_table(found)}")
    parts.append(f"## Trawl and wrk\n\n{headline(results)}")
    parts.append("![CPU per request](chart.svg)")
    parts += [f"## {case.name}\n\n{case_text(case)}" for case in results.cases]
    parts.append(f"## Method\n\n{METHOD.format(order=order(results.settings['order']))}")
    parts.append("## Machine and programs\n\n" + pairs(results.machine | results.versions))
    return "\n\n".join(parts) + "\n"


def when(results: Results) -> str:
    rounds, seconds = results.settings["rounds"], results.settings["seconds"]
    return (
        f"{results.began} to {results.ended}, {rounds} round{'' if rounds == 1 else 's'}, {seconds} s for each client "
        f"in a round of the main case. Checkout {results.versions['checkout']}; Trawl was {results.versions['Trawl']}."
    )


def order(value: str) -> str:
    """Several runs may have had one each."""
    return ORDERS.get(value, "The order of the clients differs from run to run.")


def different(lines: list[str]) -> str:
    return "\n".join([
        "**The cases are of several runs that differ. Within a case all clients are of one run; do not compare cases "
        "with each other.**", "", *(f"- {line}" for line in lines),
    ])


def goals_table(found: list[Verdict]) -> str:
    """Three decimals, so that what is just beyond a bound does not look like the bound."""
    rows = ["| case | goal | found | |", "|---|---|---|---|"]
    rows += [
        f"| {one.goal.case} | {one.text} | {one.found:.3f} | {'met' if one.is_met else '**MISSED**'} |" for one in found
    ]
    return "\n".join(rows)


def headline(results: Results) -> str:
    """Trawl, bodies discarded, beside wrk in every case."""
    rows = ["| case | wrk, CPU us/request | trawl | ratio: min / median / max | requests/s, ratio |",
            "|---|---|---|---|---|"]
    for case in results.cases:
        figures = of_case(case)
        base, trawl = figures[case.clients[0].name], figures.get(TRAWL)
        if trawl:
            rows.append(
                f"| {case.title} | {number(base.cpu_microseconds)} | {number(trawl.cpu_microseconds)} "
                f"| {ratios(trawl.cpu_ratio)} | {trawl.rate_ratio:.2f} |"
            )
    return "\n".join(rows)


def case_text(case: CaseResult) -> str:
    figures = of_case(case)
    base = case.clients[0].title
    header = (
        f"| client | CPU us/request | x {base}: min / median / max | requests/s | x {base} | peak MiB | connections |"
        + (" resumed |" if case.closes else "")
    )
    rows = [header, "|---" * (8 if case.closes else 7) + "|"]
    for client in case.clients:
        rows.append(row(client.title, figures[client.name], case.closes))
    load = " ".join(f"{value:.2f}" for value in case.load_average)
    return f"{case.title}. Load average before: {load}.{shortfall(case)}\n\n" + "\n".join(rows)


def shortfall(case: CaseResult) -> str:
    """Fewer connections cost less, so a client that never had all of them is not to be compared tacitly."""
    few = [
        f" {client.title} had only {figures.connections:,.0f} of {case.connections:,} connections."
        for client, figures in zip(case.clients, of_case(case).values())
        if figures.connections < 0.9 * case.connections
    ]
    return "".join(few)


def row(title: str, value: Figures, closes: bool) -> str:
    cells = [
        title, number(value.cpu_microseconds), ratios(value.cpu_ratio), f"{value.rate:,.0f}",
        f"{value.rate_ratio:.2f}", f"{value.peak_bytes / 2**20:.0f}", f"{value.connections:,.0f}",
    ]
    if closes:
        cells.append("not said" if value.resumed_share is None else f"{100 * value.resumed_share:.1f} %")
    return f"| {' | '.join(cells)} |"


def ratios(value: Spread) -> str:
    return f"{value.least:.2f} / **{value.median:.2f}** / {value.most:.2f}"


def number(value: float) -> str:
    """Three digits are what can be told apart."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def pairs(values: dict[str, str]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in values.items())])
