"""Draws the plots of docs/performance.md, one for each comparison of servers; needs requirements.txt.

`python -m page` runs it. The texts in an SVG stay texts, and the same figures give the same bytes.
"""

import matplotlib
from common.results import OURS, number
from matplotlib import pyplot
from page.records import DRAWN, Race, plots_folder, races, suites

OUR_COLOUR, PEERS_COLOUR, INK = "#1f6feb", "#9aa4b2", "#1f2328"
WIDTH, PER_ROW, MARGIN = 8.6, 0.34, 0.5  # inches
ROOM_FOR_FIGURES = 1.25  # beyond the longest bar


def draw(race: Race) -> None:
    """Write the SVG of a comparison: a bar for each side, in a panel for each column."""
    sides = list(race.rows)
    figure, panels = pyplot.subplots(
        1, len(DRAWN), sharey=True, figsize=(WIDTH, MARGIN + PER_ROW * len(sides)), layout="constrained"
    )
    for panel, column in zip(panels, DRAWN, strict=True):
        figures = [race.rows[side][column] for side in sides]
        colours = [OUR_COLOUR if side == OURS else PEERS_COLOUR for side in sides]
        bars = panel.barh(sides, figures, color=colours, height=0.7)
        panel.bar_label(bars, [number(figure) for figure in figures], padding=4, color=INK)
        panel.set_title(column, loc="left", fontsize=10, color=INK)
        panel.set_xlim(0, ROOM_FOR_FIGURES * max(figures))
        panel.set_xticks([])
        panel.tick_params(length=0, labelcolor=INK)
        panel.spines[:].set_visible(False)
    panels[0].invert_yaxis()
    figure.savefig(plots_folder() / race.plot, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def main() -> None:
    """Draw all plots anew."""
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "sm-algo", "font.size": 10}
    plots_folder().mkdir(exist_ok=True)
    for old in plots_folder().glob("*.svg"):
        old.unlink()
    for suite, runs in suites().items():
        for race in races(suite, runs):
            draw(race)


if __name__ == "__main__":
    main()
