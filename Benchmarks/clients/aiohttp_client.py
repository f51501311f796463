#!/usr/bin/env python3
"""aiohttp as its documentation shows it: one session, and as many tasks as connections that take one URL of the list
after the other and read its body.

    aiohttp_client.py --list FILE --cacert FILE [--connections N] [--report SECONDS]
"""

import asyncio
import sys

import aiohttp
import rival

TIMEOUT_SECONDS = 60


async def fetch(session, urls, counts, complaints):
    for url in urls:
        try:
            async with session.get(url) as response:
                await response.read()
                if response.status != 200:
                    raise ValueError(f"status {response.status}")
            counts["requests"] += 1
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
            counts["errors"] += 1
            complaints.add(url, error)


async def run(options, counts):
    context = rival.tls_context(options.cacert)
    connector = aiohttp.TCPConnector(limit=options.connections, ssl=context)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    complaints = rival.Complaints("aiohttp_client.py")
    # All tasks are of one thread, so one generator serves them all.
    urls = rival.Share(options.list).urls()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        tasks = [fetch(session, urls, counts, complaints) for _ in range(options.connections)]
        await asyncio.gather(*tasks)


def main():
    parser = rival.parser("Fetches a list with aiohttp.")
    parser.add_argument("--connections", type=rival.positive, default=50, metavar="N")
    options = parser.parse_args()
    counts = {"requests": 0, "errors": 0}
    rival.report(options.report, lambda: counts["requests"])
    asyncio.run(run(options, counts))
    return rival.finish(counts["requests"], counts["errors"])


if __name__ == "__main__":
    sys.exit(rival.status("aiohttp_client.py", main))
