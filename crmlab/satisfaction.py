"""What customers get, what they expected, and what follows: indices, gaps, categories, scores and charts.

Index models (SCSB, ACSI, ECSI, CCSI) are specifications, that is data; `crmlab.pls` estimates them. The rest are the
instruments of satisfaction research that statsmodels lacks. Regressions, proportions, choice models and mediation stay
with statsmodels: `disconfirmation` only builds the terms, ``smf.ols`` estimates, ``t_test`` compares the slopes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab import _check

if TYPE_CHECKING:
    from crmlab.pls import PLSPathModel

__all__ = [
    "KANO_ANSWERS", "KANO_CATEGORIES", "SERVQUAL_DIMENSIONS", "SPECIFICATIONS", "ControlChart",
    "Quadrants", "Servqual", "Specification", "acsi", "acsi_slides", "ccsi", "ccsi_slides",
    "compare_indices", "cusum", "delivered_value", "disconfirmation", "ecsi", "individuals_chart", "kano",
    "kano_category", "mean_chart", "nps", "nps_difference", "p_chart", "quadrants", "scsb", "scsb_slides",
    "servqual", "survey_items",
]  # fmt: skip


class _Shown:
    """How results show themselves: a line with every setting that changes the numbers, then the summary."""

    def __repr__(self) -> str:
        return f"{self._caption()}\n{self.summary().round(4).to_string()}"

    def _repr_html_(self) -> str:
        return f"<p>{self._caption()}</p>{self.summary().round(4).to_html()}"


# --- index models --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Specification:
    """A satisfaction index model as data: what acts on what, where it comes from, how it is drawn.

    Attributes
    ----------
    name, title : str
    arrows : mapping of str to tuple of str
        Construct -> the constructs that it acts on.
    layout : mapping of str to (x, y)
        Every construct and its place in the path diagram, left to right and bottom to top; see `plots.path_diagram`.
    source, note : str
        Where the model is published, and what to know about this reading of it.
    measured_by : mapping of str to str
        Construct -> block of items that measures it, where a survey has no block of the construct's own name.

    Examples
    --------
    >>> acsi.constructs
    ('expectation', 'quality', 'value', 'satisfaction', 'complaints', 'loyalty')
    >>> len(acsi.paths), acsi.paths[0]
    (9, ('expectation', 'quality'))
    """

    name: str
    title: str
    arrows: Mapping[str, tuple[str, ...]]
    layout: Mapping[str, tuple[float, float]]
    source: str
    note: str = ""
    measured_by: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("arrows", "layout", "measured_by"):  # read-only, whatever mapping was given
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        ends = {*self.arrows, *(end for targets in self.arrows.values() for end in targets)}
        if lost := sorted(ends ^ set(self.layout)):
            raise ValueError(f"{self.name}: {lost[0]!r} must be both in arrows and in layout.")

    @property
    def constructs(self) -> tuple[str, ...]:
        """The latent variables, in the order of `layout`."""
        return tuple(self.layout)

    @property
    def paths(self) -> list[tuple[str, str]]:
        """(predictor, outcome) pairs."""
        return [(start, end) for start, targets in self.arrows.items() for end in targets]

    def model(
        self, survey: pd.DataFrame, items: Mapping[str, Sequence[str]] | None = None, **settings: Any
    ) -> PLSPathModel:
        """Return the PLS path model of this index for a survey; ``.fit()`` estimates it.

        Parameters
        ----------
        survey : DataFrame
            One row per respondent.
        items : mapping of str to list of str, optional
            Construct -> its items. Constructs that the model does not have are left out, so one mapping serves all
            indices. By default `survey_items(survey)`, with `measured_by` where a construct has no block of its own.
        **settings
            Passed on to `crmlab.pls.PLSPathModel`: scheme, modes, standardize, missing, consistent …

        Raises
        ------
        ValueError, TypeError
            If no items are named for a construct, or the data cannot carry the model.

        Examples
        --------
        >>> from crmlab import datasets
        >>> survey = datasets.load("satisfaction_survey", cohort="shipped")
        >>> result = acsi.model(survey, scheme="centroid").fit()
        >>> list(result.r_squared.index)
        ['expectation', 'quality', 'value', 'satisfaction', 'complaints', 'loyalty']
        """
        from crmlab.pls import PLSPathModel

        _check.frame(survey, argument="survey")
        if items is not None and not isinstance(items, Mapping):
            raise TypeError(f"items must map constructs to lists of columns, found {type(items).__name__}.")
        own = survey_items(survey) if items is None else items
        blocks = {}
        for construct in self.constructs:
            block = construct if construct in own else self.measured_by.get(construct, construct)
            if block not in own:
                raise ValueError(
                    f"{self.name} needs items that measure {construct!r}, found blocks: {', '.join(own) or 'none'}. "
                    f"Name them: items={{{construct!r}: [columns], …}}."
                )
            blocks[construct] = list(own[block])
        return PLSPathModel(survey, blocks, self.paths, **settings)


_SLIDES = "The slides name four dimensions and no arrows; these are the arrows that "
# fmt: off
scsb = Specification(
    "SCSB", "Swedish Customer Satisfaction Barometer",
    {"expectation": ("performance", "satisfaction"), "performance": ("satisfaction",),
     "satisfaction": ("complaints", "loyalty"), "complaints": ("loyalty",)},
    {"expectation": (0, 0), "performance": (0, 1), "satisfaction": (1.5, 0.5), "complaints": (3, 1), "loyalty": (3, 0)},
    "Fornell (1992), Journal of Marketing 56(1), 6-21",
    "Perceived performance is quality for the price paid, which later models call perceived value.",
    {"performance": "value"},
)
acsi = Specification(
    "ACSI", "American Customer Satisfaction Index",
    {"expectation": ("quality", "value", "satisfaction"), "quality": ("value", "satisfaction"),
     "value": ("satisfaction",), "satisfaction": ("complaints", "loyalty"), "complaints": ("loyalty",)},
    {"expectation": (0, 0), "quality": (0, 1), "value": (0.7, 0.5), "satisfaction": (2.3, 0.5),
     "complaints": (3, 1), "loyalty": (3, 0)},
    "Fornell, Johnson, Anderson, Cha & Bryant (1996), Journal of Marketing 60(4), 7-18",
)
ecsi = Specification(
    "ECSI", "European Customer Satisfaction Index",
    {"image": ("expectation", "satisfaction", "loyalty"), "expectation": ("quality", "value", "satisfaction"),
     "quality": ("value", "satisfaction"), "value": ("satisfaction",), "satisfaction": ("loyalty",)},
    {"image": (0, 1), "expectation": (0, 0.5), "quality": (1.5, 0), "value": (1.5, 0.34),
     "satisfaction": (3, 0.6), "loyalty": (3, 1)},
    "Described by Johnson et al. (2001), Journal of Economic Psychology 22(2), 217-245",
    "Other applications put complaints between satisfaction and loyalty, as Tenenhaus et al. (2005) do.",
)
ccsi = Specification(
    "CCSI", "Chinese Customer Satisfaction Index",
    {"image": ("expectation", "quality", "value", "satisfaction"), "expectation": ("quality", "value", "satisfaction"),
     "quality": ("value", "satisfaction"), "value": ("satisfaction",), "satisfaction": ("loyalty",)},
    {"image": (0, 0.75), "expectation": (0, 0.25), "quality": (1.5, 0), "value": (1.5, 1),
     "satisfaction": (3, 0.5), "loyalty": (3, 1)},
    "Ye, Tang & Xu (2009), China Customer Satisfaction Evaluation Model and Application",
    "Sources give six constructs and 11 relations without listing these; the arrows are the usual reading.",
)
scsb_slides = Specification(
    "SCSB (slides)", "SCSB in the four dimensions of the slides",
    {"image": ("expectation", "satisfaction"), "expectation": ("perception", "satisfaction"),
     "perception": ("satisfaction",)},
    {"image": (0, 1), "expectation": (0, 0), "perception": (1.5, 0), "satisfaction": (3, 0.5)},
    "Course slides", _SLIDES + "SCSB has, and those of image in ECSI. Fornell's SCSB has no image.",
    {"perception": "value"},
)
acsi_slides = Specification(
    "ACSI (slides)", "ACSI in the four dimensions of the slides",
    {"expectation": ("quality", "value", "satisfaction"), "quality": ("value", "satisfaction"),
     "value": ("satisfaction",)},
    {"expectation": (0, 0), "quality": (0, 1), "value": (1.4, 0.5), "satisfaction": (3, 0.5)},
    "Course slides", _SLIDES + "ACSI has between them. Nothing says what satisfaction leads to.",
)
ccsi_slides = Specification(
    "CCSI (slides)", "CCSI in the four dimensions of the slides",
    {"image": ("quality", "value", "satisfaction"), "quality": ("value", "satisfaction"), "value": ("satisfaction",)},
    {"image": (0, 0), "quality": (0, 1), "value": (1.4, 0.5), "satisfaction": (3, 0.5)},
    "Course slides", _SLIDES + "the usual reading of CCSI has between them. Expectation and loyalty are missing.",
)
# fmt: on
SPECIFICATIONS: Mapping[str, Specification] = MappingProxyType(
    {s.name: s for s in (scsb, acsi, ecsi, ccsi, scsb_slides, acsi_slides, ccsi_slides)}
)


def survey_items(survey: pd.DataFrame) -> dict[str, list[str]]:
    """Return construct -> items of a survey whose items are named ``construct_1``, ``construct_2`` …

    Examples
    --------
    >>> survey_items(pd.DataFrame(columns=["customer_id", "value_1", "value_2", "loyalty_1"]))
    {'value': ['value_1', 'value_2'], 'loyalty': ['loyalty_1']}
    """
    if not isinstance(survey, pd.DataFrame):
        raise TypeError(f"survey must be a pandas DataFrame, found {type(survey).__name__}.")
    blocks: dict[str, list[str]] = {}
    for column in survey.columns:
        if match := re.fullmatch(r"(.+)_\d+", str(column)):
            blocks.setdefault(match[1], []).append(column)
    return blocks


def compare_indices(
    survey: pd.DataFrame,
    specifications: Sequence[Specification] = (scsb, acsi, ecsi, ccsi),
    items: Mapping[str, Sequence[str]] | None = None,
    *,
    minimum: float = 1,
    maximum: float = 10,
    weighting: str = "raw",
    **settings: Any,
) -> pd.DataFrame:
    """Estimate several index models on one survey.

    Parameters
    ----------
    survey, items, **settings
        As for `Specification.model`.
    specifications : sequence of Specification
    minimum, maximum : float
        Ends of the answer scale.
    weighting : {"raw", "standardized", "equal"}
        Of the index, see `crmlab.pls.PLSResult.index_weights`.

    Returns
    -------
    DataFrame
        One row per model: index of satisfaction (0-100), r_squared_satisfaction, r_squared_loyalty (NaN where the
        model has no loyalty), numbers of paths, constructs and respondents.

    Examples
    --------
    >>> from crmlab import datasets
    >>> survey = datasets.load("satisfaction_survey", cohort="shipped")
    >>> compare_indices(survey)[["paths", "constructs"]].T
                SCSB  ACSI  ECSI  CCSI
    paths          6     9    10    11
    constructs     5     6     6     6
    """
    if isinstance(specifications, Specification):
        specifications = [specifications]
    rows = {}
    for specification in specifications:
        if not isinstance(specification, Specification):
            raise TypeError(f"specifications must hold Specification, found {specification!r}.")
        result = specification.model(survey, items, **settings).fit()
        explained = result.r_squared
        rows[specification.name] = {
            "index": result.index(minimum, maximum, weighting)["satisfaction"],
            "r_squared_satisfaction": explained["satisfaction"],
            "r_squared_loyalty": explained.get("loyalty", np.nan),
            "paths": len(specification.paths),
            "constructs": len(specification.constructs),
            "respondents": result.settings["respondents"],
        }
    if not rows:
        raise ValueError("specifications is empty: name at least one index model.")
    whole = dict.fromkeys(["paths", "constructs", "respondents"], int)
    return pd.DataFrame.from_dict(rows, orient="index").astype(whole)


# --- expectation and disconfirmation, service quality --------------------------------------------------------------


def _aligned(**columns: object) -> pd.DataFrame:
    """Return columns as one numeric frame; Series must share one index of unique labels."""
    out, index = {}, None
    for name, values in columns.items():
        if not isinstance(values, pd.Series | np.ndarray | list | tuple):
            raise TypeError(f"{name} must be a Series of numbers, found {type(values).__name__}.")
        if isinstance(values, pd.Series):
            if index is not None and not index.equals(values.index):
                raise ValueError(
                    f"{name} has other row labels than {next(iter(out))}: take both from one table."
                )
            index = values.index
        out[name] = _check.numeric(values, name)
    lengths = {name: len(values) for name, values in out.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}.")
    if not all(lengths.values()):
        raise ValueError(f"{next(iter(out))} is empty: nothing can be computed.")
    if index is not None and index.has_duplicates:
        raise ValueError(f"the label {index[index.duplicated()][0]!r} occurs more than once: one row each.")
    return pd.DataFrame(out, index=index)


def disconfirmation(expected: pd.Series, perceived: pd.Series) -> pd.DataFrame:
    """Split perceived minus expected into what falls short and what exceeds, for a regression with two slopes.

    Returns
    -------
    DataFrame
        expectation, gap (perceived - expected), negative (the gap where service falls short, else 0, so never above
        0), positive (where it exceeds, else 0). Positive slopes of both terms mean: more is better; a larger slope of
        negative means that falling short hurts more than exceeding pleases.

    Notes
    -----
    Oliver (1980). If satisfaction has one slope for the whole gap, the two slopes agree: test it with
    ``results.t_test("negative = positive")``. Noise in the measured gap pulls the two towards each other.

    Examples
    --------
    >>> disconfirmation([6, 6, 6], [5, 6, 8])
       expectation  gap  negative  positive
    0          6.0 -1.0      -1.0       0.0
    1          6.0  0.0       0.0       0.0
    2          6.0  2.0       0.0       2.0
    """
    data = _aligned(expected=expected, perceived=perceived)
    gap = data["perceived"] - data["expected"]
    parts = {"negative": gap.clip(upper=0) + 0.0, "positive": gap.clip(lower=0)}  # + 0.0: no minus zero
    return pd.DataFrame({"expectation": data["expected"], "gap": gap, **parts})


SERVQUAL_DIMENSIONS = ("tangibles", "reliability", "responsiveness", "assurance", "empathy")


@dataclass(frozen=True, eq=False, repr=False)
class Servqual(_Shown):
    """Service quality as perception minus expectation, made by `servqual`: below 0 where service falls short."""

    _expected: pd.DataFrame  # respondents x items
    _perceived: pd.DataFrame
    _points: pd.DataFrame  # respondents x dimensions, no columns if the survey has no points
    _dimension: Mapping[str, str]  # of every item

    def _mean(self, values: pd.DataFrame, by: str) -> pd.DataFrame:
        _check.choice(by, ("dimension", "item"), "by")
        return values.copy() if by == "item" else values.T.groupby(self._dimension, sort=False).mean().T

    def gaps(self, by: str = "dimension") -> pd.DataFrame:
        """Every respondent's gaps; "dimension" averages the items of each dimension."""
        return self._mean(self._perceived - self._expected, by)

    def summary(self, by: str = "dimension") -> pd.DataFrame:
        """Means over respondents: expected, perceived, gap, and the standard error of the gap.

        The unweighted SERVQUAL score is the mean of the dimensions' gaps.
        """
        gaps = self.gaps(by)
        sides = {"expected": self._expected, "perceived": self._perceived}
        columns = {name: self._mean(values, by).mean() for name, values in sides.items()}
        return pd.DataFrame(columns | {"gap": gaps.mean(), "se": gaps.sem()}).rename_axis(by)

    def score(self, weights: str | Mapping[str, float] = "equal") -> pd.Series:
        """Every respondent's weighted mean of the dimensions' gaps.

        Parameters
        ----------
        weights : {"equal", "points"} or mapping of str to float
            "points": the respondent's own 100 points from columns ``points_<dimension>``. A mapping gives a dimension
            one weight for all; it is divided by its sum.
        """
        gaps = self.gaps()
        names = list(gaps.columns)
        if isinstance(weights, Mapping):
            if lost := sorted(set(names) ^ set(weights)):
                raise ValueError(f"weights and dimensions differ: {', '.join(lost)}.")
            values = _check.numeric([weights[name] for name in names], "weights", minimum=0)[None]
            if not values.sum():
                raise ValueError("weights are all 0: nothing counts.")
        elif _check.choice(weights, ("equal", "points"), "weights") == "equal":
            values = np.ones((1, len(names)))
        else:
            columns = [f"points_{name}" for name in names]
            _check.frame(self._points, columns, "survey")
            values = np.column_stack(
                [_check.numeric(self._points[c], c, minimum=0, maximum=100) for c in columns]
            )
            if (off := np.abs(values.sum(axis=1) - 100) > 1e-6).any():
                raise ValueError(
                    f"{int(off.sum())} respondent(s) gave points that do not add up to 100, the first "
                    f"{values[off][0].sum():g}. Leave them out, or name all dimensions that share the points."
                )
        return (gaps * (values / values.sum(axis=1, keepdims=True))).sum(axis=1).rename("servqual_score")

    def _caption(self) -> str:
        n, k = self._expected.shape
        return f"SERVQUAL: perception minus expectation, {k} pairs of items, {n} respondents; unweighted score {self.gaps().mean().mean():.3f}."


