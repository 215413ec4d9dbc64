"""With the audit on, each rule that was asked leaves what it observed, its limit and the headroom."""

from semantics.harness import BUY, SELL, Session

from trading_platform.model.enums import DenyCode

RULES = [
    DenyCode.MIN_ORDER_NOTIONAL,
    DenyCode.SINGLE_ORDER_NOTIONAL,
    DenyCode.POSITION,
    DenyCode.GROSS_NOTIONAL,
    DenyCode.QUOTE_GROSS_NOTIONAL,
    DenyCode.QUOTE_NET_NOTIONAL,
    DenyCode.ACTIVE_QUOTES,
    DenyCode.ORDER_TABLE_FULL,
]


def looks(session: Session) -> list[DenyCode]:
    records = session.state.audit[: int(session.session["audit_count"])]
    assert (records["headroom"] == records["limit"] - records["observed"]).all()
    return [DenyCode(int(record["rule"])) for record in records]


def test_order_that_passes_was_looked_at_by_every_rule() -> None:
    session = Session(audit=True, position_lots_max=7)
    session.new(BUY, 1000, 5)
    session.decide()
    assert looks(session) == RULES
    record = session.state.audit[RULES.index(DenyCode.POSITION)]
    assert (record["observed"], record["limit"], record["headroom"]) == (5, 7, 2)


def test_denial_is_the_last_look_and_has_no_headroom() -> None:
    session = Session(audit=True, position_lots_max=4)
    session.new(BUY, 1000, 5)
    session.decide()
    assert looks(session) == RULES[:3]
    assert session.state.audit[2]["headroom"] == -1


def test_reducing_order_is_not_looked_at_by_the_rules_it_passes() -> None:
    session = Session(audit=True)
    session.hold_position(5)
    session.session["audit_count"] = 0
    session.new(SELL, 1010, 5)
    session.decide()
    skipped = {DenyCode.SINGLE_ORDER_NOTIONAL, DenyCode.POSITION, DenyCode.GROSS_NOTIONAL}
    assert looks(session) == [rule for rule in RULES if rule not in skipped]


def test_switched_off_nothing_is_recorded() -> None:
    session = Session()
    session.new(BUY, 1000, 5)
    session.decide()
    assert session.session["audit_count"] == 0
