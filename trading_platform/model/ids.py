"""Order ids and slots."""

import hashlib
from typing import Final

from .errors import ConfigError

ORDER_COUNTER_BITS: Final = 40
SESSION_EPOCH_MAX: Final = (1 << (63 - ORDER_COUNTER_BITS)) - 1


def first_order_id(session_epoch: int) -> int:
    """Return the id below the first one of a session: ``session_epoch << 40``. Ids grow and are never reused."""
    if not 0 <= session_epoch <= SESSION_EPOCH_MAX:
        raise ConfigError(f"session_epoch must be 0 to {SESSION_EPOCH_MAX}, was {session_epoch}")
    return session_epoch << ORDER_COUNTER_BITS


def stable_slot_order_id(namespace: str, instrument: str, side: str, level: int) -> str:
    """Return a slot's public id: a non-negative 63-bit integer as a decimal string, the same in every process.

    The first 8 bytes (big-endian, top bit cleared) of SHA-256 over ``namespace|instrument|side|level``.
    """
    text = "|".join((namespace, instrument, side, str(level)))
    digest = hashlib.sha256(text.encode()).digest()
    return str(int.from_bytes(digest[:8], "big") & ((1 << 63) - 1))