def servqual(
    survey: pd.DataFrame,
    dimensions: Sequence[str] = SERVQUAL_DIMENSIONS,
    *,
    minimum: float = 1,
    maximum: float = 7,
) -> Servqual:
    """Measure service quality by the gap between what is perceived and what was expected.

    Parameters
    ----------
    survey : DataFrame
        One row per respondent, columns ``<dimension>_<k>_expected`` and ``<dimension>_<k>_perceived``; for stated
        weights ``points_<dimension>`` too.
    dimensions : sequence of str
        Which dimensions; by default the five of Parasuraman, Zeithaml & Berry (1988).
    minimum, maximum : float
        Ends of the answer scale.

    Raises
    ------
    ValueError, TypeError
        If half of a pair is missing, or an answer is missing, no number, or off the scale.

    Examples
    --------
    >>> survey = pd.DataFrame({"empathy_1_expected": [7, 6], "empathy_1_perceived": [5, 6],
    ...                        "empathy_2_expected": [6, 6], "empathy_2_perceived": [5, 7]})
    >>> servqual(survey, ["empathy"]).gaps()["empathy"].tolist()
    [-1.5, 0.5]
    """
    _check.frame(survey, argument="survey")
    home: dict[str, str] = {}
    for dimension in [dimensions] if isinstance(dimensions, str) else dimensions:
        pattern = re.compile(rf"({re.escape(str(dimension))}_\d+)_(?:expected|perceived)")
        matches = (pattern.fullmatch(str(column)) for column in survey.columns)
        found = {match[1]: dimension for match in matches if match}
        if not found:
            raise ValueError(f"survey has no columns {dimension}_1_expected, {dimension}_1_perceived …")
        home |= found
    if not home:
        raise ValueError("dimensions is empty: name at least one.")
    sides = []
    for side in ("expected", "perceived"):
        columns = [f"{item}_{side}" for item in home]
        _check.frame(survey, columns, "survey")
        values = [_check.numeric(survey[c], c, minimum=minimum, maximum=maximum) for c in columns]
        sides.append(pd.DataFrame(np.column_stack(values), survey.index, list(home)))
    points = survey[[c for c in survey.columns if str(c).startswith("points_")]].copy()
    return Servqual(*sides, points, MappingProxyType(home))


