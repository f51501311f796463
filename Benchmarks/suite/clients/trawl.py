"""Trawl: coordinator and agents as one job, whose records are counted before its figures are."""

import json
from dataclasses import dataclass
from pathlib import Path

from ..trouble import Trouble
from . import Outcome, Programs, Task


@dataclass(frozen=True)
class Trawl:
    body: str
    agents: int = 1
    threads: int = 1  # Of each agent.
    per_origin: int | None = None  # As many as the case has connections, if not said.
    inline_max: int | None = None
    first_rows: int = 5_000

    @property
    def name(self) -> str:
        return f"trawl-{self.body}" + (f"-{self.agents}-agents" if self.agents > 1 else "") + (
            f"-{self.threads}-threads" if self.threads > 1 else ""
        )

    @property
    def title(self) -> str:
        return f"trawl, {self.body}" + (f", {self.agents} agents" if self.agents > 1 else "") + (
            f", {self.threads} threads" if self.threads > 1 else ""
        )

    def command(self, task: Task, programs: Programs) -> list[str]:
        options = ["--header", "Connection: close"] if task.closes else []
        if self.inline_max is not None:
            options += ["--inline-max", str(self.inline_max)]
        if task.hosts_port is not None:
            options += ["--resolve", f"*:{task.hosts_port}:127.0.0.1"]
        return [
            str(programs.trawl / "coordinator"), "local", str(task.list), "--output", str(task.folder),
            "--agents", str(self.agents), "--threads", str(self.threads),
            "--per-origin", str(self.per_origin or task.connections), "--body", self.body,
            "--cacert", str(task.authority), "--quiet", "--fail", *options,
        ]

    def outcome(self, output: str, task: Task) -> Outcome:
        records = task.folder / "results.jsonl"
        lines, last = count_lines(records)
        summary = json.loads((task.folder / "summary.json").read_text())
        check_job(self.body, lines, last, summary, task)
        return Outcome(lines, summary["effort"]["handshakes"]["resumed"])


def count_lines(file: Path) -> tuple[int, bytes]:
    """How many lines there are, and the last one; the file may be larger than memory."""
    count, last = 0, b""
    with file.open("rb") as lines:
        for last in lines:
            count += 1
    return count, last


def check_job(body: str, lines: int, last: bytes, summary: dict, task: Task) -> None:
    """A job counts only if every row has a record of a good and whole response."""
    what = f"trawl, {body}"
    if lines != task.rows or summary["rows"] != task.rows:
        raise Trouble(f"{what}: {lines} records, {summary['rows']} in the summary for {task.rows} rows")
    if summary["status"]["2xx"] != task.rows or summary["failed_rows"]:
        raise Trouble(f"{what}: not all rows have a status of 2xx: {summary['status']}, {summary['errors']}")
    if summary["body_bytes"] != task.rows * task.body_bytes:
        raise Trouble(f"{what}: {summary['body_bytes']} bytes for {task.rows} bodies of {task.body_bytes}")
    record = json.loads(last)
    if "truncated" in record or ("body_sha256" in record) == (body == "discard"):
        raise Trouble(f"{what}: the last record is not as asked for: {last[:500]!r}")
    if body == "inline" and len(record.get("body", "")) != task.body_bytes:
        raise Trouble(f"{what}: the last record has a body of {len(record.get('body', ''))} bytes")
