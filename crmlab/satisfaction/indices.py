"""Satisfaction index models as data (SCSB, ACSI, ECSI, CCSI): `crmlab.pls` estimates them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab import _check
from crmlab._results import ReadOnly

if TYPE_CHECKING:
    from crmlab.pls import PLSPathModel


@dataclass(frozen=True, eq=False)
class Specification:
    """A satisfaction index model as data: what acts on what, where it comes from, how it is drawn.

    Parameters
    ----------
    name, title : str
        Short name, and the name in full.
    arrows : mapping of str to tuple of str
        Construct -> the constructs that it acts on.
    layout : mapping of str to tuple of float
        Every construct and its place (x, y) in the path diagram, left to right and bottom to top; see
        `crmlab.plots.path_diagram`.
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
        for name in ("arrows", "layout", "measured_by"):
            object.__setattr__(self, name, ReadOnly(getattr(self, name)))
        for start, targets in self.arrows.items():
            if not isinstance(targets, tuple | list):
                raise TypeError(
                    f"{self.name}: arrows[{start!r}] must be a tuple of constructs, found {targets!r}."
                )
        ends = {*self.arrows, *(end for targets in self.arrows.values() for end in targets)}
        if lost := sorted(ends ^ set(self.layout), key=str):
            raise ValueError(f"{self.name}: {lost[0]!r} must be both in arrows and in layout.")
        if lost := [construct for construct in self.measured_by if construct not in self.layout]:
            raise ValueError(f"{self.name}: measured_by names {lost[0]!r}, which is not in layout.")

    @property
    def constructs(self) -> tuple[str, ...]:
        """The latent variables, in the order of `layout`."""
        return tuple(self.layout)

    @property
    def paths(self) -> list[tuple[str, str]]:
        """Pairs of predictor and outcome."""
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
            Construct -> its items. Constructs that the model does not have are left out, so one mapping
            serves all indices. By default `survey_items(survey)`, with `measured_by` where a construct has no
            block of its own.
        **settings : dict
            Passed on to `crmlab.pls.PLSPathModel`: scheme, modes, standardize, missing, consistent …

        Returns
        -------
        PLSPathModel
            Not yet estimated.

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
                    f"{self.name} needs items that measure {construct!r}, found blocks: "
                    f"{', '.join(own) or 'none'}. Name them: items={{{construct!r}: [columns], …}}."
                )
            blocks[construct] = own[block]
        return PLSPathModel(survey, blocks, self.paths, **settings)


scsb = Specification(
    name="SCSB",
    title="Swedish Customer Satisfaction Barometer",
    arrows={
        "expectation": ("performance", "satisfaction"),
        "performance": ("satisfaction",),
        "satisfaction": ("complaints", "loyalty"),
        "complaints": ("loyalty",),
    },
    layout={
        "expectation": (0, 0),
        "performance": (0, 1),
        "satisfaction": (1.5, 0.5),
        "complaints": (3, 1),
        "loyalty": (3, 0),
    },
    source="Fornell (1992), Journal of Marketing 56(1), 6-21",
    note="Perceived performance is quality for the price paid, which later models call perceived value.",
    measured_by={"performance": "value"},
)
acsi = Specification(
    name="ACSI",
    title="American Customer Satisfaction Index",
    arrows={
        "expectation": ("quality", "value", "satisfaction"),
        "quality": ("value", "satisfaction"),
        "value": ("satisfaction",),
        "satisfaction": ("complaints", "loyalty"),
        "complaints": ("loyalty",),
    },
    layout={
        "expectation": (0, 0),
        "quality": (0, 1),
        "value": (0.7, 0.5),
        "satisfaction": (2.3, 0.5),
        "complaints": (3, 1),
        "loyalty": (3, 0),
    },
    source="Fornell, Johnson, Anderson, Cha & Bryant (1996), Journal of Marketing 60(4), 7-18",
)
ecsi = Specification(
    name="ECSI",
    title="European Customer Satisfaction Index",
    arrows={
        "image": ("expectation", "satisfaction", "loyalty"),
        "expectation": ("quality", "value", "satisfaction"),
        "quality": ("value", "satisfaction"),
        "value": ("satisfaction",),
        "satisfaction": ("loyalty",),
    },
    layout={
        "image": (0, 1),
        "expectation": (0, 0.5),
        "quality": (1.5, 0),
        "value": (1.5, 0.34),
        "satisfaction": (3, 0.6),
        "loyalty": (3, 1),
    },
    source="Described by Johnson et al. (2001), Journal of Economic Psychology 22(2), 217-245",
    note="Other applications put complaints between satisfaction and loyalty, as Tenenhaus et al. (2005) do.",
)
ccsi = Specification(
    name="CCSI",
    title="Chinese Customer Satisfaction Index",
    arrows={
        "image": ("expectation", "quality", "value", "satisfaction"),
        "expectation": ("quality", "value", "satisfaction"),
        "quality": ("value", "satisfaction"),
        "value": ("satisfaction",),
        "satisfaction": ("loyalty",),
    },
    layout={
        "image": (0, 0.75),
        "expectation": (0, 0.25),
        "quality": (1.5, 0),
        "value": (1.5, 1),
        "satisfaction": (3, 0.5),
        "loyalty": (3, 1),
    },
    source="Ye, Tang & Xu (2009), China Customer Satisfaction Evaluation Model and Application",
    note="Sources give six constructs and 11 relations without listing these; the arrows are the usual "
    "reading.",
)
scsb_slides = Specification(
    name="SCSB (slides)",
    title="SCSB in the four dimensions of the slides",
    arrows={
        "image": ("expectation", "satisfaction"),
        "expectation": ("perception", "satisfaction"),
        "perception": ("satisfaction",),
    },
    layout={"image": (0, 1), "expectation": (0, 0), "perception": (1.5, 0), "satisfaction": (3, 0.5)},
    source="Course slides",
    note="The slides name four dimensions and no arrows; these are the arrows that SCSB has, and those of "
    "image in ECSI. Fornell's SCSB has no image.",
    measured_by={"perception": "value"},
)
acsi_slides = Specification(
    name="ACSI (slides)",
    title="ACSI in the four dimensions of the slides",
    arrows={
        "expectation": ("quality", "value", "satisfaction"),
        "quality": ("value", "satisfaction"),
        "value": ("satisfaction",),
    },
    layout={"expectation": (0, 0), "quality": (0, 1), "value": (1.4, 0.5), "satisfaction": (3, 0.5)},
    source="Course slides",
    note="The slides name four dimensions and no arrows; these are the arrows that ACSI has between them. "
    "Nothing says what satisfaction leads to.",
)
ccsi_slides = Specification(
    name="CCSI (slides)",
    title="CCSI in the four dimensions of the slides",
    arrows={
        "image": ("quality", "value", "satisfaction"),
        "quality": ("value", "satisfaction"),
        "value": ("satisfaction",),
    },
    layout={"image": (0, 0), "quality": (0, 1), "value": (1.4, 0.5), "satisfaction": (3, 0.5)},
    source="Course slides",
    note="The slides name four dimensions and no arrows; these are the arrows that the usual reading of CCSI "
    "has between them. Expectation and loyalty are missing.",
)
SPECIFICATIONS: Mapping[str, Specification] = ReadOnly(
    {s.name: s for s in (scsb, acsi, ecsi, ccsi, scsb_slides, acsi_slides, ccsi_slides)}
)


