"""From the command line to the three files: runs the cases, or takes the rounds of earlier runs (--render)."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import cases, chart, goals, machine, merging, report, rounds, settings
from .clients import Programs
from .clients.minimal import Floor, Handshake
from .clients.python import PythonClient
from .figures import medians
from .results import ROTATING, Results, as_json
from .runner import Runner
from .server import Server
from .trouble import Trouble

CLIENTS = Path(__file__).resolve().parent.parent / "clients"


def main() -> int:
    # Debian puts nginx where only root's PATH leads.
    os.environ["PATH"] += ":/usr/sbin"
    names = [case.name for case in cases.CASES]
    chosen = settings.parse(sys.argv[1:], names)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        if chosen.render:
            render(chosen.render, names, chosen.output)
            return 0
        results = measure(chosen)
        write(results, chosen.output)
    except Trouble as trouble:
        print(f"run.sh: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status(results)


def status(results: Results) -> int:
    """1 if a goal is missed; a smoke test cannot miss any."""
    missed = [one for one in goals.verdicts(results.cases) if not one.is_met]
    if results.settings["quick"]:
        return 0
    for one in missed:
        rounds.say(f"missed: {one.goal.case}: {one.text}; found {one.found:.3f}")
    return 1 if missed else 0


def render(files: tuple[Path, ...], names: list[str], folder: Path) -> None:
    """Shows what was kept. Files that were read stay as they are."""
    several = [merging.from_json(read(file), str(file)) for file in files]
    kept = folder / "results.json"
    if len(files) > 1 and kept in files:
        raise Trouble(f"{kept} is one of the files to bring together; name another folder with --output")
    write(merging.merged(several, names), folder, remade_with=machine.commit(), with_rounds=kept not in files)


def read(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise Trouble(f"{file} cannot be read: {error}") from error


def measure(chosen: settings.Settings) -> Results:
    wanted = cases.chosen(chosen.cases)
    began = now()
    stay_off(chosen)
    with scratch_folder(chosen.scratch) as folder:
        programs = Programs(chosen.trawl, chosen.python, CLIENTS, folder)
        build(wanted, programs)
        results = Results(
            machine=machine.describe(folder, (chosen.server_processor, chosen.client_processor)),
            versions=machine.versions(programs, chosen.trawl_is_given, packages(wanted)),
            settings={"rounds": chosen.rounds, "seconds": chosen.seconds, "quick": chosen.quick, "order": ROTATING},
            began=began, ended=began, cases=[],
        )
        for name, value in (results.machine | results.versions).items():
            rounds.say(f"{name}: {value}")
        with Server(folder, chosen.server_processor) as server:
            runner = Runner(server, programs, folder, chosen.client_processor)
            for case in wanted:
                results.cases.append(rounds.carry_out(case, runner, chosen))
    results.ended = now()
    return results


def write(results: Results, folder: Path, *, remade_with: str | None = None, with_rounds: bool = True) -> None:
    found = goals.verdicts(results.cases)
    values = as_json(results, medians(results.cases), goals.as_json(found))
    files = {"results.md": report.markdown(results, remade_with), "chart.svg": chart.svg(results)}
    if with_rounds:
        files["results.json"] = json.dumps(values, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    tables = [report.headline(results)] + ([report.goals_table(found)] if found else [])
    rounds.say("\n" + "\n\n".join(tables) + f"\n\nwritten: {', '.join(files)} in {folder}")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def stay_off(chosen: settings.Settings) -> None:
    """This process looks at the clients while they run: from another processor, the server's only if there is no third.
    Thousands of connections need descriptors, which its children inherit the limit of."""
    others = os.sched_getaffinity(0) - {chosen.client_processor, chosen.server_processor}
    os.sched_setaffinity(0, others or {chosen.server_processor})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 16384) if most > 0 else 16384, most))


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trawl-benchmark-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build(wanted: tuple[cases.Case, ...], programs: Programs) -> None:
    """The programs in C that the chosen cases use."""
    clients = [client for case in wanted for client in case.clients]
    for source in sorted({client.source for client in clients if isinstance(client, (Floor, Handshake))}):
        done = subprocess.run(
            ["gcc", "-O2", "-o", programs.built / source.removesuffix(".c"), programs.clients / source, "-lssl",
             "-lcrypto"],
            capture_output=True, text=True,
        )
        if done.returncode:
            raise Trouble(f"{source} cannot be built: {done.stderr[-2000:]}")


def packages(wanted: tuple[cases.Case, ...]) -> list[str]:
    """Those of PyPI's that the chosen cases use."""
    clients = [client for case in wanted for client in case.clients]
    return [client.package for client in clients if isinstance(client, PythonClient) and client.package]


if __name__ == "__main__":
    sys.exit(main())
