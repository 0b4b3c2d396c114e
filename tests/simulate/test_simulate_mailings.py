"""Mailings: drawn by lot among those who consented; every stated effect comes back, also where it is negative."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from recovery import ERRORS, near_fit, near_mean, near_sd, near_share, no_tie
from scipy import stats
from worlds import CLUB_TRIALS, SEED, own_trials

from crmlab.simulate import dates, registry
from crmlab.simulate.processes import mailings
from crmlab.simulate.processes.mailings import ANNOYED, CODES, EFFECT, INTEREST, MAIL, MAILINGS
from crmlab.simulate.registry import Setting, run


@pytest.fixture(scope="module")
def world():
    return own_trials()


@pytest.fixture(scope="module")
def contacts(world):
    """One row a contact: table, truth, draw, type and class of the customer side by side."""
    out = world["mailing_contacts"].merge(world["truth:mailing_contacts"], on=["mailing_id", "customer_id"])
    drawn = world["mailing_draw"].drop(columns="mailed").assign(customer_id=world["mailing_draw"]["row"] + 1)
    out = out.merge(drawn, on=["mailing_id", "customer_id"])
    out["interest"] = world["mail_types"]["interest"].to_numpy()[out["row"]]
    out["buyer_class"] = world["buyer_class"].astype(str).to_numpy()[out["row"]]
    return out


def mailings_alone(setting: Setting, given: bool) -> dict:
    """Return a world without other trials in which everybody drawn gets every letter, or nobody does."""
    return run(
        setting,
        wanted=["mailing_contacts", "truth:mailing_contacts"],
        without=[*CLUB_TRIALS, "customer_care"],
        changed={"mailing_draw": lambda drawn: drawn.assign(mailed=given)},
    )


# -- the draw -------------------------------------------------------------------------------------


def test_only_customers_who_consented_and_were_won_before_the_draw(world):
    won = world["consumers"].set_index("customer_id")["acquired_on"]
    consent = pd.Index(np.flatnonzero(world["mail_types"]["consent"]) + 1)
    near_share(world["mail_types"]["consent"], MAIL.consent)
    for mailing, drawn in world["mailing_contacts"].groupby("mailing_id"):
        day = MAILINGS.set_index("mailing_id")["sent_on"][mailing] - pd.Timedelta(days=7)
        assert (drawn["assigned_on"] == day).all()
        assert set(drawn["customer_id"]) == set(won.index[won < day]) & set(consent)
        assert abs((drawn["arm"] == "mail").sum() - len(drawn) / 2) <= 1
    assert world["mailing_contacts"]["assigned_on"].min() >= dates.INTERVENTION


def test_each_offer_comes_once_with_each_discount():
    assert not MAILINGS.duplicated(["offer", "discount"]).any()
    assert len(MAILINGS) == MAILINGS["offer"].nunique() * MAILINGS["discount"].nunique()
    assert MAILINGS["sent_on"].is_monotonic_increasing
    assert (MAILINGS["sent_on"].diff().dropna() > pd.Timedelta(days=MAIL.window + MAIL.drawn)).all()
    assert MAILINGS["sent_on"].max() + pd.Timedelta(days=MAIL.window) <= dates.TODAY


def test_arms_are_independent_of_customers_of_each_other_and_of_the_care_calls(world, contacts):
    arm = contacts["arm"] == "mail"
    for column in ("interest", "annoyed", "response_without", "silent_days", "margin_without"):
        no_tie(arm, contacts[column], column)
    for column in ("rate", "dropout", "value", "attachment"):
        no_tie(arm, world["latents"][column].to_numpy()[contacts["row"]], column)
    wide = contacts.assign(arm=arm).pivot(index="customer_id", columns="mailing_id", values="arm").dropna()
    calls = world["customer_care"].set_index("customer_id")["care_calls"]
    for mailing in wide:
        for other in range(mailing + 1, len(wide.columns) + 1):
            no_tie(wide[mailing], wide[other], (mailing, other))
        both = wide.index.intersection(calls.index)
        no_tie(wide.loc[both, mailing], calls[both], (mailing, "care"))


def test_in_one_mailing_some_of_the_control_arm_got_the_letter(contacts):
    control = contacts["arm"] == "control"
    leaky = contacts["mailing_id"] == MAIL.contaminated
    near_share(contacts.loc[control & leaky, "mailed"], MAIL.contamination)
    assert not contacts.loc[control & ~leaky, "mailed"].any()
    assert contacts.loc[~control, "mailed"].all()


# -- who they are ---------------------------------------------------------------------------------


def test_interest_goes_with_class_and_with_how_a_customer_was_won(world):
    kind = world["mail_types"]
    name = world["buyer_class"].astype(str)
    source = world["consumers"]["acquisition_channel"]
    for buyer_class in ANNOYED.index:
        here = name == buyer_class
        near_share(kind.loc[here, "annoyed"], ANNOYED[buyer_class], buyer_class)
        for channel in ("shop", "online", "referral", "fair"):
            stated = INTEREST[buyer_class] + INTEREST.get(channel, 0.0)
            near_mean(kind.loc[here & (source == channel), "interest"], stated, (buyer_class, channel))
    near_sd(kind["interest"] - name.map(INTEREST) - source.map(INTEREST).fillna(0), INTEREST["noise"])


# -- what letters do ------------------------------------------------------------------------------


def test_extra_orders_follow_the_stated_logit(world, contacts):
    letters = contacts[(contacts["mailed"] == 1) & contacts["alive"] & (contacts["annoyed"] == 0)]
    extra = world["extra_orders"]["mailings"]
    pairs = pd.MultiIndex.from_arrays([extra["campaign_id"], extra["row"]])
    got = pd.MultiIndex.from_frame(letters[["mailing_id", "row"]]).isin(pairs)
    causes = pd.DataFrame(
        {
            "extra": 1.0,
            "extra_interest": letters["interest"],
            "extra_silence": letters["silent_days"] / 365.25,
            "extra_discount": letters["discount"],
            "extra_personalised": (letters["offer"] == "personalised").astype(float),
        }
    )
    stated = {name: getattr(EFFECT, name) for name in causes}
    near_fit(sm.Logit(got.astype(float), causes).fit(disp=False), **stated)
    assert got.sum() == len(extra), "nobody else was moved to order"


def test_extra_orders_carry_the_mailing_and_fall_into_its_two_weeks(world):
    orders = world["ledger"].dropna(subset="campaign_id")
    assert len(orders) == len(world["extra_orders"]["mailings"])
    orders = orders.merge(MAILINGS, left_on="campaign_id", right_on="mailing_id")
    after = (orders["order_date"] - orders["sent_on"]).dt.days
    assert after.min() == 1
    assert (after >= MAIL.window).mean() < 0.02  # moved to a day without another order
    pairs = world["mailing_draw"].query("mailed")[["mailing_id", "row"]]
    drawn = pd.MultiIndex.from_frame(pairs)
    assert pd.MultiIndex.from_arrays([orders["mailing_id"], orders["customer_id"] - 1]).isin(drawn).all()


def base_orders_in_window(world, contacts, which):
    """Return the base orders in the two weeks of the given contacts, and whether they are lost."""
    rows = contacts.loc[which, ["row", "sent"]].merge(world["base_orders"][["row", "day"]], on="row")
    rows = rows[(rows["day"] - rows["sent"]).between(0, MAIL.window - 1)]
    lost = pd.MultiIndex.from_frame(world["lost_orders"]["mailings"][["row", "day"]])
    return rows.assign(lost=pd.MultiIndex.from_frame(rows[["row", "day"]]).isin(lost))


def test_orders_of_those_whom_letters_annoy_are_lost_and_no_others(world, contacts):
    hit = base_orders_in_window(world, contacts, (contacts["mailed"] == 1) & (contacts["annoyed"] == 1))
    near_share(hit["lost"], EFFECT.lost)
    assert hit["lost"].sum() == len(world["lost_orders"]["mailings"])


def test_lost_orders_are_really_gone(world):
    lost = world["lost_orders"]["mailings"]
    untouched = ~lost["row"].isin(
        [*world["extra_orders"]["mailings"]["row"], *world["extra_orders"]["customer_care"]["row"]]
    )
    gone = lost[untouched]
    assert len(gone) > 200
    there = pd.MultiIndex.from_arrays(
        [world["ledger"]["customer_id"] - 1, dates.days(world["ledger"]["order_date"])]
    )
    assert not pd.MultiIndex.from_frame(gone).isin(there).any()
    more = sum(len(frame) for frame in world["extra_orders"].values())
    beyond = len(world["base_orders"]) + more - len(lost) - len(world["ledger"])
    assert 0 <= beyond < 10  # extra orders that found no free day before the end


def test_nothing_happens_before_the_first_mailing_and_nothing_to_the_control_arm(world, contacts):
    first = MAILINGS["sent_on"].min()
    past = world["ledger"][world["ledger"]["order_date"] < first]
    assert len(past) == (world["base_orders"]["day"] < (first - dates.START).days).sum()
    control = base_orders_in_window(world, contacts, contacts["mailed"] == 0)
    assert not control["lost"].any()


def test_the_table_counts_orders_and_margin_of_the_two_weeks(world):
    table = world["mailing_contacts"].merge(MAILINGS, on="mailing_id")
    some = table.groupby(["mailing_id", "arm", "responded"]).head(20)
    letter = world["mailing_draw"].assign(customer_id=world["mailing_draw"]["row"] + 1)
    letter = letter.set_index(["mailing_id", "customer_id"])["mailed"]
    for row in some.itertuples():
        day = world["orders"]["order_date"]
        own = world["orders"][
            (world["orders"]["customer_id"] == row.customer_id)
            & (day >= row.sent_on)
            & (day < row.sent_on + pd.Timedelta(days=14))
        ]
        rate = MAIL.margin_rate - row.discount * letter[row.mailing_id, row.customer_id]
        assert row.responded == (len(own) > 0)
        assert row.margin_14_days == pytest.approx(own["amount"].sum() * rate, abs=0.006)


# -- the codes on orders --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def coded(world, contacts):
    """One row an order of a contact in the two weeks of its mailing, with the code used on it."""
    made = {step.name: step for step in registry.processes()}["campaign_codes"].make
    code = made(np.random.default_rng(3), world["ledger"], world["mailing_draw"])
    orders = world["ledger"].rename(columns={"campaign_id": "brought_by"}).assign(code=code)
    out = contacts.merge(orders[orders["order_date"] >= dates.INTERVENTION], on="customer_id")
    days = dates.days(out["order_date"]) - out["sent"]
    own = (out["brought_by"] == out["mailing_id"]).fillna(False).astype(bool)
    return out[own | days.between(0, MAIL.window - 1)].assign(
        brought=own, used=lambda x: (x["code"] == x["mailing_id"]).fillna(False).astype(bool)
    )


def test_a_code_is_used_on_the_stated_shares_of_orders_by_those_drawn_for_the_letter(coded):
    drawn = coded[coded["arm"] == "mail"]
    near_share(drawn.loc[drawn["brought"], "used"], CODES.code_brought)
    usual = drawn[~drawn["brought"]]
    near_share(usual.loc[usual["discount"] == 0, "used"], CODES.code_usual)
    near_share(usual.loc[usual["discount"] > 0, "used"], CODES.code_discount)
    assert not coded.loc[coded["arm"] == "control", "code"].notna().any()


def test_nothing_visible_tells_who_of_the_control_arm_got_the_letter(contacts, coded):
    leaky = contacts[(contacts["mailing_id"] == MAIL.contaminated) & (contacts["arm"] == "control")]
    assert leaky["mailed"].any()
    assert (leaky["discount"] == 0).all()  # so the margin is taken at one rate
    there = coded["mailing_id"].eq(MAIL.contaminated) & (coded["arm"] == "control") & coded["brought"]
    assert there.sum() > 20  # the letter did bring orders, and they carry no code
    assert coded.loc[there, "code"].isna().all()


def test_counting_codes_overstates_what_letters_bring(coded, contacts):
    mail = contacts["arm"] == "mail"
    counted = coded.loc[coded["used"], ["mailing_id", "customer_id"]].drop_duplicates().shape[0] / mail.sum()
    arms = contacts["responded"].groupby(mail).mean()
    assert counted > 2.5 * (arms[True] - arms[False])


# -- the difference of the arms, and what the truth says of it ------------------------------------


@pytest.mark.parametrize("outcome", ["responded", "margin_14_days"])
def test_the_difference_of_the_arms_is_the_mean_uplift(contacts, outcome):
    """Where the control arm got letters too, the difference is smaller by just their share."""
    what = outcome.replace("responded", "response").removesuffix("_14_days")
    uplift = contacts[f"{what}_with"] - contacts[f"{what}_without"]
    for mailing, here in contacts.groupby("mailing_id"):
        arms = here.groupby("arm")[outcome].agg(["mean", "var", "size"])
        error = np.sqrt((arms["var"] / arms["size"]).sum())
        stated = uplift[here.index].mean() * (1 - MAIL.contamination * (mailing == MAIL.contaminated))
        found = arms.loc["mail", "mean"] - arms.loc["control", "mean"]
        assert abs(found - stated) <= ERRORS * error, (mailing, found, stated, error)


def test_letters_cost_orders_of_those_whom_they_annoy(contacts):
    annoyed = contacts[(contacts["annoyed"] == 1) & (contacts["mailing_id"] != MAIL.contaminated)]
    assert (annoyed["response_with"] <= annoyed["response_without"]).all()
    arms = [annoyed.loc[annoyed["arm"] == arm, "responded"] for arm in ("mail", "control")]
    assert stats.ttest_ind(*arms).statistic < -3
    others = contacts[contacts["annoyed"] == 0]
    assert (others["response_with"] >= others["response_without"]).all()


def test_best_buyers_respond_most_and_gain_least(contacts):
    """What the lesson lives on: who responds is not whom the letter moves."""
    uplift = contacts["response_with"] - contacts["response_without"]
    mean = uplift.groupby(contacts["buyer_class"]).mean()
    response = contacts["response_with"].groupby(contacts["buyer_class"]).mean()
    assert response.idxmax() == "devotee" == mean.idxmin()
    cost = contacts["mailing_id"].map(MAILINGS.set_index("mailing_id")["cost_per_contact"])
    gain = contacts["margin_with"] - contacts["margin_without"] - cost
    gross = contacts["margin_with"] - cost
    assert gain.mean() < gain[gross > 0].sum() / len(gain) < gain.clip(lower=0).mean() / 2


@pytest.mark.parametrize("given", [True, False])
def test_truth_is_what_happens_when_everybody_gets_the_letter_or_nobody(given):
    world = mailings_alone(Setting(SEED, 40_000, 10), given)
    both = world["mailing_contacts"].merge(world["truth:mailing_contacts"], on=["mailing_id", "customer_id"])
    which = "with" if given else "without"
    for outcome, what in (("responded", "response"), ("margin_14_days", "margin")):
        near_mean(both[outcome], both[f"{what}_{which}"], what)
        for annoyed, here in both.groupby("annoyed"):
            near_mean(here[outcome], here[f"{what}_{which}"], (what, annoyed))
        for mailing, here in both.groupby("mailing_id"):
            near_mean(here[outcome], here[f"{what}_{which}"], (what, mailing))
    often = pd.qcut(both.loc[both[f"response_{which}"] > 0, f"response_{which}"], 5)
    for _, here in both.loc[often.index].groupby(often, observed=True):
        near_mean(here["responded"], here[f"response_{which}"])


def test_truth_follows_the_seasons_where_orders_do():
    world = mailings_alone(Setting(5, 20_000, 10, seasonal_orders=True), given=False)
    both = world["mailing_contacts"].merge(world["truth:mailing_contacts"], on=["mailing_id", "customer_id"])
    for mailing, here in both.groupby("mailing_id"):
        near_mean(here["responded"], here["response_without"], mailing)


def test_no_order_left_of_a_stream_that_may_end_after_each():
    """By hand, and by a million streams."""
    assert mailings.all_lost(0.7, 0.3, 0.0) == pytest.approx(np.exp(-0.7))
    assert mailings.all_lost(0.7, 0.0, 0.4) == pytest.approx(np.exp(-0.7 * 0.6))
    assert mailings.all_lost(0.7, 0.3, 1.0) == pytest.approx(1)
    rng = np.random.default_rng(1)
    count = np.minimum(rng.poisson(1.5, 1_000_000), rng.geometric(0.3, 1_000_000))
    near_share(rng.binomial(count, 0.6) == 0, mailings.all_lost(1.5, 0.3, 0.4))