def survey_items(survey: pd.DataFrame) -> dict[str, list[str]]:
    """Return the blocks of a survey whose items are named ``construct_1``, ``construct_2`` …

    Parameters
    ----------
    survey : DataFrame
        Only its column names are read.

    Returns
    -------
    dict of str to list of str
        Construct -> its items, in the order of the columns.

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
    minimum: float,
    maximum: float,
    weighting: str = "raw",
    **settings: Any,
) -> pd.DataFrame:
    """Estimate several index models on one survey.

    Parameters
    ----------
    survey : DataFrame
        One row per respondent.
    specifications : sequence of Specification
        The models, each with a construct "satisfaction" and a name of its own.
    items : mapping of str to list of str, optional
        Construct -> its items, as for `Specification.model`.
    minimum, maximum : float
        Ends of the answer scale. Answers cannot tell them: nobody may have ticked the lowest.
    weighting : {"raw", "standardized", "equal"}
        Weights of the items in the index, see `crmlab.pls.PLSResult.index_weights`.
    **settings : dict
        Passed on to `crmlab.pls.PLSPathModel`.

    Returns
    -------
    DataFrame
        One row per model: index of satisfaction (0-100), r_squared_satisfaction, r_squared_loyalty (NaN where
        the model has no loyalty), numbers of paths, constructs and respondents.

    Examples
    --------
    >>> from crmlab import datasets
    >>> survey = datasets.load("satisfaction_survey", cohort="shipped")
    >>> compare_indices(survey, minimum=1, maximum=10)[["paths", "constructs"]].T
                SCSB  ACSI  ECSI  CCSI
    paths          6     9    10    11
    constructs     5     6     6     6
    """
    if isinstance(specifications, Specification | str):
        specifications = [specifications]
    if not isinstance(specifications, Iterable):
        raise TypeError(f"specifications must be a list of models, found {specifications!r}.")
    rows: dict[str, dict[str, float]] = {}
    for specification in specifications:
        if not isinstance(specification, Specification):
            raise TypeError(
                f"specifications must hold models such as satisfaction.acsi, found {specification!r}. "
                "SPECIFICATIONS.values() has all."
            )
        name = specification.name
        if name in rows:
            raise ValueError(f"specifications has two models named {name!r}: give each a name of its own.")
        if "satisfaction" not in specification.constructs:
            raise ValueError(f"{name} has no construct 'satisfaction': there is nothing to compare.")
        result = specification.model(survey, items, **settings).fit()
        explained = result.r_squared
        rows[name] = {
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
