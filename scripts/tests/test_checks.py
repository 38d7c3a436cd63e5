#!/usr/bin/env python3
"""Tests the rules of scripts/checks that can be wrong without anybody noticing: a check that never fails is none."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "checks"))

import layers
import tidy


class LayerArrows(unittest.TestCase):
    def assert_allowed(self, path, include):
        self.assertEqual(layers.findings(path, f"#include {include}\n"), [])

    def assert_refused(self, path, include):
        found = layers.findings(path, f"// first line\n#  include {include}\n")
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith(f"{path}:2: "), found[0])

    def test_arrows_that_go_down_are_allowed(self):
        self.assert_allowed("host/src/host.cpp", '"bulkhead/transport/ring.hpp"')
        self.assert_allowed("host/cli/main.cpp", '"bulkhead/host/host.hpp"')
        self.assert_allowed("worker/src/main.cpp", '"bulkhead/transport/ring.hpp"')
        self.assert_allowed("worker/src/main.cpp", '"bulkhead/plugin/plugin.h"')
        self.assert_allowed("tests/laws/test_restart.cpp", '"bulkhead/host/host.hpp"')
        self.assert_allowed("tests/laws/test_restart.cpp", '"../../host/src/lane.hpp"')
        self.assert_allowed("host/transport/src/ring.cpp", "<vector>")

    def test_transport_includes_nothing_of_ours_but_its_own(self):
        self.assert_allowed("host/transport/src/ring.cpp", '"bulkhead/transport/ring.hpp"')
        self.assert_refused("host/transport/src/ring.cpp", '"bulkhead/host/host.hpp"')
        self.assert_refused("host/transport/src/ring.cpp", '"bulkhead/plugin/plugin.h"')

    def test_the_host_does_not_know_the_plugin_sdk(self):
        self.assert_refused("host/src/host.cpp", "<bulkhead/plugin/plugin.h>")

    def test_the_worker_does_not_know_the_host(self):
        self.assert_refused("worker/src/main.cpp", '"bulkhead/host/host.hpp"')

    def test_the_plugin_sdk_includes_nothing_of_ours_but_its_own(self):
        self.assert_refused("plugin-sdk/include/bulkhead/plugin/call.hpp", '"bulkhead/transport/ring.hpp"')
        self.assert_refused("plugin-sdk/examples/checksum/plugin.c", '"bulkhead/host/host.hpp"')
        self.assert_refused("plugin-sdk/examples/checksum/plugin.c", '"bulkhead/transport/layout.hpp"')

    def test_only_the_plugin_that_attacks_the_channel_knows_its_layout(self):
        self.assert_allowed("plugin-sdk/examples/faulty/liar.cpp", '"bulkhead/transport/layout.hpp"')
        self.assert_refused("plugin-sdk/examples/faulty/liar.cpp", '"bulkhead/host/host.hpp"')

    def test_the_test_of_an_example_plugin_is_a_server(self):
        self.assert_allowed("plugin-sdk/examples/checksum/test_checksum.cpp", '"bulkhead/host/host.hpp"')

    def test_a_relative_path_is_no_way_around(self):
        self.assert_refused("worker/src/main.cpp", '"../../host/src/lane.hpp"')
        self.assert_refused("host/transport/src/ring.cpp", '"../../src/lane.hpp"')

    def test_public_headers_of_no_layer_are_refused(self):
        self.assert_refused("host/src/host.cpp", '"bulkhead/utils/strings.hpp"')

    def test_a_source_outside_the_layers_is_refused(self):
        self.assertEqual(len(layers.findings("stray/main.cpp", "")), 1)


class TranslationUnitsForClangTidy(unittest.TestCase):
    SOURCES = {
        "host/src/lane.cpp": '#include "lane.hpp"\n',
        "host/src/host.cpp": '#include "bulkhead/host/host.hpp"\n#include "lane.hpp"\n',
        "host/src/other.cpp": '#include "other_lane.hpp"\n',
    }

    def units(self, files):
        return tidy.translation_units(files, self.SOURCES)

    def test_a_changed_source_is_examined_itself(self):
        self.assertEqual(self.units(["host/src/host.cpp"]), ["host/src/host.cpp"])

    def test_a_changed_header_is_examined_through_its_own_source(self):
        self.assertEqual(self.units(["host/src/lane.hpp"]), ["host/src/lane.cpp"])

    def test_a_changed_header_without_a_source_is_examined_through_one_that_includes_it(self):
        self.assertEqual(self.units(["host/include/bulkhead/host/host.hpp"]), ["host/src/host.cpp"])

    def test_a_header_that_nobody_includes_is_left_to_the_header_check(self):
        self.assertEqual(self.units(["host/src/unused.hpp"]), [])


class FindingsOfClangTidy(unittest.TestCase):
    OWN = "/checkout/host/src/lane.cpp:3:5: error: use after move [bugprone-use-after-move]\n  a;\n  ^\n"
    FOREIGN = "/usr/include/boost/any.hpp:9:1: error: null [clang-analyzer-core]\n/checkout/a.cpp:1:1: note: here\n"

    def test_a_finding_in_the_checkout_counts_with_its_notes(self):
        self.assertEqual(tidy.own_findings(self.OWN, "/checkout"), self.OWN)
        self.assertEqual(tidy.own_findings(self.FOREIGN + self.OWN, "/checkout"), self.OWN)

    def test_a_finding_inside_a_library_does_not(self):
        self.assertEqual(tidy.own_findings(self.FOREIGN, "/checkout"), "")

    def test_a_failure_of_clang_tidy_itself_is_not_swallowed(self):
        self.assertEqual(tidy.own_findings("Segmentation fault\n", "/checkout"), "Segmentation fault\n")


if __name__ == "__main__":
    unittest.main()
