# SPDX-License-Identifier: Apache-2.0
"""Certificates of a server that may be wrong in each way a certificate can be."""

import pathlib
import threading

from .process import openssl

CONFIG = """[ca]
default_ca = this
[this]
dir = .
new_certs_dir = {ca}.new
database = {ca}.db
certificate = {ca}.crt
private_key = {ca}.key
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
x509_extensions = identifiers
unique_subject = no
[identifiers]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[any]
commonName = supplied
organizationName = optional
"""
# As RFC 5280 requires of a CA and its certificates; Python insists on it from 3.13 on.
CA_USAGE = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
ALWAYS = ("20000101000000Z", "20990101000000Z")
# Which CA signs, which name it has (None: the server's own), when it is valid.
SERVERS = {
    "good": ("ca", None, ALWAYS),
    "other-ca": ("other", None, ALWAYS),
    "other-name": ("ca", "DNS:kubernetes.default.svc", ALWAYS),
    "expired": ("ca", None, ("20000101000000Z", "20010101000000Z")),
    "early": ("ca", None, ("20980101000000Z", "20990101000000Z")),
}


class Pki:
    """Makes each certificate when a test asks for it first."""

    def __init__(self, folder, names=("localhost",)):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.names = ",".join(f"DNS:{n}" if not n[0].isdigit() and ":" not in n else f"IP:{n}" for n in names)
        self.made = {}
        self.lock = threading.Lock()
        self._authority("ca")
        self.ca = self.folder / "ca.crt"
        self.client = self._sign("ca", "client", "/O=system:masters/CN=system:admin", "DNS:client", *ALWAYS)

    def _authority(self, name):
        if (self.folder / f"{name}.crt").exists():
            return
        files = ["-keyout", f"{name}.key", "-out", f"{name}.crt"]
        openssl(self.folder, "req", "-x509", *CURVE, *CA_USAGE, "-days", "3650", "-subj", f"/CN={name}", *files)
        (self.folder / f"{name}.new").mkdir()
        (self.folder / f"{name}.db").touch()
        (self.folder / f"{name}.conf").write_text(CONFIG.format(ca=name))

    def _sign(self, authority, file, subject, names, start, end):
        self._authority(authority)
        openssl(
            self.folder,
            *("req", "-new", *CURVE, "-subj", subject, "-addext", f"subjectAltName={names}"),
            *("-keyout", f"{file}.key", "-out", f"{file}.csr"),
        )
        openssl(
            self.folder,
            *("ca", "-batch", "-notext", "-config", f"{authority}.conf", "-startdate", start, "-enddate", end),
            *("-in", f"{file}.csr", "-out", f"{file}.crt"),
        )
        return self.folder / f"{file}.crt", self.folder / f"{file}.key"

    def server(self, which="good"):
        """Certificate and key, of a name in SERVERS."""
        with self.lock:
            if which not in self.made:
                authority, names, when = SERVERS[which]
                self.made[which] = self._sign(authority, which, f"/CN={which}", names or self.names, *when)
            return self.made[which]

    def stranger(self):
        """A client's certificate of another CA."""
        with self.lock:
            return self._sign("other", "stranger", "/CN=stranger", "DNS:client", *ALWAYS)
