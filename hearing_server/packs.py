"""The court's rules as data: stages, limits, names and texts of one procedure, read from `config/court/<pack>.toml`.

Law: nothing of a jurisdiction is in the code. A pack is read whole into one frozen tree; an unknown key, a stage that
has no name, a kind that is missing are errors with a sentence. A sitting never reads the file again: what it goes by
is put on its record at its opening (SPEC ST1), with the digest of the pack.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from hearing_server.config import ConfigError
from hearing_server.flows.decider import Role
from hearing_server.flows.hearing import KINDS
from hearing_server.flows.hearing.stages import MAX_GROUNDS, MAX_STAGES, MAX_TEXTS
from hearing_server.flows.hearing.texts import ASYNCHRONOUS, CONSENT, COURT_RULES, GALLERY, UNDERTAKING, digest_of
from recording.leaf import Fact

Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Phrase = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
SUFFIX: Final = ".toml"
NEEDED_TEXTS: Final = (COURT_RULES, CONSENT, ASYNCHRONOUS, UNDERTAKING)


class Named(Struct, frozen=True, forbid_unknown_fields=True):
    """What something is called."""

    zh: Phrase
    en: Phrase


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """Words that a person reads and accepts. Whoever accepts them names this version."""

    version: Annotated[str, Meta(min_length=1, max_length=40)]
    zh: Annotated[str, Meta(min_length=1, max_length=5_000)]
    en: Annotated[str, Meta(min_length=1, max_length=5_000)]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Days and seconds."""

    notice_days: Count
    suspend_after_s: Annotated[int, Meta(ge=20, le=3600)]
    """Under 20 s a line that drops and comes back would suspend the court."""
    reading_days: Count
    reminder_h: Annotated[int, Meta(ge=1, le=720)]
    reminder_min: Annotated[int, Meta(ge=1, le=120)]
    """When people are reminded: so many hours, and so many minutes before."""


class Summons(Struct, frozen=True, forbid_unknown_fields=True):
    """What the summons says beside date and place. `consequences`: by role, what follows for whoever stays away."""

    bring: Named
    consequences: Mapping[Code, Named]


class Recording(Struct, frozen=True, forbid_unknown_fields=True):
    """What is recorded, as people are told."""

    rule: Code
    text: Named


class Kind(Struct, frozen=True, forbid_unknown_fields=True):
    """The stages of one kind of sitting, in order, and whether the public may be let in to watch (PU1)."""

    stages: tuple[Code, ...]
    may_skip: tuple[Code, ...]
    public: bool = False
    asynchronous: tuple[Code, ...] = ()
    """What the judge must have found before one is held asynchronously, beside everybody's consent."""


class Ground(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the public is excluded; `on_application`: only where somebody has asked for it (PU5)."""

    zh: Phrase
    en: Phrase
    on_application: bool = False


class Pack(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole tree."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    version: Annotated[str, Meta(min_length=1, max_length=40)]
    title: Named
    limits: Limits
    summons: Summons
    recording: Recording
    stages: Mapping[Code, Named]
    kinds: Mapping[Code, Kind]
    roles: Mapping[Code, Named]
    conversion: Mapping[Code, Named]
    closing: Mapping[Code, Ground]
    asynchronous: Mapping[Code, Named]
    texts: Mapping[Code, Text]

    @property
    def canonical(self) -> bytes:
        """The bytes that the digest is of: JSON with sorted keys and no spaces, in UTF-8. Comments do not count."""
        tree = msgspec.to_builtins(self)
        return json.dumps(tree, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> bytes:
        """SHA-256 of `canonical`."""
        return hashlib.sha256(self.canonical).digest()

    def rules(self, kind: str) -> tuple[Fact, ...]:
        """The facts of a sitting's `rules`: all that its course depends on."""
        chosen = self.kinds[kind]
        stages = tuple((code, code in chosen.may_skip) for code in chosen.stages)
        limits = tuple(sorted(msgspec.to_builtins(self.limits).items()))
        texts = tuple(
            (name, language, text.version, digest_of(words))
            for name, text in self.texts.items()
            for language, words in (("zh", text.zh), ("en", text.en))
        )
        openness = (chosen.public, tuple((code, ground.on_application) for code, ground in self.closing.items()))
        named = (self.name, self.version, self.digest)
        return (*named, stages, limits, tuple(self.conversion), texts, openness, chosen.asynchronous)

    def _finding(self, code: str) -> dict[str, str]:
        named: dict[str, str] = msgspec.to_builtins(self.asynchronous[code])
        return named

    def words(self, kind: str) -> dict[str, Any]:
        """The content of the same entry: what its codes are called, what people are told of the recording, and the
        texts that they accept, so that the record holds the words behind each version.
        """
        return {
            "title": msgspec.to_builtins(self.title),
            "stages": {code: msgspec.to_builtins(self.stages[code]) for code in self.kinds[kind].stages},
            "roles": msgspec.to_builtins(self.roles),
            "conversion": msgspec.to_builtins(self.conversion),
            "closing": {code: {"zh": ground.zh, "en": ground.en} for code, ground in self.closing.items()},
            "asynchronous": {code: self._finding(code) for code in self.kinds[kind].asynchronous},
            "recording": msgspec.to_builtins(self.recording.text),
            "texts": msgspec.to_builtins(self.texts),
        }


def load(chosen: str) -> Pack:
    """The pack of that name, or of that file (`….toml`). Raises ConfigError."""
    try:
        text = (Path(chosen) if chosen.endswith(SUFFIX) else _packaged(chosen)).read_text(encoding="utf-8")
        pack = msgspec.convert(tomllib.loads(text), Pack)
    except OSError as error:
        raise ConfigError(f"court.pack {chosen!r} cannot be read: {error.strerror}. Name a pack, or a file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The pack {chosen!r} is not valid TOML: {error}. Correct that line.") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"The pack {chosen!r} does not fit: {error}. See docs/court-packs.md.") from error
    _check(chosen, pack)
    return pack


