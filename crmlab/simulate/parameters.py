"""The numbers of the world that lessons ask for: what the code reads is what the truth shows.

What only gives a table its looks (when visits start, how ages scatter) stands beside the code that draws it.
"""

from __future__ import annotations

import pandas as pd

START = pd.Timestamp("2022-07-01")
SURVEY = pd.Timestamp("2025-06-15")
INTERVENTION = pd.Timestamp("2025-07-01")
TODAY = pd.Timestamp("2026-06-30")
DAYS = (TODAY - START).days + 1  # the last order can fall on `TODAY`
MONTHS = pd.date_range(START, TODAY, freq="MS")
CUSTOMERS = 2_000  # the shipped cohort; its accounts keep this proportion
ACCOUNTS_PER_CUSTOMER = 0.12

# -- the index model: ECSI and CCSI arrows together, all variables standardised -------------------
CONSTRUCTS = ("image", "expectation", "quality", "value", "satisfaction", "complaints", "loyalty")
STRUCTURAL = {
    ("image", "expectation"): 0.50,
    ("image", "quality"): 0.25,
    ("image", "value"): 0.10,
    ("image", "satisfaction"): 0.15,
    ("image", "loyalty"): 0.15,
    ("expectation", "quality"): 0.40,
    ("expectation", "value"): 0.10,
    ("expectation", "satisfaction"): 0.10,
    ("quality", "value"): 0.50,
    ("quality", "satisfaction"): 0.40,
    ("value", "satisfaction"): 0.25,
    ("satisfaction", "complaints"): 0.55,
    ("satisfaction", "loyalty"): 0.55,
    ("complaints", "loyalty"): 0.10,
}
# loadings of a construct's items, and their means on the 1-10 scale before rounding
ITEMS = {
    "image": ((0.80, 0.74, 0.70, 0.77, 0.72), (7.4, 7.8, 6.7, 7.5, 7.7)),
    "expectation": ((0.78, 0.72, 0.70), (7.6, 7.4, 7.3)),
    "quality": ((0.84, 0.74, 0.79, 0.76, 0.80, 0.72, 0.78), (7.6, 7.0, 7.5, 7.6, 7.4, 7.2, 7.3)),
    "value": ((0.85, 0.80, 0.82), (6.3, 6.7, 6.9)),
    "satisfaction": ((0.84, 0.78, 0.86), (7.6, 7.0, 7.1)),
    "complaints": ((0.80, 0.76), (6.8, 6.6)),
    "loyalty": ((0.82, 0.70, 0.85), (7.3, 6.2, 7.2)),
}
ITEM_SD = 1.7  # of every item before rounding
METHOD_LOADING = 0.15
MISSING_SHARE = 0.03
# The full arrow model fitted by PLS (path scheme, Mode A, standardised, 26 items) to 1,000,000 complete
# answers of world 90210: what the method converges to. Recomputed by tests/studies/study_pls.py.
PLS_POPULATION = {
    ("image", "expectation"): 0.4236,
    ("image", "quality"): 0.2710,
    ("image", "value"): 0.1120,
    ("image", "satisfaction"): 0.1475,
    ("image", "loyalty"): 0.1644,
    ("expectation", "quality"): 0.3405,
    ("expectation", "value"): 0.1034,
    ("expectation", "satisfaction"): 0.0999,
    ("quality", "value"): 0.4466,
    ("quality", "satisfaction"): 0.3722,
    ("value", "satisfaction"): 0.2306,
    ("satisfaction", "complaints"): 0.4573,
    ("satisfaction", "loyalty"): 0.4615,
    ("complaints", "loyalty"): 0.1182,
}

