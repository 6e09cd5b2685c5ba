#!/usr/bin/env python3
"""Every rule of check_layout.py fires on the snippet that breaks it and stays silent on the one that does not."""

import unittest

import check_layout


def messages(path, text):
    if path.endswith(".h"):
        text = "#pragma once\n" + text
    return [message for _, message in check_layout.check_file(path, text)]


class LayoutRules(unittest.TestCase):
    def assert_breaks(self, path, text, part):
        self.assertTrue(any(part in m for m in messages(path, text)), f"{path}: {text!r} gave {messages(path, text)}")

    def assert_keeps(self, path, text):
        self.assertEqual([], messages(path, text))

    def test_includes_point_down(self):
        upward = {
            "core/base/a.cc": "core/tensor/spec.h",
            "core/tensor/a.cc": "core/device/device.h",
            "core/device/a.cc": "core/kernel/kernel.h",
            "core/kernel/a.cc": "core/graph/graph.h",
            "core/weights/a.cc": "core/runtime/runner.h",
            "core/kv/a.cc": "core/runtime/scheduler.h",
            "core/runtime/a.cc": "ops/linear.h",
            "ops/a.cc": "backends/cpu/linear.h",
            "models/a.cc": "backends/backends.h",
            "text/a.cc": "core/tensor/spec.h",
            "backends/cpu/a.cc": "models/models.h",
            "engine/a.cc": "cli/run.h",
            "cli/a.cc": "models/models.h",
            "examples/a.cc": "core/base/status.h",
            "server/http/a.cc": "server/api/api.h",
            "benchmarks/a.cc": "server/http/http_client.h",
        }
        for path, header in upward.items():
            self.assert_breaks(path, f'#include "{header}"', "may include")
            self.assert_keeps(header.replace(".h", ".cc"), f'#include "{header}"')

    def test_downward_includes_are_fine(self):
        downward = {
            "core/graph/a.h": "core/kernel/problem.h",
            "core/runtime/a.cc": "core/kv/pool.h",
            "ops/a.cc": "core/kernel/op.h",
            "models/a.cc": "ops/linear.h",
            "backends/backends.cc": "backends/cpu/cpu_kernels.h",
            "backends/cuda/a.cc": "backends/gpu/stream.h",
            "engine/a.cc": "text/tokenizer.h",
            "cli/a.cc": "engine/engine.h",
            "server/a.cc": "server/http/http_server.h",
            "benchmarks/serve/a.cc": "server/http/http_client.h",
            "tests/unit/core/a_test.cc": "engine/engine.h",
        }
        for path, header in downward.items():
            self.assert_keeps(path, f'#include "{header}"')

    def test_backends_do_not_see_each_other(self):
        self.assert_breaks("backends/cpu/a.cc", '#include "backends/gpu/stream.h"', "may include")
        self.assert_breaks("backends/cuda/a.cc", '#include "backends/hip/driver.h"', "may include")
        self.assert_breaks("backends/gpu/a.cc", '#include "backends/cuda/driver.h"', "may include")

    def test_includes_are_written_from_the_root(self):
        self.assert_breaks("ops/a.cc", '#include "linear.h"', "repository root")
        self.assert_breaks("ops/a.cc", '#include "../core/base/status.h"', "repository root")
        self.assert_keeps("ops/a.cc", '#include "absl/status/status.h"')

    def test_onednn_stays_in_its_files(self):
        for include in ("<dnnl.hpp>", '"dnnl.hpp"', "<oneapi/dnnl/dnnl.hpp>"):
            self.assert_breaks("backends/cpu/linear.cc", f"#include {include}", "onednn_*.cc")
            self.assert_breaks("backends/cpu/onednn_linear.h", f"#include {include}", "onednn_*.cc")
            self.assert_keeps("backends/cpu/onednn_linear.cc", f"#include {include}")
            self.assert_keeps("backends/cpu/onednn_library.h", f"#include {include}")

    def test_boost_stays_in_the_http_server(self):
        for include in ("<boost/asio/buffer.hpp>", '"boost/asio/buffer.hpp"'):
            self.assert_breaks("server/server.cc", f"#include {include}", "server/http")
            self.assert_keeps("server/http/connection.cc", f"#include {include}")

    def test_vendor_headers_stay_in_backends(self):
        self.assert_breaks("core/device/a.cc", "#include <cuda_runtime.h>", "vendor header")
        self.assert_keeps("core/device/a.cc", "#include <vector>")

    def test_build_switches_are_tested_in_one_file(self):
        for line in ("#ifdef ENGINE_WITH_ONEDNN", "#if defined(ENGINE_WITH_CUDA)", "#elif ENGINE_WITH_HIP"):
            self.assert_breaks("backends/cpu/cpu_kernels.cc", line, "backends/backends.cc")
            self.assert_keeps("backends/backends.cc", line)

    def test_vendor_compilers_are_told_apart_in_one_file(self):
        self.assert_breaks("backends/gpu/rope.cu", "#ifdef __CUDACC__", "port.h")
        self.assert_breaks("core/base/bf16.h", "#if defined(__HIPCC__)", "port.h")
        self.assert_keeps("backends/gpu/port/port.h", "#ifdef __CUDACC__")

    def test_macros_are_the_listed_ones(self):
        self.assert_breaks("ops/a.cc", "#define SQUARE(x) ((x) * (x))", "SQUARE")
        self.assert_keeps("core/base/check.h", "#define ENGINE_CHECK(condition) condition")

    def test_headers_are_guarded_and_open_no_namespace(self):
        self.assertIn("is a header without #pragma once", [m for _, m in check_layout.check_file("ops/a.h", "int a;\n")])
        self.assert_breaks("ops/a.h", "using namespace engine;", "using namespace")

    def test_files_end_before_they_are_too_long(self):
        self.assert_keeps("ops/a.cc", "int a;\n" * 400)
        self.assert_breaks("ops/a.cc", "int a;\n" * 401, "401 lines")

    def test_no_path_of_one_machine(self):
        for top in ("work", "home", "root", "tmp"):
            self.assert_breaks("docs/a.md", f"see /{top}/a", "one machine")
        self.assert_keeps("docs/a.md", "see docs/work/a, $HOME/tmp/a and example.com/home/a")


if __name__ == "__main__":
    unittest.main()
