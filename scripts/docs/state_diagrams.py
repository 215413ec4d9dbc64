"""The two state machines of an order as diagrams, made from the tables in core/order_fsm.py."""

from collections.abc import Iterator

from trading_platform.core.order_fsm import PENDING_RULES, TERMINAL, TRANSITIONS
from trading_platform.model.enums import OrderStatus, Pending, ReportKind

from .markdown import NOTE, code, mermaid, table

SENT = {
    Pending.NEW: "we send an order",
    Pending.CANCEL: "we ask for a cancel",
    Pending.REPLACE: "we ask for a replace",
}


def order_status() -> str:
    """Return the diagram of what the venue says about an order."""
    return NOTE + mermaid(["stateDiagram-v2", *_status_edges()])


def order_pending() -> str:
    """Return diagram and table of the requests in flight."""
    rows = [
        (code(report.name), _names(answers) or "any", _names(clears))
        for report, (answers, clears) in PENDING_RULES.items()
    ]
    head = ("report", "answers a request", "no longer in flight afterwards")
    return NOTE + mermaid(["stateDiagram-v2", *_pending_edges()]) + "\n" + table(head, rows)


def _status_edges() -> Iterator[str]:
    yield f"    [*] --> {OrderStatus.PENDING_NEW.name}: we send it"
    for status, row in TRANSITIONS.items():
        for after in OrderStatus:
            events = [event.name for event, reached in row.items() if reached == after]
            if events:
                yield f"    {status.name} --> {after.name}: {', '.join(events)}"
    for status in sorted(TERMINAL):
        yield f"    {status.name} --> [*]"


def _pending_edges() -> Iterator[str]:
    """Yield what is sent and what each report does to a single request in flight."""
    yield '    state "nothing in flight" as nothing'
    yield "    [*] --> nothing"
    for request, text in SENT.items():
        yield f"    nothing --> {request.name}: {text}"
    for request in SENT:
        reached: dict[Pending, list[str]] = {}
        for report in ReportKind:
            answers, clears = PENDING_RULES[report]
            if answers == Pending.NONE or request & answers:
                reached.setdefault(request & ~clears, []).append(report.name)
        for after, reports in sorted(reached.items()):
            yield f"    {request.name} --> {after.name if after else 'nothing'}: {', '.join(reports)}"


def _names(bits: Pending) -> str:
    return ", ".join(code(str(bit.name)) for bit in Pending if bit and bits & bit)