# -- consumers ------------------------------------------------------------------------------------
CLASSES = ("devotee", "gift_giver", "bargain_hunter", "occasional")
CLASS_SHARES = (0.20, 0.25, 0.30, 0.25)
LINES = ("green_tea", "oolong", "black_tea", "dark_tea", "gift_sets", "teaware")
LINE_MARGINS = (0.42, 0.46, 0.40, 0.50, 0.36, 0.30)
LINE_AFFINITY = (
    (0.26, 0.24, 0.12, 0.22, 0.06, 0.10),
    (0.12, 0.08, 0.08, 0.10, 0.44, 0.18),
    (0.34, 0.16, 0.28, 0.06, 0.06, 0.10),
    (0.24, 0.14, 0.18, 0.08, 0.18, 0.18),
)
ORDER_CHANNELS = ("shop", "web", "app", "call")
CHANNEL_COSTS = ((9.0, 6.0), (16.0, 14.0), (13.0, 14.0), (24.0, 16.0))  # yuan an order, yuan a returned line
CHANNEL_BY_CLASS = (
    (0.50, 0.18, 0.26, 0.06),
    (0.30, 0.40, 0.18, 0.12),
    (0.22, 0.38, 0.36, 0.04),
    (0.45, 0.30, 0.17, 0.08),
)
SERIAL_RETURNERS = (0.02, 0.04, 0.16, 0.05)  # share of each class that returns most of what it orders
SERIAL_RETURN_SHARE = 0.8  # of the lines that they order by web, app or call; half of it in shops
SOURCES = ("shop", "online", "referral", "fair")  # acquisition channels
SOURCE_SHARES = (0.38, 0.32, 0.17, 0.13)
SOURCE_SATISFACTION = (0.0, -0.10, 0.50, -0.35)  # log-odds of the channel per unit of satisfaction
SOURCE_CONVERSION = (0.45, 0.25, 0.50, 0.20)
SOURCE_LEAD_COST = (12.0, 28.0, 18.0, 40.0)
CITIES = pd.DataFrame(
    [
        ("Shanghai", 1, "strong", 0.22),
        ("Hangzhou", 1, "strong", 0.20),
        ("Suzhou", 2, "strong", 0.14),
        ("Ningbo", 2, "weak", 0.13),
        ("Hefei", 2, "weak", 0.10),
        ("Shaoxing", 3, "weak", 0.08),
        ("Huzhou", 3, "weak", 0.07),
        ("Jinhua", 3, "strong", 0.06),
    ],
    columns=["city", "city_tier", "competition", "share"],
)

# -- business accounts ----------------------------------------------------------------------------
STAGES = ("exploration", "formation", "stability", "decline")
TRUST_GROUPS = ("low", "mid", "high")
# monthly moves by trust group, rows = from; columns exploration, formation, stability, decline, lost
TRANSITIONS = {
    "low": (
        (0.760, 0.130, 0, 0.110, 0),
        (0, 0.780, 0.090, 0.130, 0),
        (0, 0, 0.895, 0.105, 0),
        (0, 0.080, 0, 0.780, 0.140),
    ),
    "mid": (
        (0.800, 0.140, 0, 0.060, 0),
        (0, 0.830, 0.100, 0.070, 0),
        (0, 0, 0.950, 0.050, 0),
        (0, 0.110, 0, 0.785, 0.105),
    ),
    "high": (
        (0.830, 0.140, 0, 0.030, 0),
        (0, 0.860, 0.110, 0.030, 0),
        (0, 0, 0.978, 0.022, 0),
        (0, 0.130, 0, 0.780, 0.090),
    ),
}
# what care does to the monthly moves while it lasts: multipliers of climbing, slipping and being lost
CARE_EFFECTS = {
    "exploration": {"climb": 1.05, "decline": 0.70, "lost": 1.0},
    "formation": {"climb": 1.60, "decline": 0.25, "lost": 1.0},
    "stability": {"climb": 1.0, "decline": 0.20, "lost": 1.0},
    "decline": {"climb": 1.15, "decline": 1.0, "lost": 0.85},
}
CARE_COST_PER_MONTH = 240.0
# months of an account by stage: Poisson means, and log-means with the standard deviation of the logs
MONTH_FEATURES = pd.DataFrame(
    {
        "orders": (1.9, 4.2, 8.0, 5.2),
        "kg_per_order": (1.0, 1.6, 2.2, 1.9),
        "margin_rate": (0.27, 0.30, 0.32, 0.25),
        "visits": (2.8, 2.2, 1.0, 1.9),
        "complaints": (0.40, 0.35, 0.30, 1.00),
        "response_hours": (18.0, 13.0, 9.0, 16.0),
        "noise": (0.50, 0.50, 0.55, 0.60),
    },
    index=list(STAGES),
)
PRICE_PER_KG = 185.0
# how account managers label a stage (rows = true stage)
LABEL_ERRORS = (
    (0.94, 0.04, 0.00, 0.02),
    (0.03, 0.92, 0.03, 0.02),
    (0.00, 0.03, 0.95, 0.02),
    (0.02, 0.03, 0.03, 0.92),
)
TRUST_PATHS = {
    ("shared_values", "trust"): 0.30,
    ("communication", "trust"): 0.40,
    ("opportunism", "trust"): -0.35,
    ("trust", "commitment"): 0.45,
    ("termination_cost", "commitment"): 0.25,
    ("relationship_benefits", "commitment"): 0.20,
    ("shared_values", "commitment"): 0.15,
}

