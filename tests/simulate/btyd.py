"""BG/NBD and Gamma-Gamma by maximum likelihood: the yardstick that a world of buyers is held against.

Fader, Hardie & Lee (2005) for BG/NBD, Fader, Hardie & Lee (2005b) and Fader & Hardie (2013) for Gamma-Gamma.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

WEEK = 7


def summary(orders: pd.DataFrame, until: str | pd.Timestamp) -> pd.DataFrame:
    """Return repeat purchases x, recency t_x and age T in weeks, and the mean repeat order, per customer.

    `orders` has customer_id, order_date and amount; one row a customer and day; orders before `until` count.
    """
    until = pd.Timestamp(until)
    past = orders[orders["order_date"] < until].sort_values(["customer_id", "order_date"])
    groups = past.groupby("customer_id")["order_date"]
    first = groups.min()
    repeat = past[past.groupby("customer_id").cumcount() > 0]
    return pd.DataFrame(
        {
            "x": groups.size() - 1,
            "t_x": (groups.max() - first).dt.days / WEEK,
            "T": (until - first).dt.days / WEEK,
            "mean": repeat.groupby("customer_id")["amount"].mean(),
        }
    )


def fit_bgnbd(customers: pd.DataFrame) -> dict[str, float]:
    """Return r, alpha, a and b."""
    x, t_x, age = (customers[c].to_numpy(dtype=float) for c in ("x", "t_x", "T"))
    cells, count = np.unique(np.column_stack([x, t_x, age]), axis=0, return_counts=True)
    x, t_x, age = cells.T

    def loss(log_parameters: np.ndarray) -> float:
        r, alpha, a, b = np.exp(log_parameters)
        start = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        here = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
        gone = betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
        both = np.where(x > 0, np.logaddexp(here, gone), here)
        return -float(count @ (start + both)) / count.sum()

    found = minimize(loss, np.log([1.0, 5.0, 1.0, 3.0]), method="L-BFGS-B", options={"ftol": 1e-13})
    return dict(zip(("r", "alpha", "a", "b"), np.exp(found.x), strict=True))


def fit_gamma_gamma(customers: pd.DataFrame) -> dict[str, float]:
    """Return p, q and v from customers with repeat orders."""
    repeat = customers[customers["x"] > 0]
    x, mean = repeat["x"].to_numpy(dtype=float), repeat["mean"].to_numpy()

    def loss(log_parameters: np.ndarray) -> float:
        p, q, v = np.exp(log_parameters)
        each = (
            gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            + (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(v + x * mean)
        )  # fmt: skip
        return -float(each.mean())

    found = minimize(loss, np.log([3.0, 3.0, 50.0]), method="L-BFGS-B", options={"ftol": 1e-13})
    return dict(zip(("p", "q", "v"), np.exp(found.x), strict=True))


def expected_orders(customers: pd.DataFrame, weeks: float, bgnbd: dict[str, float]) -> np.ndarray:
    """Return what BG/NBD expects each customer to order in the coming weeks."""
    r, alpha, a, b = (bgnbd[name] for name in ("r", "alpha", "a", "b"))
    x, t_x, age = (customers[c].to_numpy(dtype=float) for c in ("x", "t_x", "T"))
    z = weeks / (alpha + age + weeks)
    grown = ((alpha + age) / (alpha + age + weeks)) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, z)
    top = (a + b + x - 1) / (a - 1) * (1 - grown)
    odds = a / (b + np.maximum(x, 1) - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x)
    return top / (1 + np.where(x > 0, odds, 0))
