"""What five index points are worth: the truth against simulating that everybody became more satisfied."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from recovery import ERRORS, near_mean
from worlds import SEED, everything

from crmlab.simulate import core, dates, registry
from crmlab.simulate.processes.driver_values import lifted, revenue_of_a_year
from crmlab.simulate.processes.index_model import CONSTRUCTS, STRUCTURAL
from crmlab.simulate.processes.people import SPENDING, behaviour, latents
from crmlab.simulate.processes.satisfaction_survey import answers

WEEKS = (dates.DAYS - dates.HISTORY) / 7


@pytest.fixture(scope="module")
def values() -> pd.DataFrame:
    return everything()["truth:driver_values"].set_index("driver")


def there() -> np.ndarray:
    """Say who was won before 1 July 2025 and still there on that day."""
    truth = everything()["truth:consumers"].merge(everything()["consumers"][["customer_id", "acquired_on"]])
    left = truth["dropped_out_on"] < dates.INTERVENTION
    return ((truth["acquired_on"] < dates.INTERVENTION) & ~left).to_numpy()


def a_year(seed: int, of: pd.DataFrame) -> np.ndarray:
    """Buy for a year, purchase by purchase: wait for it, pay for it, perhaps leave after it."""
    rng = np.random.default_rng(seed)
    spent = np.zeros(len(of))
    clock = np.zeros(len(of))
    here = np.arange(len(of))
    while len(here):
        wait, pay, leave = rng.random((3, len(of)))[:, here]  # the same people meet the same chances
        clock[here] += -np.log1p(-wait) / of["purchase_rate"].to_numpy()[here]
        bought = clock[here] < WEEKS
        spent[here[bought]] += (of["mean_order_value"].to_numpy()[here] * 2 * pay)[bought]
        here = here[bought & (leave >= of["dropout_probability"].to_numpy()[here])]
    return spent


def test_the_worth_is_what_a_simulated_intervention_brings(values):
    """Raise everybody's satisfaction, recompute rates and dropout by the world's own processes, buy the year anew."""
    world = everything()
    setting = registry.Setting(SEED, len(world["consumers"]), 10)
    rows = there()

    def after(lift: float) -> pd.DataFrame:
        raised = world["index_scores"].assign(satisfaction=world["index_scores"]["satisfaction"] + lift)
        return behaviour(latents(core.generator(SEED, "latents"), setting, raised))[rows]

    assert np.allclose(after(0.0), world["behaviour"][rows])
    for driver in ("satisfaction", "quality"):
        lift = values.loc[driver, "satisfaction_shift"]
        gains = [a_year(seed, after(lift)) - a_year(seed, after(0.0)) for seed in range(4)]
        gain = np.mean(gains, axis=0)
        error = gain.std() * np.sqrt(len(gain))
        found = gain.sum()
        assert abs(found - values.loc[driver, "revenue_gain"]) < ERRORS * error, (driver, found, error)
        assert error < 0.06 * found


def test_expected_revenue_is_what_a_simulated_year_brings():
    rows = everything()["behaviour"][there()].reset_index(drop=True)
    near_mean(a_year(9, rows), revenue_of_a_year(rows))
    assert SPENDING.p * SPENDING.v / (SPENDING.q - 1) == 160  # yuan, the mean order


def test_a_lift_moves_behaviour_as_the_same_satisfaction_does():
    """People whose satisfaction is higher by one differ in rate and dropout as a lift of one makes them differ."""
    truth = everything()["truth:consumers"]
    middle = truth[truth["satisfaction"].between(-0.05, 0.05)]
    high = truth[truth["satisfaction"].between(0.95, 1.05)]
    moved = lifted(middle, 1.0)
    for column in ("purchase_rate", "dropout_probability"):
        assert moved[column].mean() == pytest.approx(high[column].mean(), rel=0.12), column
    assert moved["purchase_rate"].mean() > 1.1 * middle["purchase_rate"].mean()
    assert moved["dropout_probability"].mean() < 0.7 * middle["dropout_probability"].mean()
    same = lifted(middle, 0.0)
    assert np.allclose(same["purchase_rate"], middle["purchase_rate"])


def test_a_driver_works_through_all_its_paths_to_satisfaction(values):
    s = STRUCTURAL
    value = s["value", "satisfaction"]
    quality = s["quality", "satisfaction"] + s["quality", "value"] * value
    expectation = s["expectation", "satisfaction"] + s["expectation", "quality"] * quality
    expectation += s["expectation", "value"] * value
    image = s["image", "satisfaction"] + s["image", "expectation"] * expectation
    image += s["image", "quality"] * quality + s["image", "value"] * value
    total = dict(zip(CONSTRUCTS, (image, expectation, quality, value, 1, 0, 0), strict=True))
    for driver, effect in total.items():
        ratio = values.loc[driver, "satisfaction_shift"] / values.loc[driver, "shift"]
        assert ratio == pytest.approx(effect), driver
        assert (values.loc[driver, "revenue_gain"] > 0) == (effect > 0)


def test_a_shift_is_five_points_of_the_index(values):
    """Give 40,000 people the shift, let them answer, and see the index of their answers rise by five points."""
    rng = core.generator(1, "shift")
    scores = pd.DataFrame(rng.standard_normal((40_000, len(CONSTRUCTS))), columns=list(CONSTRUCTS))
    for driver in ("quality", "value"):
        raised = scores.assign(**{driver: scores[driver] + values.loc[driver, "shift"]})
        before, after = (
            answers(core.generator(2, "answers"), who).filter(regex=f"^{driver}_").mean().mean()
            for who in (scores, raised)
        )
        # rounding and the ends of the scale keep a little of it back
        assert (after - before) * 100 / 9 == pytest.approx(5, abs=0.5), driver