# -- service quality and Kano ---------------------------------------------------------------------
DIMENSIONS = {"tangibles": 4, "reliability": 5, "responsiveness": 4, "assurance": 4, "empathy": 5}
EXPECTED_MEANS = (5.0, 5.9, 5.7, 5.6, 5.3)
PERCEIVED_MEANS = (5.2, 5.5, 5.2, 5.6, 5.1)
DERIVED_WEIGHTS = (0.08, 0.34, 0.26, 0.14, 0.18)  # what moves satisfaction with the visit
STATED_POINTS = (22, 28, 16, 18, 16)  # what respondents say matters, out of 100
RELATIONSHIP_EXPECTED = (6.3, 6.1, 5.3, 5.9, 5.1, 5.6)
RELATIONSHIP_GAPS = (-0.9, -1.2, -0.5, -0.8, -0.3, -1.1)
IMPROVEMENTS = pd.DataFrame(
    [
        ("tangibles", "Refit the tasting rooms", 12_000, 0.8),
        ("reliability", "Check every parcel twice before it leaves", 7_000, 0.5),
        ("responsiveness", "Answer every message within an hour", 2_500, 0.6),
        ("assurance", "Train staff in tea and its origins", 4_500, 0.5),
        ("empathy", "Show the customer's history at the counter", 4_000, 0.6),
    ],
    columns=["dimension", "project", "cost", "gap_points"],
)
KANO_CATEGORIES = ("attractive", "one-dimensional", "must-be", "indifferent", "reverse")
KANO_FEATURES = {
    "tasting_before_buying": (0.52, 0.22, 0.06, 0.18, 0.02),
    "harvest_date_on_pack": (0.14, 0.26, 0.46, 0.13, 0.01),
    "delivery_within_48_hours": (0.14, 0.54, 0.20, 0.11, 0.01),
    "airtight_resealable_pack": (0.12, 0.20, 0.56, 0.11, 0.01),
    "handwritten_gift_card": (0.50, 0.10, 0.03, 0.33, 0.04),
    "brewing_app": (0.22, 0.06, 0.02, 0.58, 0.12),
    "free_returns": (0.12, 0.36, 0.37, 0.14, 0.01),
    "staff_know_my_taste": (0.40, 0.32, 0.05, 0.20, 0.03),
    "pesticide_test_report": (0.08, 0.24, 0.60, 0.08, 0.00),
    "promotional_calls": (0.04, 0.03, 0.01, 0.30, 0.62),
}
KANO_ERROR = 0.06
KANO_ANSWERS = ("like", "must-be", "neutral", "live-with", "dislike")

# -- market and quality control -------------------------------------------------------------------
OFFERS = pd.DataFrame(
    # perceived benefit on 1-10; values and costs in yuan for 100 g of green tea
    [
        ("qinghe_classic", 6.8, 52, 22, 16, 18, 68, 9, 6, 5),
        ("qinghe_reserve", 8.3, 86, 28, 20, 30, 128, 10, 6, 6),
        ("rival_leaf", 5.6, 40, 12, 8, 8, 42, 8, 6, 8),
        ("rival_heritage", 8.0, 82, 22, 16, 36, 138, 14, 8, 6),
        ("supermarket", 4.6, 32, 6, 3, 5, 32, 5, 4, 9),
    ],
    columns=[
        "offer",
        "benefit",
        "product_value",
        "service_value",
        "personnel_value",
        "image_value",
        "price",
        "time_cost",
        "energy_cost",
        "psychic_cost",
    ],
)
DEFECTS = ("broken_leaf", "moisture", "foreign_matter", "packaging", "labelling")
DEFECT_SHARES = (0.44, 0.27, 0.08, 0.14, 0.07)

