import itertools

import msgpack
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signaling import frames
from signaling.batch import pack
from signaling.frames import (
    Attestation,
    Closing,
    Cosign,
    Cursor,
    Deliver,
    Delivered,
    Hello,
    Hidden,
    History,
    Lobby,
    Negotiate,
    Ping,
    Pong,
    Receipt,
    Refused,
    Signal,
    Submit,
    Welcome,
    Withheld,
    decode_server,
    encode,
)
from signaling.limits import MAX_UNANSWERED, Limits, Rate, TokenBucket
from signaling.resume import Behind, Diverged, From, resume_point
from signaling.session import FROM_PHONE, Close, Heard, OutOfPlace, Quiet, Received, ServerSession, State

BOUND = Attestation(0, 1, [], b"s" * 64)
STREAM, DEVICE, SECRET, SALT, HASH = b"s" * 16, b"d" * 32, b"k" * 32, b"a" * 32, b"h" * 32
HELLO = Hello(2, "ticket", DEVICE, SECRET, "en", None)

COSIGN = Cosign(1, 5, b"s" * 64)


def say(dseq, command="msg.text"):
    return Submit(dseq, command, [], [], SALT, b"{}", 5, b"s" * 64)


def receipt(dseq, seq=0):
    return Receipt(dseq, seq, HASH, 5, BOUND)


def entry(seq, size=100):
    return pack(Delivered(seq, b"l" * size, SALT, b"{}"))


def hidden(seq):
    return pack(Hidden(seq, HASH))


def welcome(start=0, size=0, last_dseq=0):
    return Welcome(2, "t", STREAM, "o", "v", 1, "party/1", "plaintiff", {}, size, start, [], 5, last_dseq, [], {}, {})


def attached(limits=None, start=0, size=0, tail=()):
    session = ServerSession(0, limits)
    assert session.receive(encode(HELLO), 0) == [Received(HELLO)]
    assert session.welcome(welcome(start, size), tail) == []
    return session


def written(session):
    """Everything the session wants to write, as frames."""
    out = []
    while chunk := session.take():
        out += [decode_server(data) for data in chunk]
    return out


def test_a_hello_is_asked_about_and_a_welcome_attaches():
    session = attached(start=2, size=4, tail=[entry(2), entry(3)])
    assert session.state is State.ATTACHED
    first, deliver = written(session)
    assert isinstance(first, Welcome)
    assert [each.seq for each in deliver.entries] == [2, 3]


@pytest.mark.parametrize(
    "frame", [say(1), Ping(1), Signal("typing", True), Negotiate("offer", ""), History(0, 1), COSIGN]
)
def test_anything_before_hello_is_unauthenticated(frame):
    session = ServerSession(0)
    assert session.receive(encode(frame), 0) == [Close(4401, "the first frame must be hello")]
    assert isinstance(written(session)[-1], Closing)


def test_an_offer_may_come_in_the_same_flight_as_hello_and_nothing_else_may():
    session, offer = ServerSession(0), Negotiate("offer", "v=0")
    session.receive(encode(HELLO), 0)
    assert session.receive(encode(offer), 0) == [Received(offer)]
    (close,) = session.receive(encode(History(0, 1)), 0)
    assert close.code == 4400


def test_a_second_hello_is_out_of_turn():
    session = attached()
    (close,) = session.receive(encode(HELLO), 1)
    assert close.code == 4400


def test_another_version_is_told_which_one_is_spoken():
    (close,) = ServerSession(0).receive(encode(Hello(9, "t", DEVICE, SECRET, "en", None)), 0)
    assert close == Close(4400, "version 9 is not spoken here, 2 is")


def test_the_table_has_no_row_for_a_closed_session():
    assert not any(state is State.CLOSED for state, _ in FROM_PHONE)
    session = attached()
    session.close(4403, "removed")
    assert session.receive(encode(Ping(1)), 1) == []
    assert session.deliver([entry(0)]) == []
    assert session.on_timer(10**9) == []


def test_a_waiting_person_gets_lobby_views_and_nothing_of_the_record():
    session = ServerSession(0)
    session.receive(encode(HELLO), 0)
    session.lobby({"phase": "checking_in"})
    for leak in (
        lambda: session.deliver([entry(0)]),
        lambda: session.deliver([hidden(0)]),
        lambda: session.checkpoint("note", []),
        lambda: session.presence("party/2", {}),
        lambda: session.answer("v=0", {}),
    ):
        with pytest.raises(OutOfPlace):
            leak()
    assert written(session) == [Lobby({"phase": "checking_in"})]


