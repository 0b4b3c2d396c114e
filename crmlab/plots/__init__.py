"""Figures: one house style, one way to show a figure with its caption, and what other packages do not draw.

What pandas, seaborn or matplotlib draws in a few lines is drawn in the lesson. The functions here take what a
method returned and give back the matplotlib Axes; they compute nothing. Tables are matched by their labels,
names are drawn as they are written, and every drawing brings the sentence that says what it shows::

    plots.use_style()                      # once, in the first cell
    plots.show(plots.quadrants(result))    # a crmlab figure brings its caption
    plots.show(ax, "Sales by month …")     # a figure of your own needs one

With ``ax=`` a function draws into Axes that you made, and adds its sentence to what the figure already says.
"""

from crmlab.plots.general import bridge, intervals, label_points
from crmlab.plots.paths import path_diagram, what_if
from crmlab.plots.satisfaction import control_chart, gaps, kano, quadrants
from crmlab.plots.style import PALETTE, STYLE, caption, literal, show, use_style

__all__ = [
    "PALETTE",
    "STYLE",
    "bridge",
    "caption",
    "control_chart",
    "gaps",
    "intervals",
    "kano",
    "label_points",
    "literal",
    "path_diagram",
    "quadrants",
    "show",
    "use_style",
    "what_if",
]
