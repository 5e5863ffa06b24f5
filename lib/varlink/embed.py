#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes interface files into a C file: NAME.varlink becomes vl_text_NAME, dots as underscores."""

import pathlib
import sys

out, *sources = sys.argv[1:]
with open(out, "w", encoding="ascii") as f:
    f.write('/* Made by embed.py. */\n#include "varlink/interface.h"\n')
    for source in map(pathlib.Path, sources):
        f.write(f"\nconst char vl_text_{source.stem.replace('.', '_')}[] =\n")
        for line in source.read_text(encoding="ascii").splitlines():
            quoted = line.replace("\\", "\\\\").replace('"', '\\"')
            f.write(f'        "{quoted}\\n"\n')
        f.write("        ;\n")
