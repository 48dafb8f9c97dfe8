"""The checks catch what they are for, and let pass what is right."""

from __future__ import annotations

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_co_await  # noqa: E402
import check_layers  # noqa: E402
import check_source  # noqa: E402
import check_tests  # noqa: E402
import sources  # noqa: E402

P = pathlib.PurePosixPath


class Layers(unittest.TestCase):
    graph = check_layers.Graph("base router/base | absl/\nwire router/wire base | \n"
                               "session router/session wire | sys/\n")

    def test_edges(self) -> None:
        self.assertIsNone(self.graph.fault("wire", "router/base/a.h", None))
        self.assertIsNone(self.graph.fault("wire", "router/wire/b.h", None))
        self.assertIn("may not include layer 'session'",
                      self.graph.fault("wire", "router/session/a.h", None))
        # not through another layer
        self.assertIn("layer 'base'", self.graph.fault("session", "router/base/a.h", None))
        self.assertIn("no layer", self.graph.fault("wire", "tests/x.h", None))
        self.assertIn("from the root", self.graph.fault("wire", "a.h", None))

    def test_outside(self) -> None:
        self.assertIsNone(self.graph.fault("wire", None, "vector"))
        self.assertIsNone(self.graph.fault("base", None, "absl/x.h"))
        self.assertIn("<absl/x.h>", self.graph.fault("wire", None, "absl/x.h"))
        self.assertIn("<sys/epoll.h>", self.graph.fault("base", None, "sys/epoll.h"))

    def test_owner_is_the_deepest(self) -> None:
        graph = check_layers.Graph("router router |\nbase router/base |\n")
        self.assertEqual(graph.owner("router/base"), "base")
        self.assertEqual(graph.owner("router/basement"), "router")
        self.assertIsNone(graph.owner("bench"))


class CoAwait(unittest.TestCase):
    def bad(self, text: str) -> list[int]:
        return [line for line, _ in check_co_await.faults(text)]

    def test_bad_shapes(self) -> None:
        self.assertEqual(self.bad("co_await Run(Query{1, 2});"), [1])
        self.assertEqual(self.bad("\nco_await Run([&] { return 1; });"), [2])
        self.assertEqual(self.bad("co_await Run([x](int) mutable { return x; });"), [1])
        self.assertEqual(self.bad("auto f = [this]() -> Task<void> { co_return; };"), [1])
        self.assertEqual(self.bad("co_spawn(io, F(), asio::detached); co_return;"), [1])

    def test_good_shapes(self) -> None:
        for text in ("Query q{1, 2}; co_await Run(std::move(q));",
                     "if (co_await Send(x)) {\n  y = {1};\n}",
                     "co_await Run(Query{});",
                     "co_await Run([](int) { return 1; });",
                     "// co_await Run(Query{1})\n",
                     'x = "co_await Run(Query{1})";',
                     "Task<void> F() { co_return; }"):
            self.assertEqual(self.bad(text), [], text)


class Source(unittest.TestCase):
    def bad(self, path: str, text: str, allowed: bool = False) -> list[str]:
        return [why for _, why in check_source.faults(P(path), text, allowed)]

    def test_size(self) -> None:
        self.assertTrue(self.bad("router/net/a.cc", "\n" * 601))
        self.assertFalse(self.bad("router/net/a.cc", "\n" * 600))
        self.assertFalse(self.bad("router/net/a.cc", "\n" * 601, True))
        self.assertTrue(self.bad("router/net/a.cc", "\n", True))

    def test_names_and_words(self) -> None:
        self.assertTrue(self.bad("router/net/string_utils.cc", ""))
        self.assertTrue(self.bad("router/net/session_manager.cc", ""))
        self.assertFalse(self.bad("router/net/simple.cc", ""))
        self.assertTrue(self.bad("router/net/a.cc", "// TO" + "DO: later\n"))

    def test_headers(self) -> None:
        self.assertTrue(self.bad("router/net/a.h", "// A thing.\n"))
        self.assertTrue(self.bad("router/net/a.h", "#pragma once\n"))
        self.assertFalse(self.bad("router/net/a.h", "// A thing.\n#pragma once\n"))

    def test_pure_layers(self) -> None:
        for text in ("absl::Now()", "std::chrono::steady_clock::now()", "log::Info(1)", "printf (x)",
                     "x = time(nullptr);"):
            self.assertTrue(self.bad("router/plan/a.cc", text), text)
            self.assertFalse(self.bad("router/net/a.cc", text), text)
        self.assertFalse(self.bad("router/plan/a.cc", "// absl::Now()\nsnprintf(x); start_time(0);"))

    def test_abseil_traps(self) -> None:
        self.assertTrue(self.bad("router/net/a.h", "// x\n#pragma once\nabsl::string_view x;"))
        self.assertTrue(self.bad("router/net/a.cc", "absl::Mutex m;"))


class Tests(unittest.TestCase):
    def test_every_source_has_one(self) -> None:
        a, header = "router/net/a.cc", '#include "router/net/b.h"\n'
        test = "tests/unit/router/net/a_test.cc"
        self.assertTrue(check_tests.faults({a: ""}, {}))
        self.assertFalse(check_tests.faults({a: "", test: ""}, {}))
        self.assertTrue(check_tests.faults({a: header, "router/net/c.cc": header}, {}))
        self.assertFalse(check_tests.faults({a: header, "tests/unit/x_test.cc": header}, {}))
        self.assertFalse(check_tests.faults({a: ""}, {"router/net/a.cc": "x"}))
        self.assertFalse(check_tests.faults({a: ""}, {"router/*/a.cc": "x"}))
        self.assertTrue(check_tests.faults({a: "", test: ""}, {"router/net/a.cc": "x"}))
        self.assertTrue(check_tests.faults({}, {"router/net/a.cc": "x"}))
        self.assertFalse(check_tests.faults({"router/main.cc": "", "bench/x.cc": ""}, {}))


class Reading(unittest.TestCase):
    def test_comments_and_literals_are_blanked(self) -> None:
        text = 'a /* b\n */ c // d\n"e\\"f" \'g\' R"x(h\n)x" 1\'000 i'
        self.assertEqual(sources.without_comments(text), 'a \n c \n"" \'\' ""\n 1\'000 i')

    def test_a_list_entry_needs_a_reason(self) -> None:
        with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
            file.write("# comment\n\na.cc because\nb.cc\n")
            file.flush()
            with self.assertRaises(SystemExit):
                sources.read_list(pathlib.Path(file.name))


if __name__ == "__main__":
    unittest.main()
