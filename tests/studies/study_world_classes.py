"""Can a segmentation find the classes of consumers, imperfectly? Run: python tests/studies/study_world_classes.py

For many cohorts of class size: k-means with four clusters on standardised log recency, log frequency and log monetary
value (the mean order), on these with the basket (share of gift sets) and the channels, and, for comparison, on log RFM
with total spending. Beside the adjusted Rand index with the true classes stands its 99th percentile over permuted
classes. The table goes to results/world_classes.csv.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.cluster.vq import kmeans2
from scipy.special import comb

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crmlab import simulate

RESULTS = Path(__file__).parent / "results" / "world_classes.csv"
CLUSTERS = 4
STARTS = 5
PERMUTATIONS = 200
FIRST_SEED = 41_000


def adjusted_rand(one: np.ndarray, other: np.ndarray) -> float:
    """Return the adjusted Rand index of two groupings (Hubert & Arabie 1985)."""
    table = pd.crosstab(one, other).to_numpy()
    both = comb(table, 2).sum()
    rows = comb(table.sum(axis=1), 2).sum()
    columns = comb(table.sum(axis=0), 2).sum()
    chance = rows * columns / comb(table.sum(), 2)
    return float((both - chance) / ((rows + columns) / 2 - chance))


def clusters(features: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return the best of some runs of k-means on standardised features."""
    z = ((features - features.mean()) / features.std()).to_numpy()
    runs = []
    for _ in range(STARTS):
        centres, label = kmeans2(z, CLUSTERS, minit="++", rng=rng)
        runs.append((float(((z - centres[label]) ** 2).sum()), label))
    return min(runs, key=lambda run: run[0])[1]


def features(one: simulate.World) -> dict[str, pd.DataFrame]:
    """Return what each segmentation sees of every customer."""
    orders = one.tables["orders"]
    by = orders.groupby("customer_id")
    days = (orders["order_date"].max() - by["order_date"].max()).dt.days
    rfm = pd.DataFrame(
        {"recency": np.log1p(days), "frequency": np.log(by.size()), "value": np.log(by["amount"].mean())}
    )
    lines = one.tables["order_lines"].merge(orders[["order_id", "customer_id"]])
    spent = lines.pivot_table("amount", "customer_id", "product_line", "sum", fill_value=0)
    basket = spent.div(spent.sum(axis=1), axis=0)[["gift_sets"]]
    channel = pd.crosstab(orders["customer_id"], orders["channel"], normalize="index")
    discount = lines.groupby("customer_id")["discount"].mean().rename("discount")
    return {
        "rfm": rfm,
        "rfm_total": rfm.assign(value=np.log(by["amount"].sum())),
        "rfm_basket": pd.concat([rfm, basket, discount], axis=1),
        "rfm_basket_channel": pd.concat([rfm, basket, discount, channel.drop(columns="shop")], axis=1),
    }


def cohort(customers: int, seed: int) -> pd.DataFrame:
    """Return the indices of one cohort, one row a segmentation."""
    one = simulate.world(seed, customers, accounts=10)
    kind = pd.Categorical(one.truth["consumers"]["buyer_class"]).codes
    rng = np.random.default_rng(seed)
    rows = []
    for name, seen in features(one).items():
        label = clusters(seen, rng)
        permuted = [adjusted_rand(rng.permutation(kind), label) for _ in range(PERMUTATIONS)]
        rows.append((seed, name, adjusted_rand(kind, label), np.quantile(permuted, 0.99)))
    return pd.DataFrame(rows, columns=["seed", "features", "adjusted_rand", "permuted_99"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cohorts", type=int, default=100)
    parser.add_argument("--customers", type=int, default=simulate.CUSTOMERS)
    parser.add_argument("--write", action="store_true", help="replace results/world_classes.csv")
    chosen = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + chosen.cohorts)
    with ProcessPoolExecutor(2) as pool:
        table = pd.concat(pool.map(partial(cohort, chosen.customers), seeds))
    table["world"] = simulate.VERSION
    print(table.groupby("features")["adjusted_rand"].describe().round(3).to_string())
    if chosen.write:
        table.round(4).to_csv(RESULTS, index=False, lineterminator="\n")
        print(f"written: {RESULTS.name}")


if __name__ == "__main__":
    main()
