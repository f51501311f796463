"""Of the clients in Python: how the list is shared, and how the note's client finds the end of a response."""

import sys
import tempfile
import unittest
from pathlib import Path

CLIENTS = Path(__file__).resolve().parents[2] / "clients"
sys.path.insert(0, str(CLIENTS))

import note
import rival


def pieces(*data):
    """A connection that returns these, and then its end."""
    rest = list(data)
    return lambda _: rest.pop(0) if rest else b""


class Sharing(unittest.TestCase):
    def shared(self, lines, count):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"".join(lines))
            file.flush()
            shares = [rival.Share(file.name, index, count) for index in range(count)]
            found = [list(iter(share.batch, [])) for share in shares]
            for share in shares:
                share.file.close()
        return [[line for batch in batches for line in batch] for batches in found]

    def test_each_line_is_in_one_share_however_many_there_are(self):
        lines = [b"https://localhost/k?row=%d\n" % row for row in range(1_000)]
        for count in (1, 2, 3, 7, 64, 999, 2_000):
            self.assertEqual(sum(self.shared(lines, count), []), lines)

    def test_shares_are_of_equal_size(self):
        sizes = [len(share) for share in self.shared([b"https://localhost/k\n"] * 1_000, 8)]
        self.assertEqual(sizes, [125] * 8)

    def test_each_thread_of_many_gets_some_of_a_short_list(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"https://localhost/k\n" * 1_000)
            file.flush()
            share = rival.Share(file.name, threads=50)
            self.assertGreaterEqual(len(list(iter(share.batch, []))), 50 * 10)
            share.file.close()

    def test_the_last_line_needs_no_end(self):
        self.assertEqual(sum(self.shared([b"a\n", b"\n", b"b"], 2), []), [b"a\n", b"\n", b"b"])


class Responses(unittest.TestCase):
    HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\n"
    CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

    def test_a_length_is_read_to_its_end(self):
        self.assertTrue(note.read_response(pieces(self.HEAD + b"Content-Length: 3\r\n\r\nabc")))
        self.assertTrue(note.read_response(pieces(self.HEAD, b"content-length:3\r\n\r", b"\na", b"bc")))

    def test_chunks_are_read_to_their_end(self):
        whole = self.CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
        self.assertTrue(note.read_response(pieces(whole)))
        self.assertTrue(note.read_response(pieces(*(whole[at : at + 1] for at in range(len(whole))))))

    def test_a_connection_that_the_server_closes_is_not_used_again(self):
        self.assertFalse(note.read_response(pieces(self.HEAD + b"Connection: close\r\nContent-Length: 0\r\n\r\n")))
        self.assertFalse(note.read_response(pieces(self.HEAD + b"\r\nabc", b"def")))

    def test_what_is_cut_or_too_long_is_an_error(self):
        for data in (b"", self.HEAD, self.HEAD + b"Content-Length: 3\r\n\r\nab", self.CHUNKED + b"3"):
            with self.assertRaises(ConnectionError):
                note.read_response(pieces(data))
        with self.assertRaises(ValueError):
            note.read_response(pieces(self.HEAD + b"Content-Length: 1\r\n\r\nab"))

    def test_another_status_is_an_error(self):
        with self.assertRaises(ValueError):
            note.read_response(pieces(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))


if __name__ == "__main__":
    unittest.main()
