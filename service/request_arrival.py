"""
Has a request arrived whole? Found out from its bytes as they come.

This decides only when a thread gets the request. What the request says is read by gunicorn's
parser, which refuses what is malformed: a request that this file does not understand is `ready`
at once. Source: RFC 9112, sections 2, 6 and 7.1.
"""

import re

MAX_HEAD = 65_536  # bytes of request line and header fields
MAX_BODY = 65_536  # bytes; no view takes more
_HEAD_END = b"\r\n\r\n"
_FIELD = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)", re.IGNORECASE
)
_LENGTH = re.compile(rb"0*[0-9]{1,6}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?", re.DOTALL)


class RequestArrival:
    """
    One request on its way.

    Attributes:
        data: the bytes so far; those of the next request may stand behind it.
        whole: head and body have arrived.
        ready: a thread can take the request: it is whole, or its head shows that it will be
            refused.
        refusal: the status line's end if head or chunks are too large to wait for; else "".
        waits_for_continue: the client sends the body once it has read `100 Continue`
            (RFC 9110, section 10.1.1).
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.whole = self.ready = self.waits_for_continue = False
        self.refusal = ""
        self._body = 0  # where the body begins; 0 until the head is there
        self._end = 0  # where the request ends; 0 until that is known
        self._chunk = 0  # where the next chunk begins; 0 if the body does not come in chunks

    def add(self, unverified_data: bytes) -> None:
        """Take the next bytes from the connection."""
        self.data += unverified_data
        if not self._body and not self.ready:
            self._read_head()
        if self._chunk and not self._end and not self.ready:
            self._read_chunks()
        if self._end and len(self.data) >= self._end:
            self.whole = self.ready = True

    def _read_head(self) -> None:
        end = self.data.find(_HEAD_END)
        if end < 0:
            # gunicorn refuses a line that ends without \r, so its end would never come.
            self.ready = self.data.count(b"\n") != self.data.count(b"\r\n")
            if len(self.data) > MAX_HEAD and not self.ready:
                self.refusal = "431 Request Header Fields Too Large"
            return
        head = bytes(self.data[: end + 2])
        self._body = end + len(_HEAD_END)
        fields = [(name.lower(), value.lower()) for name, value in _FIELD.findall(head)]
        framing = [field for field in fields if field[0] != b"expect"]
        match framing:
            case []:
                self._end = self._body
            case [(b"content-length", value)] if _LENGTH.fullmatch(value):
                self._end = self._body + int(value)
                self.ready = int(value) > MAX_BODY
            case [(b"transfer-encoding", b"chunked")]:
                self._chunk = self._body
            case _:
                self.ready = True
        first_line = head[: head.index(b"\r\n", 2)]  # an empty line may stand before it
        version_knows_it = first_line.endswith(b"HTTP/1.1")
        self.waits_for_continue = (b"expect", b"100-continue") in fields and version_knows_it

    def _read_chunks(self) -> None:
        """Walk over the chunks that are there, from where the last call stopped."""
        while (line_end := self.data.find(b"\r\n", self._chunk)) >= 0:
            size = _CHUNK_SIZE.fullmatch(self.data, self._chunk, line_end)
            if size is None:
                self.ready = True
                return
            if int(size[1], 16) == 0:
                trailer_end = self.data.find(_HEAD_END, line_end)
                if trailer_end >= 0:
                    self._end = trailer_end + len(_HEAD_END)
                break
            self._chunk = line_end + 2 + int(size[1], 16) + 2
        # Twice the limit leaves room for the sizes of the chunks.
        if len(self.data) - self._body > 2 * MAX_BODY and not self._end:
            self.refusal = "413 Content Too Large"
