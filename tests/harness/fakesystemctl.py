# SPDX-License-Identifier: Apache-2.0
"""systemctl in the place of systemd's."""


class FakeSystemctl:
    """Records what it is called with, and knows which units are enabled."""

    def __init__(self, folder):
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.log = folder / "systemctl.log"
        self.enabled = folder / "enabled"
        self.enabled.mkdir()
        self.state = folder / "state"
        self.state.write_text("loaded")
        self.stamps = folder / "stamps"
        self.stamps.mkdir()
        script = self.folder / "systemctl"
        script.write_text(f"""#!/bin/sh
echo "$*" >> {self.log}
for last in "$@"; do :; done
case "$*" in
*is-enabled*) [ -e {self.enabled}/"$last" ] ;;
*disable*) rm -f {self.enabled}/"$last" ;;
*enable*) touch {self.enabled}/"$last" ;;
*"-p LoadState"*) cat {self.state} ;;
*TimestampMonotonic*) for word in $*; do cat {self.stamps}/"$word" 2>/dev/null || true; done ;;
esac
""")
        script.chmod(0o755)

    def calls(self):
        text = self.log.read_text() if self.log.exists() else ""
        self.log.write_text("")
        return [line for line in text.splitlines() if not line.startswith("show ") and "is-enabled" not in line]
