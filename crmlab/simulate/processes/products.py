"""What Qinghe sells: six product lines of six products each, and what serving an order costs by channel."""

from __future__ import annotations

import pandas as pd

from .. import dates
from ..numbers import grid, numbers, series
from ..registry import process
from .order_days import ORDER_CHANNELS

LINES = ("green_tea", "oolong", "black_tea", "dark_tea", "gift_sets", "teaware")
PIECES = ("gift_sets", "teaware")  # sold by the piece; teas are weighed
LINE_MARGINS = series(
    "product_lines",
    "margin_rate",
    dict(zip(LINES, (0.42, 0.46, 0.40, 0.50, 0.36, 0.30), strict=True)),
    "share",
    "of the amount: mean over the products of a line",
)
GRADE_MARGINS = series(
    "products",
    "margin",
    {"everyday": -0.02, "reserve": 0.04},
    "share",
    "by which a product's margin differs from its line's",
)
CHANNEL_COSTS = grid(
    "order_channel",
    "cost",
    ORDER_CHANNELS,
    ("cost_per_order", "cost_per_return"),
    [(9.0, 6.0), (16.0, 14.0), (13.0, 14.0), (24.0, 16.0)],
    "yuan",
    "of an order, and of a line that is sent back",
)
_START = dates.START.strftime("%Y-%m-%d")
# product line, name, grade, list price in yuan (teas: 100 g), first day of sale, popularity
_PRODUCTS = (
    ("green_tea", "Everyday Longjing", "everyday", 68, _START, 1.9),
    ("green_tea", "Huangshan Maofeng", "everyday", 38, _START, 0.8),
    ("green_tea", "Steamed green leaf", "everyday", 29, _START, 0.45),
    ("green_tea", "Jasmine green", "everyday", 34, "2024-04-10", 1.2),
    ("green_tea", "Spring-first Longjing", "reserve", 168, _START, 0.8),
    ("green_tea", "Reserve Biluochun", "reserve", 128, "2023-03-25", 0.7),
    ("oolong", "Light Tieguanyin", "everyday", 42, _START, 0.9),
    ("oolong", "Roasted Tieguanyin", "everyday", 49, _START, 1.7),
    ("oolong", "Everyday rock oolong", "everyday", 58, _START, 0.6),
    ("oolong", "Milk-scented oolong", "everyday", 36, "2025-03-15", 2.0),
    ("oolong", "Reserve Da Hong Pao", "reserve", 188, _START, 1.5),
    ("oolong", "Single-bush Dancong", "reserve", 148, "2023-09-01", 0.6),
    ("black_tea", "Everyday Keemun", "everyday", 39, _START, 2.0),
    ("black_tea", "Yunnan black", "everyday", 32, _START, 0.9),
    ("black_tea", "Breakfast blend", "everyday", 24, _START, 0.7),
    ("black_tea", "Rose black", "everyday", 35, "2023-11-01", 0.5),
    ("black_tea", "Reserve Keemun", "reserve", 118, _START, 0.5),
    ("black_tea", "Golden-tip Yunnan", "reserve", 128, "2024-10-15", 1.5),
    ("dark_tea", "Ripe Pu'er", "everyday", 44, _START, 1.7),
    ("dark_tea", "Raw Pu'er", "everyday", 52, _START, 0.8),
    ("dark_tea", "Liubao", "everyday", 48, _START, 0.5),
    ("dark_tea", "Tangerine Pu'er", "everyday", 56, "2024-01-05", 1.3),
    ("dark_tea", "Ten-year Pu'er", "reserve", 158, _START, 1.4),
    ("dark_tea", "Old-tree Pu'er", "reserve", 198, "2025-10-15", 0.6),
    ("gift_sets", "Two small tins", "everyday", 48, _START, 1.1),
    ("gift_sets", "Four seasons box", "everyday", 79, _START, 2.0),
    ("gift_sets", "Festival tin", "everyday", 118, _START, 0.7),
    ("gift_sets", "Tea and cup box", "everyday", 146, "2023-08-20", 0.5),
    ("gift_sets", "Reserve duo", "reserve", 218, _START, 1.2),
    ("gift_sets", "Grand festival chest", "reserve", 398, "2024-12-10", 0.4),
    ("teaware", "Bamboo strainer", "everyday", 19, _START, 0.5),
    ("teaware", "Porcelain cup", "everyday", 28, _START, 1.8),
    ("teaware", "Glass flask", "everyday", 45, _START, 1.2),
    ("teaware", "Travel set", "everyday", 68, "2023-05-01", 0.7),
    ("teaware", "Celadon gaiwan", "reserve", 128, _START, 1.6),
    ("teaware", "Clay teapot", "reserve", 288, _START, 0.5),
)
POPULARITY = series(
    "products",
    "popularity",
    {name: popularity for _, name, *_, popularity in _PRODUCTS},
    "factor",
    "on the choice of a product among those of its line",
)
IN_SEASON = series(
    "products",
    "in_season",
    {"Spring-first Longjing": 4.0, "Festival tin": 3.0, "Grand festival chest": 2.0},
    "factor",
    "more on a product's choice: tea from March to May, festival gifts in the weeks of gifts",
)
CHOICE = numbers(
    "products",
    price=(-0.5, "exponent", "of list price over the mean of line and grade: cheaper ones sell more"),
    launch_days=(180.0, "days", "from a launch until a product is as well known as others"),
    launch_share=(0.1, "share", "of its later popularity on the day of its launch; it rises evenly"),
)
_UNITS = {line: "piece" if line in PIECES else "100 g" for line in LINES}


@process(tables=("products", "product_lines", "order_channels"))
def assortment() -> dict[str, pd.DataFrame]:
    """Return products, product lines and order channels: the same in every world."""
    products = pd.DataFrame(
        _PRODUCTS,
        columns=["product_line", "product_name", "grade", "list_price", "launched_on", "popularity"],
    )
    margin = products["product_line"].map(LINE_MARGINS) + products["grade"].map(GRADE_MARGINS)
    return {
        "products": pd.DataFrame(
            {
                "product_id": products.index + 1,
                "product_name": products["product_name"],
                "product_line": products["product_line"],
                "grade": products["grade"],
                "unit": products["product_line"].map(_UNITS),
                "list_price": products["list_price"].astype(float),
                "margin_rate": margin.round(2),
                "launched_on": pd.to_datetime(products["launched_on"]),
            }
        ),
        "product_lines": LINE_MARGINS.rename_axis("product_line").rename("margin_rate").reset_index(),
        "order_channels": CHANNEL_COSTS.rename_axis("channel").reset_index(),
    }
