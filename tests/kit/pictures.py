"""Pictures of pages that documents show."""

import struct

UPDATE = "UPDATE_SCREENSHOTS"  # "1" in the environment writes the files again


def size_of(picture: bytes) -> tuple[int, int]:
    """Read width and height of a PNG."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n"), "not a PNG"
    assert picture[12:16] == b"IHDR"
    width, height = struct.unpack(">II", picture[16:24])
    return width, height
