# SPDX-License-Identifier: Apache-2.0
"""What SELinux asks of the policy for the system calls of a program, as strace has recorded them.

Rights are (target, class, permission). Where the target is a file, it is a path, to be labelled by the policy; SELF is
the program's own domain. A call that no row here knows raises Unmapped: whoever adds it says what right it needs.
"""

import collections
import re

SELF = "self"

Right = collections.namedtuple("Right", "target kind permission call")


class Unmapped(Exception):
    """A call, or a kind of one, that no row knows."""


# They concern the process alone, or descriptors that the kernel does not check.
FREE = set(
    """brk munmap mremap madvise futex getpid gettid getuid geteuid getgid getegid getppid umask arch_prctl
    set_tid_address set_robust_list rseq rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sigaltstack
    exit_group exit getrandom poll ppoll epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2
    timerfd_create timerfd_settime timerfd_gettime inotify_init1 inotify_rm_watch close close_range dup dup2
    dup3 lseek clock_gettime clock_nanosleep nanosleep uname sysinfo prlimit64 getrusage restart_syscall pipe2
    clock_gettime64 gettimeofday time getcwd""".split()
)
# On a descriptor: the permission for files, the one for sockets.
DESCRIPTOR = {
    **dict.fromkeys(["read", "pread64", "readv", "recvfrom", "recvmsg", "recvmmsg"], ("read", "read")),
    **dict.fromkeys(["write", "pwrite64", "writev", "ftruncate"], ("write", "write")),
    **dict.fromkeys(["sendto", "sendmsg", "sendmmsg"], (None, "write")),
    "getdents64": ("read", None),
    "fchmod": ("setattr", "setattr"),
    "fstat": ("getattr", "getattr"),
    "fsync": (None, None),
    "fdatasync": (None, None),
    "ioctl": ("ioctl", "ioctl"),
    "listen": (None, "listen"),
    "accept4": (None, "accept"),
    "getsockopt": (None, "getopt"),
    "setsockopt": (None, "setopt"),
    "getsockname": (None, "getattr"),
    "getpeername": (None, "getattr"),
    "shutdown": (None, "shutdown"),
}
SOCKETS = {"UNIX-STREAM": "unix_stream_socket", "UNIX-DGRAM": "unix_dgram_socket", "UNIX": "unix_dgram_socket",
           "TCP": "tcp_socket", "TCPv6": "tcp_socket", "UDP": "udp_socket", "UDPv6": "udp_socket"}
# Standard streams are a connection to the journal that systemd made.
STANDARD = ("0", "1", "2")
# Who listens where, and the class of its socket.
LISTENERS = {
    "/run/systemd/notify": ("init_t", "unix_dgram_socket", "sendto"),
    "/run/systemd/journal/socket": ("syslogd_t", "unix_dgram_socket", "sendto"),
    "/run/dbus/system_bus_socket": ("system_dbusd_t", "unix_stream_socket", "connectto"),
}
MODES = {"S_IFDIR": "dir", "S_IFREG": "file", "S_IFLNK": "lnk_file", "S_IFSOCK": "sock_file", "S_IFCHR": "chr_file",
         "S_IFIFO": "fifo_file"}
PRCTL = ("PR_CAPBSET_READ", "PR_SET_NAME", "PR_GET_NAME", "PR_SET_DUMPABLE", "PR_SET_VMA")
FCNTL = ("F_GETFD", "F_SETFD", "F_GETFL", "F_SETFL", "F_DUPFD", "F_DUPFD_CLOEXEC")

_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
_PATH = re.compile(r'^(?:AT_FDCWD(?:<[^>]*>)?, )?"((?:[^"\\]|\\.)*)"')
_OPENED = re.compile(r"= \d+<(/[^<>]*)(?:<char [^>]*>)?>$")


def parents(path):
    at = path
    while at != "/":
        at = at.rpartition("/")[0] or "/"
        yield at


