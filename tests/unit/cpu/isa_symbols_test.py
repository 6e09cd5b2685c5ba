#!/usr/bin/env python3
"""Wide instructions may stand in functions of their own namespace only: an inline function with another name is merged by
the linker with its plain copies, and would crash an older machine. Usage: isa_symbols_test.py OBJDUMP OBJECT..."""

import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
# VEX and EVEX mnemonics start with v. Few others do, and none of those names a vector register.
WIDE = re.compile(r"\tv[a-z0-9]+\s.*%[xyz]mm")
ALLOWED = re.compile(r"engine::cpu::(avx2|avx512)::")


def functions_with_wide_code(objdump, path):
    listing = subprocess.run([objdump, "-d", "--no-show-raw-insn", "-C", path], capture_output=True, text=True, check=True)
    function = None
    for line in listing.stdout.splitlines():
        if match := FUNCTION.match(line):
            function = match[1]
        elif function and WIDE.search(line):
            yield function


def main():
    wide, wrong = set(), []
    for path in sys.argv[2:]:
        found = set(functions_with_wide_code(sys.argv[1], path))
        wide |= found
        wrong += [f"{path}: {name}" for name in sorted(found) if not ALLOWED.search(name)]
    for line in wrong:
        print("wide instructions in a function that the linker may merge:", line)
    print(f"{len(wide)} functions with wide instructions, {len(wrong)} outside their namespace")
    # A test that finds none has read the wrong files.
    return 0 if wide and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