def test_what_a_waiting_person_asks_is_the_rooms_to_judge_and_he_stays():
    session = ServerSession(0)
    session.receive(encode(HELLO), 0)
    session.lobby({}, last_dseq=2_000)
    assert session.receive(encode(say(2_001)), 1) == [Received(say(2_001))]
    assert session.receive(encode(Negotiate("offer", "")), 1) == []
    session.refused(Refused(2_001, "not_admitted", "wait", 0, None))
    assert written(session)[-1].code == "not_admitted"
    assert session.state is State.WAITING


def test_going_back_to_wait_takes_back_what_is_not_yet_written():
    session = attached()
    written(session)
    session.deliver([entry(0), entry(1)])
    session.checkpoint("note", [])
    session.lobby({})
    assert written(session) == [Lobby({})]


def test_entries_come_out_in_order_and_once():
    session = attached()
    written(session)
    session.deliver([entry(0), entry(1)])
    session.deliver([entry(1), hidden(2), entry(3)])
    session.checkpoint("note", [HASH])
    session.deliver([entry(4)])
    kinds = [(type(frame).__name__, [e.seq for e in getattr(frame, "entries", [])]) for frame in written(session)]
    assert kinds == [("Deliver", [0, 1]), ("Withheld", [2]), ("Deliver", [3]), ("Checkpoint", []), ("Deliver", [4])]


def test_a_gap_in_what_the_room_delivers_closes_with_resume():
    session = attached()
    (close,) = session.deliver([entry(0), entry(2)])
    assert close.code == 4460


def test_a_receipt_overtakes_a_long_tail_and_the_tail_is_pulled_piecemeal():
    pulled = []

    def tail():
        for seq in range(5_000):
            pulled.append(seq)
            yield entry(seq, 300)

    session = attached(size=5_000, tail=tail())
    first = session.take()
    assert isinstance(decode_server(first[0]), Welcome)
    assert len(pulled) < 400
    session.deliver([entry(5_000)])
    session.receive(encode(say(1)), 1)
    session.receipt(receipt(1, 5_000))
    assert isinstance(decode_server(session.take()[0]), Receipt)
    seqs = [e.seq for data in first[1:] for e in decode_server(data).entries]
    seqs += [e.seq for frame in written(session) for e in frame.entries]
    assert seqs[-1] == 5_000
    assert seqs == sorted(set(seqs))


def test_a_deliver_frame_stays_small_enough_for_a_thin_link():
    session = attached(size=300, tail=[pack(Delivered(n, b"l" * 200, SALT, b"c" * 60_000)) for n in range(300)])
    sizes = [len(data) for data in iter(lambda: b"".join(session.take()), b"")]
    assert max(sizes) < 200_000


def test_a_slow_socket_is_closed_with_resume_and_its_queue_forgotten():
    session = attached(Limits(max_queued=10_000))
    session.take()
    actions = list(itertools.chain.from_iterable(session.deliver([entry(n)]) for n in range(200)))
    assert [action.code for action in actions] == [4460]
    assert [type(frame) for frame in written(session)] == [Closing]


def test_a_socket_that_keeps_up_is_never_closed():
    session = attached(Limits(max_queued=2_000))
    for n in range(1_000):
        assert session.deliver([entry(n)]) == []
        session.take()
    assert session.take() == []
    assert session._queued == 0


def test_bytes_in_hand_count_until_the_next_take():
    session = attached(Limits(max_queued=2_000))
    session.take()
    session.deliver([entry(n) for n in range(10)])
    assert session.take()
    assert session.deliver([entry(n) for n in range(10, 20)])[0].code == 4460


def test_a_phone_that_says_nothing_is_shown_as_gone_in_6_s_and_closed_after_15():
    session = attached()
    seen = [(now, action) for now in range(0, 30_000, 500) for action in session.on_timer(now)]
    assert seen[0] == (5_500, Quiet())
    assert seen[1][0] == 15_500
    assert seen[1][1].code == 4460
    assert len(seen) == 2


def test_a_phone_that_speaks_again_is_heard():
    session = attached()
    assert session.on_timer(5_500) == [Quiet()]
    assert session.receive(encode(Ping(7)), 6_000) == [Heard()]
    assert written(session)[-1] == Pong(7, 6_000)
    assert session.on_timer(6_500) == []


def test_a_connection_without_hello_is_closed():
    session = ServerSession(0)
    assert session.on_timer(10_000) == []
    assert session.on_timer(10_001)[0].code == 4460


