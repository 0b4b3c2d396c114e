"""What customers answer: satisfaction, service quality, Kano, choices of offers; and two tracked series."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr

from . import parameters as par
from .core import chance, generator
from .parameters import P


def answers(seed: int, scores: pd.DataFrame, process: str = "satisfaction_answers") -> pd.DataFrame:
    """Return complete answers (1-10) to the satisfaction items by respondents with the given index scores."""
    rng = generator(seed, process)
    n = len(scores)
    method = rng.standard_normal(n)
    out = {}
    for construct, (loadings, means) in par.ITEMS.items():
        score = scores[construct].to_numpy()
        for k, (loading, mean) in enumerate(zip(loadings, means, strict=True), start=1):
            unique = np.sqrt(1 - loading**2 - par.METHOD_LOADING**2)
            raw = loading * score + par.METHOD_LOADING * method + unique * rng.standard_normal(n)
            out[f"{construct}_{k}"] = np.clip(np.rint(mean + par.ITEM_SD * raw), 1, 10).astype(int)
    return pd.DataFrame(out)


def loadings() -> pd.DataFrame:
    """Return each item's loading: the one that generated the answer, and the one left after rounding to 1-10.

    The second is the correlation of a rounded answer with the latent score, from the probabilities of the
    ten answers.
    """
    score = np.arange(1, 11)
    inner = np.arange(1.5, 10)
    rows = []
    for construct, (generating, means) in par.ITEMS.items():
        for k, (loading, mean) in enumerate(zip(generating, means, strict=True), start=1):
            z = np.r_[-np.inf, (inner - mean) / par.ITEM_SD, np.inf]
            share = np.diff(ndtr(z))
            density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
            spread = np.sqrt(share @ score**2 - (share @ score) ** 2)
            kept = score @ (density[:-1] - density[1:]) / spread  # correlation of raw and rounded answer
            rows.append((f"{construct}_{k}", construct, loading, loading * kept))
    return pd.DataFrame(rows, columns=["item", "construct", "loading", "loading_observed"])


def satisfaction_survey(seed: int, people: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the survey of June 2025; who answers depends a little on satisfaction."""
    rng = generator(seed, "satisfaction_survey")
    items = answers(seed, truth)
    satisfaction = truth["satisfaction"].to_numpy()
    loyalty = truth["loyalty"].to_numpy()
    n = len(truth)
    gaps = rng.random(items.shape) < P["satisfaction_survey", "missing"]
    out = items.astype("Int64").mask(gaps)
    # Strong competition bends the way from satisfaction to recommendation: only delight is passed on.
    strong = (people["competition"] == "strong").to_numpy()
    bend = np.where(
        strong, 0.35 * satisfaction + 0.75 * np.maximum(satisfaction - 0.5, 0), 0.75 * satisfaction
    )
    recommend = 7.6 + 1.4 * bend + 0.7 * loyalty + rng.normal(0, 1.1, n)
    rivals = 5.2 - 0.9 * satisfaction - 0.5 * loyalty + 0.8 * strong + rng.normal(0, 1.5, n)
    other = 6.2 + 0.8 * satisfaction + 0.6 * loyalty + rng.normal(0, 1.5, n)
    out.insert(0, "customer_id", truth["customer_id"])
    out["recommend"] = np.clip(np.rint(recommend), 0, 10).astype(int)
    out["attention_to_rivals"] = np.clip(np.rint(rivals), 1, 10).astype(int)
    out["other_products"] = np.clip(np.rint(other), 1, 10).astype(int)
    wishes = np.array(
        ["faster_delivery", "lower_prices", "fresher_tea", "better_packaging", "friendlier_staff"]
    )
    out["improvement"] = np.where(
        rng.random(n) < np.clip(0.55 - 0.12 * satisfaction, 0.1, 0.95),
        rng.choice(wishes, n, p=[0.34, 0.26, 0.14, 0.14, 0.12]),
        "none",
    )
    invited = (people["acquired_on"] < par.SURVEY).to_numpy()
    answered = chance(
        rng,
        P["satisfaction_survey", "answer_intercept"]
        + P["satisfaction_survey", "answer_satisfaction"] * satisfaction,
    )
    return out[invited & answered].reset_index(drop=True)


