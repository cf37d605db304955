"""The two verifiers for strangers, ready to be asked many times: verify.py here, the check of verify.html in Node."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

PAGES = Path(__file__).parents[2] / "transcripts" / "pages"


def standalone() -> ModuleType:
    """verify.py as a module."""
    spec = importlib.util.spec_from_file_location("verify_for_strangers", PAGES / "verify.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_script(
    module: ModuleType,
    bag: Path,
    key: str | None,
    *,
    tsa: Path | None = None,
    ca: Path | None = None,
    pure: bool = False,
) -> Any:
    """The report of verify.py."""
    court = module.read_vkey(key) if key else None
    check = module.Check(str(bag), court, tsa and str(tsa), ca and str(ca), lambda *_: None, None, pure)
    check.run()
    return module.report(check, False)


class Page:
    """The check of verify.html in a Node process."""

    def __init__(self) -> None:
        command = ["node", str(Path(__file__).with_name("page_in_node.mjs")), str(PAGES / "verify.html")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what: str, **how: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"ask": what, **how}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the page's check ended with an error; it is on standard error"
        return json.loads(answer)

    def bag(self, path: Path, key: str | None, *, ca: str = "", tsa: str = "", pure: bool = False) -> Any:
        return self.ask("bag", path=str(path), key=key, ca=ca, tsa=tsa, pure=pure)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)
