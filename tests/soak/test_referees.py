"""The soak's own judgement: that it sees what it is there to see."""

import pytest

from ledger import ANSWERED, BROKEN_OFF, HUNG_UP, Ledger
from observed import read_log


@pytest.fixture
def ledger():
    return Ledger()


def call(ledger, ending, seen=1, delivery=None, expected=None):
    number = ledger.begin()
    for _ in range(seen):
        ledger.received(number)
    ledger.end(number, "wsData", ending, expected or {ending}, delivery)
    return number


def check_one_fault(ledger, *words):
    (fault,) = ledger.faults
    assert all(word in fault for word in words), fault


def check_all(ledger, **outcomes):
    ledger.check_all_ended()
    ledger.check_receipts()
    ledger.check_outcomes("wsData", outcomes)


def test_calls_that_all_sides_agree_on_are_no_faults(ledger):
    call(ledger, ANSWERED)
    call(ledger, "timed-out")
    call(ledger, "no-service", seen=0, delivery="not-sent")
    call(ledger, HUNG_UP)
    call(ledger, BROKEN_OFF)
    check_all(ledger, **{"answered": 1, "timed-out": 1, "no-service": 1, "cancelled": 1, "bad-answer": 1})
    assert ledger.faults == []
    assert ledger.in_flight == 0


def test_a_call_that_ends_twice_is_a_fault(ledger):
    number = call(ledger, ANSWERED)
    ledger.end(number, "wsData", ANSWERED, {ANSWERED})
    check_one_fault(ledger, "a second time")


def test_a_call_that_never_ends_is_a_fault(ledger):
    ledger.begin()
    check_all(ledger)
    check_one_fault(ledger, "1 calls never ended")


def test_an_ending_that_the_scenario_does_not_allow_is_a_fault(ledger):
    call(ledger, "service-closed", expected={ANSWERED})
    check_one_fault(ledger, "ended as service-closed, expected was answered")


def test_a_request_that_reaches_services_twice_is_a_fault(ledger):
    call(ledger, ANSWERED, seen=2)
    check_one_fault(ledger, "twice")


def test_an_answer_that_no_service_gave_is_a_fault(ledger):
    call(ledger, ANSWERED, seen=0)
    check_all(ledger, answered=1)
    check_one_fault(ledger, "no service saw it")


def test_a_request_that_was_sent_although_its_error_denies_it_is_a_fault(ledger):
    call(ledger, "service-closed", delivery="not-sent")
    check_all(ledger, **{"service-closed": 1})
    check_one_fault(ledger, "not-sent")


@pytest.mark.parametrize("outcomes", [{"answered": 1}, {"answered": 3}, {"answered": 2, "cancelled": 1}, {}])
def test_outcomes_that_callers_did_not_see_are_faults(ledger, outcomes):
    call(ledger, ANSWERED)
    call(ledger, ANSWERED)
    check_all(ledger, **outcomes)
    assert ledger.faults


def test_a_call_that_was_broken_off_is_not_to_be_counted_as_cancelled(ledger):
    call(ledger, BROKEN_OFF)
    check_all(ledger, cancelled=1)
    check_one_fault(ledger, "cancelled for the gateway alone")


def test_only_lines_of_known_kinds_pass():
    at = "2026-11-23T10:56:48.851Z"
    counts, unknown = read_log(
        f"{at} info wsData: connection 35 of test from 127.0.0.1:58236 opened\n"
        f"{at} info wsData: connection 35 from 127.0.0.1:58236 closed (1006)\n"
        f"{at} warning wsData: dropped a message of connection 35: unknown-call\n"
        f"{at} error wsData: Broken pipe\n"
        "terminate called\n"
    )
    assert counts["opened", "wsData"] == counts["closed", "wsData"] == counts["closed", "wsData", "1006"] == 1
    assert counts["dropped", "wsData", "unknown-call"] == 1
    assert len(unknown) == 2
