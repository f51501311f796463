#!/usr/bin/env python3
"""The client after the note from which Trawl comes: raw sockets, one global TLS context, processes times threads.

    note.py --list FILE --cacert FILE [--processes P] [--threads T] [--close] [--report SECONDS]

Each of P processes (fork) has T threads, each thread one connection: a request is bytes put together from the line of
the list, sent in one piece; of the response no more is looked at than the status and where the body ends. With
--close each request has a new connection that resumes the thread's last session. All URLs are of one origin.
"""

import multiprocessing
import socket
import struct
import sys
import threading
from urllib.parse import urlsplit

import rival

# A record of TLS holds no more (RFC 8446 section 5.1), and a read returns no more than a record.
RECEIVE_BYTES = 16384
HEAD_BYTES = 65536
TIMEOUT_SECONDS = 60

context = None


class Origin:
    """Where the requests go, found once."""

    def __init__(self, url, closes):
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"{url!r} is no https URL")
        self.host = parts.hostname
        self.prefix = f"https://{parts.netloc}".encode()
        self.family, _, _, _, self.address = socket.getaddrinfo(
            parts.hostname, parts.port or 443, type=socket.SOCK_STREAM
        )[0]
        self.tail = b" HTTP/1.1\r\nHost: " + parts.netloc.encode() + b"\r\n"
        self.tail += b"Connection: close\r\n\r\n" if closes else b"\r\n"

    def connect(self, session=None):
        tcp = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            # A time limit of Python's would cost a poll(2) before each read and write; these cost nothing.
            limit = struct.pack("ll", TIMEOUT_SECONDS, 0)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tcp.connect(self.address)
            return context.wrap_socket(tcp, server_hostname=self.host, session=session)
        except BaseException:
            tcp.close()
            raise


def read_response(receive):
    """Reads one response to its end; true if the connection can be used again."""
    data = receive(RECEIVE_BYTES)
    while (head_end := data.find(b"\r\n\r\n")) < 0:
        more = receive(RECEIVE_BYTES)
        if not more or len(data) > HEAD_BYTES:
            raise ConnectionError(f"closed or too long within the response head, after {len(data)} bytes")
        data += more
    if not data.startswith(b"HTTP/1.1 200"):
        raise ValueError("status line " + repr(data[: data.find(b"\r")]))
    # As nearly every server spells it; what does not is read with more care.
    length_at = data.find(b"\r\nContent-Length: ", 0, head_end)
    if length_at < 0:
        return read_unusual(receive, data, head_end)
    length_at += 18
    left = int(data[length_at : data.find(b"\r", length_at)]) - (len(data) - head_end - 4)
    read_rest(receive, left)
    return b"\r\nConnection: close" not in data[:head_end]


def read_rest(receive, left):
    while left > 0:
        more = receive(RECEIVE_BYTES)
        if not more:
            raise ConnectionError(f"closed with {left} bytes missing")
        left -= len(more)
    if left < 0:
        raise ValueError(f"{-left} bytes more than the response has")


def read_unusual(receive, data, head_end):
    head = data[:head_end].lower()
    body = data[head_end + 4 :]
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            read_rest(receive, int(value) - len(body))
            return b"\r\nconnection: close" not in head
        if name == b"transfer-encoding" and value.strip() == b"chunked":
            read_chunks(receive, body)
            return b"\r\nconnection: close" not in head
    while receive(RECEIVE_BYTES):
        pass
    return False


def read_chunks(receive, data):
    """Reads chunks until the last and its trailer (RFC 9112 section 7.1)."""
    while True:
        while (line_end := data.find(b"\r\n")) < 0:
            data += receive_some(receive)
        size = int(data[:line_end].partition(b";")[0], 16)
        data = data[line_end + 2 :]
        if size == 0:
            break
        while len(data) < size + 2:
            data += receive_some(receive)
        data = data[size + 2 :]
    while not data.startswith(b"\r\n") and b"\r\n\r\n" not in data:
        data += receive_some(receive)


def receive_some(receive):
    more = receive(RECEIVE_BYTES)
    if not more:
        raise ConnectionError("closed within a chunked body")
    return more


