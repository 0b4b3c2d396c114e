"""What is in an order: lines by taste and season, products by means, fame and price, weights near the amount.

An order is meant to cost a certain amount. Pieces come in whole numbers; what they leave goes to the teas,
which are weighed in steps of a few grams. So an order's amount differs little from the one that was meant.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from .. import dates
from ..core import pick, spread
from ..numbers import grid, numbers, series
from ..registry import process
from .order_days import ONLINE, promotion_weeks
from .people import CLASSES
from .products import CHOICE, IN_SEASON, LINES, PIECES, POPULARITY

AFFINITY = grid(
    "order_lines",
    "affinity",
    CLASSES,
    LINES,
    [
        (0.26, 0.24, 0.12, 0.22, 0.06, 0.10),
        (0.12, 0.08, 0.08, 0.10, 0.44, 0.18),
        (0.34, 0.16, 0.28, 0.06, 0.06, 0.10),
        (0.24, 0.14, 0.18, 0.08, 0.18, 0.18),
    ],
    "share",
    "of a class's lines outside the seasons, and of consumers by the line that they like best",
)
TASTE = numbers(
    "tastes",
    favourite=(0.45, "share", "of the choice of a line that goes to the line a consumer likes best"),
    change=(0.15, "share", "of consumers whose favourite changes, if they still buy by then"),
)
SEASON = numbers(
    "order_lines",
    spring_green=(1.8, "factor", "on green tea from March to May"),
    gift_weeks_spring=(4.0, "weeks", "before Spring Festival in which gift sets are wanted"),
    gift_weeks_autumn=(3.0, "weeks", "before Mid-Autumn Festival in which gift sets are wanted"),
)
SPRING = (3, 4, 5)  # months
GIFTS = series(
    "order_lines",
    "before_festival",
    {"devotee": 2.0, "gift_giver": 6.0, "bargain_hunter": 1.8, "occasional": 2.5},
    "factor",
    "on gift sets in the weeks before Spring Festival and Mid-Autumn Festival",
)
BASKET = numbers(
    "order_lines",
    another=(0.35, "probability", "of each of two further lines"),
    evenness=(2.0, "none", "shape of the Gamma weights by which lines share an amount"),
    bulk=(600.0, "yuan", "for each of which an order has a line more, up to four"),
    least=(10.0, "yuan", "that each line of an order is meant to cost, if the order is not smaller"),
    fit=(0.4, "share", "of a line's amount by which pieces may miss it before they are avoided"),
    fit_alone=(0.01, "share", "the same where no tea is in the order to make up for it"),
    several=(1.5, "exponent", "by which the chance of a product falls with the number of pieces needed"),
    reserve=(-1.0, "log-odds", "of a product of reserve grade against an everyday one, at ability to pay 3"),
    reserve_ability=(0.55, "log-odds", "change per level of ability to pay"),
)
WEIGHT = numbers(
    "order_lines",
    step=(10.0, "grams", "in which teas are weighed"),
    near=(0.1, "share", "of a line's amount by which a tea may miss it: others are chosen only if none fits"),
    plenty=(500.0, "grams", "of one tea beyond which a dearer one is rather chosen"),
    heavy=(2.0, "exponent", "by which the chance of a tea falls with the weight beyond that"),
)
FEWEST = series(
    "order_lines",
    "fewest",
    {"everyday": 20.0, "reserve": 10.0},
    "grams",
    "of a tea that are sold, by grade",
)
DISCOUNT = series(
    "discounts",
    "class",
    {"devotee": 0.06, "gift_giver": 0.04, "bargain_hunter": 0.30, "occasional": 0.10},
    "probability",
    "that a line is bought at a discount",
)
PROMOTION = numbers("discounts", promotion=(0.45, "probability", "more for lines ordered in such a week"))
LEVELS = series(
    "discounts",
    "level",
    {"0.05": 0.35, "0.1": 0.35, "0.15": 0.20, "0.2": 0.10},
    "share",
    "of the discounts given",
)
SERIAL = series(
    "returns",
    "serial",
    {"devotee": 0.04, "gift_giver": 0.07, "bargain_hunter": 0.16, "occasional": 0.05},
    "share",
    "of a class that sends back most of what it orders",
)
RETURNS = numbers(
    "returns",
    often=(0.8, "probability", "that a serial returner sends back a line ordered by web, app or call"),
    often_shop=(0.4, "probability", "the same for a line bought in a shop"),
    usual=(0.04, "probability", "that another consumer sends back a line ordered by web, app or call"),
    usual_shop=(0.015, "probability", "the same for a line bought in a shop"),
    teaware=(2.0, "factor", "on teaware that others than serial returners send back"),
)
TEAS = tuple(line for line in LINES if line not in PIECES)
MIDDLE = 3  # level of ability to pay
GRAMS = 100  # that a list price of tea is for
TINY = 1e-9  # shares of an order without an open line are divided by this


@process(truth=("tastes", "taste_changes"))
def tastes(
    draw: Callable[[str], np.random.Generator],
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
    dropout: np.ndarray,
) -> dict[str, pd.DataFrame]:
    """Return the line that every consumer likes best, and whose taste changes while they still buy."""
    affinity = AFFINITY.to_numpy()[buyer_class.cat.codes.to_numpy()]
    favourite = pick(draw("favourites"), affinity)
    rng = draw("changes")
    won = dates.days(consumers["acquired_on"])
    day = won + 1 + np.floor(rng.random(len(won)) * (dates.DAYS - 1 - won)).astype(int)
    changes = (rng.random(len(won)) < TASTE.change) & (day < dates.DAYS) & ~(dropout < day)
    others = np.where(np.arange(len(LINES)) == favourite[:, None], 0, affinity)
    now = pick(rng, others)
    names = np.array(LINES)
    return {
        "truth:tastes": pd.DataFrame(
            {"customer_id": consumers["customer_id"], "favourite_line": names[favourite]}
        ),
        "truth:taste_changes": pd.DataFrame(
            {
                "customer_id": consumers["customer_id"],
                "changed_on": dates.dates(day),
                "from_line": names[favourite],
                "to_line": names[now],
            }
        )[changes].reset_index(drop=True),
    }


@process(tables=("order_lines",))
def order_lines(
    draw: Callable[[str], np.random.Generator],
    ledger: pd.DataFrame,
    consumers: pd.DataFrame,
    buyer_class: pd.Series,
    products: pd.DataFrame,
    truth_tastes: pd.DataFrame,
    truth_taste_changes: pd.DataFrame,
) -> pd.DataFrame:
    """Return the lines of every order: quantity times list price less discount is the amount, to the fen."""
    who = ledger["customer_id"].to_numpy() - 1
    ordered = pd.DataFrame(
        {
            "amount": ledger["amount"],
            "day": dates.days(ledger["order_date"]),
            "online": ledger["channel"].isin(ONLINE),
            "remote": ledger["channel"] != "shop",
            "kind": buyer_class.cat.codes.to_numpy()[who],
            "ability": consumers["ability_to_pay"].to_numpy()[who],
            "customer": who,
        }
    )
    favourite = favourites(ledger, truth_tastes, truth_taste_changes)
    weights = line_weights(ordered, favourite, products)
    lines = _baskets(draw("baskets"), weights, ordered["amount"].to_numpy())
    lines["discount"] = _discounts(draw("discounts"), ordered.iloc[lines["order"]])
    for line in PIECES + TEAS:  # what pieces leave goes to the teas
        fill = _pieces if line in PIECES else _weighed
        lines = fill(draw(line), lines, line, ordered, products)
    own = draw("habits").random(len(consumers))
    returned = _returned(draw("returns"), own, lines, ordered)
    return pd.DataFrame(
        {
            "order_id": lines["order"] + 1,
            "line_no": lines.groupby("order").cumcount() + 1,
            "product_line": np.array(LINES)[lines["line"]],
            "product_id": lines["product_id"],
            "quantity": lines["quantity"].astype(int),
            "discount": lines["discount"],
            "amount": lines["amount"],
            "returned": returned.astype(int),
        }
    )


def favourites(ledger: pd.DataFrame, tastes: pd.DataFrame, changes: pd.DataFrame) -> np.ndarray:
    """Return the number of the line that the customer of each order likes best on that day."""
    customer = ledger["customer_id"]
    change = changes.set_index("customer_id")
    code = pd.Categorical(tastes["favourite_line"], categories=LINES).codes[customer - 1]
    later = pd.Series(pd.Categorical(change["to_line"], categories=LINES).codes, change.index)
    changed = ledger["order_date"] >= change["changed_on"].reindex(customer).to_numpy()
    return np.where(changed, customer.map(later).fillna(0), code).astype(np.intp)


def line_weights(ordered: pd.DataFrame, favourite: np.ndarray, products: pd.DataFrame) -> np.ndarray:
    """Return how strongly each line is wanted in each order; a line that costs more than the order is not."""
    weight = (1 - TASTE.favourite) * AFFINITY.to_numpy()[ordered["kind"].to_numpy()]
    weight[np.arange(len(weight)), favourite] += TASTE.favourite
    day = ordered["day"].to_numpy()
    weight[in_spring()[day], LINES.index("green_tea")] *= SEASON.spring_green
    gifts = gift_season()[day]
    weight[gifts, LINES.index("gift_sets")] *= GIFTS.to_numpy()[ordered["kind"].to_numpy()[gifts]]
    cheapest = _least_cost(products[products["launched_on"] == dates.START])
    too_dear = ordered["amount"].to_numpy()[:, None] < cheapest[list(LINES)].to_numpy()
    return weight * ~(too_dear & (cheapest[list(LINES)] > cheapest.min()).to_numpy())


def _least_cost(products: pd.DataFrame) -> pd.Series:
    """Return what the least costs that can be bought of each line: a piece, or a few grams."""
    fewest = products["grade"].map(FEWEST).where(products["unit"] != "piece", GRAMS) / GRAMS
    return (products["list_price"] * fewest).groupby(products["product_line"]).min()


def in_spring() -> np.ndarray:
    """Return for every day of the history whether the tea of the new spring is wanted."""
    return np.isin(dates.dates(np.arange(dates.DAYS)).month, SPRING)


def gift_season() -> np.ndarray:
    """Return for every day of the history whether gift sets are wanted."""
    spring = dates.weeks_before("spring_festival") < SEASON.gift_weeks_spring
    return spring | (dates.weeks_before("mid_autumn") < SEASON.gift_weeks_autumn)


def _baskets(rng: np.random.Generator, weights: np.ndarray, amount: np.ndarray) -> pd.DataFrame:
    """Return the lines of each order, different ones drawn by weight, and what each is meant to cost."""
    with np.errstate(divide="ignore"):
        keys = np.log(weights) + rng.gumbel(size=weights.shape)  # the largest keys are a draw without return
    rank = np.argsort(-keys, axis=1)
    size = 1 + rng.binomial(2, BASKET.another, len(weights)) + amount // BASKET.bulk
    size = np.minimum(size, len(TEAS))  # some tea is always to be had
    order, place = spread(np.clip(amount // BASKET.least, 1, size))  # small orders have few lines
    out = pd.DataFrame({"order": order, "line": rank[order, place]})
    out = out.assign(product_id=0, quantity=0.0, amount=0.0)
    return out.assign(share=rng.gamma(BASKET.evenness, size=len(order)))


def _discounts(rng: np.random.Generator, ordered: pd.DataFrame) -> np.ndarray:
    """Return the discount of each line."""
    promoted = (promotion_weeks() > 0)[ordered["day"].to_numpy()] & ordered["online"].to_numpy()
    likely = DISCOUNT.to_numpy()[ordered["kind"].to_numpy()] + PROMOTION.promotion * promoted
    level = rng.choice(LEVELS.index.astype(float), len(ordered), p=LEVELS)
    return np.where(rng.random(len(ordered)) < likely, level, 0.0)


def appeal(ordered: pd.DataFrame, of_line: pd.DataFrame) -> np.ndarray:
    """Return how strongly the products of a line are wanted in orders, 0 before they are launched."""
    day = ordered["day"].to_numpy()[:, None]
    odds = np.exp(BASKET.reserve + BASKET.reserve_ability * (ordered["ability"].to_numpy() - MIDDLE))
    usual = of_line.groupby("grade")["list_price"].transform("mean")
    fame = of_line["product_name"].map(POPULARITY) * (of_line["list_price"] / usual) ** CHOICE.price
    launched = dates.days(of_line["launched_on"])
    known = CHOICE.launch_share + (1 - CHOICE.launch_share) * (day - launched) / CHOICE.launch_days
    known = np.where(launched > 0, np.minimum(known, 1), 1) * (day >= launched)
    spring = (of_line["product_line"] == "green_tea").to_numpy()
    season = np.where(spring, in_spring()[day], gift_season()[day])
    factor = np.where(season, of_line["product_name"].map(IN_SEASON).fillna(1), 1)
    return np.where(of_line["grade"] == "reserve", odds[:, None], 1) * fame.to_numpy() * known * factor


def _open_lines(lines: pd.DataFrame, line: str, amount: np.ndarray) -> pd.DataFrame:
    """Return the lines of a product line, with what their order has left and what each is meant to cost.

    Every open line of an order gets a little; what is left beyond that is shared.
    """
    still = lines["product_id"] == 0
    left = amount[lines["order"]] - in_order(lines, lines["amount"])
    share = lines["share"] / in_order(lines, lines["share"].where(still, 0)).clip(min=TINY)
    number = in_order(lines, still)
    least = np.minimum(BASKET.least, left / np.maximum(number, 1))
    out = lines.assign(left=left, others=number - 1, meant=least + (left - number * least) * share)
    return out[lines["line"] == LINES.index(line)]


def _pieces(
    rng: np.random.Generator, lines: pd.DataFrame, line: str, ordered: pd.DataFrame, products: pd.DataFrame
) -> pd.DataFrame:
    """Fill the lines of a line sold by the piece: whole numbers near the amount meant.

    Whatever does not leave a little for each open line of its order is left out; what stands alone is bought.
    """
    of_line = products[products["product_line"] == line]
    part = _open_lines(lines, line, ordered["amount"].to_numpy())
    alone = (part["others"] == 0).to_numpy()[:, None]
    meant = np.where(alone, part[["left"]], part[["meant"]])
    price = of_line["list_price"].to_numpy() * (1 - part[["discount"]].to_numpy())
    room = np.floor((part["left"] - BASKET.least * part["others"]).to_numpy()[:, None] / price)
    number = np.maximum(np.rint(meant / price), 1)
    number = np.where(alone, number, np.minimum(number, room))
    miss = np.abs(number * price - meant) / meant / np.where(alone, BASKET.fit_alone, BASKET.fit)
    weight = appeal(ordered.iloc[part["order"]], of_line) * np.maximum(number, 1) ** -BASKET.several
    weight = weight * np.exp(miss.min(axis=1, keepdims=True) - miss) * (number > 0)
    chosen = pick(rng, weight)
    row = np.arange(len(part))
    _fill(lines, part, of_line, chosen, number[row, chosen], (number * price)[row, chosen])
    bought = weight[row, chosen] > 0
    return lines.drop(part.index[~bought]).reset_index(drop=True)


def _weighed(
    rng: np.random.Generator, lines: pd.DataFrame, line: str, ordered: pd.DataFrame, products: pd.DataFrame
) -> pd.DataFrame:
    """Fill the lines of a tea: a weight near the amount meant, and much of it rather of a dearer tea."""
    of_line = products[products["product_line"] == line]
    part = _open_lines(lines, line, ordered["amount"].to_numpy())
    meant = part[["meant"]].to_numpy()
    price = of_line["list_price"].to_numpy() / GRAMS * (1 - part[["discount"]].to_numpy())
    fewest = of_line["grade"].map(FEWEST).to_numpy()
    grams = np.maximum(np.rint(meant / price / WEIGHT.step) * WEIGHT.step, fewest)
    wanted = appeal(ordered.iloc[part["order"]], of_line)
    miss = np.where(wanted > 0, np.abs(grams * price - meant), np.inf)
    fits = miss <= np.maximum(WEIGHT.near * meant, miss.min(axis=1, keepdims=True))
    chosen = pick(rng, wanted * fits * np.maximum(grams / WEIGHT.plenty, 1) ** -WEIGHT.heavy)
    row = np.arange(len(part))
    _fill(lines, part, of_line, chosen, grams[row, chosen], (grams * price)[row, chosen])
    return lines


def _fill(
    lines: pd.DataFrame,
    part: pd.DataFrame,
    of_line: pd.DataFrame,
    chosen: np.ndarray,
    quantity: np.ndarray,
    amount: np.ndarray,
) -> None:
    """Write the chosen products into their lines."""
    lines.loc[part.index, "product_id"] = of_line["product_id"].to_numpy()[chosen]
    lines.loc[part.index, "quantity"] = quantity
    lines.loc[part.index, "amount"] = amount.round(2)


def in_order(lines: pd.DataFrame, values: pd.Series) -> np.ndarray:
    """Return for every line the sum over the lines of its order."""
    return np.bincount(lines["order"], values)[lines["order"]]


def _returned(
    rng: np.random.Generator, own: np.ndarray, lines: pd.DataFrame, ordered: pd.DataFrame
) -> np.ndarray:
    """Return which lines are sent back: a few consumers send back most of what they order."""
    order = ordered.iloc[lines["order"]]
    serial = own[order["customer"]] < SERIAL.to_numpy()[order["kind"].to_numpy()]
    remote = order["remote"].to_numpy()
    often = np.where(remote, RETURNS.often, RETURNS.often_shop)
    usual = np.where(remote, RETURNS.usual, RETURNS.usual_shop)
    usual = usual * np.where(lines["line"] == LINES.index("teaware"), RETURNS.teaware, 1)
    return rng.random(len(lines)) < np.where(serial, often, usual)