def test_a_flood_is_closed_with_slow_down():
    session = attached()
    actions = [action for _ in range(500) for action in session.receive(encode(Ping(1)), 1)]
    assert [action.code for action in actions] == [4429]


def test_many_signals_are_dropped_and_the_session_stays():
    session = attached()
    passed = [a for n in range(200) for a in session.receive(encode(Signal("typing", True)), n)]
    assert 60 <= len(passed) < 70
    assert session.state is State.ATTACHED


def test_fast_submits_are_asked_to_come_again_in_order():
    session = attached(Limits(submits=Rate(10, 3)))
    written(session)
    passed = []
    for dseq in range(1, 7):
        passed += [action.frame.dseq for action in session.receive(encode(say(dseq)), 0)]
    busy = [frame.dseq for frame in written(session)]
    assert (passed, busy) == ([1, 2, 3], [4, 5, 6])
    # A later number never passes an earlier one that was put off, even when there is room again.
    assert session.receive(encode(say(5)), 1_000) == []
    passed = [a.frame.dseq for dseq in (4, 5, 6) for a in session.receive(encode(say(dseq)), 1_000)]
    assert passed == [4, 5, 6]


def test_a_room_that_is_busy_holds_off_later_submits():
    session = attached()
    session.receive(encode(say(1)), 0)
    session.busy(1, 200)
    assert session.receive(encode(say(2)), 1) == []
    assert [(f.dseq, f.retry_ms) for f in written(session)[1:]] == [(1, 200), (2, 200)]
    assert [a.frame.dseq for d in (1, 2) for a in session.receive(encode(say(d)), 300)] == [1, 2]


def test_a_submit_sent_again_after_its_answer_is_passed_for_its_old_receipt():
    session = attached()
    assert len(session.receive(encode(say(1)), 0)) == 1
    assert session.receive(encode(say(1)), 0) == []
    session.receipt(receipt(1, 0))
    assert len(session.receive(encode(say(1)), 0)) == 1


def test_a_number_far_beyond_is_refused():
    session = attached()
    assert session.receive(encode(say(frames.MAX_INT)), 0) == []
    assert written(session)[-1].code == "malformed"


def test_unanswered_submits_are_bounded():
    session = attached(Limits(submits=Rate(10**6, 10**6), frames=Rate(10**6, 10**6)))
    passed = [a for n in range(1, MAX_UNANSWERED + 50) for a in session.receive(encode(say(n)), 0)]
    assert len(passed) == MAX_UNANSWERED


def test_a_text_message_is_malformed():
    assert attached().receive_text(1)[0].code == 4400


def test_receipts_that_wait_are_written_before_a_close():
    session = attached()
    session.receive(encode(say(1)), 0)
    session.receipt(receipt(1, 0))
    assert session.close(4503, "the server stops") == [Close(4503, "the server stops")]
    assert [type(frame).__name__ for frame in written(session)] == ["Welcome", "Receipt", "Closing"]
    assert session.close(4400, "again") == []


def test_a_bucket_fills_with_time_and_survives_a_clock_that_steps_back():
    bucket = TokenBucket(Rate(10, 2), 1_000)
    assert [bucket.take(1_000) for _ in range(3)] == [True, True, False]
    assert bucket.wait_ms(1_000) == 101
    assert bucket.take(1_101)
    assert not bucket.take(0)
    assert bucket.take(200)


def root(n):
    return bytes([n]) * 32


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [
        (None, From(0)),
        (Cursor(b"x" * 16, 9, 9, None), From(0)),
        (Cursor(STREAM, 2, 5, root(5)), From(5)),
        (Cursor(STREAM, 1, 5, None), From(5)),
        (Cursor(STREAM, 2, 0, root(9)), From(0)),
        (Cursor(STREAM, 2, 8, root(8)), From(8)),
        (Cursor(STREAM, 3, 5, root(5)), Behind(3)),
    ],
)
def test_a_returning_phone_goes_on_where_it_stopped(cursor, expected):
    assert resume_point(cursor, stream_id=STREAM, epoch=2, size=8, root_at=root) == expected


@pytest.mark.parametrize("cursor", [Cursor(STREAM, 2, 9, None), Cursor(STREAM, 2, 5, root(6))])
def test_a_phone_with_another_history_is_never_silently_reset(cursor):
    assert isinstance(resume_point(cursor, stream_id=STREAM, epoch=2, size=8, root_at=root), Diverged)


