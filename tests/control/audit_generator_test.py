#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""control/dishctl/generate_audit.py: where a tag may stand, what it shows then, and what is complained about.

usage: audit_generator_test.py GENERATOR
The tags in here are put together, so that they are none of this project's own claims.
"""
import importlib.util
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SPEC = importlib.util.spec_from_file_location("generate_audit", sys.argv.pop())
generate_audit = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(generate_audit)


def tag(words):
    return f"[REC-{words}]"


def scan(**files):
    """Of tests in files; `vectors_cc` is tests/vectors.cc."""
    with tempfile.TemporaryDirectory(prefix="dw-audit-") as directory:
        root = pathlib.Path(directory, "tests")
        root.mkdir()
        (root / "meson.build").write_text("x('vectors.cc', 'a.cc')", encoding="utf-8")
        for name, text in files.items():
            (root / name.replace("_cc", ".cc").replace("_py", ".py")).write_text(text, encoding="utf-8")
        return generate_audit.Scan(root)


def data(count, **fields):
    entries = [{"number": number, "title": f"title {number}"} for number in range(1, count + 1)]
    entries[0].update(fields)
    return {"recommendations": entries}


class Cpp(unittest.TestCase):
    def test_a_vectors_claim(self):
        found = scan(vectors_cc=f'all.push_back({{"R1", "dropped {tag(1)}",\n {{in_drop("ff02::1")}}}});')
        self.assertEqual(found.shown, [(1, False, "R1: dropped")])
        self.assertEqual(found.problems, [])

    def test_a_claim_in_pieces(self):
        text = f'push({{"R2", std::string("source ") + bogon + " is forbidden {tag(3)}", {{x}}}});'
        found = scan(vectors_cc=text)
        self.assertEqual(found.shown, [(3, False, "R2: source ... is forbidden")])
        found = scan(vectors_cc=f'push({{"R2", "a long "\n     "claim {tag(3)}", {{x}}}});')
        self.assertEqual(found.shown, [(3, False, "R2: a long claim")])

    def test_several_numbers_and_options(self):
        found = scan(vectors_cc=f'push({{"R23", "x {tag("11, REC-17")} {tag("33 by option")}", {{x}}}});')
        self.assertEqual(found.shown, [(11, False, "R23: x"), (17, False, "R23: x"), (33, True, "R23: x")])

    def test_the_next_vector_is_another_one(self):
        found = scan(vectors_cc=f'push({{"R1", "a", {{in("b")}}}});\npush({{"R2", "c {tag(2)}", {{x}}}});')
        self.assertEqual(found.shown, [(2, False, "R2: c")])

    def test_a_case_by_the_comment_above_it(self):
        found = scan(a_cc=f"TEST(A, First) {{}}\n\n// Why. {tag(5)}\n// More.\nTEST_F(A, Second) {{}}\n")
        self.assertEqual(found.shown, [(5, False, "A.Second")])

    def test_a_case_by_a_comment_or_a_string_in_it(self):
        found = scan(a_cc=f'TEST(A, First) {{\n  // {tag(5)}\n  run("{tag(6)}");\n}}\nTEST(A, Second) {{}}\n')
        self.assertEqual(found.shown, [(5, False, "A.First"), (6, False, "A.First")])
        self.assertEqual(found.names, {"A.First", "A.Second"})

    def test_quotes_of_other_kinds(self):
        found = scan(a_cc=f"TEST(A, B) {{ f('\"', 65'536, R\"(\" [REC )\"); /* {tag(7)} */ }}\n")
        self.assertEqual(found.shown, [(7, False, "A.B")])
        self.assertEqual(found.problems, [])


class Python(unittest.TestCase):
    def test_a_docstring_and_a_string(self):
        found = scan(test_x_py=f'class C:\n  def test_a(self):\n    """Why. {tag(1)}"""\n    f("{tag(2)}")\n')
        self.assertEqual(found.shown, [(1, False, "test_x.C.test_a"), (2, False, "test_x.C.test_a")])

    def test_a_table_of_claims(self):
        found = scan(test_x_py=f'TABLE = [("a claim {tag(1)}", 1)]\n')
        self.assertEqual(found.shown, [(1, False, "test_x: a claim")])

    def test_a_comment_belongs_to_nothing(self):
        found = scan(test_x_py=f"# {tag(1)}\n")
        self.assertEqual(found.problems, ["tests/test_x.py: a tag stands where it belongs to no test"])


class Complaints(unittest.TestCase):
    def complaints(self, entries, text):
        return list(generate_audit.problems_of(entries, scan(a_cc=text)))

    def test_nothing_when_all_is_shown(self):
        self.assertEqual(self.complaints(data(1), f"TEST(A, B) {{ // {tag(1)}\n}}"), [])
        self.assertEqual(self.complaints(data(1, not_applicable="why", see=["A.B"]), "TEST(A, B) {}"), [])

    def test_not_met(self):
        self.assertEqual(self.complaints(data(1), ""), ["REC-1 (title 1) is not met: no test shows it"])

    def test_not_applicable_and_shown(self):
        self.assertEqual(self.complaints(data(1, not_applicable="why"), f"TEST(A, B) {{ // {tag(1)}\n}}"),
                         ["REC-1 (title 1) is said not to apply, but is shown by A.B"])

    def test_a_test_that_is_gone(self):
        self.assertEqual(self.complaints(data(1, not_applicable="why", see=["A.C"]), "TEST(A, B) {}"),
                         ["REC-1 (title 1) names a test that is gone: A.C"])

    def test_a_number_that_is_none(self):
        self.assertIn("A.B: there is no REC-2", self.complaints(data(1), f"TEST(A, B) {{ // {tag(2)}\n}}"))

    def test_a_file_that_is_not_run(self):
        for name in ("b_cc", "demo_py"):
            found = scan(**{name: f"TEST(A, B) {{ // {tag(1)}\n}}" if name == "b_cc" else f'X = "{tag(1)}"'})
            self.assertEqual(found.shown, [])
            self.assertIn("has tags, but is not run", found.problems[0])

    def test_a_tag_that_is_misspelt(self):
        said = self.complaints(data(1), f"TEST(A, B) {{ // {tag('1 by options')}\n}}")
        self.assertIn("tests/a.cc: a tag is written", said[0])


class Table(unittest.TestCase):
    def rows(self, text, entries=None):
        rows = generate_audit.table(entries or data(1), scan(a_cc=text))
        return [(status, tests) for _, status, tests in rows]

    def test_an_option_counts_only_alone(self):
        by_option = f"TEST(A, B) {{ // {tag('1 by option')}\n}}\n"
        self.assertEqual(self.rows(by_option), [("met_by_option", ["A.B"])])
        self.assertEqual(self.rows(by_option + f"TEST(A, C) {{ // {tag(1)}\n}}"), [("met", ["A.C"])])

    def test_what_no_test_shows(self):
        self.assertEqual(self.rows(""), [("not_met", [])])
        self.assertEqual(self.rows("", data(1, not_applicable="why")), [("not_applicable", [])])

    def test_cpp_quotes_what_it_is_given(self):
        found = scan(a_cc=f"TEST(A, B) {{ // {tag(1)}\n}}")
        text = generate_audit.as_cpp(data(1, title='a "quoted" \\ title'), found)
        self.assertIn('constexpr const char* kTests1[] = {"A.B"};', text)
        self.assertIn('{1, "a \\"quoted\\" \\\\ title", AuditStatus::met, "", kTests1},', text)


if __name__ == "__main__":
    unittest.main()
