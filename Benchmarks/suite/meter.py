"""The measuring process: runs one command on one processor and prints what all its processes took.

    python3 meter.py PROCESSOR OUTPUT COMMAND...

It runs as a program of its own, so that its children are the client's processes and no others. getrusage(2) counts
only children that were waited for, with those that they waited for themselves; orphans come to this process, which is
their reaper (prctl(2)), and are waited for as well.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36


def main(processor: int, output: str, command: list[str]) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    os.sched_setaffinity(0, {processor})
    with open(output, "wb") as file:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        status = process.wait()
        elapsed = time.monotonic() - start
    wait_for_orphans()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    json.dump(
        {
            "status": status, "elapsed": elapsed, "user": usage.ru_utime, "system": usage.ru_stime,
            "largest_rss_bytes": usage.ru_maxrss * 1024, "switches": usage.ru_nvcsw + usage.ru_nivcsw,
        },
        sys.stdout,
    )


def wait_for_orphans() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
