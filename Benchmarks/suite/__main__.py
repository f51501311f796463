"""From the command line to the three files."""

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

from . import cases, chart, machine, report, rounds, settings
from .clients import Programs
from .clients.minimal import Floor, Handshake
from .clients.python import PythonClient
from .figures import medians
from .results import Results, as_json
from .runner import Runner
from .server import Server
from .trouble import Trouble

CLIENTS = Path(__file__).resolve().parent.parent / "clients"


def main() -> int:
    # Debian puts nginx where only root's PATH leads.
    os.environ["PATH"] += ":/usr/sbin"
    chosen = settings.parse(sys.argv[1:], [case.name for case in cases.CASES])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        results = measure(chosen)
        write(results, chosen.output)
    except Trouble as trouble:
        print(f"run.sh: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


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
            settings={"rounds": chosen.rounds, "seconds": chosen.seconds, "quick": chosen.quick},
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


def write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    values = as_json(results, medians(results.cases))
    (folder / "results.json").write_text(json.dumps(values, indent=1) + "\n")
    (folder / "results.md").write_text(report.markdown(results))
    (folder / "chart.svg").write_text(chart.svg(results))
    rounds.say(f"\n{report.headline(results)}\n\nwritten: results.md, results.json and chart.svg in {folder}")


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
