"""What a catalog has: a field for each phrase, so that a phrase which one language lacks is a type error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class KindWords:
    """What a kind of sitting is called, and what its judge does when it begins, pauses and ends."""

    name: str
    title: str
    open: str
    recess: str
    resume: str
    close: str


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. Fields with braces are `str.format` templates whose names say what goes in."""

    language: Language
    html_lang: str
    # names of things
    roles: Mapping[str, str]
    kinds: Mapping[str, KindWords]
    tracks: Mapping[str, str]
    media_kinds: Mapping[str, str]
    causes: Mapping[str, str]
    rungs: Mapping[str, str]
    grounds: Mapping[str, str]
    missing: Mapping[str, str]
    missing_notes: Mapping[str, str]
    join_causes: Mapping[str, str]
    leave_causes: Mapping[str, str]
    court_speaker: str
    unknown_role: str
    person: str
    withheld_name: str
    cause_in_words: str
    # acts
    check_in: str
    admit: str
    remove: str
    mute: str
    unmute: str
    mute_all: str
    unmute_all: str
    floor: str
    floor_back: str
    allow_screen: str
    end_screen: str
    go_on: str
    restrict: str
    restrict_to_bench: str
    unrestrict: str
    public: Mapping[str, str]
    course: Mapping[str, str]
    outline: Mapping[str, str]
    windows: Mapping[str, str]
    window_codes: Mapping[str, str]
    testimony: Mapping[str, str]
    conduct: Mapping[str, str]
    conduct_codes: Mapping[str, str]
    calling: Mapping[str, str]
    drop_parts: Mapping[str, str]
    checked_in: Mapping[str, str]
    checked_in_codes: Mapping[str, str]
    checked_in_missing: str
    propose_seal: str
    order_seal: str
    because: str
    hand_up: str
    hand_down: str
    # other lines
    opened: str
    opened_supplement: str
    supplement: str
    seated: str
    key_first: str
    key_by_clerk: str
    key_ended: str
    anchored: str
    time_stamped: str
    redacted: str
    redacted_by: str
    recording_on: str
    recording_off: str
    recording_fault: str
    gap: str
    stepped: str
    conflict: str
    sealed: str
    sealed_by_one: str
    sealed_by_two: str
    sealed_over: str
    sealed_gaps: str
    unread: str
    withheld_reason: str
    not_in_export: str
    # quantities
    duration_s: str
    duration_min: str
    duration_h: str
    date: str
    # the document
    not_given: str
    court: str
    case_number: str
    cause: str
    kind: str
    corrects: str
    corrected: str
    scheduled: str
    began: str
    closed: str
    not_begun: str
    not_closed: str
    sealed_at: str
    not_sealed: str
    zone: str
    participants: str
    role: str
    name: str
    seat: str
    presence: str
    presence_span: str
    presence_open: str
    presence_breaks: str
    never_present: str
    recording: str
    no_recording: str
    track: str
    from_to: str
    recorded: str
    recorded_value: str
    gaps: str
    no_gaps: str
    gap_row: str
    faults: str
    proceedings: str
    line: str
    time: str
    speaker: str
    words: str
    root: str
    root_words: str
    record_of: str
    leaf_hash: str
    how_to_check: str
    end: str
    open_file: str
    play_voice: str
    picture_of: str
    sent_by_clock: str
    # the replay page
    replay: str
    play: str
    pause: str
    speed: str
    jump: str
    now: str
    other_language: str
    no_track_now: str
    replay_note: str
    transcript: str
    start_over: str
    sound_and_picture: str
    need_script: str
    # between words
    colon: str
    stop: str
    comma: str
    clause: str
    space: str
