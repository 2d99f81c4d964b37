"""One payment, one effect, whoever brings the news and in whatever order (FIELD_FAULTS 53)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.dispatch import receiver
from django.urls import reverse

from billing import services, signals
from billing.models import Counter, Effect, Order, Payment, WebhookEvent
from billing.standin.hooks import sign
from billing.state import OrderState
from portal.outbox.models import OutgoingMail
from tests.billing.test_checkout import together


@pytest.fixture
def told() -> Any:
    """What the apps above were told: a list of (kind, reference)."""
    heard: list[Any] = []

    @receiver(signals.charge_paid, weak=False, dispatch_uid="test-told")
    def hear(order_id: Any, reference: Any, **_: Any) -> None:
        heard.append(reference)

    yield heard
    signals.charge_paid.disconnect(dispatch_uid="test-told")


def work_off() -> None:
    """What the worker would do with what has come."""
    for event_id in list(WebhookEvent.objects.filter(processed_at=None).values_list("pk", flat=True)):
        services.webhook_process(event_id)


def receipts() -> list[int | None]:
    return list(Payment.objects.filter(problem="").values_list("receipt_number", flat=True))


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise("S4")
def test_a_webhook_alone_pays_the_order_once(
    standin: Any, ana: Any, order_of: Any, events: Any, post_event: Any, pay_at_square: Any, told: Any
) -> None:
    order = order_of(ana)
    pay_at_square(services.checkout_start(by=ana.actor, order=order))
    assert [json.loads(raw)["type"] for raw in events].count("payment.updated") == 3
    for raw in events:
        assert post_event(raw).status_code == 200
    work_off()
    order.refresh_from_db()
    assert order.state == OrderState.PAID
    assert told == [order.reference]
    assert receipts() == [1]
    assert OutgoingMail.objects.filter(kind="billing.receipt_ready", account_id=ana.pk).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise("S4")
def test_return_page_and_webhook_together_twenty_times_give_one_mail_and_one_receipt(
    standin: Any, ana: Any, order_of: Any, events: Any, post_event: Any, pay_at_square: Any, told: Any, as_: Any
) -> None:
    order = order_of(ana)
    pay_at_square(services.checkout_start(by=ana.actor, order=order))
    for raw in events:
        post_event(raw)
    browsers = [as_(ana) for _ in range(20)]
    page = reverse("billing:return", args=[order.pk])
    waiting = list(WebhookEvent.objects.values_list("pk", flat=True))
    deeds: list[Any] = []
    for number, browser in enumerate(browsers):
        deeds.append(lambda browser=browser: browser.get(page).status_code)
        event_id = waiting[number % len(waiting)]
        deeds.append(lambda event_id=event_id: services.webhook_process(event_id))
    results = together(*deeds)
    assert results[::2] == [200] * 20
    assert results[1::2] == [None] * 20
    assert told == [order.reference]
    assert receipts() == [1]
    assert Payment.objects.count() == 1
    assert OutgoingMail.objects.filter(kind="billing.receipt_ready").count() == 1
    assert Effect.objects.filter(kind="charge_paid").exclude(done_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_events_in_disorder_and_again_change_nothing(
    standin: Any, ana: Any, order_of: Any, events: Any, post_event: Any, pay_at_square: Any, told: Any
) -> None:
    order = order_of(ana)
    pay_at_square(services.checkout_start(by=ana.actor, order=order))
    for raw in [*events[::-1], *events, events[0]]:
        assert post_event(raw).status_code == 200
        work_off()
    assert WebhookEvent.objects.count() == len(events)
    assert told == [order.reference]
    assert receipts() == [1]
    before = list(Payment.objects.values())
    post_event(events[2])
    work_off()
    assert list(Payment.objects.values()) == before


def test_forged_and_malformed_events_are_refused_and_leave_nothing(standin: Any, db: None, post_event: Any) -> None:
    event = json.dumps({"event_id": "e1", "type": "payment.updated", "data": {"type": "payment", "id": "p1"}}).encode()
    assert post_event(event, signature=None).status_code == 403
    assert post_event(event, signature="bm90IGl0").status_code == 403
    assert post_event(event, signature=sign("key-of-the-test", "http://evil.example/", event)).status_code == 403
    for body in (
        b"[]",
        b"{}",
        b"not json",
        b'{"data": {}}',
        event.replace(b'"p1"', b'"' + b"p" * 300 + b'"'),
        event.replace(b'"e1"', b'"\\u0000"'),
    ):
        assert post_event(body).status_code == 400
    assert post_event(b"x" * 200_001).status_code == 413
    assert not WebhookEvent.objects.exists()


@pytest.mark.promise("P15")
def test_an_event_is_kept_without_its_payload(
    standin: Any, ana: Any, order_of: Any, events: Any, post_event: Any, pay_at_square: Any
) -> None:
    pay_at_square(services.checkout_start(by=ana.actor, order=order_of(ana)))
    assert b"1111" in events[0]  # Square does send the last digits
    for raw in events:
        post_event(raw)
    work_off()
    kept = [str(row) for model in (WebhookEvent, Payment, Order) for row in model.objects.values()]
    assert not any("VISA" in row or "'1111'" in row for row in kept)


def test_events_of_others_and_of_unknown_kinds_are_set_aside(
    standin: Any, db: None, events: Any, post_event: Any, ana: Any, order_of: Any, pay_at_square: Any
) -> None:
    from billing import square

    other = square.link_create(
        key="other",
        reference=order_of(ana).subject_id,
        item_name="Soap",
        money=square.Money(900, "USD"),
        redirect_url="https://shop.example/",
    )
    pay_at_square(other.url)
    for raw in events:
        post_event(raw)
    post_event(b'{"event_id": "x", "type": "labor.timecard.created", "data": {"type": "timecard", "id": "1"}}')
    post_event(b'{"event_id": "y", "type": "payment.updated", "data": {"type": "payment", "id": "none"}}')
    work_off()
    assert set(WebhookEvent.objects.values_list("outcome", flat=True)) == {"not_ours", "not_used", "refused"}
    assert not Payment.objects.exists()


def test_a_payment_on_a_page_we_never_heard_of_is_still_ours(
    standin: Any, ana: Any, order_of: Any, events: Any, post_event: Any, pay_at_square: Any
) -> None:
    order = order_of(ana)
    url = services.checkout_start(by=ana.actor, order=order)
    order.attempts.all().delete()  # the answer with the link got lost, the person has it by other means
    pay_at_square(url)
    post_event(events[-1])
    work_off()
    order.refresh_from_db()
    assert order.state == OrderState.PAID


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"amount_delta": -5800}, "amount"),
        ({"amount_delta": 100}, "amount"),
        ({"pay_currency": "CAD"}, "currency"),
        ({"pay_location": "ELSEWHERE"}, "location"),
    ],
)
@pytest.mark.promise("S4")
def test_a_payment_that_does_not_fit_releases_nothing(
    standin: Any,
    ana: Any,
    order_of: Any,
    pay_at_square: Any,
    fault: dict[str, Any],
    problem: str,
    django_capture_on_commit_callbacks: Any,
    told: Any,
    as_: Any,
) -> None:
    order = order_of(ana)
    url = services.checkout_start(by=ana.actor, order=order)
    standin.control(fault)
    pay_at_square(url)
    with django_capture_on_commit_callbacks(execute=True):
        page = as_(ana).get(reverse("billing:return", args=[order.pk]))
    order.refresh_from_db()
    assert order.state == OrderState.NEEDS_REVIEW
    assert Payment.objects.get().problem == problem
    assert b'data-outcome="review"' in page.content
    assert told == []
    assert receipts() == []
    assert not OutgoingMail.objects.exists()


def test_a_second_payment_of_a_paid_order_is_marked_for_staff(
    standin: Any, ana: Any, paid: Any, pay_at_square: Any
) -> None:
    order = paid(ana)
    from billing import square

    other = square.link_create(
        key="second",
        reference=order.pk,
        item_name="Online consult fee",
        money=square.Money(5900, "USD"),
        redirect_url="https://clinic.example/",
    )
    pay_at_square(other.url)
    assert services.reconcile() == 1
    order.refresh_from_db()
    assert order.state == OrderState.PAID
    assert sorted(Payment.objects.values_list("problem", flat=True)) == ["", "twice"]
    assert OutgoingMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise("S4")
def test_a_lost_event_is_found_by_the_reconciling_sweep(
    standin: Any, ana: Any, order_of: Any, pay_at_square: Any, told: Any
) -> None:
    order = order_of(ana)
    pay_at_square(services.checkout_start(by=ana.actor, order=order))
    assert services.reconcile() == 1
    assert services.reconcile() == 0
    assert told == [order.reference]


@pytest.mark.django_db(transaction=True)
def test_a_lost_nudge_is_made_good_by_the_sweep_and_square_s_silence_waited_out(
    standin: Any, ana: Any, order_of: Any, events: Any, post_event: Any, pay_at_square: Any, time_machine: Any
) -> None:
    order = order_of(ana)
    pay_at_square(services.checkout_start(by=ana.actor, order=order))
    post_event(events[-1])
    standin.control({"fail_next": 10})
    services.sweep()
    event = WebhookEvent.objects.get()
    assert (event.attempts, event.processed_at) == (1, None)
    standin.control({"reset": True})
    assert services.sweep()["events"] == 0  # not due yet
    WebhookEvent.objects.update(next_try_at=event.received_at)
    services.sweep()
    order.refresh_from_db()
    event.refresh_from_db()
    assert (order.state, event.outcome) == (OrderState.PAID, "done")


@pytest.mark.django_db(transaction=True)
def test_a_failing_receiver_undoes_nothing_and_is_called_again(
    standin: Any, ana: Any, order_of: Any, pay_at_square: Any, told: Any
) -> None:
    calls: list[int] = []

    def break_once(**_: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the app above is ill")

    signals.charge_paid.connect(break_once, weak=False, dispatch_uid="break-once")
    try:
        order = order_of(ana)
        pay_at_square(services.checkout_start(by=ana.actor, order=order))
        assert services.payment_sync(order.pk).state == OrderState.PAID
        assert Effect.objects.get().attempts == 1
        assert Effect.objects.get().done_at is None
        assert services.sweep()["effects"] == 1
        assert services.sweep()["effects"] == 0
    finally:
        signals.charge_paid.disconnect(dispatch_uid="break-once")
    assert len(calls) == 2
    assert Effect.objects.get().done_at is not None


def test_a_declined_card_leaves_the_order_ready_to_pay_again(
    standin: Any, ana: Any, order_of: Any, events: Any, post_event: Any, pay_at_square: Any, as_: Any
) -> None:
    order = order_of(ana)
    browser = as_(ana)
    url = services.checkout_start(by=ana.actor, order=order)
    pay_at_square(url, declined=True)
    for raw in events:
        post_event(raw)
    work_off()
    page = browser.get(reverse("billing:return", args=[order.pk]))
    assert b'data-outcome="declined"' in page.content
    again = browser.post(reverse("billing:pay", args=[order.pk]))
    assert again["Location"] == url
    pay_at_square(url)
    page = browser.get(reverse("billing:return", args=[order.pk]))
    assert b'data-outcome="paid"' in page.content
    assert sorted(Payment.objects.values_list("state", flat=True)) == ["completed", "failed"]
    assert receipts() == [None, 1] or receipts() == [1, None]


def test_older_news_is_ignored(standin: Any, ana: Any, order_of: Any, pay_at_square: Any) -> None:
    from billing import square
    from billing.services.sync import payments_apply

    order = order_of(ana)
    url = services.checkout_start(by=ana.actor, order=order)
    standin.control({"hold_payments": True})
    approved = square.payment_get(pay_at_square(url)["id"])
    payments_apply(order.pk, [approved])
    assert Payment.objects.get().state == "approved"
    standin.control({"settle": approved.id})
    services.payment_sync(order.pk)
    payments_apply(order.pk, [approved])
    assert Payment.objects.get().state == "completed"


def test_receipt_numbers_follow_without_a_gap(
    standin: Any, ana: Any, ben: Any, paid: Any, order_of: Any, pay_at_square: Any
) -> None:
    for person in (ana, ben, ana):
        paid(person)
    assert sorted(n for n in receipts() if n) == [1, 2, 3]
    assert Counter.objects.get(name="receipt").value == 3