def service_quality_survey(
    seed: int, people: pd.DataFrame, truth: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return expected and perceived service (1-7) with what followed, and the truth behind the answers."""
    rng = generator(seed, "service_quality_survey")
    invited = np.flatnonzero((people["acquired_on"] < par.SURVEY).to_numpy())
    row = np.sort(rng.permutation(invited)[: max(1, round(0.2 * len(people)))])
    n = len(row)
    asked = truth.iloc[row]
    out, felt = _dimensions(rng, asked)
    out |= _relationship(rng, asked)
    out |= _stated_points(rng, n)
    gap = sum(w * felt[f"gap_{name}"] for name, w in _weights().items())
    wanted = sum(w * felt[f"expected_{name}"] for name, w in _weights().items())
    noise = rng.normal(0, P["disconfirmation", "noise"], n)
    visit = np.clip(visit_satisfaction(gap, wanted) + noise, 1, 10)
    again = repurchase_given_satisfaction(visit)
    out["visit_satisfaction"] = np.clip(visit.round(1), 1, 10)
    out["buys_again"] = (rng.random(n) < again).astype(int)
    customer = asked["customer_id"].to_numpy()
    behind = pd.DataFrame(
        {
            "customer_id": customer,
            **{f"gap_{name}": felt[f"gap_{name}"] for name in par.DIMENSIONS},
            "gap": gap,
            "expected": wanted,
            "noise": noise,
            "repurchase_probability": again,
        }
    )
    return pd.DataFrame({"customer_id": customer, **out}), behind


def _weights() -> dict[str, float]:
    """Return what each dimension counts in the gap that customers feel."""
    return dict(zip(par.DIMENSIONS, par.DERIVED_WEIGHTS, strict=True))


def _dimensions(
    rng: np.random.Generator, asked: pd.DataFrame
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the answers to the 22 pairs of items, and what lies behind them by dimension."""
    quality = asked["quality"].to_numpy()
    expectation = asked["expectation"].to_numpy()
    n = len(asked)
    out = {}
    felt = {}
    means = zip(par.EXPECTED_MEANS, par.PERCEIVED_MEANS, strict=True)
    for (name, items), (expected_mean, perceived_mean) in zip(par.DIMENSIONS.items(), means, strict=True):
        expected = expected_mean + 0.5 * expectation + 0.35 * rng.standard_normal(n)
        perceived = perceived_mean + 0.8 * quality + 0.6 * rng.standard_normal(n)
        felt[f"expected_{name}"] = expected
        felt[f"gap_{name}"] = perceived - expected
        for k in range(1, items + 1):
            tilt = 0.25 * (k - (items + 1) / 2)  # later items of a dimension are served better
            out[f"{name}_{k}_expected"] = _seven_points(expected + rng.normal(0, 0.6, n))
            out[f"{name}_{k}_perceived"] = _seven_points(perceived + tilt + rng.normal(0, 0.7, n))
    return out, felt


def _relationship(rng: np.random.Generator, asked: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return the answers to the pairs of items about the relationship."""
    n = len(asked)
    out = {}
    means = zip(par.RELATIONSHIP_EXPECTED, par.RELATIONSHIP_GAPS, strict=True)
    for k, (mean, gap) in enumerate(means, start=1):
        expected = mean + 0.3 * asked["expectation"].to_numpy() + rng.normal(0, 0.7, n)
        perceived = mean + gap + 0.45 * asked["quality"].to_numpy() + rng.normal(0, 0.8, n)
        out[f"relationship_{k}_expected"] = _seven_points(expected)
        out[f"relationship_{k}_perceived"] = _seven_points(perceived)
    return out


def _stated_points(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Return how respondents share 100 points among the dimensions, in fives."""
    share = rng.gamma(1.5 * np.array(par.STATED_POINTS), size=(n, len(par.DIMENSIONS)))
    points = np.rint(20 * share / share.sum(axis=1, keepdims=True)).astype(int) * 5
    points[np.arange(n), points.argmax(axis=1)] += 100 - points.sum(axis=1)
    return {f"points_{name}": points[:, k] for k, name in enumerate(par.DIMENSIONS)}


def _seven_points(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 1, 7).astype(int)


def improvement_effects(behind: pd.DataFrame) -> pd.DataFrame:
    """Return what each improvement project would truly add to the probability of buying again."""
    weights = _weights()
    gap = behind["gap"].to_numpy()
    expected = behind["expected"].to_numpy()
    noise = behind["noise"].to_numpy()
    rows = []
    for project in par.IMPROVEMENTS.itertuples():
        visit = visit_satisfaction(gap + weights[project.dimension] * project.gap_points, expected) + noise
        lifted = repurchase_given_satisfaction(np.clip(visit, 1, 10))
        rows.append((project.dimension, (lifted - behind["repurchase_probability"].to_numpy()).mean()))
    return pd.DataFrame(rows, columns=["dimension", "repurchase_gain"])


def visit_satisfaction(gap: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return mean satisfaction with a visit: falling short hurts more than exceeding pleases."""
    return (
        P["disconfirmation", "base"]
        + P["disconfirmation", "expectation"] * (expected - 5.5)
        + P["disconfirmation", "negative"] * np.minimum(gap, 0)
        + P["disconfirmation", "positive"] * np.maximum(gap, 0)
    )


def repurchase_given_satisfaction(visit: np.ndarray) -> np.ndarray:
    """Return the probability of buying again by satisfaction with a visit (1-10): flat between two knees."""
    low = 6.5
    threshold = P["delight", "threshold"]
    logit = (
        P["delight", "intercept"]
        + P["delight", "below"] * (np.minimum(visit, low) - 4)
        + P["delight", "zone"] * np.clip(visit - low, 0, threshold - low)
        + P["delight", "above"] * np.maximum(visit - threshold, 0)
    )
    return expit(logit)


def kano_survey(seed: int, people: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return functional and dysfunctional answers by feature, and each respondent's true category."""
    rng = generator(seed, "kano_survey")
    invited = people.loc[people["acquired_on"] < par.SURVEY, "customer_id"].to_numpy()
    who = np.sort(rng.permutation(invited)[: max(1, round(0.15 * len(people)))])
    parts = []
    for feature, shares in par.KANO_FEATURES.items():
        category = rng.choice(len(par.KANO_CATEGORIES), len(who), p=shares)
        words = np.array(par.KANO_ANSWERS)[_kano_pairs(rng, category)]
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": who,
                    "feature": feature,
                    "functional": words[:, 0],
                    "dysfunctional": words[:, 1],
                    "category": np.array(par.KANO_CATEGORIES)[category],
                }
            )
        )
    out = pd.concat(parts, ignore_index=True)
    return out.drop(columns="category"), out[["customer_id", "feature", "category"]]


