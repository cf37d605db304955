"""The signer's directory (0700, of the signer's user), with files that only it can read (0600).

    log-<n>.key          the n-th Ed25519 log key; only the active one is there, those before it are destroyed
    log-<n>.vkey         its verifier key under the court's name; n = 1 is written last when a court begins
    rotation-<n>.note    how key n gave way to key n + 1 (recording/rotation.py)
    document.key         P-256
    document.pem         its certificate, issuers after it
    court-key-<n>.p7s    the document key's signature over log-<n>.vkey
    heads.sqlite         the newest head that was signed of each stream (heads.py)

*Law*: keys are made only where the court has never signed. A key that was lost is put back from a backup, or given up
aloud (`palmcourt keys revoke`), never replaced in silence. The note of a rotation is what makes the next key the active
one: a crash before it leaves the old key, a crash after it the new one.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recording import rotation as rotations
from recording.errors import KeysUnreadable, RecordError, SigningRefused
from recording.files import make_directory, write_durably
from recording.note import Signer, VerifierKey
from recording.rotation import SCHEDULED, Rotation
from recording.signer import document
from recording.signer.backend import FileBackend, KeyBackend
from recording.signer.document import Binding

__all__ = ["KeyDirectory"]


class KeyDirectory:
    """The court's keys as they are now. Not for two at a time: the signer is one process with one thread."""

    def __init__(self, directory: Path, court: str, backend: KeyBackend | None = None) -> None:
        self.court = court
        self.directory = self._directory = directory
        self._backend = backend or FileBackend(directory)
        self._active: Ed25519PrivateKey | None = None
        self._document: ec.EllipticCurvePrivateKey | None = None
        self.binding: Binding | None = None
        self.notes: list[str] = []
        self.public_keys: list[bytes] = []
        """Every log key, the active one first."""

    # --- what is there

    @property
    def number(self) -> int:
        """Of the active key: there has been one more key than changes."""
        return len(self.notes) + 1

    @property
    def empty(self) -> bool:
        """Whether a court may begin here: it has never signed."""
        try:
            return not (self._directory / "log-1.vkey").exists() and not self.notes
        except PermissionError:
            return False

    def load(self) -> Ed25519PrivateKey:
        """Read and check everything; returns the active key. Raises KeysUnreadable with what to do."""
        try:
            return self._load()
        except OSError as error:
            raise self._unreadable(error) from error
        except UnicodeDecodeError as error:
            raise KeysUnreadable(f"a file in {self._directory} is damaged; put it back from your backup") from error

    def _load(self) -> Ed25519PrivateKey:
        make_directory(self._directory, 0o700)
        chain = self._read_rotations()
        if self.empty:
            raise KeysUnreadable(
                f"the keystore {self._directory} holds no keys; put the missing files back from your backup (a new key"
                " could not sign for the old streams)"
            )
        public = self._public(self.number)
        if chain and chain[-1].new != public:
            raise KeysUnreadable(f"log-{self.number}.vkey in {self._directory} is not the key of the last rotation")
        self.public_keys = [public.public_key, *(each.old.public_key for each in reversed(chain))]
        key = self._backend.log_key(self.number)
        if key is None:
            raise KeysUnreadable(
                f"the keystore {self._directory} holds no log-{self.number}.key; put it back from your backup, or if"
                " it is gone for good, give it up with `palmcourt keys revoke --reason lost`"
            )
        if key.public_key().public_bytes_raw() != public.public_key:
            raise KeysUnreadable(
                f"a key file in {self._directory} is of another kind: log-{self.number}.key is not the key of"
                f" log-{self.number}.vkey; put it back from your backup"
            )
        for number in range(1, self.number):  # a rotation may have been killed before it came to this
            self._backend.destroy_log_key(number)
        self._backend.destroy_log_key(self.number + 1)
        self._document = self._backend.document_key()
        if self._document is None:
            raise KeysUnreadable(f"the keystore {self._directory} holds no document.key; put it back from your backup")
        self._bind()
        self._active = key
        return key

    def _read_rotations(self) -> list[Rotation]:
        chain: list[Rotation] = []
        self.notes = []
        while (path := self._directory / f"rotation-{len(chain) + 1}.note").exists():
            text = path.read_text("utf-8")
            try:
                step = rotations.parse(text)
            except RecordError as error:
                raise KeysUnreadable(f"{path} does not hold ({error}); put it back from your backup") from error
            if step.new.name != self.court or (chain and chain[-1].new != step.old):
                raise KeysUnreadable(f"{path} does not follow from the keys before it; put it back from your backup")
            chain.append(step)
            self.notes.append(text)
        return chain

    def _public(self, number: int) -> VerifierKey:
        path = self._directory / f"log-{number}.vkey"
        try:
            key = VerifierKey.parse(path.read_text("utf-8"))
        except (FileNotFoundError, RecordError) as error:
            raise KeysUnreadable(
                f"a key file in {self._directory} is damaged: {path.name}; put it back from your backup"
            ) from error
        if key.name != self.court:
            raise KeysUnreadable(f"the keystore {self._directory} is of the court {key.name}, not of {self.court}")
        return key

    # --- making and changing

    def make(self) -> Ed25519PrivateKey:
        """A court's first keys; one that was begun and cut short is gone on with. Raises KeysUnreadable."""
        try:
            make_directory(self._directory, 0o700)
            if self._read_rotations() or not self.empty:
                return self._load()
            # What was begun may be kept: nobody has been told of it before log-1.vkey was there.
            key = self._backend.log_key(1) or self._backend.make_log_key(1)
            if (paper := self._backend.document_key()) is None:
                paper = self._backend.make_document_key()
            self._write("document.pem", document.self_signed(self.court, paper, dt.datetime.now(dt.UTC)))
            self._write("log-1.vkey", f"{VerifierKey(self.court, key.public_key().public_bytes_raw())}\n")
            return self._load()
        except OSError as error:
            raise self._unreadable(error) from error

    def rotate(self, reason: str, now_ms: int) -> Ed25519PrivateKey:
        """The next key takes over, and the one before it is destroyed. Raises KeysUnreadable, SigningRefused."""
        if self.empty:
            raise SigningRefused("there is no key to be replaced")
        if reason == SCHEDULED and self._active is None:
            raise SigningRefused("the active key is not there, so it cannot vouch for another: revoke it as lost")
        try:
            number = self.number
            old_public = self._public(number)
            old = None
            if reason == SCHEDULED and self._active is not None:
                old = Signer(self.court, self._active)
            new = Signer(self.court, self._backend.make_log_key(number + 1))
            note = rotations.sign(Rotation(old_public, new.key, now_ms, reason), new, old)
            self._write(f"log-{number + 1}.vkey", f"{new.key}\n")
            self._write(f"rotation-{number}.note", note)
            return self._load()
        except OSError as error:
            raise self._unreadable(error) from error

    def request(self) -> str:
        """A request for a certificate of the document key, PEM."""
        if self._document is None:
            raise SigningRefused("there is no document key")
        return document.request(self.court, self._document)

    def certify(self, pem: str) -> None:
        """Use this certificate from now on. Raises SigningRefused."""
        if self._document is None:
            raise SigningRefused("there is no document key")
        document.check_certificate(pem, self._document)
        try:
            (self._directory / f"court-key-{self.number}.p7s").unlink(missing_ok=True)
            self._write("document.pem", pem)
            self._bind()
        except OSError as error:
            raise self._unreadable(error) from error

    def _bind(self) -> None:
        if self._document is None:
            return
        vkey = (self._directory / f"log-{self.number}.vkey").read_text("utf-8")
        path = self._directory / f"court-key-{self.number}.p7s"
        try:
            pem = (self._directory / "document.pem").read_text("utf-8")
            document.check_certificate(pem, self._document)
        except (FileNotFoundError, SigningRefused) as error:
            raise KeysUnreadable(
                f"document.pem in {self._directory} does not belong to document.key; put it back from your backup"
            ) from error
        if not path.exists():
            write_durably(path, document.bind(vkey, pem, self._document))
        self.binding = Binding(vkey, pem, path.read_bytes())

    def _write(self, name: str, text: str) -> None:
        write_durably(self._directory / name, text.encode())

    def _unreadable(self, error: OSError) -> KeysUnreadable:
        return KeysUnreadable(
            f"the keystore {self._directory} cannot be read or written ({error.strerror}); give this user"
            " read and write rights on it"
        )
