"""What the documentation shows, works.

Rules for pages (README.md, AGENTS.md, the packages' READMEs, docs/**/*.md):
    - Python blocks of a page run in order in one namespace, in a folder that holds only `examples`; `await` may stand
      at top level.
    - A block with `title="name"` is also written to that file, so that later commands can use it.
    - Of `console` blocks, the lines after `$ ` are commands, and what follows is what they print; `bash` blocks hold
      commands only. `...` stands for anything. A command is run if its program is in `PROGRAMS`; of the others in
      `LOOKED_AT` it is checked that what they name is there. Anything else needs a skip.
    - `text` after a python block, with `<!-- test: output -->` above it, is what that block prints.
    - `<!-- test: skip because ... -->` above a block leaves it out; the reason is for readers of the page's source.
    - json and toml blocks must parse, pycon blocks are doctests, blocks of other languages are left alone.
"""

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import json
import logging
import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from importlib.metadata import metadata
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from agent_runtime_core import config as core_config
from agent_runtime_core.registry import clear_registry
from agent_runtime_framework import config as framework_config

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "AGENTS.md", *ROOT.glob("packages/*/README.md"), *ROOT.glob("docs/**/*.md")])

PROGRAMS = {"agent-runtime", "python", "printf", "echo", "cat", "ls", "pytest"}
LOOKED_AT = {"pip", "make", "cd", "git", "export", "source"}
SECONDS = 60

SAME = {"py": "python", "sh": "bash", "shell": "bash", "zsh": "bash", "shell-session": "console"}

_OPENING = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^`\n]*)$")
_DIRECTIVE = re.compile(r"<!--\s*test:\s*(?P<what>.*?)\s*-->")
_KNOWN_DIRECTIVE = re.compile(r"|skip because \S.*|exits \d+|output")
_TITLE = re.compile(r'title="([^"]+)"')
_EXTRAS = re.compile(r"(?P<name>[A-Za-z_]+)\[(?P<extras>[\w, -]+)\]")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    title: str
    directive: str
    code: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page.name}:{self.line}"


class DocsError(AssertionError):
    """A block does not do what the page says."""

    def __init__(self, block: Block, why: str) -> None:
        super().__init__(f"{block.place}: {why}")


def blocks(page: Path, text: str) -> Iterator[Block]:
    lines = iter(enumerate(text.splitlines(), 1))
    above = ""
    for number, line in lines:
        if not (opening := _OPENING.match(line)):
            above = line if line.strip() else above
            continue
        body: list[str] = []
        for _, inside in lines:
            if inside.strip().startswith(opening["fence"]) and not inside.strip("` "):
                break
            body.append(inside)
        else:
            raise AssertionError(f"{page.name}:{number}: the block has no end")
        directive = _DIRECTIVE.search(above)
        title = _TITLE.search(opening["info"])
        language = opening["info"].strip().partition(" ")[0].strip("{.}").lower()
        code = textwrap.dedent("\n".join(body)) + "\n"
        yield Block(
            page=page,
            line=number,
            language=SAME.get(language, language),
            title=title[1] if title else "",
            directive=directive["what"] if directive else "",
            code=code,
        )
        above = ""


