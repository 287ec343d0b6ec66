"""Runs a Python program that is killed when it, or a child of it, opens an internet socket (Linux, x86_64).

    python no_network.py -m soliloquy animate a.wav

The kernel does it (seccomp), so native libraries are watched too. Exit status 86 where the kernel refuses the
filter.
"""

import ctypes
import runpy
import struct
import sys

REFUSED = 86
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_SOCKET, _AF_INET, _AF_INET6 = 41, 2, 10
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06


def forbid_sockets() -> bool:
    """Forbid internet sockets to this process and all that it starts; False where that cannot be had."""
    program = [
        (_LOAD, 0, 0, 0),  # number of the system call
        (_IF_EQUAL, 0, 4, _SOCKET),
        (_LOAD, 0, 0, 16),  # its first argument: the family of addresses
        (_IF_EQUAL, 1, 0, _AF_INET),
        (_IF_EQUAL, 0, 1, _AF_INET6),
        (_RETURN, 0, 0, _KILL),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    return (
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        and libc.prctl(_PR_SET_SECCOMP, _FILTER, header, 0, 0) == 0
    )


if __name__ == "__main__":
    if not forbid_sockets():
        sys.exit(REFUSED)
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "-m":
        sys.argv = sys.argv[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
