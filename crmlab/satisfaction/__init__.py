"""What customers get, what they expected, and what follows: indices, gaps, categories, scores and charts.

The instruments of satisfaction research that statsmodels lacks, one file a topic. Regressions, proportions,
choice models and mediation stay with statsmodels: `disconfirmation` only builds the terms, ``smf.ols``
estimates, ``t_test`` compares the slopes.
"""

from crmlab.satisfaction.attributes import Quadrants, quadrants
from crmlab.satisfaction.charts import ControlChart, cusum, individuals_chart, mean_chart, p_chart
from crmlab.satisfaction.gaps import SERVQUAL_DIMENSIONS, Servqual, disconfirmation, servqual
from crmlab.satisfaction.indices import (
    SPECIFICATIONS,
    Specification,
    acsi,
    acsi_slides,
    ccsi,
    ccsi_slides,
    compare_indices,
    ecsi,
    scsb,
    scsb_slides,
    survey_items,
)
from crmlab.satisfaction.kano_model import KANO_ANSWERS, KANO_CATEGORIES, kano, kano_category
from crmlab.satisfaction.net_promoter import nps, nps_difference
from crmlab.satisfaction.value import delivered_value

__all__ = [
    "KANO_ANSWERS",
    "KANO_CATEGORIES",
    "SERVQUAL_DIMENSIONS",
    "SPECIFICATIONS",
    "ControlChart",
    "Quadrants",
    "Servqual",
    "Specification",
    "acsi",
    "acsi_slides",
    "ccsi",
    "ccsi_slides",
    "compare_indices",
    "cusum",
    "delivered_value",
    "disconfirmation",
    "ecsi",
    "individuals_chart",
    "kano",
    "kano_category",
    "mean_chart",
    "nps",
    "nps_difference",
    "p_chart",
    "quadrants",
    "scsb",
    "scsb_slides",
    "servqual",
    "survey_items",
]
