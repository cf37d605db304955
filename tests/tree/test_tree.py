"""Sentences about the tree itself: what the documents promise, the code has, and the other way round."""

import ast
import re
import subprocess
import tomllib
import typing
from pathlib import Path

import pytest

from hearing_server import config
from hearing_server.app import running
from hearing_server.http.routes import Site, application
from signaling import frames

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hearing_server", "signaling", "media", "recording", "transcripts")
TEXT = {".py", ".ts", ".tsx", ".css", ".html", ".js", ".json", ".md", ".toml", ".txt", ".lock", ".yml", ".yaml", ""}
DOCUMENTS = ("README.md", "README.zh.md", "ARCHITECTURE.md", "CHANGELOG.md")


def tracked():
    """Files of the repository as git knows them, new ones included, that are in the working tree."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def texts():
    """Every text file of the repository: path below the root -> what is in it."""
    found = {}
    for path in tracked():
        if path.suffix in TEXT and ROOT / "tests" / "corpus" not in path.parents:  # exports: content may be any bytes
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    assert len(found) > 100
    return found


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


# -- what no file says ------------------------------------------------------------------------------------------------
def test_no_file_names_the_host_of_a_package_registry(texts):
    hosts = [
        ".".join(parts)
        for parts in (
            ("pypi", "org"),
            ("files", "pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("registry", "npmmirror", "com"),
            ("deb", "debian", "org"),
            ("ftp", "debian", "org"),
            ("security", "debian", "org"),
            ("proxy", "golang", "org"),
        )
    ]
    assert [(name, host) for name, text in texts.items() for host in hosts if host in text] == []


def test_lock_files_hold_no_address():
    for name in ("requirements.lock", "requirements-dev.lock", "web_client/package-lock.json"):
        assert re.findall(r"https?://\S+|\"resolved\":", read(name)) == [], name


def test_no_file_names_a_directory_of_one_machine(texts):
    """Nobody's home, and no scratch directory outside the tests and their tools."""
    places = ["/" + name + "/" for name in ("work", "root", "home")]
    shipped = {name: text for name, text in texts.items() if not name.startswith("tests/")}
    everywhere = [
        (name, place) for name, text in texts.items() for place in places if re.search(rf"(?<![\w.]){place}", text)
    ]
    scratch = [name for name, text in shipped.items() if re.search(r"(?<![\w.])/" + "tmp/", text)]
    assert everywhere == []
    assert scratch == []


def test_no_unfinished_marks_are_left(texts):
    mark = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
    locks = ("requirements.lock", "requirements-dev.lock", "web_client/package-lock.json")
    assert [name for name, text in texts.items() if name not in locks and mark.search(text)] == []