_SCALARS = [
    # process, parameter, value, unit, description
    ("bgnbd", "r", 1.0, "none", "shape of the purchase rate (Gamma)"),
    ("bgnbd", "alpha", 6.0, "week", "rate parameter of the purchase rate (Gamma)"),
    ("bgnbd", "a", 0.8, "none", "first shape of the dropout probability (Beta)"),
    ("bgnbd", "b", 4.2, "none", "second shape of the dropout probability (Beta)"),
    ("bgnbd", "satisfaction_dropout", -0.5, "rank correlation", "satisfaction and dropout probability"),
    ("bgnbd", "satisfaction_rate", 0.2, "rank correlation", "satisfaction and purchase rate"),
    ("gamma_gamma", "p", 5.0, "none", "shape of an order's amount (Gamma)"),
    ("gamma_gamma", "q", 4.0, "none", "shape of the customers' scale (Gamma)"),
    ("gamma_gamma", "v", 96.0, "yuan", "scale of the customers' scale: the mean order is p v / (q - 1)"),
    ("incident", "intercept", -1.9, "logit", "an order of the last year goes wrong"),
    ("incident", "satisfaction", -0.6, "logit", "change per unit of satisfaction"),
    ("incident", "voice", 0.45, "share", "of those who meet an incident and complain"),
    ("incident", "exit", 0.25, "share", "of those who meet an incident and leave without a word"),
    ("incident", "leave_recovered", 0.05, "probability", "of leaving after a complaint that was recovered"),
    ("incident", "leave_unrecovered", 0.65, "probability", "of leaving after a complaint that was not"),
    ("incident", "leave_silent", 0.25, "probability", "of leaving after saying nothing and staying at first"),
    ("incident", "recovery_intercept", 1.6, "logit", "of being recovered when solved at once"),
    ("incident", "recovery_per_day_late", -0.9, "logit", "change per day beyond the promise"),
    ("customer_care", "extra_1", 0.28, "probability", "of one extra order within 60 days after 1 call"),
    ("customer_care", "extra_2", 0.42, "probability", "of one extra order within 60 days after 2 calls"),
    ("customer_care", "extra_3", 0.48, "probability", "of one extra order within 60 days after 3 calls"),
    ("satisfaction_survey", "answer_intercept", -0.5, "logit", "an invited customer answers"),
    ("satisfaction_survey", "answer_satisfaction", 0.4, "logit", "change per unit of satisfaction"),
    ("satisfaction_survey", "method_loading", METHOD_LOADING, "none", "common to all items"),
    ("satisfaction_survey", "missing", MISSING_SHARE, "share", "of the answers"),
    ("disconfirmation", "base", 7.5, "points", "satisfaction with the visit when expectations are just met"),
    (
        "disconfirmation",
        "expectation",
        0.15,
        "points",
        "change per point of expected service, 5.5 being neutral",
    ),
    ("disconfirmation", "negative", 1.6, "points", "change per point by which service falls short"),
    ("disconfirmation", "positive", 0.5, "points", "change per point by which service exceeds expectation"),
    ("disconfirmation", "noise", 0.8, "points", "standard deviation"),
    ("delight", "intercept", -1.9, "logit", "buys again at satisfaction 4 with the visit"),
    ("delight", "below", 0.75, "logit", "change per point up to 6.5"),
    ("delight", "zone", 0.10, "logit", "change per point between 6.5 and the delight threshold"),
    ("delight", "threshold", 8.0, "points", "where delight starts"),
    ("delight", "above", 1.5, "logit", "change per point above the threshold"),
    ("offer_choice", "benefit", 0.9, "utility", "per point of perceived benefit"),
    ("offer_choice", "price", -0.028, "utility", "per yuan"),
    ("tracker", "level", 68.0, "index points", "before the shift"),
    ("tracker", "shift", 4.0, "index points", "real change of level"),
    ("tracker", "shift_quarter", 14, "quarter number", "first quarter after the shift, counted from 1"),
    ("tracker", "false_alarm_quarter", 7, "quarter number", "small sample, no change of level"),
    ("inspection", "defect_rate", 0.040, "share", "before the shift"),
    ("inspection", "shifted_rate", 0.075, "share", "from one supplier after the shift"),
    ("inspection", "shift_week", 172, "week number", "first week after the shift, counted from 1"),
    ("care_wave", "satisfaction_care", 0.7, "points", "change of an account's satisfaction under care"),
    ("care_wave", "satisfaction_drift", 0.15, "points", "change without care"),
    ("care_wave", "cost_per_month", CARE_COST_PER_MONTH, "yuan", "care for one account"),
    ("referrals", "positive_rate", 0.22, "per year", "recommendations at average satisfaction"),
    ("referrals", "negative_rate", 0.10, "per year", "warnings at average satisfaction"),
    ("referrals", "satisfaction_positive", 0.6, "log rate", "change per unit of satisfaction"),
    ("referrals", "satisfaction_negative", -0.7, "log rate", "change per unit of satisfaction"),
]
P: dict[tuple[str, str], float] = {(process, name): value for process, name, value, *_ in _SCALARS}


def table() -> pd.DataFrame:
    """Return every scalar parameter and every path as (process, parameter, value, unit, description)."""
    rows = list(_SCALARS)
    for process, paths, text in (
        ("structural", STRUCTURAL, "path between latent variables that generated the data"),
        ("pls_population", PLS_POPULATION, "path of the full arrow model that PLS converges to"),
        ("commitment_trust", TRUST_PATHS, "path between latent variables of accounts"),
    ):
        rows += [
            (process, f"{a}->{b}", value, "standard deviations", text) for (a, b), value in paths.items()
        ]
    for stage, effects in CARE_EFFECTS.items():
        rows += [
            ("care", f"{stage}:{move}", x, "factor", "on the monthly move") for move, x in effects.items()
        ]
    rows += [
        (
            "service_quality",
            f"weight:{name}",
            weight,
            "share",
            "of the dimension in the gap that customers feel",
        )
        for name, weight in zip(DIMENSIONS, DERIVED_WEIGHTS, strict=True)
    ]
    return pd.DataFrame(rows, columns=["process", "parameter", "value", "unit", "description"]).astype(
        {"value": float}
    )
