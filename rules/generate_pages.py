#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the pages of `dishctl explain-error` from rules/pages/*.md: one C++ table, by number of the diagnostic.

usage: generate_pages.py PAGE.md ... OUT.cc        PAGE is E0207 or W0301
"""
import pathlib
import sys

HEAD = """// SPDX-License-Identifier: BSD-3-Clause
// Made by rules/generate_pages.py.
#include "rules/pages_text.h"

namespace dishwall {

const Page kPages[] = {
"""
TAIL = """};
const unsigned kPageCount = sizeof kPages / sizeof kPages[0];

}  // namespace dishwall
"""


def main():
    *pages, out = map(pathlib.Path, sys.argv[1:])
    rows = [f'    {{{int(page.stem[1:])}, R"page({page.read_text(encoding="utf-8")})page"}},\n' for page in pages]
    out.write_text(HEAD + "".join(rows) + TAIL, encoding="utf-8")


main()