class HostilePhone(RuleBasedStateMachine):
    """Whatever is sent in whatever order: documented actions, at most one Close, entries in order, a bounded queue."""

    @initialize()
    def begin(self):
        self.now = 0
        self.size = 0
        self.session = ServerSession(0, Limits(max_queued=20_000))
        self.closes = 0
        self.expected = None
        self.owed = set()
        self.sent = []

    def judge(self, actions):
        for action in actions:
            assert isinstance(action, Received | Close | Quiet | Heard)
            if isinstance(action, Close):
                self.closes += 1
                assert self.session.state is State.CLOSED
            elif isinstance(action, Received):
                assert self.session.state is not State.CLOSED
                if isinstance(action.frame, Submit):
                    assert action.frame.dseq not in self.owed
                    self.owed.add(action.frame.dseq)

    def send(self, data):
        self.sent = [*self.sent[-20:], data]
        self.judge(self.session.receive(data, self.now))

    @rule(step=st.integers(0, 9_000))
    def time_passes(self, step):
        self.now += step
        self.judge(self.session.on_timer(self.now))

    @rule()
    def hello(self):
        self.send(encode(HELLO))

    @rule(dseq=st.integers(1, 12) | st.integers(1, frames.MAX_INT), count=st.integers(1, 5))
    def submit(self, dseq, count):
        for n in range(count):
            self.send(encode(say(min(dseq + n, frames.MAX_INT))))

    @rule(frame=st.sampled_from([Ping(1), Signal("typing", 1), Negotiate("offer", "x"), History(0, 5)]))
    def other(self, frame):
        self.send(encode(frame))

    @rule(data=st.data())
    def replay(self, data):
        if self.sent:
            self.send(data.draw(st.sampled_from(self.sent)))

    @rule(data=st.binary(max_size=50))
    def noise(self, data):
        self.send(data)

    @rule(fields=st.lists(st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=40), max_size=8))
    def wrong_fields(self, fields):
        self.send(msgpack.packb(["submit", *fields]))

    @rule()
    def oversized(self):
        self.send(b"\x00" * (frames.MAX_CLIENT_FRAME + 1))

    @precondition(lambda self: self.session.state in (State.GREETED, State.WAITING, State.ATTACHED))
    @rule(admit=st.booleans(), kept=st.integers(0, 5))
    def verdict(self, admit, kept):
        if admit:
            start = max(0, self.size - kept)
            self.judge(self.session.welcome(welcome(start, self.size), map(entry, range(start, self.size))))
            self.expected = None
        else:
            self.judge(self.session.lobby({}))

    @precondition(lambda self: self.session.state is State.ATTACHED)
    @rule(count=st.integers(1, 8), big=st.booleans(), dark=st.booleans())
    def publish(self, count, big, dark):
        new = [hidden(n) if dark else entry(n, 4_000 if big else 50) for n in range(self.size, self.size + count)]
        self.size += count
        self.judge(self.session.deliver(new))

    @precondition(lambda self: self.owed)
    @rule(how=st.sampled_from(["receipt", "refused", "busy"]))
    def answer(self, how):
        dseq = self.owed.pop()
        if self.session.state in (State.WAITING, State.ATTACHED, State.CLOSED):
            match how:
                case "receipt":
                    self.judge(self.session.receipt(receipt(dseq, 1)))
                case "refused":
                    self.judge(self.session.refused(Refused(dseq, "muted", "", 5, BOUND)))
                case "busy":
                    self.judge(self.session.busy(dseq))

    @rule()
    def socket_takes(self):
        for data in self.session.take():
            frame = decode_server(data)
            if isinstance(frame, Welcome):
                self.expected = frame.start_seq
            if isinstance(frame, Deliver | Withheld):
                for each in frame.entries:
                    assert each.seq == self.expected
                    self.expected += 1

    @invariant()
    def closes_once_and_stays_bounded(self):
        assert self.closes <= 1
        assert (self.closes == 1) == (self.session.state is State.CLOSED)
        assert 0 <= self.session._queued <= 30_000


HostilePhone.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
test_a_hostile_phone_closes_at_most_its_own_session = HostilePhone.TestCase


def test_a_cosignature_is_passed_once_admitted_dropped_while_waiting_and_bounded():
    session = attached()
    assert session.receive(encode(COSIGN), 0) == [Received(COSIGN)]
    passed = [session.receive(encode(COSIGN), 0) for _ in range(60)]
    assert sum(map(bool, passed)) == 39  # the burst of forty; the others are dropped, and nobody is cut off
    assert session.state is State.ATTACHED
    waiting = ServerSession(0)
    waiting.receive(encode(HELLO), 0)
    waiting.lobby({})
    assert waiting.receive(encode(COSIGN), 0) == []
