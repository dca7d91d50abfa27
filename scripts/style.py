#!/usr/bin/python3
"""The rules of this tree that a program can see; called by scripts/check.

Each rule is a function that yields (file, line, what is wrong). Every file
that git would commit is looked at, committed or not.
"""

import os
import re
import subprocess
import sys

MODULE = "ngx_realtime_module/"
SHIPPED = (MODULE, "web/src/", "sandbox/")
GENERATED = ("package-lock.json",)
TEXT = (
    ".c", ".h", ".py", ".pl", ".pm", ".t", ".md", ".sh", ".conf", ".json", ".yml",
    ".ts", ".tsx", ".js", ".mjs", ".css", ".html", ".dict", "config", "LICENSE",
)
CODE = (".c", ".h", ".py", ".pl", ".pm", ".t", ".ts", ".tsx", ".js", ".mjs", ".css")
MAX_LINES = 600

# written so that this file does not match itself
MACHINE = re.compile(
    r"(^|[^A-Za-z])/wor[k]/|/studi[o]|[.][.]/share[d]"
    r"|//(deb|registry|proxy|api|security)[.][a-z]+[.]org"
)
OPEN_ENDS = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b|not implemente[d]|\bstu[b]")


class Tree:
    """The files, each read once."""

    def __init__(self):
        names = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            check=True, capture_output=True, text=True,
        ).stdout.split("\0")
        self.names = [n for n in sorted(set(names)) if n and os.path.isfile(n)]
        self.cache = {}

    def read(self, name):
        if name not in self.cache:
            with open(name, "rb") as f:
                self.cache[name] = f.read().decode("utf-8", "surrogateescape")
        return self.cache[name]

    def lines(self, name):
        return enumerate(self.read(name).splitlines(), 1)

    def is_text(self, name):
        if name.startswith("t/fuzz/corpus") or name.endswith(GENERATED):
            return False
        return name.endswith(TEXT) or self.is_script(name)

    def is_script(self, name):
        return self.read(name).startswith("#!")

    def c_files(self):
        return [n for n in self.names if n.endswith((".c", ".h"))]

    def documents(self):
        return [n for n in self.names if n.endswith(".md")]


def blanks_and_lengths(tree):
    for name in filter(tree.is_text, tree.names):
        text = tree.read(name)
        limit = 80 if name.endswith((".c", ".h")) else 120
        fenced = False

        if text and not text.endswith("\n"):
            yield name, text.count("\n") + 1, "no line end at the end of the file"
        if text.endswith("\n\n"):
            yield name, text.count("\n"), "blank lines at the end of the file"

        for n, line in tree.lines(name):
            if line.rstrip() != line:
                yield name, n, "blanks at the end of the line"
            if "\t" in line and name != "debian/rules":
                yield name, n, "tab"
            if line.startswith("```"):
                fenced = not fenced
            if len(line) > limit and not is_unbreakable(name, line, fenced):
                yield name, n, f"{len(line)} characters, at most {limit}"


def is_unbreakable(name, line, fenced):
    """A table's row, an example's line, a string of JSON, a long word (a token)."""
    if name.endswith(".md") and (fenced or line.lstrip().startswith("|")):
        return True
    if name.endswith(".json"):
        return True
    return not name.endswith((".c", ".h")) and max(map(len, line.split())) > 80


def file_lengths(tree):
    for name in tree.names:
        if name.endswith(CODE) or tree.is_script(name):
            n = tree.read(name).count("\n")
            if n > MAX_LINES:
                yield name, n, f"{n} lines, at most {MAX_LINES}: does it hold two ideas?"


def without_comments(text):
    """C with comments and literals blanked, line for line."""
    def blank(m):
        s = m.group(0)
        return s[0] + re.sub(r"[^\n]", " ", s[1:-1]) + s[-1] if s[0] in "\"'" \
            else re.sub(r"[^\n]", " ", s)

    return re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text,
                  flags=re.S)


C_RULES = [
    (re.compile(r"//"), "a // comment"),
    (re.compile(r"\b(if|for|while|switch)\("), "no blank before the parenthesis"),
    (re.compile(r"\)\{"), "no blank before the brace"),
    (re.compile(r"\bfor\s*\(;;\)"), "write for ( ;; )"),
    (re.compile(r"^\s*else\b"), "else follows its closing brace"),
    (re.compile(r"\bNULL\s*[!=]=|\b0\s*=="), "the constant goes to the right"),
    (re.compile(r"^(?:static |extern )?[a-z_][\w ]*[ *]\w+\([^;]*\)\s*\{?$"),
     "the name of a function begins its line"),
    (re.compile(r"^\w+\(.*\)\s*\{$"), "the brace of a function has its own line"),
]


def c_style(tree):
    for name in tree.c_files():
        code = without_comments(tree.read(name)).splitlines()
        for n, line in enumerate(code, 1):
            if line.startswith("#"):
                continue
            for pattern, what in C_RULES:
                if pattern.search(line):
                    yield name, n, what
            if line == "}":
                yield from after_function(name, n, code)


def after_function(name, n, code):
    rest = code[n:]
    blank = next((i for i, s in enumerate(rest) if s.strip()), None)
    if blank is None or rest[blank].startswith("#"):
        return
    # a comment before the next function is blank in `code`: look at both
    raw = open(name, encoding="utf-8", errors="replace").read().splitlines()[n:]
    blank = next(i for i, s in enumerate(raw) if s.strip())
    if blank != 2:
        yield name, n, f"{blank} blank lines after a function, two belong there"


