"""Order latencies: files in hftbacktest's format, made from feed latency, own orders or a named profile."""

from .feed import Leg, latencies_from_feed
from .file import LATENCY, LatencyFacts, check_latencies, latency_at, load_latencies, save_latencies
from .orders import OwnOrders, latencies_from_orders
from .profile import PROFILES, Profile, latencies_of_profile

__all__ = [
    "LATENCY",
    "PROFILES",
    "LatencyFacts",
    "Leg",
    "OwnOrders",
    "Profile",
    "check_latencies",
    "latencies_from_feed",
    "latencies_from_orders",
    "latencies_of_profile",
    "latency_at",
    "load_latencies",
    "save_latencies",
]
