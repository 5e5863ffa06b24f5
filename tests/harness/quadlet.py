# SPDX-License-Identifier: Apache-2.0
"""Files of Quadlet, and the targets that pull in what podman's generator makes of them.

tests/host holds the table against the generator itself, tests/flow holds `msready bind` against the table.
"""


class Link(str):
    """A link to there, absolute ones as the system below the root sees them."""


MASK = Link("/dev/null")
QUADLET = "etc/containers/systemd/"
VENDOR = "usr/share/containers/systemd/"
RUN = "run/containers/systemd/"
WANTED = "[Install]\nWantedBy=multi-user.target\n"
BARE = "[Container]\nImage=localhost/kiosk:1\n"
CONTAINER = BARE + WANTED
MULTI_USER = {"multi-user.target"}
NEEDED = {"image": "Image=localhost/kiosk:1\n", "build": "ImageTag=localhost/kiosk:1\nSetWorkingDirectory=/srv\n"}

# Files below the root, by path; a unit; the targets that pull it in.
CASES = {
    "a container": ({QUADLET + "kiosk.container": CONTAINER}, "kiosk", MULTI_USER),
    "a kube": ({QUADLET + "kiosk.kube": "[Kube]\nYaml=/srv/kiosk.yaml\n[Install]\nRequiredBy=default.target\n"},
               "kiosk", {"default.target"}),
    "a pod": ({QUADLET + "kiosk.pod": "[Pod]\n" + WANTED}, "kiosk-pod", MULTI_USER),
    "a pod's file is not its unit": ({QUADLET + "kiosk.pod": "[Pod]\n" + WANTED}, "kiosk", set()),
    **{f"a {kind}": ({f"{QUADLET}kiosk.{kind}": f"[{kind.title()}]\n{NEEDED.get(kind, '')}{WANTED}"}, f"kiosk-{kind}",
                     MULTI_USER) for kind in ("volume", "network", "image", "build")},
    "of a vendor": ({VENDOR + "kiosk.container": CONTAINER}, "kiosk", MULTI_USER),
    "in run": ({RUN + "kiosk.container": CONTAINER}, "kiosk", MULTI_USER),
    "in a folder": ({QUADLET + "site/shop/kiosk.container": CONTAINER}, "kiosk", MULTI_USER),
    "behind links": ({QUADLET + "site": Link("/srv/site"), "srv/site/kiosk.container": Link("/srv/other"),
                      "srv/other": CONTAINER}, "kiosk", MULTI_USER),
    "of users": ({QUADLET + "users/1000/kiosk.container": CONTAINER}, "kiosk", set()),
    "in a folder of drop-ins": ({QUADLET + "a.d/kiosk.container": CONTAINER}, "kiosk", set()),
    "in a circle": ({QUADLET + "kiosk.container": CONTAINER, QUADLET + "again": Link("..")}, "kiosk", MULTI_USER),
    "hidden": ({QUADLET + "kiosk.container": BARE, VENDOR + "kiosk.container": CONTAINER}, "kiosk", set()),
    "hidden by a folder": ({RUN + "a/kiosk.container": BARE, QUADLET + "kiosk.container": CONTAINER}, "kiosk", set()),
    "masked": ({QUADLET + "kiosk.container": MASK, VENDOR + "kiosk.container": CONTAINER}, "kiosk", set()),
    "a link to nowhere hides nothing": ({QUADLET + "kiosk.container": Link("/nowhere"), VENDOR + "kiosk.container":
                                         CONTAINER}, "kiosk", MULTI_USER),
    "a drop-in": ({QUADLET + "kiosk.container": BARE, QUADLET + "kiosk.container.d/a.conf": WANTED}, "kiosk",
                  MULTI_USER),
    "drop-ins of many": ({VENDOR + "a-b.container": BARE, QUADLET + "container.d/a.conf": WANTED,
                          QUADLET + "a-.container.d/b.conf": "[Install]\nWantedBy=edge.target\n"}, "a-b",
                         {"multi-user.target", "edge.target"}),
    "a drop-in that resets": ({QUADLET + "kiosk.container": CONTAINER, QUADLET + "kiosk.container.d/a.conf":
                               "[Install]\nWantedBy=\nWantedBy=edge.target\n"}, "kiosk", {"edge.target"}),
    "a drop-in that is hidden": ({QUADLET + "kiosk.container": BARE, QUADLET + "kiosk.container.d/a.conf": BARE,
                                  VENDOR + "kiosk.container.d/a.conf": WANTED}, "kiosk", set()),
    "another name": ({QUADLET + "kiosk.container": f'{BARE}ServiceName="shop"\n{WANTED}'}, "shop", MULTI_USER),
    "no longer its own name": ({QUADLET + "kiosk.container": f"{BARE}ServiceName=shop\n{WANTED}"}, "kiosk", set()),
    "an alias of a container": ({QUADLET + "kiosk.container": CONTAINER + "Alias=shop.service\n"}, "shop", MULTI_USER),
    "in quotes": ({QUADLET + "kiosk.container": BARE + '[Install]\nWantedBy="multi-user.target" edge.target\n'},
                  "kiosk", {"multi-user.target", "edge.target"}),
    "on two lines": ({QUADLET + "kiosk.container": BARE + "[Install]\nWantedBy=multi-user.target \\\n edge.target\n"},
                     "kiosk", {"multi-user.target", "edge.target"}),
    "a drop-in after a last backslash": ({QUADLET + "kiosk.container": BARE + "Exec=a \\", QUADLET +
                                          "kiosk.container.d/a.conf": WANTED}, "kiosk", MULTI_USER),
    "no UTF-8": ({QUADLET + "kiosk.container": "# f\xfcr\n" + CONTAINER}, "kiosk", MULTI_USER),
    "a template": ({QUADLET + "kiosk@.container": CONTAINER + "DefaultInstance=1\n"}, "kiosk@1", MULTI_USER),
    "no default instance": ({QUADLET + "kiosk@.container": CONTAINER}, "kiosk@1", set()),
    "its other instance": ({QUADLET + "kiosk@.container": CONTAINER + "DefaultInstance=1\n"}, "kiosk@2", set()),
    "an instance of a container": ({QUADLET + "kiosk@.container": CONTAINER, QUADLET + "kiosk@2.container":
                                    Link("kiosk@.container")}, "kiosk@2", MULTI_USER),
    "a path": ({QUADLET + "kiosk.container": BARE + "[Install]\nWantedBy=../multi-user.target\n"}, "kiosk", set()),
}


def make(root, files):
    """Writes files and links below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, Link):
            (root / name).symlink_to(text)
        else:
            (root / name).write_bytes(text.encode("latin-1"))


def generated(out, unit):
    """The targets that pull a unit in where podman's generator wrote to this folder."""
    aliases = {link.name: link.readlink().name for link in out.glob("*.service") if link.is_symlink()}
    names = {unit, aliases.get(unit)} | {name for name, other in aliases.items() if other == unit}
    links = [link for kind in ("wants", "requires") for link in out.glob(f"*.target.{kind}/*")]
    return {link.parent.name.rpartition(".")[0] for link in links if link.name in names}