_MIDDLE = (1, 2, 3)  # must-be, neutral, live-with; 0 is like and 4 is dislike
_KANO_CELLS = (  # of the evaluation table (functional, dysfunctional) that mean each category
    [(0, d) for d in _MIDDLE],  # attractive
    [(0, 4)],  # one-dimensional
    [(f, 4) for f in _MIDDLE],  # must-be
    [(f, d) for f in _MIDDLE for d in _MIDDLE],  # indifferent
    [(f, 0) for f in _MIDDLE] + [(4, d) for d in (0, *_MIDDLE)],  # reverse
)


def _kano_pairs(rng: np.random.Generator, category: np.ndarray) -> np.ndarray:
    """Draw a cell of each respondent's category; now and then an answer slips."""
    draw = rng.integers(0, 36, len(category))
    cells = [_KANO_CELLS[c] for c in category]
    pair = np.array([cell[k % len(cell)] for cell, k in zip(cells, draw, strict=True)])
    slip = rng.random(pair.shape) < par.KANO_ERROR
    return np.where(slip, rng.integers(0, 5, pair.shape), pair)


def offer_choices(seed: int, people: pd.DataFrame) -> pd.DataFrame:
    """Return how respondents see five competing offers (benefit 1-10) and which one they chose."""
    rng = generator(seed, "offer_choices")
    invited = people.loc[people["acquired_on"] < par.SURVEY, "customer_id"].to_numpy()
    who = np.sort(rng.permutation(invited)[: max(1, round(0.2 * len(people)))])
    n = len(who)
    k = len(par.OFFERS)
    benefit = par.OFFERS["benefit"].to_numpy() + rng.normal(0, 0.5, (n, 1)) + rng.normal(0, 1.1, (n, k))
    benefit = np.clip(benefit.round(1), 1, 10)
    price = par.OFFERS["price"].to_numpy(dtype=float)
    utility = P["offer_choice", "benefit"] * benefit + P["offer_choice", "price"] * price
    chosen = (utility + rng.gumbel(size=(n, k))).argmax(axis=1)
    return pd.DataFrame(
        {
            "customer_id": np.repeat(who, k),
            "offer": np.tile(par.OFFERS["offer"].to_numpy(dtype=str), n),
            "benefit": benefit.ravel(),
            "chosen": (np.arange(k) == chosen[:, None]).astype(int).ravel(),
        }
    )


