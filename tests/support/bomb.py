"""A gzip of one member that is small and inflates to a gibibyte of zeros."""

from __future__ import annotations

import functools
import struct
import zlib

CHUNK = 1 << 20


@functools.cache
def gzip_bomb(mebibytes: int = 1024) -> bytes:
    """One deflate stream made of the same block again and again, so that it costs little to make."""
    zeros = bytes(CHUNK)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.flush(zlib.Z_FINISH)
    checksum = 0
    for _ in range(mebibytes):
        checksum = zlib.crc32(zeros, checksum)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    tail = struct.pack("<II", checksum, mebibytes * CHUNK & 0xFFFFFFFF)
    return head + first + again * (mebibytes - 1) + end + tail
