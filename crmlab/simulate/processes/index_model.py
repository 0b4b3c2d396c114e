"""The satisfaction index model behind everything that consumers feel: seven latent scores on known arrows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import core
from ..numbers import series
from ..registry import Setting, process

# ECSI and CCSI arrows together, all variables standardised, in causal order
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
for _process, _paths, _text in (
    ("structural", STRUCTURAL, "path between latent variables that generated the data"),
    ("pls_population", PLS_POPULATION, "path of the full arrow model that PLS converges to"),
):
    series(
        _process,
        "",
        {f"{cause}->{effect}": value for (cause, effect), value in _paths.items()},
        "standard deviations",
        _text,
    )


@process(inner=("index_scores",))
def index_latents(rng: np.random.Generator, setting: Setting) -> pd.DataFrame:
    """Return the seven scores of every consumer."""
    return core.structural(rng, setting.customers, STRUCTURAL, CONSTRUCTS)


def total_effects_on_satisfaction() -> pd.Series:
    """Return by how much satisfaction rises when a score rises by one, along all arrows."""
    paths = pd.DataFrame(0.0, index=CONSTRUCTS, columns=CONSTRUCTS)
    for (cause, effect), value in STRUCTURAL.items():
        paths.loc[cause, effect] = value
    total = np.linalg.inv(np.eye(len(paths)) - paths.to_numpy())
    return pd.Series(total[:, CONSTRUCTS.index("satisfaction")], index=CONSTRUCTS)