# -- what documents say of the code -----------------------------------------------------------------------------------
def test_every_setting_is_documented_with_its_default():
    page = read("docs/operating.md").partition("\n## Configuration")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z_]+(?:\.[a-z_]+)+)` \| (.+?) \|", page, re.MULTILINE))
    settings = dict(_flat(tomllib.loads(config.default_text())))
    assert set(rows) == set(settings)
    for key, value in settings.items():
        shown = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else value
        written = "empty" if shown == "" else f"`{shown}`".replace("'", '"')
        assert rows[key] == written, key


def _flat(tree, before=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, value


async def test_every_route_is_documented(tmp_path):
    page = read("docs/http-api.md")
    chosen = config.load(None, data={"directory": str(tmp_path)}, media={"enabled": False}, http={"port": 0})
    async with running(chosen, serve=False) as node:
        app = application(_site(node, tmp_path))
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    assert len(routes) > 15
    missing = [
        f"{method} {path}"
        for method, path in sorted(routes)
        if not (method == "HEAD" and ("GET", path) in routes) and f"`{method} {path}`" not in page
    ]
    assert missing == []


def _site(node, directory):
    from hearing_server.http.board import Board
    from hearing_server.http.desk import Desk
    from hearing_server.http.door import Door
    from hearing_server.http.files import Files
    from hearing_server.http.public import Public
    from hearing_server.http.push import Push

    court = node.court
    files = Files(court, node.exporter, directory / "uploads")
    door, desk = Door(court, node.config.court, node.notices), Desk(court, [""], "en", node.notices)
    public, push = Public(court, node.config.court, [""]), Push(court, node.notices, ())
    return Site(court, door, desk, files, Board(court), public, push)


async def test_every_figure_of_the_court_is_documented(tmp_path):
    page = read("docs/operating.md")
    chosen = config.load(None, data={"directory": str(tmp_path)}, media={"enabled": False})
    async with running(chosen, serve=False) as node:
        figures = node.court.figures()
    assert [name for name in figures if f"`palmcourt_{name}`" not in page or f'"{name}"' not in page] == []


def test_every_event_of_the_log_is_documented():
    page = read("docs/operating.md")
    said = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            said |= set(re.findall(r"\blog\.(?:info|warning|error|critical|exception)\(\s*\"([a-z_]+)\"", source))
    assert len(said) > 8
    assert sorted(event for event in said if f"`{event}`" not in page) == []


def test_every_frame_and_close_code_is_in_the_protocol():
    page = read("signaling/PROTOCOL.md")
    kinds = [
        value for value in vars(frames).values() if isinstance(value, type) and hasattr(value, "__struct_config__")
    ]
    tags = {kind.__struct_config__.tag for kind in kinds if isinstance(kind.__struct_config__.tag, str)}
    assert {"hello", "submit", "welcome", "deliver", "closing"} <= tags
    assert sorted(tag for tag in tags if f"| `{tag}` |" not in page) == []
    codes = typing.get_args(frames.CloseCode)
    assert len(codes) > 5
    assert [code for code in codes if f"| {code} |" not in page] == []


def test_every_rule_is_cited_by_a_test(texts):
    """Rules of SPEC.md that nothing would notice being broken."""
    rules = re.findall(r"^\| ((?:HR|AU|CA|SU)\d+) \|", read("hearing_server/flows/SPEC.md"), re.MULTILINE)
    assert len(rules) > 20
    cited = "\n".join(text for name, text in texts.items() if name.startswith("tests/") and name.endswith(".py"))
    assert [rule for rule in rules if not re.search(rf"(?<![A-Z0-9]){rule}(?![0-9])", cited)] == []


def test_rules_cited_in_the_code_exist(texts):
    rules = set(re.findall(r"^\| ((?:HR|AU|CA|SU)\d+) \|", read("hearing_server/flows/SPEC.md"), re.MULTILINE))
    cited = {
        rule
        for name, text in texts.items()
        if name.endswith(".py") and not name.startswith("tests/tree/")
        for rule in re.findall(r"(?<![A-Za-z0-9])(?:HR|AU|CA|SU)\d+(?![0-9A-Za-z])", text)
    }
    assert sorted(cited - rules) == []


# -- documents among themselves ---------------------------------------------------------------------------------------
def test_the_readmes_have_the_same_sections_commands_and_pictures():
    english, chinese = read("README.md"), read("README.zh.md")

    def levels(page):
        return re.findall(r"^(#+) ", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)

    def commands(page):
        return re.findall(r"^(?:    )?(make \w+|palmcourt [\w-]+)", page, re.MULTILINE)

    assert levels(english) == levels(chinese)
    assert commands(english) == commands(chinese)
    assert len(re.findall(r"docs/pictures/", english)) == len(re.findall(r"docs/pictures/", chinese))


@pytest.mark.parametrize(
    "name", [*DOCUMENTS, "docs/operating.md", "docs/http-api.md", "docs/threat-model.md", "docs/bots.md"]
)
def test_links_and_pictures_of_a_document_exist(name):
    page = read(name)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page) + re.findall(r"(?:src|href)=\"([^\"#]+)\"", page)
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not ((ROOT / name).parent / target).exists()] == []


def test_pictures_are_small():
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.suffix == ".png"
        assert picture.stat().st_size < 300_000, picture.name


def test_the_versions_agree():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", read("CHANGELOG.md"), re.MULTILINE)


def test_every_command_of_the_command_line_is_in_the_readmes():
    from hearing_server.cli import COMMANDS

    for name in ("README.md", "README.zh.md"):
        page = read(name)
        assert [command for command in COMMANDS if f"palmcourt {command}" not in page] == [], name


# -- how the tree is kept ---------------------------------------------------------------------------------------------
def test_every_module_says_its_law_in_its_first_lines():
    silent = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            if source.strip() and not ast.get_docstring(ast.parse(source)):
                silent.append(path.relative_to(ROOT).as_posix())
    assert silent == []


def test_import_contracts_are_checked_by_make_test():
    project = tomllib.loads(read("pyproject.toml"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")
    assert layers["layers"] == ["hearing_server", "transcripts", "recording | signaling | media"]
    forbidden = {
        module for contract in contracts if contract["type"] == "forbidden" for module in contract["source_modules"]
    }
    assert {"hearing_server.flows", "signaling.session", "signaling.frames"} <= forbidden
    recipe = read("Makefile").partition("\ntest:")[2].partition("\n\n")[0]
    assert "lint-imports" in recipe
    assert "mypy" in recipe
    assert "ruff check" in recipe


def test_only_the_composition_root_names_a_back_end(texts):
    """A second one is then added in one place. The command line may measure and export past it."""
    stores = re.compile(r"\b(SqliteStore|PostgresStore|ProcessMediaPlane)\b")
    naming = {
        name
        for name, text in texts.items()
        if name.startswith("hearing_server/") and name.endswith(".py") and stores.search(text)
    }
    assert {name for name in naming if not name.startswith(("hearing_server/bench/", "hearing_server/cli/"))} <= {
        "hearing_server/app.py",
        "hearing_server/runtime/stores.py",
        "hearing_server/rehearsal/long.py",
    }
