"""How long the world takes: ``python tests/bench/bench_world.py``. Printed, not asserted."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

from crmlab import datasets, simulate


def best(work: Callable[[], object], repeat: int) -> float:
    """Return the shortest of `repeat` runs in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Time the shipped cohort, the steps of a first and a second load, and larger worlds."""
    seed = simulate.SHIPPED_SEED
    print(f"shipped cohort simulated   {best(lambda: simulate.world(seed), 5):7.3f} s")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CRMLAB_CACHE"] = cache
        print(f"a cohort's first load      {best(lambda: datasets.load('orders', 'bench'), 1):7.3f} s")
        print(f"the same from the cache    {best(lambda: datasets.load('orders', 'bench'), 5):7.3f} s")
    print(f"orders of the shipped one  {best(lambda: datasets.load('orders', 'shipped'), 5):7.3f} s")
    print("\ncustomers   seconds   microseconds per customer")
    for customers in (2_000, 10_000, 50_000, 100_000):
        seconds = best(lambda n=customers: simulate.world(seed, n), 2)
        print(f"{customers:9,d}   {seconds:7.2f}   {1e6 * seconds / customers:9.0f}")


if __name__ == "__main__":
    main()
