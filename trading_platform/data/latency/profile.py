"""Order latency by named profile: a base, jitter, and rare spikes, drawn from a seed.

One way takes base + J, where J is hyperexponential: with probability ``1 - spike_chance`` exponential with mean
``jitter_ns``, else exponential with mean ``spike_ns``. That is a usual model of delays with a long tail: their
coefficient of variation is above 1 (Feldmann and Whitt 1998, "Fitting mixtures of exponentials to long-tail
distributions"). An exponential draw is the quantile function of a table with 4096 knots, linear between them and
capped at 12 means, in integers: the same seed gives the same rows on every machine. Words come from PCG64.

The values are orders of magnitude to begin with, not measurements of a venue: see the how-to page. Measure your own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from ...model.errors import ConfigError
from ...model.records import Records
from ..events import IntArray
from .file import rows_of

Words = npt.NDArray[np.uint64]
INTERVAL_NS: Final = 100_000_000
ROWS_MAX: Final = 20_000_000  # 640 MB
_KNOT_BITS: Final = 12
_FRACTION_BITS: Final = 24
_CAP_MEANS: Final = 12
_KNOTS: Final = 1 << _KNOT_BITS
_EXPONENTIAL: Final = np.array(
    [
        *(round(-math.log1p(-knot / _KNOTS) * (1 << _FRACTION_BITS)) for knot in range(_KNOTS)),
        _CAP_MEANS << _FRACTION_BITS,
    ],
    np.int64,
)
"""Quantiles of the exponential distribution with mean 1, times 2^24."""


@dataclass(frozen=True)
class Profile:
    """One way of an order [ns]; both ways have the same."""

    about: str
    base_ns: int
    jitter_ns: int
    spike_ns: int
    spike_permille: int


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "colocated": Profile("in the venue's building, by cross-connect", 150_000, 50_000, 2_000_000, 5),
        "same-region": Profile("in the venue's cloud region", 2_000_000, 500_000, 20_000_000, 10),
        "cross-region": Profile("on another continent", 110_000_000, 3_000_000, 50_000_000, 10),
    }
)


def latencies_of_profile(
    name: str, first_ns: int, last_ns: int, *, seed: int, interval_ns: int = INTERVAL_NS
) -> Records:
    """Return drawn order latencies from ``first_ns`` to at least ``last_ns``.

    Parameters
    ----------
    name : of PROFILES
    first_ns, last_ns : [ns] the times they are for
    seed : >= 0; same seed, same rows
    interval_ns : [ns] > 0 between two rows; the engine interpolates between

    Raises
    ------
    ConfigError : an unknown profile, a range that is empty or too long, a negative seed
    """
    profile = PROFILES.get(name)
    if profile is None:
        raise ConfigError(f"profile must be one of {', '.join(PROFILES)}, was {name}")
    if seed < 0:
        raise ConfigError(f"seed must be >= 0, was {seed}")
    if interval_ns < 1 or not 0 < first_ns <= last_ns:
        raise ConfigError(
            f"interval and range must be > 0, were {interval_ns} ns, {first_ns} to {last_ns} ns"
        )
    count = (last_ns - first_ns) // interval_ns + 2
    if count > ROWS_MAX:
        raise ConfigError(
            f"rows must be at most {ROWS_MAX}, were {count}: give a longer interval or a shorter range"
        )
    words = np.random.PCG64(seed).random_raw(4 * count).reshape(4, count)
    req_ns: IntArray = first_ns + np.arange(count, dtype=np.int64) * interval_ns
    exch_ns = np.maximum.accumulate(
        req_ns + _way_ns(profile, words[0], words[1])
    )  # no order overtakes another
    return rows_of(req_ns, exch_ns, exch_ns + _way_ns(profile, words[2], words[3]))


def _way_ns(profile: Profile, chance: Words, words: Words) -> IntArray:
    """Return the latency of one way for each pair of random words [ns]."""
    spikes = chance % np.uint64(1000) < np.uint64(profile.spike_permille)
    mean_ns = np.where(spikes, profile.spike_ns, profile.jitter_ns)
    knot = (words >> np.uint64(64 - _KNOT_BITS)).astype(np.int64)
    part = ((words >> np.uint64(16)) & np.uint64((1 << _FRACTION_BITS) - 1)).astype(np.int64)
    low, high = _EXPONENTIAL[knot], _EXPONENTIAL[knot + 1]
    drawn = low + ((high - low) * part >> _FRACTION_BITS)
    way: IntArray = profile.base_ns + (mean_ns * drawn >> _FRACTION_BITS)
    return way
