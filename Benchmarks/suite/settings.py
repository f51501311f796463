"""The command line, checked once: everything below gets this value and reads no arguments or environment."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    rounds: int
    seconds: int
    quick: bool
    cases: tuple[str, ...]  # None named: all.
    render: tuple[Path, ...]  # Files of earlier runs; nothing is run then.
    output: Path
    scratch: Path
    trawl: Path  # The folder of the release programs.
    trawl_is_given: bool  # By TRAWL_BIN; if not, it was built from this checkout just now.
    python: Path  # The interpreter that has aiohttp and requests.
    server_processor: int
    client_processor: int


def parse(arguments: list[str], case_names: list[str]) -> Settings:
    """The settings, or the end of the program with a message (argparse's way)."""
    folder = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run.sh", description="Compares Trawl with other HTTP clients on one box in one run.",
        epilog="The cases: " + ", ".join(case_names) + ".",
        # run.sh looks for --render itself.
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--rounds", type=_positive, default=5, help="rounds of each case (default: 5)")
    add("--seconds", type=_positive, default=20, help="about how long a client runs in a round of a case that has a "
        "goal; in the others a quarter of it (default: 20)")
    add("--quick", action="store_true", help="a smoke test: one round of 2 s; its figures mean nothing")
    add("--cases", default="", metavar="NAME,...", help="only these, in the suite's order (default: all)")
    add("--output", type=Path, help="folder for results.md, results.json and chart.svg (default: Benchmarks/results; "
        "of one file to render the folder that it lies in)")
    add("--render", type=Path, nargs="+", default=[], metavar="FILE", help="run nothing: results.md and chart.svg anew "
        "from a results.json, or from several with different cases")
    add("--scratch", type=Path, default=Path("/var/tmp"), help="where Trawl writes its jobs, on a real disk "
        "(default: /var/tmp)")
    add("--server-processor", type=int, default=0, metavar="N", help="nginx's (default: 0)")
    add("--client-processor", type=int, default=1, metavar="N", help="the clients' (default: 1)")
    add("--trawl", type=Path, required=True, help=argparse.SUPPRESS)
    add("--trawl-is-given", action="store_true", help=argparse.SUPPRESS)
    add("--python", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)

    chosen = tuple(name for name in options.cases.split(",") if name)
    for name in chosen:
        if name not in case_names:
            parser.error(f"there is no case {name!r}; there are {', '.join(case_names)}")
    render = tuple(file.resolve() for file in options.render)
    if render and chosen:
        parser.error("--render shows all cases of its files; --cases chooses what to run")
    if not render:
        _check_processors(parser, options.server_processor, options.client_processor)
    output = options.output or (render[0].parent if len(render) == 1 else folder / "results")
    return Settings(
        rounds=1 if options.quick else options.rounds, seconds=2 if options.quick else options.seconds,
        quick=options.quick, cases=chosen, render=render, output=output.resolve(),
        scratch=options.scratch.resolve(), trawl=options.trawl.resolve(), trawl_is_given=options.trawl_is_given,
        # Not resolved: an environment's interpreter is a link, and knows its environment by the link.
        python=options.python.absolute(),
        server_processor=options.server_processor, client_processor=options.client_processor,
    )


def _check_processors(parser: argparse.ArgumentParser, server: int, client: int) -> None:
    processors = os.sched_getaffinity(0)
    for processor in (server, client):
        if processor not in processors:
            parser.error(f"this process may not use processor {processor}, only {sorted(processors)}")
    if server == client:
        parser.error("the server and the clients need a processor each")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
