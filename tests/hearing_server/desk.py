"""The clerk's desk as a browser has it: one key, one counter, every act signed and every receipt checked."""

import base64
import hashlib
import json
import os

from hearing_server.rehearsal.device import Device
from recording import attest
from recording.note import VerifierKey
from signaling import frames
from signaling.client import Act


class Desk:
    def __init__(self):
        self.device = Device()
        self.dseq = 0
        self.vkey = None

    async def session(self, http, ticket):
        """The headers of a session, on this device."""
        body = {
            "ticket": ticket,
            "device_key": self.device.public_key.hex(),
            "device_secret": self.device.secret.hex(),
        }
        async with http.post("/api/registry/session", json=body) as answer:
            assert answer.status == 200, await answer.text()
            told = await answer.json()
        self.vkey = VerifierKey.parse(told["vkey"])
        return {"Authorization": f"Bearer {told['session']}"}

    def act(self, case, command, *args, content=None):
        """The text of one signed act in a case's stream."""
        self.dseq += 1
        encoded = json.dumps(content).encode() if content is not None else None
        salt = os.urandom(32) if encoded else None
        act = Act(case, self.dseq, command, args, (), salt, encoded, 1)
        return base64.urlsafe_b64encode(frames.encode(self.device.submit(act))).decode().rstrip("=")

    def new_case(self, request_id):
        """The body of a new case with a judge, a party and a sitting."""
        case = hashlib.sha256(b"palm/case/v1\0" + request_id.encode()).digest()[:16]
        return {
            "request_id": request_id,
            "case_number": "(2026)1",
            "cause": "c",
            "acts": [
                self.act(case, "seat", "judge/1", "judge", content={"name": "J"}),
                self.act(case, "seat", "party/1", "plaintiff", content={"name": "P"}),
                self.act(case, "sitting.scheduled", os.urandom(16), "hearing", 0, content={"reason": "urgent"}),
            ],
        }

    def checked(self, text, origin):
        """The receipt, once the court's key binds the court to it."""
        receipt = frames.decode_server(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        statement = attest.receipt_statement(origin, receipt.seq, receipt.leaf_hash, receipt.ts_ms)
        given = receipt.attestation
        shared = attest.Attestation(given.place, given.size, given.path, given.signature)
        attest.check(statement, shared, self.vkey.public_key)
        return receipt
