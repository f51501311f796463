"""What the rival clients in Python have in common: their options, the list, and what they print in the end."""

import argparse
import os
import ssl
import sys
import threading
import time


def parser(description):
    """The options of every client; each adds its own."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--list", required=True, metavar="FILE", help="URLs, one a line")
    options.add_argument("--cacert", required=True, metavar="FILE", help="trust anchors in PEM")
    options.add_argument("--report", type=float, metavar="SECONDS", help="print seconds and requests so often")
    return options


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


def tls_context(authorities):
    """Verifies certificates and host names; made once, for all connections."""
    try:
        return ssl.create_default_context(cafile=authorities)
    except OSError as error:
        raise ValueError(f"{authorities}: {error}") from error


class Share:
    """A part of the list, read as it is needed by any number of threads: of `count` parts of equal size in bytes the
    one with number `index`. A line belongs to the part in which it begins."""

    # About a hundred URLs: seldom enough for the lock to cost nothing.
    BATCH_BYTES = 4096
    # Each thread gets about so many batches at least, so that none is without and the last has little left.
    BATCHES = 16

    def __init__(self, path, index=0, count=1, threads=1):
        size = os.path.getsize(path)
        self.file = open(path, "rb", buffering=1 << 16)
        self.position = begin = size * index // count
        self.end = size * (index + 1) // count
        self.batch_bytes = max(1, min(self.BATCH_BYTES, (self.end - begin) // (threads * self.BATCHES)))
        self.lock = threading.Lock()
        if begin > 0:
            # From the byte before, so that a line which begins just here is kept.
            self.file.seek(begin - 1)
            self.position = begin - 1 + len(self.file.readline())

    def batch(self):
        """The next lines with their ends, as bytes; none when the part is over."""
        lines = []
        with self.lock:
            limit = min(self.position + self.batch_bytes, self.end)
            while self.position < limit and (line := self.file.readline()):
                self.position += len(line)
                lines.append(line)
        return lines

    def urls(self):
        """The URLs one by one, for one thread of perhaps several."""
        while lines := self.batch():
            for line in lines:
                yield line.decode().strip()


class Complaints:
    """Says the first error: a million more would say what is wrong no better."""

    def __init__(self, program):
        self.program = program
        self.said = False

    def add(self, url, error):
        if not self.said:
            self.said = True
            print(f"{self.program}: {url}: {error!r}", file=sys.stderr, flush=True)


def report(seconds, count):
    """Prints, from a thread of its own, how many requests there were after so many seconds."""

    def run():
        start = time.monotonic()
        tick = 1
        while True:
            time.sleep(max(0, start + tick * seconds - time.monotonic()))
            print(f"{tick * seconds:g} {count()}", file=sys.stderr, flush=True)
            tick += 1

    if seconds:
        threading.Thread(target=run, daemon=True).start()


def status(program, main):
    """The exit status of `main`; what keeps it from beginning is told in a line."""
    try:
        return main()
    except (OSError, ValueError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def finish(requests, errors):
    print(f"requests {requests} errors {errors}", flush=True)
    return 1 if errors else 0