@dataclass
class Reader:
    """Somebody who does what one page says, in order."""

    folder: Path
    printed: str = ""
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    module: ModuleType = field(default_factory=lambda: ModuleType("docs_page"))

    def read(self, block: Block) -> None:
        if not _KNOWN_DIRECTIVE.fullmatch(block.directive):
            raise DocsError(block, f"{block.directive!r} is none of: skip because ..., exits N, output")
        if block.directive.startswith("skip"):
            return
        if block.title:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        if block.language == "text" and block.directive == "output":
            _compare(block, self.printed, block.code)
        elif do := self._doings.get(block.language):
            do(block)

    @property
    def _doings(self) -> dict[str, Callable[[Block], object]]:
        return {
            "python": self._python,
            "pycon": self._session,
            "console": self._console,
            "bash": self._script,
            "json": lambda block: json.loads(block.code),
            "toml": lambda block: tomllib.loads(block.code),
        }

    def _script(self, block: Block) -> None:
        for command in block.code.replace("\\\n", " ").splitlines():
            if command.strip() and not command.lstrip().startswith("#"):
                self._command(block, command, None)

    def _python(self, block: Block) -> None:
        # The offset makes tracebacks show the line of the page.
        source = "\n" * block.line + block.code
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                code = compile(source, str(block.page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
                self._execute(code)
            except Exception as error:
                raise DocsError(block, f"{type(error).__name__}: {error}") from error
        self.printed = out.getvalue()

    def _execute(self, code: CodeType) -> None:
        done = eval(code, self.module.__dict__)  # the code of our own pages
        if inspect.iscoroutine(done):
            self.runner.run(done)

    def _session(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(
            block.code, self.module.__dict__, block.place, str(block.page), block.line
        )
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(test, out=report.write, clear_globs=False)
        if runner.failures:
            raise DocsError(block, report.getvalue())

    def _console(self, block: Block) -> None:
        if not block.code.startswith("$ "):
            raise DocsError(block, "a console block begins with a command, after '$ '; write 'text' for mere output")
        # Each part is a command, with its continued lines, and what it prints.
        for part in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
            first = re.match(r"(?:.*\\\n)*.*\n", part)
            command = first[0] if first else part
            self._command(block, command.strip(), part[len(command) :] or None)

    def _command(self, block: Block, command: str, expected: str | None) -> None:
        programs = _programs(command)
        if unknown := programs - PROGRAMS - LOOKED_AT:
            raise DocsError(block, f"`{command}` runs {sorted(unknown)}; known are {sorted(PROGRAMS | LOOKED_AT)}")
        if programs & LOOKED_AT:
            _look_at(block, command)
            return
        ran = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        wanted = int(block.directive.removeprefix("exits ")) if block.directive.startswith("exits ") else 0
        if ran.returncode != wanted:
            raise DocsError(block, f"`{command}` exits {ran.returncode}, not {wanted}:\n{ran.stdout}")
        if expected is not None:
            _compare(block, ran.stdout, expected)

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return {"PATH": path, "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "COLUMNS": "80"}


def _programs(command: str) -> set[str]:
    """The programs of a command line; assignments before one, and what follows a redirection, are none."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.commenters = "#"
    found: set[str] = set()
    is_next = True
    for word in lexer:
        if set(word) <= set("|&;()"):
            is_next = True
        elif is_next and not re.match(r"\w+=", word):
            found.add(word)
            is_next = False
    return found


def _look_at(block: Block, command: str) -> None:
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        if missing := {word for word in words[1:] if word.isalpha()} - targets:
            raise DocsError(block, f"`{command}`: the Makefile has no target {sorted(missing)}")
    for found in _EXTRAS.finditer(command) if "pip" in words else ():
        known = {extra.lower() for extra in metadata(found["name"]).get_all("Provides-Extra") or []}
        if missing := {extra.strip() for extra in found["extras"].split(",")} - known:
            raise DocsError(block, f"`{command}`: {found['name']} has no extra {sorted(missing)}")


def _compare(block: Block, printed: str, expected: str) -> None:
    def tidy(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"

    if not doctest.OutputChecker().check_output(tidy(expected), tidy(printed), doctest.ELLIPSIS):
        raise DocsError(block, f"expected\n{tidy(expected)}\nbut it prints\n{tidy(printed)}")


@contextlib.contextmanager
def reader_in(folder: Path) -> Generator[Reader]:
    """A reader in a folder of its own, with nothing configured; what the page sets up ends with the block."""
    reader = Reader(folder)
    (folder / "examples").symlink_to(ROOT / "examples")
    with pytest.MonkeyPatch.context() as patch, _logging_as_it_was():
        for name in list(os.environ):
            if name.startswith("AGENT_RUNTIME_") or name.endswith("_API_KEY"):
                patch.delenv(name)
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        patch.setitem(sys.modules, reader.module.__name__, reader.module)
        with core_config.override_config(), framework_config.override_config(), reader.runner:
            try:
                yield reader
            finally:
                clear_registry()
                for name, module in list(sys.modules.items()):
                    if str(getattr(module, "__file__", None) or "").startswith(f"{folder}{os.sep}"):
                        del sys.modules[name]


@contextlib.contextmanager
def _logging_as_it_was() -> Generator[None]:
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    try:
        yield
    finally:
        logger.handlers[:] = handlers
        logger.setLevel(level)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_does_what_it_says(page: Path, tmp_path: Path):
    with reader_in(tmp_path) as reader:
        for block in blocks(page, page.read_text(encoding="utf-8")):
            reader.read(block)


def test_docstrings_do_what_they_say():
    sources = [path for path in ROOT.glob("packages/*/src/**/*.py") if ">>> " in path.read_text(encoding="utf-8")]
    finder, runner, report = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), io.StringIO()
    for source in sources:
        name = ".".join(source.relative_to(next(p for p in source.parents if p.name == "src")).with_suffix("").parts)
        module = __import__(name.removesuffix(".__init__"), fromlist=["*"])
        for test in finder.find(module):
            runner.run(test, out=report.write)

    assert sources
    assert runner.failures == 0, report.getvalue()


GOOD = {
    "await at top level": "```python\nimport asyncio\nassert await asyncio.sleep(0, 1)\n```",
    "what is printed": "```python\nprint(1)\n```\n<!-- test: output -->\n```text\n1\n```",
    "one namespace": "```python\nx = 1\n```\ntext\n```python\nassert x == 1\n```",
    "examples are at hand": "```console\n$ ls -d examples\nexamples\n```",
    "own event loop": "```python\nimport asyncio\nasync def f(): ...\nasyncio.run(f())\n```\n```python\nawait f()\n```",
    "dataclasses find their module": (
        "```python\nfrom __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass A:\n    x: int\nimport typing\nassert typing.get_type_hints(A) == {'x': int}\n```"
    ),
    "indented": "- item\n\n    ```python\n    x = 1\n    ```",
    "files": '```python title="my.py"\nprint("hi")\n```\n```console\n$ python my.py\nhi\n```',
    "files can be imported": '```python title="mine.py"\nx = 1\n```\n```python\nimport mine\nassert mine.x\n```',
    "output may be cut": "```console\n$ echo one two three\none ... three\n$ printf 'a\\nb\\n' | cat\na\nb\n```",
    "exit codes": "<!-- test: exits 3 -->\n```bash\nX=1 python -c 'raise SystemExit(3)'\n```",
    "extras": "```bash\npip install agent_runtime_framework[dev]  # for tests\nmake test\n```",
    "long commands": "```console\n$ echo one \\\n    two\none two\n```",
    "skipping": "<!-- test: skip because it needs a key -->\n```python\nraise SystemError\n```",
    "sessions": "```pycon\n>>> 1 + 1\n2\n```",
    "other languages": "```mermaid\ngraph\n```\n```json\n{}\n```\n```\nplain\n```",
}
BAD = {
    "python that fails": ("```python\n\n1 / 0\n```", "page.md:1: ZeroDivisionError"),
    "python that is none": ("```python\nfor\n```", "SyntaxError"),
    "an unreasoned skip": ("<!-- test: skip -->\n```python\n```", "'skip' is none of"),
    "wrong output": ("```console\n$ echo a\nb\n```", "it prints"),
    "wrong print": ("```python\nprint(1)\n```\n<!-- test: output -->\n```text\n2\n```", "it prints"),
    "a failing command": ("```console\n$ python -c 'raise SystemExit(3)'\n```", "exits 3, not 0"),
    "a failing pipe": ("```console\n$ python -c 'raise SystemExit(3)' | cat\n```", "exits 3, not 0"),
    "an unknown command": ("```bash\nls | rm -rf x\n```", r"runs \['rm'\]"),
    "an unknown extra": ("```bash\npip install 'agent_runtime_framework[nope]'\n```", r"no extra \['nope'\]"),
    "an unknown target": ("```bash\nmake nope\n```", r"no target \['nope'\]"),
    "a wrong session": ("```pycon\n>>> 1 + 1\n3\n```", "Expected"),
    "a console without command": ("```console\na\n```", "begins with a command"),
    "no end": ("```python\n", "has no end"),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=list(GOOD))
def test_a_good_page_passes(text: str, tmp_path: Path):
    with reader_in(tmp_path) as reader:
        for block in blocks(Path("page.md"), text):
            reader.read(block)


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=list(BAD))
def test_a_bad_page_fails_and_says_where(text: str, said: str, tmp_path: Path):
    def read() -> None:
        with reader_in(tmp_path) as reader:
            for block in blocks(Path("page.md"), text):
                reader.read(block)

    with pytest.raises(AssertionError, match=rf"page\.md:\d+: [\s\S]*{said}" if "page.md" not in said else said):
        read()
