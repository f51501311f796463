#!/usr/bin/env python3
"""requests as it is used for much: as many threads as connections, each with a session of its own, that take one URL
of the list after the other and read its body.

    requests_client.py --list FILE --cacert FILE [--connections N] [--report SECONDS]
"""

import sys
import threading

import requests
import rival

TIMEOUT_SECONDS = 60


def fetch(options, share, counts, errors, slot, complaints):
    with requests.Session() as session:
        session.verify = options.cacert
        # Else REQUESTS_CA_BUNDLE would come before `verify`, and each request would look for proxies and passwords.
        session.trust_env = False
        for url in share.urls():
            try:
                response = session.get(url, timeout=TIMEOUT_SECONDS)
                response.content
                if response.status_code != 200:
                    raise ValueError(f"status {response.status_code}")
                counts[slot] += 1
            except (requests.RequestException, ValueError) as error:
                errors[slot] += 1
                complaints.add(url, error)


def main():
    parser = rival.parser("Fetches a list with requests.")
    parser.add_argument("--connections", type=rival.positive, default=50, metavar="N")
    options = parser.parse_args()
    share = rival.Share(options.list, threads=options.connections)
    complaints = rival.Complaints("requests_client.py")
    # Each thread has a number of its own, so nothing has to be locked.
    counts, errors = [0] * options.connections, [0] * options.connections
    threads = [
        threading.Thread(target=fetch, args=(options, share, counts, errors, slot, complaints), daemon=True)
        for slot in range(options.connections)
    ]
    for thread in threads:
        thread.start()
    rival.report(options.report, lambda: sum(counts))
    for thread in threads:
        thread.join()
    return rival.finish(sum(counts), sum(errors))


if __name__ == "__main__":
    sys.exit(rival.status("requests_client.py", main))
