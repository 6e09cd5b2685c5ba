"""The time between tokens of running streams as SVG: over a run in which prompts arrive, and by percentile."""

import math
import pathlib
import sys
from xml.sax.saxutils import escape

sys.path.append(str(pathlib.Path(__file__).parents[1] / "compare"))
from plot import COLOURS, document, legend  # noqa: E402  (the path above leads to it)

PANEL, HEIGHT, LEFT, TOP, GAP = 420, 320, 56, 64, 70
WINDOWS = 120  # of a run, each with its longest gap
LEAST_MS = 1  # tokens that come together have no time between them, and a logarithm none to show
PERCENTILES = (0, 50, 90, 99, 99.9)
RANKS = [100 - 10 ** (2 - i / 60) for i in range(181)]  # to P99.9, evenly on the axis


def at_percentile(values, percent):
    return sorted(values)[min(len(values) - 1, math.ceil(len(values) * percent / 100))]


def gaps_over_time(streams):
    """Pairs of the end of each gap between two tokens, in seconds since the run began, and its length in ms."""
    begin = min(streams["start_times"])
    gaps = []
    for start, first, lengths in zip(streams["start_times"], streams["ttfts"], streams["itls"]):
        time = start - begin + first
        for length in lengths:
            time += length
            gaps.append((time, max(1e3 * length, LEAST_MS)))
    return sorted(gaps)


class Axes:
    """A panel: seconds or percentiles to the right, milliseconds upwards as a logarithm."""

    def __init__(self, left, width_of, least, most):
        self.left, self.width_of = left, width_of
        self.low, self.high = math.floor(math.log10(least)), math.ceil(math.log10(most))

    def x(self, value):
        return self.left + PANEL * min(max(self.width_of(value), 0), 1)

    def y(self, ms):
        return TOP + HEIGHT * (self.high - math.log10(max(ms, 10**self.low))) / (self.high - self.low)

    def grid(self, title, marks):
        parts = [f'<text x="{self.left}" y="{TOP - 12}" font-weight="bold">{escape(title)}</text>']
        for decade in range(self.low, self.high + 1):
            y = self.y(10**decade)
            parts.append(f'<line x1="{self.left}" x2="{self.left + PANEL}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            parts.append(f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**decade:g} ms</text>')
        for value, name in marks:
            parts.append(f'<text x="{self.x(value):.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">{name}</text>')
        return parts

    def line(self, points, colour):
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def longest_of_windows(gaps, seconds):
    longest = {}
    for time, ms in gaps:
        window = min(int(time / seconds * WINDOWS), WINDOWS - 1)
        longest[window] = max(ms, longest.get(window, 0))
    return [((window + 0.5) * seconds / WINDOWS, ms) for window, ms in sorted(longest.items())]


def draw_latency(runs, what):
    """runs: name -> (result of the streams, result of the prompts), both with the times of every request."""
    gaps = {name: gaps_over_time(streams) for name, (streams, _) in runs.items()}
    seconds = max(run[-1][0] for run in gaps.values())
    lengths = {name: [ms for _, ms in run] for name, run in gaps.items()}
    least, most = (choose(choose(run) for run in lengths.values()) for choose in (min, max))
    time = Axes(LEFT, lambda value: value / seconds, least, most)
    rank = Axes(LEFT + PANEL + GAP, lambda percent: -math.log10(max(1 - percent / 100, 1e-3)) / 3, least, most)
    step = max(1, round(seconds / 6))
    parts = [*legend(runs, LEFT),
             *time.grid(f"longest wait between tokens of {what}; bars: a prompt is read",
                        [(mark, f"{mark} s") for mark in range(0, int(seconds) + 1, step)]),
             *rank.grid("by percentile", [(percent, f"P{percent:g}") for percent in PERCENTILES])]
    for i, (name, (streams, prompts)) in enumerate(runs.items()):
        colour = COLOURS[i % len(COLOURS)]
        parts.append(time.line(longest_of_windows(gaps[name], seconds), colour))
        for start, first in zip(prompts["start_times"], prompts["ttfts"]):
            begin = time.x(start - min(streams["start_times"]))
            end = time.x(start - min(streams["start_times"]) + first)
            parts.append(f'<rect x="{begin:.1f}" y="{TOP + HEIGHT - 6 * (i + 1)}" width="{end - begin:.1f}" height="4" '
                         f'fill="{colour}"><title>{escape(name)}: a prompt is read in {first:.1f} s</title></rect>')
        parts.append(rank.line([(p, at_percentile(lengths[name], p)) for p in RANKS], colour))
        for percent in PERCENTILES[1:]:
            ms = at_percentile(lengths[name], percent)
            parts.append(f'<circle cx="{rank.x(percent):.1f}" cy="{rank.y(ms):.1f}" r="3" fill="{colour}"/>'
                         f'<text x="{rank.x(percent) - 5:.1f}" y="{rank.y(ms) - 6:.1f}" text-anchor="end" '
                         f'fill="{colour}">{ms:.0f}</text>')
    return document(LEFT + 2 * PANEL + GAP + 20, TOP + HEIGHT + 30, parts)