def satisfaction_tracker(seed: int) -> pd.DataFrame:
    """Return the index of 20 quarters: one real shift, and one small sample that looks like another."""
    rng = generator(seed, "satisfaction_tracker")
    quarter = np.arange(1, 21)
    respondents = rng.integers(180, 261, 20)
    alarm = quarter == P["tracker", "false_alarm_quarter"]
    respondents[alarm] = 32
    sd = rng.normal(18.0, 0.8, 20)
    level = P["tracker", "level"] + P["tracker", "shift"] * (quarter >= P["tracker", "shift_quarter"])
    error = rng.standard_normal(20) * 0.75
    error[alarm] = -2.0  # ordinary for 32 answers, startling for 220
    index = level + error * 18.0 / np.sqrt(respondents)
    promoters = rng.binomial(respondents, np.clip(0.34 + (index - 68) / 90, 0.05, 0.9))
    detractors = rng.binomial(respondents - promoters, np.clip(0.30 - (index - 68) / 110, 0.02, 0.9))
    return pd.DataFrame(
        {
            "quarter": pd.date_range("2021-07-01", periods=20, freq="QS"),
            "respondents": respondents,
            "mean_index": index.round(1),
            "sd_index": sd.round(1),
            "promoters": promoters,
            "passives": respondents - promoters - detractors,
            "detractors": detractors,
        }
    )


def inspections(seed: int) -> pd.DataFrame:
    """Return the incoming lots week by week: how many packs were inspected, and what was wrong with them."""
    rng = generator(seed, "inspections")
    day = pd.date_range(par.START + pd.Timedelta(days=3), par.TODAY, freq="7D")
    week = np.arange(1, len(day) + 1)
    supplier = rng.choice(3, len(day), p=[0.5, 0.3, 0.2])
    inspected = rng.integers(150, 251, len(day))
    worse = (week >= P["inspection", "shift_week"]) & (supplier == 1)
    rate = np.where(worse, P["inspection", "shifted_rate"], P["inspection", "defect_rate"])
    defective = rng.binomial(inspected, rate)
    shares = np.where(worse[:, None], (0.25, 0.52, 0.06, 0.12, 0.05), par.DEFECT_SHARES)
    causes = rng.multinomial(defective, shares)
    return pd.DataFrame(
        {
            "inspection_id": week,
            "date": day,
            "supplier": np.array(["supplier_1", "supplier_2", "supplier_3"])[supplier],
            "inspected": inspected,
            "defective": defective,
            **{name: causes[:, k] for k, name in enumerate(par.DEFECTS)},
        }
    )