def headers(tree):
    for name in tree.c_files():
        base = os.path.basename(name)
        text = tree.read(name)

        if name.startswith(MODULE) and name.endswith(".h"):
            guard = "_" + re.sub(r"\W", "_", base).upper() + "_INCLUDED_"
            if f"#ifndef {guard}\n#define {guard}\n" not in text:
                yield name, 1, f"the header guard is {guard}"

        # nginx's own headers choose what the system's declare (_GNU_SOURCE)
        first = re.search(r'^#include ([<"]\w+)', text, re.M)
        if base.startswith("ngx_") and first and not first.group(1)[1:].startswith("ngx_"):
            yield name, 1, "a system header is included before nginx's"

        if base.startswith("rt_"):
            for n, line in tree.lines(name):
                if re.match(r'\s*#\s*include\s*[<"]ngx_', line):
                    yield name, n, "rt_* is pure C: no nginx header"


def names_of_the_machine(tree):
    for name in tree.names:
        if name.endswith("package-lock.json"):
            if re.search(r'"resolved": *"https?://', tree.read(name)):
                yield name, 1, "download addresses (npm's omit-lockfile-registry-resolved)"
            continue
        for n, line in tree.lines(name):
            if MACHINE.search(line):
                yield name, n, "names a machine's path or a registry's host"


def open_ends(tree):
    for name in tree.names:
        if name.startswith(SHIPPED) and not name.endswith(GENERATED):
            for n, line in tree.lines(name):
                if OPEN_ENDS.search(line):
                    yield name, n, "something is left open here"


def anchors(text):
    for heading in re.findall(r"^#+\s+(.*)$", text, re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        yield slug
    yield from re.findall(r'<a (?:id|name)="([^"]+)"', text)


def links(tree):
    for name in tree.documents():
        fenced = False
        for n, line in tree.lines(name):
            if line.startswith("```"):
                fenced = not fenced
            if fenced:
                continue
            for link in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = name if not path else os.path.normpath(
                    os.path.join(os.path.dirname(name), path))
                if not os.path.exists(target):
                    yield name, n, f"dead link {link}"
                elif anchor and target.endswith(".md") \
                        and anchor not in anchors(tree.read(target)):
                    yield name, n, f"dead link {link}: no such heading"


def tables(tree, kind):
    """(file, line, name) of each entry in the module's tables of one kind."""
    for name in tree.c_files():
        if not name.startswith(MODULE):
            continue
        table = None
        for n, line in tree.lines(name):
            m = re.match(r"(?:static )?(ngx_\w+_t)\s+\w+\[\] = \{", line)
            if m:
                table = m.group(1)
            elif line.startswith("};"):
                table = None
            elif table == kind:
                entry = re.match(r'\s*\{ ngx_string\("(\w+)"\)', line)
                if entry:
                    yield name, n, entry.group(1)


def documented(tree):
    """docs/directives.md describes each directive in one form, and names each variable."""
    page = "docs/directives.md"
    text = tree.read(page) if page in tree.names else ""
    sections = {s.partition("\n")[0]: s for s in re.split(r"^#+ ", text, flags=re.M)}
    known = set()

    for name, n, word in tables(tree, "ngx_command_t"):
        known.add(word)
        section = next((s for h, s in sections.items() if re.search(rf"\b{word}\b", h)), None)
        if section is None:
            yield name, n, f"{word} has no heading in {page}"
            continue
        for row in ("Syntax", "Default", "Context"):
            if f"| {row} |" not in section:
                yield page, 1, f"{word} has no {row}"
        if not re.search(rf"^```nginx$[^`]*\b{word}\b", section, re.M):
            yield page, 1, f"{word} has no example"
    for name, n, word in tables(tree, "ngx_http_variable_t"):
        if f"${word}" not in text:
            yield name, n, f"${word} is not in {page}"
    for word in re.findall(r"\brealtime_\w+", " ".join(sections)):
        if word not in known:
            yield page, 1, f"{word} is no directive of the module"


def built(tree):
    """config names each file, or a changed header is not compiled again."""
    text = tree.read("config") if "config" in tree.names else ""
    for name in tree.c_files():
        if name.startswith(MODULE) and os.path.basename(name) not in text:
            yield name, 1, "not named in config"


def error_codes(tree):
    """docs/http-api.md has each code that an error body can carry."""
    page = "docs/http-api.md"
    text = tree.read(page) if page in tree.names else ""
    for name in tree.c_files():
        for n, line in tree.lines(name):
            m = re.match(r'\s*\{ \d{3}, ngx_string\("(\w+)"\)', line)
            if m and f"`{m.group(1)}`" not in text:
                yield name, n, f"the error code {m.group(1)} is not in {page}"


def tests_named(tree):
    """A document that names tests (t/x.t 1, 3 to 5; t/unit/y.c) names those that are there."""
    for name in tree.documents():
        for n, line in tree.lines(name):
            for path, numbers in re.findall(r"\b(t/[\w/.]*\w)((?:,? (?:to )?\d+\b)*)", line):
                if not os.path.exists(path):
                    yield name, n, f"there is no {path}"
                    continue
                have = re.findall(r"^=== TEST (\d+):", tree.read(path), re.M) if numbers else []
                for number in re.findall(r"\d+", numbers):
                    if number not in have:
                        yield name, n, f"{path} has no test {number}"


RULES = [
    blanks_and_lengths, file_lengths, c_style, headers, names_of_the_machine,
    open_ends, links, documented, built, error_codes, tests_named,
]


def main():
    tree = Tree()
    found = 0

    for rule in RULES:
        for name, line, what in rule(tree):
            print(f"{name}:{line}: {what}")
            found += 1

    print(f"style: {len(tree.names)} files, {found} findings")
    return found > 0


if __name__ == "__main__":
    sys.exit(main())
