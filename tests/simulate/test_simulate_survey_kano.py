"""The Kano survey and the choices between offers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from recovery import ERRORS, near_share, near_shares, no_tie
from scipy.optimize import minimize
from worlds import surveys

from crmlab import satisfaction
from crmlab.simulate.core import generator
from crmlab.simulate.processes import kano
from crmlab.simulate.processes.kano import ANSWERS, CATEGORIES, FEATURES, SLIP
from crmlab.simulate.processes.offers import CHOICE, OFFERS
from crmlab.simulate.registry import Setting, run


@pytest.fixture(scope="module")
def world() -> dict[str, pd.DataFrame]:
    return surveys()


# -- Kano -----------------------------------------------------------------------------------------


def test_kano_categories_have_their_shares_by_feature(world):
    truth = world["truth:kano_categories"]
    assert FEATURES.sum(axis=1).to_numpy() == pytest.approx(1)
    for feature, shares in FEATURES.iterrows():
        near_shares(truth.loc[truth["feature"] == feature, "category"], shares.to_dict(), feature)
    # each respondent draws each feature's category anew
    wide = truth.pivot(index="customer_id", columns="feature", values="category") == "must-be"
    other = wide.corr().to_numpy()[np.triu_indices(10, 1)]
    assert np.nanmax(np.abs(other)) < ERRORS / np.sqrt(len(wide))


CELLS = {
    "attractive": [("like", d) for d in ANSWERS[1:4]],
    "one-dimensional": [("like", "dislike")],
    "must-be": [(f, "dislike") for f in ANSWERS[1:4]],
    "indifferent": [(f, d) for f in ANSWERS[1:4] for d in ANSWERS[1:4]],
    "reverse": [(f, "like") for f in ANSWERS[1:4]] + [("dislike", d) for d in ANSWERS[:4]],
}


@pytest.mark.parametrize("category", CATEGORIES)
def test_answers_lie_equally_often_in_every_cell_of_the_category_but_for_slips(category):
    """200,000 pairs: a cell that comes a hundredth too often is found."""
    drawn = kano.pairs(generator(1, category), np.full(200_000, CATEGORIES.index(category)))
    words = np.array(ANSWERS)[drawn]
    for f in ANSWERS:
        for d in ANSWERS:
            p = np.mean(
                [
                    ((1 - SLIP.slip) * (f == a) + SLIP.slip / 5)
                    * ((1 - SLIP.slip) * (d == b) + SLIP.slip / 5)
                    for a, b in CELLS[category]
                ]
            )
            near_share((words[:, 0] == f) & (words[:, 1] == d), p, (f, d))


def test_the_survey_pairs_answers_with_the_category_of_the_same_row(world):
    survey = world["kano_survey"]
    truth = world["truth:kano_categories"]
    assert survey[["customer_id", "feature"]].equals(truth[["customer_id", "feature"]])
    assert not survey.duplicated(["customer_id", "feature"]).any()
    assert (survey.groupby("customer_id")["feature"].nunique() == len(FEATURES)).all()
    meant = satisfaction.kano_category(survey["functional"], survey["dysfunctional"])
    exact = (1 - SLIP.slip) ** 2
    for category in CATEGORIES:
        here = truth["category"] == category
        hit = (meant[here].astype(str) == category).mean()
        assert exact - 0.02 < hit < exact + 0.09, category


def test_kano_recovers_the_categories_of_a_class():
    """In 10 worlds of the shipped size the features with a clear first category are told apart."""
    right = []
    for seed in range(10):
        world = run(Setting(seed, 6_000, 10), wanted=["kano_survey"])
        table = satisfaction.kano(world["kano_survey"])
        shares = np.sort(FEATURES.to_numpy(), axis=1)
        clear = FEATURES.index[shares[:, -1] - shares[:, -2] > 0.15]
        assert len(clear) >= 5
        right += [
            table.loc[f, "category"] == FEATURES.loc[f].idxmax() and table.loc[f, "p_value"] < 0.05
            for f in clear
        ]
    assert np.mean(right) > 0.95


# -- offers ---------------------------------------------------------------------------------------


def test_offer_choices_follow_benefit_and_price(world):
    data = world["offer_choices"].merge(world["competing_offers"][["offer", "price"]])
    data = data.sort_values(["customer_id", "offer"])
    x = data[["benefit", "price"]].to_numpy().reshape(-1, len(OFFERS), 2)
    chosen = data["chosen"].to_numpy().reshape(-1, len(OFFERS))
    assert (chosen.sum(axis=1) == 1).all()

    def loss(beta):
        u = x @ beta
        return -(u[chosen == 1] - np.log(np.exp(u).sum(axis=1))).mean()

    found = minimize(loss, [0.1, -0.01]).x
    p = np.exp(x @ found)
    p = p / p.sum(axis=1, keepdims=True)
    centred = x - (p[:, :, None] * x).sum(axis=1, keepdims=True)
    information = np.einsum("ij,ijk,ijl->kl", p, centred, centred)
    error = np.sqrt(np.diag(np.linalg.inv(information)))
    assert (np.abs(found - [CHOICE.benefit, CHOICE.price]) <= ERRORS * error).all()


def test_respondents_see_the_offers_benefits_with_their_own_eyes(world):
    wide = world["offer_choices"].pivot(index="customer_id", columns="offer", values="benefit")
    inner = ["rival_leaf", "supermarket", "qinghe_classic"]  # rarely at an end of the scale
    felt = CHOICE.satisfaction * world["index_scores"]["satisfaction"][wide.index - 1].to_numpy()
    wide = wide.assign(qinghe_classic=wide["qinghe_classic"] - felt)
    for offer in inner:
        ends = 0.02 * (offer == "qinghe_classic")  # what the ends of the scale cut off
        assert wide[offer].mean() == pytest.approx(OFFERS.loc[offer, "benefit"], abs=ends + 0.04), offer
        assert wide[offer].std() == pytest.approx(np.hypot(CHOICE.generous, CHOICE.taste), abs=0.04), offer
    no_tie(wide["rival_leaf"], felt)  # satisfaction with Qinghe says nothing of its rivals
    common = wide[inner].corr().to_numpy()[np.triu_indices(3, 1)]
    variance = CHOICE.generous**2 + CHOICE.taste**2
    assert common == pytest.approx(CHOICE.generous**2 / variance, abs=0.04)
    raw = world["offer_choices"]["benefit"]
    assert (raw.min(), raw.max()) == (1, 10)
    assert wide.mean().rank().equals(OFFERS["benefit"].reindex(wide.columns).rank().rename_axis("offer"))


def test_a_shop_does_not_know_the_benefit_of_an_offer(world):
    offers = world["competing_offers"]
    assert "benefit" not in offers
    assert offers["price"].tolist() == OFFERS["price"].tolist()
    assert offers.drop(columns="offer").dtypes.map(pd.api.types.is_integer_dtype).all()
