"""Let the CUDA build of PyTorch import on a machine without the NVIDIA libraries.

    python torch_cpu_stubs.py SITE_PACKAGES

The Linux wheel of torch links about a dozen NVIDIA libraries, several gigabytes in all, which CPU code never calls.
This script looks up which of them are absent and puts tiny shared objects with the same names, symbols and symbol
versions into torch/lib. Each function in them returns 100, the CUDA code for "no device", or a string where torch goes
on to print the result; so torch reports that CUDA is not available. Needs binutils (nm, objdump) and gcc.
"""

import collections
import pathlib
import re
import subprocess
import sys
import tempfile

NVIDIA_LIBRARY = re.compile(r"lib(cu|nv|nccl)")
NVIDIA_SYMBOL = re.compile(r"(cu|CU|nv|nccl)")
# Symbols that carry no version cannot be traced to a library; the loader only needs them to exist somewhere.
HOME_OF_UNVERSIONED = "libnccl.so.2"
RETURNS_STRING = re.compile(r"\w+Get(Last)?(Error|Status)(String|Name)")


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def dynamic_section(binary):
    """The sonames a binary needs, and which soname each symbol version belongs to."""
    needed, library_of_version, library = set(), {}, None
    for line in output_of("objdump", "-p", binary).splitlines():
        if match := re.match(r"\s+NEEDED\s+(\S+)", line):
            needed.add(match[1])
        elif match := re.match(r"\s+required from (\S+):", line):
            library = match[1]
        elif library and (match := re.match(r"\s+0x\S+ 0x\S+ \d+ (\S+)", line)):
            library_of_version[match[1]] = library
    return needed, library_of_version


def dynamic_symbols(binary):
    """The undefined symbols of a binary as (name, version or ""), and the names it defines."""
    undefined, defined = set(), set()
    for line in output_of("nm", "-D", binary).splitlines():
        *_, kind, symbol = line.split()
        name, _, version = symbol.partition("@")
        if kind in "Uwv":
            undefined.add((name, version.lstrip("@")))
        else:
            defined.add(name)
    return undefined, defined


def missing_libraries(torch_directory):
    """soname -> version -> symbol names, for every absent NVIDIA library that the binaries of torch need."""
    binaries = [*torch_directory.glob("lib/*.so*"), *torch_directory.glob("_C*.so")]
    present = {binary.name for binary in binaries}
    needed, library_of_version, undefined, defined = set(), {}, set(), set()
    for binary in binaries:
        binary_needed, versions = dynamic_section(binary)
        binary_undefined, binary_defined = dynamic_symbols(binary)
        needed |= binary_needed
        library_of_version |= versions
        undefined |= binary_undefined
        defined |= binary_defined
    absent = [soname for soname in sorted(needed - present) if NVIDIA_LIBRARY.match(soname)]
    stubs = {soname: collections.defaultdict(list) for soname in absent}
    for name, version in sorted(undefined):
        if name in defined:
            continue
        if version and library_of_version.get(version) in stubs:
            stubs[library_of_version[version]][version].append(name)
        elif not version and NVIDIA_SYMBOL.match(name) and HOME_OF_UNVERSIONED in stubs:
            stubs[HOME_OF_UNVERSIONED][""].append(name)
    return stubs


def stub_function(name):
    if RETURNS_STRING.fullmatch(name):
        return f'const char* {name}(void) {{ return "no device"; }}\n'
    return f"int {name}(void) {{ return 100; }}\n"


def build_stub(path, symbols_of_version):
    """One shared object; the loader insists on a version node for every version that torch refers to."""
    names = [name for names in symbols_of_version.values() for name in names]
    source = "".join(stub_function(name) for name in names)
    nodes = [f"{version} {{ global: {'; '.join(group)}; }};\n"
             for version, group in symbols_of_version.items() if version]
    with tempfile.NamedTemporaryFile("w", suffix=".map") as version_script:
        version_script.write("".join(nodes))
        version_script.flush()
        options = [f"-Wl,--version-script={version_script.name}"] if nodes else []
        command = ["gcc", "-shared", "-fPIC", "-O1", "-fno-builtin", "-w", f"-Wl,-soname,{path.name}", *options]
        subprocess.run([*command, "-o", path, "-x", "c", "-"], input=source or "\n", text=True, check=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch_directory = pathlib.Path(sys.argv[1]) / "torch"
    for soname, symbols_of_version in missing_libraries(torch_directory).items():
        build_stub(torch_directory / "lib" / soname, symbols_of_version)
        print(f"{soname}: {sum(map(len, symbols_of_version.values()))} symbols")


if __name__ == "__main__":
    main()