def _packaged(name: str) -> Path:
    folder = Path(str(resources.files("hearing_server") / "court_packs"))
    if not folder.is_dir():
        folder = Path(__file__).parent.parent / "config" / "court"
    return folder / f"{name}{SUFFIX}"


def _check(chosen: str, pack: Pack) -> None:
    """What types cannot say."""

    def must(holds: bool, sentence: str) -> None:
        if not holds:
            raise ConfigError(f"The pack {chosen!r}: {sentence}.")

    must(set(pack.kinds) == KINDS, f"its kinds must be {', '.join(sorted(KINDS))}")
    for name, kind in pack.kinds.items():
        must(len(kind.stages) <= MAX_STAGES, f"kinds.{name} has more than {MAX_STAGES} stages")
        must(len(set(kind.stages)) == len(kind.stages), f"kinds.{name} names a stage twice")
        for code in kind.stages:
            must(code in pack.stages, f"kinds.{name} names the stage {code!r}, which has no name under stages")
        for code in kind.may_skip:
            must(code in kind.stages, f"kinds.{name}.may_skip names {code!r}, which is none of its stages")
        must(len(kind.asynchronous) <= MAX_GROUNDS, f"kinds.{name}.asynchronous names more than {MAX_GROUNDS} findings")
        for code in kind.asynchronous:
            named = code in pack.asynchronous
            must(named, f"kinds.{name}.asynchronous names {code!r}, which has no name under asynchronous")
        must(not kind.stages or kind.stages[0] not in kind.may_skip, f"kinds.{name} may skip its first stage")
    strange = sorted(set(pack.summons.consequences) - set(Role))
    must(not strange, f"summons.consequences names the roles {', '.join(strange)}, which are not known to this court")
    missing = sorted(set(Role) - set(pack.roles))
    must(not missing, f"the roles {', '.join(missing)} have no name")
    unknown = sorted(set(pack.roles) - set(Role))
    must(not unknown, f"the roles {', '.join(unknown)} are not known to this court")
    lacking = [f"texts.{name}" for name in NEEDED_TEXTS if name not in pack.texts]
    must(not lacking, f"{' and '.join(lacking)} must be there")
    must(2 * len(pack.texts) <= MAX_TEXTS, f"texts holds more than {MAX_TEXTS // 2}")
    opens = any(kind.public for kind in pack.kinds.values())
    must(GALLERY in pack.texts or not opens, f"texts.{GALLERY} must be there where a kind is public")
    must(0 < len(pack.closing) <= MAX_GROUNDS, f"closing names between one and {MAX_GROUNDS} grounds")
    must(0 < len(pack.conversion) <= MAX_GROUNDS, f"conversion names between one and {MAX_GROUNDS} grounds")
