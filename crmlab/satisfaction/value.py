"""Customer delivered value: what a customer gets from an offer, less what it costs him."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crmlab import _check

_VALUES = ["product_value", "service_value", "personnel_value", "image_value"]
_COSTS = ["price", "time_cost", "energy_cost", "psychic_cost"]


def delivered_value(
    offers: pd.DataFrame, offer: str = "offer", weights: Mapping[str, float] | pd.Series | None = None
) -> pd.DataFrame:
    """Return total customer value, total customer cost and the value delivered, their difference (Kotler).

    Parameters
    ----------
    offers : DataFrame
        One row per offer with product_value, service_value, personnel_value, image_value and price,
        time_cost, energy_cost, psychic_cost, all in yuan and none below 0.
    offer : str
        Column that names the offer.
    weights : mapping of str to float, optional
        What a yuan of a component counts for a customer; 1 if not given, 0 leaves it out.

    Returns
    -------
    DataFrame
        By offer, the best first: the eight weighted components (costs as positive amounts), total_value,
        total_cost, delivered_value.

    Examples
    --------
    >>> from crmlab import datasets
    >>> offers = datasets.load("competing_offers", cohort="shipped")
    >>> delivered_value(offers)["delivered_value"].head(2).to_dict()
    {'qinghe_classic': 20.0, 'qinghe_reserve': 14.0}
    >>> delivered_value(offers, weights={"image_value": 0}).index[0]
    'qinghe_classic'
    """
    parts = [*_VALUES, *_COSTS]
    _check.frame(offers, [offer, *parts], "offers")
    if offers[offer].isna().any():
        raise ValueError(f"offers has rows without a name in {offer!r}.")
    _check.unique(offers, offer, "offers")
    factors = _factors(weights, parts)
    amounts = {
        part: _check.numeric(offers[part], part, minimum=0, allow_truth_values=False) for part in parts
    }
    out = pd.DataFrame(amounts, pd.Index(offers[offer])) * factors
    out["total_value"] = out[_VALUES].sum(axis=1)
    out["total_cost"] = out[_COSTS].sum(axis=1)
    out["delivered_value"] = out["total_value"] - out["total_cost"]
    return out.sort_values("delivered_value", ascending=False, kind="stable")


def _factors(weights: object, parts: list[str]) -> pd.Series:
    """Return the weight of every component, 1 where none is given."""
    if weights is None:
        weights = {}
    if not isinstance(weights, Mapping | pd.Series):
        raise TypeError(f"weights must give numbers by component, found {type(weights).__name__}.")
    if isinstance(weights, pd.Series) and weights.index.has_duplicates:
        twice = weights.index[weights.index.duplicated()][0]
        raise ValueError(f"weights has the label {twice!r} more than once.")
    factors = pd.Series(1.0, parts)
    for name, weight in weights.items():
        _check.choice(name, parts, "weights")
        factors[name] = _check.number(weight, f"weights[{name!r}]", minimum=0)
    return factors