# --- Kano ----------------------------------------------------------------------------------------------------------

KANO_ANSWERS = ("like", "must-be", "neutral", "live-with", "dislike")
KANO_CATEGORIES = ("must-be", "one-dimensional", "attractive", "indifferent", "reverse", "questionable")
# functional answer in rows, dysfunctional in columns, both in the order of KANO_ANSWERS (Kano et al. 1984)
_EVALUATION = np.array([list(row) for row in ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")])


def kano_category(functional: pd.Series, dysfunctional: pd.Series) -> pd.Series:
    """Look up every pair of answers in Kano's evaluation table.

    Parameters
    ----------
    functional, dysfunctional : Series of KANO_ANSWERS
        How the respondent would feel with the feature, and without it.

    Returns
    -------
    Series
        Categorical, one of `KANO_CATEGORIES`; "questionable" where the two answers contradict each other.

    Examples
    --------
    >>> kano_category(pd.Series(["like", "neutral", "like"]), pd.Series(["dislike", "dislike", "like"])).tolist()
    ['one-dimensional', 'must-be', 'questionable']
    """
    codes = []
    for name, answers in (("functional", functional), ("dysfunctional", dysfunctional)):
        if not isinstance(answers, pd.Series):
            raise TypeError(f"{name} must be a Series of answers, found {type(answers).__name__}.")
        if answers.isna().any():
            raise ValueError(
                f"{name} has {int(answers.isna().sum())} missing answer(s). Leave these pairs out."
            )
        position = answers.astype(object).map({word: k for k, word in enumerate(KANO_ANSWERS)})
        if position.isna().any():
            _check.choice(answers[position.isna()].iloc[0], KANO_ANSWERS, name)
        codes.append(position.to_numpy(dtype=int))
    if not functional.index.equals(dysfunctional.index):
        raise ValueError("functional and dysfunctional have other row labels: take both from one table.")
    words = dict(zip("MOAIRQ", KANO_CATEGORIES, strict=True))
    found = pd.Series(_EVALUATION[codes[0], codes[1]], functional.index).map(words)
    return found.astype(pd.CategoricalDtype(KANO_CATEGORIES)).rename("category")


def kano(answers: pd.DataFrame, feature: str = "feature", respondent: str = "customer_id") -> pd.DataFrame:
    """Classify features from a Kano survey.

    Parameters
    ----------
    answers : DataFrame
        One row per respondent and feature, with columns functional and dysfunctional (`KANO_ANSWERS`).
    feature, respondent : str
        Columns that identify a row.

    Returns
    -------
    DataFrame
        One row per feature, in the order of the survey.

        - the count of every category, and ``answers``, their sum;
        - ``category``: the most frequent but "questionable"; ties go must-be, one-dimensional, attractive, indifferent
          (Berger et al. 1993); ``runner_up``;
        - ``category_strength``: share of the first minus share of the second; ``total_strength``: share of must-be,
          one-dimensional and attractive (Lee & Newcomb 1997); shares of all answers;
        - ``better`` = (A + O) / (A + O + M + I), ``worse`` = -(O + M) / (A + O + M + I), NaN when nobody is in the four;
        - ``p_value``: exact binomial test that first and second are equally frequent among respondents, two-sided;
        - ``fong``: the difference of the two counts a and b over √((a + b)(2n - a - b) / 2n). Fong (1996) calls a
          category clear above 1.65.

    Notes
    -----
    Fong's formula is that of two independent samples, but each respondent is in one category only, which makes the
    difference vary more: √(a + b). Under a true tie it says "clear" too often. `p_value` does not have this fault;
    still, picking the two largest of five counts first makes any such test a little too generous.

    Examples
    --------
    >>> survey = pd.DataFrame({"customer_id": range(4), "feature": "app", "functional": ["like"] * 3 + ["neutral"],
    ...                        "dysfunctional": ["neutral", "neutral", "dislike", "dislike"]})
    >>> kano(survey)[["category", "runner_up", "better", "worse"]]
               category runner_up  better  worse
    feature
    app      attractive   must-be    0.75   -0.5
    """
    from scipy.stats import binomtest

    _check.frame(answers, [respondent, feature, "functional", "dysfunctional"], "answers")
    if answers[[respondent, feature]].isna().any(axis=None):
        raise ValueError(f"answers has rows without {respondent} or {feature}. Leave them out.")
    _check.unique(answers, [respondent, feature], "answers")
    category = kano_category(answers["functional"], answers["dysfunctional"])
    counts = pd.crosstab(answers[feature].astype(object), category, dropna=False)
    counts = counts.reindex(
        index=list(dict.fromkeys(answers[feature])), columns=list(KANO_CATEGORIES), fill_value=0
    )
    valid = counts.drop(columns="questionable")
    if not (usable := valid.any(axis=1)).all():
        raise ValueError(f"all answers about {usable.idxmin()!r} are questionable: look at how it was asked.")
    # stable: ties keep the order of KANO_CATEGORIES
    order = np.argsort(-valid.to_numpy(), axis=1, kind="stable")
    a, b = np.take_along_axis(valid.to_numpy(), order[:, :2], axis=1).T
    n = counts.sum(axis=1).to_numpy()
    m, o, att, i = (valid[c].to_numpy(dtype=float) for c in KANO_CATEGORIES[:4])
    four = np.where(m + o + att + i > 0, m + o + att + i, np.nan)
    spread = np.sqrt((a + b) * (2 * n - a - b) / (2 * n))
    return counts.rename_axis(index=feature, columns=None).assign(
        answers=n,
        category=valid.columns.to_numpy()[order[:, 0]],
        runner_up=np.where(b > 0, valid.columns.to_numpy()[order[:, 1]], None),
        category_strength=(a - b) / n,
        total_strength=(m + o + att) / n,
        better=(att + o) / four,
        worse=0.0 - (o + m) / four,
        p_value=[binomtest(int(x), int(x + y)).pvalue for x, y in zip(a, b, strict=True)],
        fong=(a - b) / spread,
    )


# --- net promoter score --------------------------------------------------------------------------------------------

_GROUPS = ["promoters", "passives", "detractors"]


def nps(
    answers: pd.Series | pd.DataFrame | Mapping[str, int], level: float = 0.95
) -> pd.Series | pd.DataFrame:
    """Return the net promoter score with its standard error and interval.

    Parameters
    ----------
    answers : Series of scores, or counts
        Whole numbers 0-10 on "how likely is it that you would recommend": 9-10 are promoters, 7-8 passives, 0-6
        detractors. Or counts by name: a mapping or Series with promoters, passives, detractors, or a DataFrame with
        these columns, one row per period.
    level : float
        Of the normal interval.

    Returns
    -------
    Series or DataFrame
        promoters, passives, detractors, answers (counts), nps, se, lower, upper in points from -100 to 100. With shares
        p and d the variance of one answer is p + d - (p - d)², so the score of n answers has variance a n-th of it.

    References
    ----------
    Reichheld (2003). The variance is that of a variable which is 1, 0 or -1.

    Examples
    --------
    >>> nps({"promoters": 162, "passives": 108, "detractors": 54})[["nps", "se"]].round(3).tolist()
    [33.333, 4.141]
    """
    from scipy.special import ndtri

    level = _check.number(level, "level", minimum=0.5, maximum=0.9999)
    frame = isinstance(answers, pd.DataFrame)
    named = isinstance(answers, Mapping) or (
        isinstance(answers, pd.Series) and set(_GROUPS) & set(answers.index)
    )
    if not frame and not named:
        if not isinstance(answers, pd.Series | np.ndarray | list | tuple):
            raise TypeError(
                f"answers must be a Series of scores or counts by name, found {type(answers).__name__}."
            )
        score = _check.numeric(answers, "scores", minimum=0, maximum=10)
        if (score % 1).any():
            raise ValueError("scores must be whole numbers from 0 to 10: the question has no halves.")
        groups = np.digitize(score, [7, 9])  # 0 detractor, 1 passive, 2 promoter
        answers = dict(zip(_GROUPS, np.bincount(groups, minlength=3)[::-1], strict=True))
    table = answers if frame else pd.DataFrame([dict(answers)])
    _check.frame(table, _GROUPS, "answers")
    counts = pd.DataFrame({g: _check.numeric(table[g], g, minimum=0) for g in _GROUPS}, index=table.index)
    n = counts.sum(axis=1)
    if (counts % 1).any(axis=None):
        raise ValueError("counts of promoters, passives and detractors must be whole numbers, not shares.")
    if (n == 0).any():
        raise ValueError("nobody answered: promoters, passives and detractors are all 0.")
    p, d = counts["promoters"] / n, counts["detractors"] / n
    out = counts.astype(int).assign(answers=n.astype(int), nps=(p - d) * 100)
    out["se"] = np.sqrt((p + d - (p - d) ** 2).clip(lower=0) / n) * 100
    half = ndtri((1 + level) / 2) * out["se"]
    out["lower"], out["upper"] = out["nps"] - half, out["nps"] + half
    return out if frame else out.iloc[0].rename("nps")


def nps_difference(
    first: pd.Series | Mapping[str, int], second: pd.Series | Mapping[str, int], level: float = 0.95
) -> pd.Series:
    """Compare the net promoter scores of two independent samples, such as two quarters.

    Parameters
    ----------
    first, second : scores or counts, as for `nps`
    level : float
        Of the normal interval.

    Returns
    -------
    Series
        difference (second - first), se, lower, upper in points; z and the two-sided p_value.

    Examples
    --------
    >>> before, after = dict(promoters=60, passives=90, detractors=50), dict(promoters=90, passives=70, detractors=40)
    >>> nps_difference(before, after)[["difference", "z"]].round(2).tolist()
    [20.0, 2.65]
    """
    from scipy.special import ndtr, ndtri

    if isinstance(first, pd.DataFrame) or isinstance(second, pd.DataFrame):
        raise TypeError("compare two samples: scores, or the counts of one row each.")
    a, b = nps(first, level), nps(second, level)
    difference, se = b["nps"] - a["nps"], float(np.hypot(a["se"], b["se"]))
    if se == 0:
        raise ValueError("all answers of each sample are in one group: the difference has no standard error.")
    half, z = ndtri((1 + level) / 2) * se, difference / se
    ends = {"lower": difference - half, "upper": difference + half}
    return pd.Series({"difference": difference, "se": se, **ends, "z": z, "p_value": 2 * ndtr(-abs(z))})


# --- importance and performance, delivered value -------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Quadrants(_Shown):
    """Importance-performance analysis, made by `quadrants`."""

    _table: pd.DataFrame
    importance_cut: float
    performance_cut: float
    rule: str

    @property
    def table(self) -> pd.DataFrame:
        """One row per attribute, in the order given: importance, performance, quadrant."""
        return self._table.copy()

    def summary(self) -> pd.DataFrame:
        """The same, the most important attribute first."""
        return self._table.sort_values("importance", ascending=False, kind="stable")

    def _caption(self) -> str:
        return f"Cut at {self.rule}: importance {self.importance_cut:.4g}, performance {self.performance_cut:.4g}; on the cut counts as high."


def quadrants(
    importance: pd.Series, performance: pd.Series, cut: str | tuple[float, float] = "mean"
) -> Quadrants:
    """Sort attributes into the four quadrants of importance-performance analysis (Martilla & James 1977).

    Parameters
    ----------
    importance, performance : Series by attribute
        Importance is stated (asked for) or derived (a regression coefficient, a total effect): say which, for they differ.
    cut : {"mean", "median"} or (importance, performance)
        Where the lines run. Means and medians compare attributes with each other; a pair, such as the midpoints of the
        two scales, compares them with a standard.

    Returns
    -------
    Quadrants
        quadrant is "concentrate here" (important, weak), "keep up the good work", "low priority" or "possible overkill"
        (unimportant, strong).

    Examples
    --------
    >>> ipa = quadrants(pd.Series({"speed": 6.1, "rooms": 4.2}), pd.Series({"speed": 4.8, "rooms": 5.6}))
    >>> ipa.table["quadrant"].to_dict()
    {'speed': 'concentrate here', 'rooms': 'possible overkill'}
    """
    if not (isinstance(importance, pd.Series) and isinstance(performance, pd.Series)):
        raise TypeError("importance and performance must be Series by attribute.")
    if (
        sorted(map(str, importance.index)) == sorted(map(str, performance.index))
        and importance.index.is_unique
    ):
        performance = performance.reindex(importance.index)  # the order of the attributes does not matter
    table = _aligned(importance=importance, performance=performance)
    if isinstance(cut, str):
        _check.choice(cut, ("mean", "median"), "cut")
        rule, (x, y) = f"the {cut}s", table.agg(cut)
    else:
        if not isinstance(cut, tuple | list) or len(cut) != 2:
            raise TypeError(
                f"cut must be 'mean', 'median' or a pair (importance, performance), found {cut!r}."
            )
        rule, x, y = "given values", _check.number(cut[0], "cut[0]"), _check.number(cut[1], "cut[1]")
    important, strong = table["importance"] >= x, table["performance"] >= y
    names = np.array([["low priority", "possible overkill"], ["concentrate here", "keep up the good work"]])
    table["quadrant"] = names[important.to_numpy(int), strong.to_numpy(int)]
    return Quadrants(table, float(x), float(y), rule)


_VALUES = ("product_value", "service_value", "personnel_value", "image_value")
_COSTS = ("price", "time_cost", "energy_cost", "psychic_cost")


def delivered_value(
    offers: pd.DataFrame, offer: str = "offer", weights: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Return total customer value, total customer cost and the value delivered, their difference (Kotler).

    Parameters
    ----------
    offers : DataFrame
        One row per offer with product_value, service_value, personnel_value, image_value and price, time_cost,
        energy_cost, psychic_cost, all in yuan and none below 0.
    offer : str
        Column that names the offer.
    weights : mapping of str to float, optional
        What a yuan of a component counts for a customer; 1 if not given, 0 leaves it out.

    Returns
    -------
    DataFrame
        By offer, the best first: the eight weighted components (costs as positive amounts), total_value, total_cost,
        delivered_value.

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
    factor = dict.fromkeys(parts, 1.0)
    for name, weight in (weights or {}).items():
        factor[_check.choice(name, parts, "weights")] = _check.number(weight, f"weights[{name!r}]", minimum=0)
    out = pd.DataFrame(
        {c: _check.numeric(offers[c], c, minimum=0) * factor[c] for c in parts}, index=pd.Index(offers[offer])
    )
    out["total_value"], out["total_cost"] = out[[*_VALUES]].sum(axis=1), out[[*_COSTS]].sum(axis=1)
    out["delivered_value"] = out["total_value"] - out["total_cost"]
    return out.sort_values("delivered_value", ascending=False, kind="stable")


# --- control charts ------------------------------------------------------------------------------------------------

_D2, _D4 = 1.128, 0.954  # mean and median of the range of two normal values, in standard deviations
_RULES = (
    (3, 1, 1),
    (2, 2, 3),
    (1, 4, 5),
    (0, 8, 8),
)  # beyond so many standard errors: needed, of so many periods


@dataclass(frozen=True, eq=False, repr=False)
class ControlChart(_Shown):
    """A Shewhart chart, made by `individuals_chart`, `mean_chart` or `p_chart`.

    Rules and CUSUM work on z, the distance from the centre in standard errors, so limits may differ by period.
    """

    _table: pd.DataFrame
    kind: str
    centre: float
    sigma: float
    baseline: int
    rule: str

    @property
    def table(self) -> pd.DataFrame:
        """One row per period: value, n (where there is one), centre, lower, upper (3 standard errors), z."""
        return self._table.copy()

    def signals(self) -> pd.DataFrame:
        """By period, which Western Electric rule (1956) signals, up or down alike.

        rule_1: beyond 3 standard errors. rule_2: this and at least one of the two before beyond 2, on the same side.
        rule_3: this and at least three of the four before beyond 1, same side. rule_4: the eighth in a row on one side.
        """
        out = pd.DataFrame(False, self._table.index, [f"rule_{k}" for k in (1, 2, 3, 4)])
        for z in (self._table["z"], -self._table["z"]):
            for rule, (beyond, needed, window) in zip(out, _RULES, strict=True):
                far = z > beyond
                out[rule] |= far & (far.rolling(window, min_periods=1).sum() >= needed)
        return out

    def cusum(self, k: float = 0.5, h: float = 5.0) -> pd.DataFrame:
        """Tabular CUSUM of z, see `cusum`."""
        return cusum(self._table["z"], k, h)

    def change_point(self, k: float = 0.5, h: float = 5.0) -> pd.Series:
        """The first CUSUM signal: when it came (signal), since when the level has been another (start), up or down.

        start is the first period after the sum was last 0. All three are None without a signal.
        """
        table = self.cusum(k, h)
        where = np.flatnonzero(table["signal"] != "")
        if not len(where):
            return pd.Series({"signal": None, "start": None, "direction": None}, dtype=object)
        direction = table["signal"].iloc[where[0]]
        run = table["upper_run" if direction == "up" else "lower_run"].iloc[where[0]]
        labels = self._table.index
        signal, start = labels[where[0]], labels[where[0] - run + 1]
        return pd.Series({"signal": signal, "start": start, "direction": direction}, dtype=object)

    def summary(self) -> pd.DataFrame:
        """The periods at which a rule signals, with the rules' numbers."""
        hit = self.signals()
        numbers = [", ".join(str(k + 1) for k in np.flatnonzero(row)) for row in hit.to_numpy()]
        return self._table.assign(rules=numbers)[hit.any(axis=1)]

    def _caption(self) -> str:
        found = int(self.signals().any(axis=1).sum())
        return (
            f"{self.kind}: centre {self.centre:.4g}, {self.rule}, from the first {self.baseline} of {len(self._table)} "
            f"periods; limits at 3 standard errors; {found} period(s) with a signal by the Western Electric rules."
        )


def _baseline(baseline: int | None, periods: int) -> int:
    if periods < 2:
        raise ValueError("a control chart needs at least two periods.")
    return periods if baseline is None else _check.whole(baseline, "baseline", minimum=2, maximum=periods)


def _chart(
    data: pd.DataFrame,
    se: object,
    kind: str,
    centre: float,
    sigma: float,
    base: int,
    rule: str,
    share: bool = False,
) -> ControlChart:
    if not sigma > 0:
        raise ValueError(
            f"{kind}: the first {base} periods do not vary: there are no limits. Take more of them."
        )
    lowest, highest = (0.0, 1.0) if share else (-np.inf, np.inf)
    lower, upper = np.maximum(centre - 3 * se, lowest), np.minimum(centre + 3 * se, highest)
    table = data.assign(centre=centre, lower=lower, upper=upper, z=(data["value"] - centre) / se)
    return ControlChart(table, kind, float(centre), float(sigma), base, rule)


def individuals_chart(
    values: pd.Series, baseline: int | None = None, moving_range: str = "mean"
) -> ControlChart:
    """Chart single values; sigma from the moving range of neighbours.

    Parameters
    ----------
    values : Series by period
    baseline : int, optional
        How many first periods set centre and limits; all by default. A shift inside the baseline hides itself.
    moving_range : {"mean", "median"}
        sigma is the mean moving range / 1.128 or the median moving range / .954, which one wild value does not widen.

    Examples
    --------
    >>> flow = pd.Series([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])  # NIST/SEMATECH, 6.3.2.2
    >>> individuals_chart(flow).table[["lower", "upper"]].iloc[0].round(4).tolist()
    [45.8159, 55.8041]
    """
    data = _aligned(value=values)
    base = _baseline(baseline, len(data))
    ranges = data["value"].iloc[:base].diff().abs().dropna()
    _check.choice(moving_range, ("mean", "median"), "moving_range")
    sigma = ranges.mean() / _D2 if moving_range == "mean" else ranges.median() / _D4
    centre = data["value"].iloc[:base].mean()
    rule = f"sigma {sigma:.4g} ({moving_range} moving range)"
    return _chart(data, sigma, "individuals chart", centre, sigma, base, rule)


def mean_chart(mean: pd.Series, sd: pd.Series, n: pd.Series, baseline: int | None = None) -> ControlChart:
    """Chart means of samples of different size: limits centre ± 3·sigma/√n, wide where few answered.

    Parameters
    ----------
    mean, sd, n : Series by period
        Mean, standard deviation (n - 1) and size of every sample.
    baseline : int, optional
        How many first periods set the centre (mean of all their answers) and sigma (pooled); all by default.

    Examples
    --------
    >>> chart = mean_chart(pd.Series([70., 69., 71., 62.]), pd.Series([18.] * 4), pd.Series([225, 225, 225, 36]), 3)
    >>> chart.table[["lower", "upper"]].iloc[[0, 3]].round(1).to_numpy().tolist()
    [[66.4, 73.6], [61.0, 79.0]]
    """
    data = _aligned(value=mean, sd=sd, n=n)
    _check.numeric(data["sd"], "sd", minimum=0)
    _check.numeric(data["n"], "n", minimum=2)
    base = _baseline(baseline, len(data))
    first = data.iloc[:base]
    centre = np.average(first["value"], weights=first["n"])
    sigma = float(np.sqrt(np.average(first["sd"] ** 2, weights=first["n"] - 1)))
    se = sigma / np.sqrt(data["n"])
    return _chart(
        data[["value", "n"]], se, "chart of means", centre, sigma, base, f"sigma {sigma:.4g} (pooled)"
    )


def p_chart(count: pd.Series, n: pd.Series, baseline: int | None = None) -> ControlChart:
    """Chart shares of samples of different size, such as defective packs among those inspected.

    Parameters
    ----------
    count, n : Series by period
        How many have the property, among how many.
    baseline : int, optional
        How many first periods set the centre (all their counts over all their n); all by default.

    Notes
    -----
    Limits are the centre ± 3·√(p̄(1 - p̄)/n), kept within 0 and 1. They rest on the normal approximation: n·p̄ should be
    5 or more.

    Examples
    --------
    >>> chart = p_chart(pd.Series([8, 12, 10]), pd.Series([200, 200, 400]))
    >>> chart.table["upper"].round(4).tolist()
    [0.0778, 0.0778, 0.066]
    """
    data = _aligned(count=count, n=n)
    _check.numeric(data["count"], "count", minimum=0)
    _check.numeric(data["n"], "n", minimum=1)
    if (data % 1).any(axis=None):
        raise ValueError("count and n must be whole numbers: counts, not shares.")
    if (data["count"] > data["n"]).any():
        label = (data["count"] > data["n"]).idxmax()
        raise ValueError(f"count is larger than n at {label!r}: a share cannot exceed 1.")
    base = _baseline(baseline, len(data))
    centre = data["count"].iloc[:base].sum() / data["n"].iloc[:base].sum()
    sigma = float(np.sqrt(centre * (1 - centre)))
    shares = pd.DataFrame({"value": data["count"] / data["n"], "n": data["n"]})
    return _chart(
        shares, sigma / np.sqrt(data["n"]), "p-chart", centre, sigma, base, "binomial limits", share=True
    )


def cusum(z: pd.Series, k: float = 0.5, h: float = 5.0) -> pd.DataFrame:
    """Tabular CUSUM: add up what exceeds k, and signal when the sum exceeds h.

    Parameters
    ----------
    z : Series by period
        Distances from the target in standard errors, as in ``ControlChart.table["z"]``.
    k : float
        Reference value, half the shift to be found; .5 looks for shifts of one standard error.
    h : float
        Decision interval; 4 or 5 are usual.

    Returns
    -------
    DataFrame
        upper = max(0, upper before + z - k), lower = max(0, lower before - z - k); upper_run and lower_run count the
        periods since the sum was last 0; signal is "up", "down" or "". Sums are not reset after a signal.

    Examples
    --------
    >>> cusum(pd.Series([0.8, 1.9, 1.4, 2.0, 1.1, 0.7, 2.6]))["upper"].round(1).tolist()  # Lucas & Crosier (1982)
    [0.3, 1.7, 2.6, 4.1, 4.7, 4.9, 7.0]
    """
    data = _aligned(z=z)
    k, h = _check.number(k, "k", minimum=0), _check.number(h, "h", minimum=0.01)
    sums, runs = np.zeros(2), np.zeros(2, dtype=int)
    rows = []
    for value in data["z"]:
        sums = np.maximum(0, sums + np.array([value - k, -value - k]))
        runs = np.where(sums > 0, runs + 1, 0)
        signal = "up" if sums[0] > h else "down" if sums[1] > h else ""
        rows.append((sums[0], runs[0], sums[1], runs[1], signal))
    return pd.DataFrame(rows, data.index, ["upper", "upper_run", "lower", "lower_run", "signal"])
