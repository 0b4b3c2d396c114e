"""What Qinghe sells: six product lines of six products each, and what serving an order costs by channel."""

from __future__ import annotations

import pandas as pd

from .. import dates
from ..numbers import grid, series
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
# product line, name, grade, list price in yuan (teas: 100 g), first day of sale
_PRODUCTS = (
    ("green_tea", "Everyday Longjing", "everyday", 46, _START),
    ("green_tea", "Huangshan Maofeng", "everyday", 38, _START),
    ("green_tea", "Steamed green leaf", "everyday", 29, _START),
    ("green_tea", "Jasmine green", "everyday", 34, "2024-04-10"),
    ("green_tea", "Spring-first Longjing", "reserve", 168, _START),
    ("green_tea", "Reserve Biluochun", "reserve", 138, "2023-03-25"),
    ("oolong", "Light Tieguanyin", "everyday", 42, _START),
    ("oolong", "Roasted Tieguanyin", "everyday", 49, _START),
    ("oolong", "Everyday rock oolong", "everyday", 58, _START),
    ("oolong", "Milk-scented oolong", "everyday", 36, "2025-03-15"),
    ("oolong", "Reserve Da Hong Pao", "reserve", 188, _START),
    ("oolong", "Single-bush Dancong", "reserve", 148, "2023-09-01"),
    ("black_tea", "Everyday Keemun", "everyday", 39, _START),
    ("black_tea", "Yunnan black", "everyday", 32, _START),
    ("black_tea", "Breakfast blend", "everyday", 24, _START),
    ("black_tea", "Rose black", "everyday", 35, "2023-11-01"),
    ("black_tea", "Reserve Keemun", "reserve", 118, _START),
    ("black_tea", "Golden-tip Yunnan", "reserve", 128, "2024-10-15"),
    ("dark_tea", "Ripe Pu'er", "everyday", 44, _START),
    ("dark_tea", "Raw Pu'er", "everyday", 52, _START),
    ("dark_tea", "Liubao", "everyday", 48, _START),
    ("dark_tea", "Tangerine Pu'er", "everyday", 56, "2024-01-05"),
    ("dark_tea", "Ten-year Pu'er", "reserve", 158, _START),
    ("dark_tea", "Old-tree Pu'er", "reserve", 198, "2025-10-15"),
    ("gift_sets", "Two small tins", "everyday", 48, _START),
    ("gift_sets", "Four seasons box", "everyday", 79, _START),
    ("gift_sets", "Festival tin", "everyday", 118, _START),
    ("gift_sets", "Tea and cup box", "everyday", 146, "2023-08-20"),
    ("gift_sets", "Reserve duo", "reserve", 218, _START),
    ("gift_sets", "Grand festival chest", "reserve", 398, "2024-12-10"),
    ("teaware", "Bamboo strainer", "everyday", 19, _START),
    ("teaware", "Porcelain cup", "everyday", 28, _START),
    ("teaware", "Glass flask", "everyday", 45, _START),
    ("teaware", "Travel set", "everyday", 68, "2023-05-01"),
    ("teaware", "Celadon gaiwan", "reserve", 128, _START),
    ("teaware", "Clay teapot", "reserve", 288, _START),
)
_UNITS = {line: "piece" if line in PIECES else "100 g" for line in LINES}


@process(tables=("products", "product_lines", "order_channels"))
def assortment() -> dict[str, pd.DataFrame]:
    """Return products, product lines and order channels: the same in every world."""
    products = pd.DataFrame(
        _PRODUCTS, columns=["product_line", "product_name", "grade", "list_price", "launched_on"]
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