class Fetcher:
    """What one thread does."""

    def __init__(self, origin, share, counts, errors, slot, closes, complaints):
        self.origin = origin
        self.share = share
        self.counts = counts
        self.errors = errors
        self.slot = slot
        self.closes = closes
        self.complaints = complaints

    def run(self):
        fetch = self.fetch_anew if self.closes else self.fetch_all
        while lines := self.share.batch():
            fetch(lines)

    connection = None
    session = None

    def fetch_all(self, lines):
        """Fetches a batch over one connection."""
        prefix, tail, slot, counts = self.origin.prefix, self.origin.tail, self.slot, self.counts
        skipped = len(prefix)
        for line in lines:
            fresh = self.connection is None
            try:
                if not line.startswith(prefix):
                    raise ValueError("another origin")
                request = b"GET " + line[skipped:].rstrip() + tail
                if fresh:
                    self.connection = self.origin.connect(self.session)
                try:
                    keeps = self.exchange(request)
                except OSError:
                    # A server may close a connection that has waited (RFC 9112 section 9.3.1): once more on a new one.
                    if fresh:
                        raise
                    self.drop()
                    self.connection = self.origin.connect(self.session)
                    keeps = self.exchange(request)
                if not keeps:
                    self.drop()
                counts[slot] += 1
            except (OSError, ValueError) as error:
                self.errors[slot] += 1
                self.complaints.add(line.decode().strip(), error)
                self.drop()

    def exchange(self, request):
        connection = self.connection
        connection.write(request)
        return read_response(connection.read)

    def fetch_anew(self, lines):
        """Fetches each of a batch over a connection of its own."""
        skipped = len(self.origin.prefix)
        for line in lines:
            try:
                if not line.startswith(self.origin.prefix):
                    raise ValueError("another origin")
                self.connection = self.origin.connect(self.session)
                self.exchange(b"GET " + line[skipped:].rstrip() + self.origin.tail)
                # The ticket comes after the handshake (RFC 8446 section 4.6.1), so not before there was a response.
                self.session = self.connection.session
                self.counts[self.slot] += 1
            except (OSError, ValueError) as error:
                self.errors[self.slot] += 1
                self.complaints.add(line.decode().strip(), error)
            self.drop()

    def drop(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def run_process(options, origin, index, counts, errors):
    share = rival.Share(options.list, index, options.processes, options.threads)
    complaints = rival.Complaints("note.py")
    first = index * options.threads
    fetchers = [
        Fetcher(origin, share, counts, errors, slot, options.close, complaints)
        for slot in range(first, first + options.threads)
    ]
    threads = [threading.Thread(target=fetcher.run, daemon=True) for fetcher in fetchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    global context
    parser = rival.parser("Fetches a list with raw sockets, one TLS context, processes and threads.")
    parser.add_argument("--processes", type=rival.positive, default=1, metavar="N")
    parser.add_argument("--threads", type=rival.positive, default=50, metavar="N", help="in each process")
    parser.add_argument("--close", action="store_true", help="a new connection for each request")
    options = parser.parse_args()
    context = rival.tls_context(options.cacert)
    with open(options.list, "rb") as file:
        origin = Origin(file.readline().decode().strip(), options.close)
    # Each thread has a number of its own, so nothing has to be locked.
    slots = options.processes * options.threads
    counts = multiprocessing.RawArray("Q", slots)
    errors = multiprocessing.RawArray("Q", slots)
    fork = multiprocessing.get_context("fork")
    processes = [
        fork.Process(target=run_process, args=(options, origin, index, counts, errors), daemon=True)
        for index in range(options.processes)
    ]
    for process in processes:
        process.start()
    rival.report(options.report, lambda: sum(counts))
    for process in processes:
        process.join()
    failed = sum(1 for process in processes if process.exitcode)
    if failed:
        print(f"note.py: {failed} of {options.processes} processes failed", file=sys.stderr)
    return rival.finish(sum(counts), sum(errors) + failed)


if __name__ == "__main__":
    sys.exit(rival.status("note.py", main))