class Reader:
    """Collects the rights that calls need. port_of maps a port that a test chose to the one that it stands for."""

    def __init__(self, port_of=lambda port: port):
        self.rights = {}
        self.port_of = port_of

    def add(self, target, kind, *permissions):
        for permission in permissions:
            self.rights.setdefault((target, kind, permission), self.call)

    def read(self, lines):
        for line in lines:
            self.call = line.strip()
            found = _CALL.match(self.call)
            if found:
                self._take(*found.groups())
        return [Right(*key, call) for key, call in self.rights.items()]

    def _unmapped(self, what="this call"):
        raise Unmapped(f"{what} has no row that says which right it needs: {self.call[:300]}")

    def _take(self, name, rest):
        if name in FREE:
            if name == "prlimit64" and not re.match(r"0, \w+, NULL", rest):
                self._unmapped("a new limit")
        elif name in DESCRIPTOR:
            self._descriptor(name, rest)
        elif hasattr(self, "_" + name):
            getattr(self, "_" + name)(rest)
        else:
            self._unmapped(name)

    # Descriptors

    def _descriptor(self, name, rest):
        found = re.match(r"(\d+)<(.*?)>[,)]", rest)
        number, what = found.groups() if found else ("", "")
        of_file, of_socket = DESCRIPTOR[name]
        kind = SOCKETS.get(what.partition(":")[0])
        if number in STANDARD:
            self.add("init_t", "unix_stream_socket", of_socket or of_file)
        elif kind:
            if of_socket:
                self.add(SELF, kind, of_socket)
            if of_socket == "write" and "sun_path=" in rest:
                self._send_to(re.search(r'sun_path="([^"]*)"', rest).group(1))
        elif what.startswith("/"):
            path, device, _ = what.partition("<char")
            if of_file:
                self.add(path, "chr_file" if device else "dir" if name == "getdents64" else "file", of_file)
        elif not what.startswith(("anon_inode:", "pipe:")) and " = -1 " not in rest:
            self._unmapped(f"a descriptor of {what!r}")

    def _fcntl(self, rest):
        if not re.search(r"[,>] (%s)\b" % "|".join(FCNTL), rest):
            self._unmapped("fcntl of that kind")

    def _mmap(self, rest):
        found = re.search(r"(PROT_[A-Z_|]+), (MAP_[A-Z_|]+), \d+<(/[^>]*)>", rest)
        if found:
            protection, flags, path = found.groups()
            self.add(path, "file", "map", "read", *(["execute"] if "PROT_EXEC" in protection else []))
            if "MAP_SHARED" in flags and "PROT_WRITE" in protection:
                self.add(path, "file", "write")
        elif "PROT_EXEC" in rest and "MAP_ANON" in rest:
            self.add(SELF, "process", "execmem")

    def _mprotect(self, rest):
        if "PROT_EXEC" in rest:
            self.add(SELF, "process", "execmem")

    def _prctl(self, rest):
        if not rest.startswith(PRCTL):
            self._unmapped("prctl of that kind")

    def _sched_getaffinity(self, rest):
        self.add(SELF, "process", "getsched")

    def _clone3(self, rest):
        self.add(SELF, "process", "fork")

    _clone = _clone3

    # Paths

    def _on_path(self, rest):
        """The path, and whether the call got as far as that; the way to it is searched in any case."""
        found = _PATH.match(rest)
        path = found.group(1) if found else None
        if not path or not path.startswith("/"):
            if found and not path:
                return None, False
            self._unmapped("a path that does not begin at the root")
        path = re.sub(r"/+", "/", path).rstrip("/") or "/"
        for folder in parents(path):
            self.add(folder, "dir", "search")
        return path, not re.search(r"= -1 (ENOENT|ENOTDIR)", rest)

    def _openat(self, rest):
        path, found = self._on_path(rest)
        if not found:
            return
        failed = " = -1 " in rest
        opened = _OPENED.search(rest)
        # A link on the way has been followed.
        path = opened.group(1) if opened else path
        for folder in parents(path):
            self.add(folder, "dir", "search")
        kind = "dir" if "O_DIRECTORY" in rest else "chr_file" if path.startswith("/dev/") else "file"
        self.add(path, kind, "open", *self._wanted(rest))
        if "O_CREAT" in rest and not failed:
            self.add(path, kind, "create")
            self.add(path.rpartition("/")[0], "dir", "write", "add_name")

    @staticmethod
    def _wanted(rest):
        if "O_WRONLY" in rest:
            return ["write"]
        return ["read", "write"] if "O_RDWR" in rest else ["read"]

    def _stat(self, rest):
        if re.match(r"\d+<", rest):
            number, what = re.match(r"(\d+)<(.*?)>, ", rest).groups()
            kind = SOCKETS.get(what.partition(":")[0])
            mode = re.search(r"S_IF\w+", rest)
            if number in STANDARD:
                self.add("init_t", "unix_stream_socket", "getattr")
            elif kind:
                self.add(SELF, kind, "getattr")
            elif what.startswith("/"):
                self.add(what.partition("<char")[0], MODES[mode.group()], "getattr")
            return
        path, found = self._on_path(rest)
        mode = re.search(r"S_IF\w+", rest)
        if found and mode:
            self.add(path, MODES[mode.group()], "getattr")

    _newfstatat = _statx = _stat

    def _statfs(self, rest):
        path, found = self._on_path(rest)
        if found:
            self.add(path, "filesystem", "getattr")

    def _fstatfs(self, rest):
        self.add(re.match(r"\d+<(.*?)>", rest).group(1), "filesystem", "getattr")

    def _access(self, rest):
        path, found = self._on_path(rest)
        if found and re.search(r"\b[RWX]_OK", rest):
            kind = "dir" if "X_OK" in rest else "file"
            for flag, permission in (("R_OK", "read"), ("W_OK", "write"), ("X_OK", "search")):
                if flag in rest:
                    self.add(path, kind, permission)

    _faccessat2 = _faccessat = _access

    def _readlink(self, rest):
        path, found = self._on_path(rest)
        if found and " = -1 " not in rest:
            self.add(path, "lnk_file", "read")

    _readlinkat = _readlink

    def _inotify_add_watch(self, rest):
        path, found = self._on_path(rest.partition(", ")[2])
        if found:
            kind = "dir" if "IN_ONLYDIR" in rest else "file"
            self.add(path, kind, "watch", "read")
            if re.search(r"IN_ACCESS|IN_CLOSE_NOWRITE|IN_ALL_EVENTS", rest):
                self.add(path, kind, "watch_reads")

    def _rename(self, rest):
        before, found = self._on_path(rest)
        after, _ = self._on_path(rest.partition(", ")[2])
        if found:
            self.add(before, "file", "rename")
            self.add(after, "file", "unlink")
            self.add(before.rpartition("/")[0], "dir", "write", "remove_name")
            self.add(after.rpartition("/")[0], "dir", "write", "add_name", "remove_name")

    def _unlink(self, rest):
        path, found = self._on_path(rest)
        if found:
            self.add(path, "file", "unlink")
            self.add(path.rpartition("/")[0], "dir", "write", "remove_name")

    def _mkdir(self, rest):
        path, found = self._on_path(rest)
        if found and "EEXIST" not in rest:
            self.add(path, "dir", "create")
            self.add(path.rpartition("/")[0], "dir", "write", "add_name")

    def _chmod(self, rest):
        path, found = self._on_path(rest)
        if found:
            self.add(path, "file", "setattr")

    # Sockets

    def _socket(self, rest):
        for words, kind in (("AF_UNIX, SOCK_STREAM", "unix_stream_socket"),
                            ("AF_UNIX, SOCK_DGRAM", "unix_dgram_socket")):
            if rest.startswith(words):
                return self.add(SELF, kind, "create")
        found = re.match(r"AF_INET6?, SOCK_(STREAM|DGRAM)", rest)
        if not found:
            self._unmapped("a socket of that family")
        self.add(SELF, "tcp_socket" if found.group(1) == "STREAM" else "udp_socket", "create")

    _socketpair = _socket

    def _send_to(self, path):
        for folder in parents(path):
            self.add(folder, "dir", "search")
        self.add(path, "sock_file", "write")
        if path not in LISTENERS:
            self._unmapped("a listener at " + path)
        self.add(*LISTENERS[path])

    def _connect(self, rest):
        kind = SOCKETS[re.match(r"\d+<([\w-]+)", rest).group(1)]
        self.add(SELF, kind, "connect")
        unix = re.search(r'sun_path="([^"]*)"', rest)
        port = re.search(r"sin6?_port=htons\((\d+)\)", rest)
        if unix:
            self._send_to(unix.group(1))
        elif port and kind == "tcp_socket":
            self.add(self.port_of(int(port.group(1))), "tcp_socket", "name_connect")
        elif not port and "AF_UNSPEC" not in rest:
            self._unmapped("an address of that family")

    def _bind(self, rest):
        kind = SOCKETS[re.match(r"\d+<([\w-]+)", rest).group(1)]
        if not re.search(r"sin6?_port=htons\(0\)", rest):
            self._unmapped("a port or a path of its own")
        self.add(SELF, kind, "bind")
        self.add("node_t", kind, "node_bind")
