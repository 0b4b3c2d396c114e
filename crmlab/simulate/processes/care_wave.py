"""The care wave: from July 2025 half of the accounts get visits and service, by lot within layers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..dates import INTERVENTION, MONTHS
from ..numbers import numbers, series
from ..registry import process
from .account_stages import LOST, STAGES, YEAR_MONTHS
from .account_values import expected_margin, expected_months, expected_stay, expected_successors

WAVE = numbers(
    "care_wave",
    satisfaction_care=(0.7, "points", "change of an account's satisfaction under care"),
    satisfaction_drift=(0.15, "points", "change without care"),
    satisfaction_trust=(0.35, "points", "satisfaction before, per unit of trust"),
    satisfaction_noise=(0.5, "points", "standard deviation of satisfaction before"),
    change_noise=(0.6, "points", "standard deviation of the change"),
    change_stage=(0.8, "points", "change per point between the moods of the stages a year later and before"),
    volume_months=(3, "months", "before July 2025 whose kilograms make the layers of the lot"),
    layers=(10, "layers", "about so many: within each, half of the accounts get care"),
    cost_per_month=(240.0, "yuan", "care for one account"),
)
MOOD = series(
    "care_wave",
    "satisfaction",
    dict(zip(STAGES, (4.4, 4.9, 5.5, 3.6), strict=True)),
    "points 1 to 7",
    "before the wave, by stage, at mean trust",
)
LOWEST = 1
HIGHEST = 7  # ends of the scale
_DECIMALS = 4
HORIZON = 36  # months: the year of care and the two after it


@process(inner=("care_arms",))
def care_arms(rng: np.random.Generator, july_accounts: pd.DataFrame, past_months: pd.DataFrame) -> pd.Series:
    """Draw half of the accounts, layer by layer of their volume, so that both arms are alike."""
    recent = past_months[past_months["month"] >= INTERVENTION - pd.DateOffset(months=WAVE.volume_months)]
    volume = recent.groupby("account_id")["volume_kg"].sum()
    volume = volume.reindex(july_accounts["account"] + 1, fill_value=0)
    layer = (volume.rank(method="first", pct=True) * WAVE.layers).round().to_numpy()
    drawn = np.zeros(len(july_accounts), dtype=bool)
    drawn[np.lexsort((rng.random(len(drawn)), layer))[::2]] = True
    return pd.Series(drawn, index=july_accounts["account"])


@process(tables=("care_wave",), truth=("care_wave",))
def care_wave(
    rng: np.random.Generator,
    july_accounts: pd.DataFrame,
    care_arms: pd.Series,
    account_path: pd.DataFrame,
    past_latents: pd.DataFrame,
    untreated: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Return the wave with satisfaction before and a year after, and what was to be expected."""
    account = july_accounts["account"].to_numpy()
    scores = past_latents.iloc[account].reset_index(drop=True)
    care = care_arms.to_numpy()
    mood = MOOD.to_numpy()[july_accounts["stage"]] + WAVE.satisfaction_trust * scores["trust"].to_numpy()
    before = mood + rng.normal(0, WAVE.satisfaction_noise, len(account))
    gain = np.where(care, WAVE.satisfaction_care, WAVE.satisfaction_drift)
    last = account_path[(account_path["month"] == len(MONTHS) - 1) & (account_path["stage"] != LOST)]
    stage = last.set_index("account")["stage"].reindex(account).reset_index(drop=True)
    moved = stage.map(dict(enumerate(MOOD))) - MOOD.to_numpy()[july_accounts["stage"]]
    gain += WAVE.change_stage * moved
    after = before + gain + rng.normal(0, WAVE.change_noise, len(account))
    table = pd.DataFrame(
        {
            "account_id": account + 1,
            "assigned_on": INTERVENTION,
            "arm": np.where(care, "care", "control"),
            "cost_per_month": np.where(care, WAVE.cost_per_month, 0.0),
            "satisfaction_before": np.clip(before, LOWEST, HIGHEST).round(1),
            "satisfaction_after": after.clip(LOWEST, HIGHEST).round(1),
        }
    )
    return {"care_wave": table, "truth:care_wave": _expected(untreated)}


def _expected(untreated: pd.DataFrame) -> pd.DataFrame:
    """Return what both arms lead to: managers' bonds only, no partner programme, the rival calling by lot."""
    truth = pd.DataFrame({"account_id": untreated["account"] + 1})
    truth["stage"] = np.array(STAGES)[untreated["stage"]]
    leaving = untreated["leaving"]
    horizons = {YEAR_MONTHS: ("margin", "place_margin_12_months")}
    horizons[HORIZON] = ("margin_3_years", "place_margin_3_years")
    for arm, care in (("control", False), ("care", True)):
        for months, (alone, place) in horizons.items():
            own = expected_margin(untreated, untreated["volume"], leaving, care, months)
            successors = expected_successors(untreated, leaving, care, months)
            truth[f"{alone}_{arm}"] = own.round(2)
            truth[f"{place}_{arm}"] = (own + successors).round(2)
        months = expected_months(untreated, leaving, care)
        truth[f"cost_{arm}"] = (WAVE.cost_per_month * care * months).round(2)
        truth[f"stays_{arm}"] = expected_stay(untreated, leaving, care).round(_DECIMALS)
    return truth
