"""Bars of one colour per engine, grouped by model, as SVG: shares of a roof."""

from xml.sax.saxutils import escape

from measure import DECODE_TEST, PROMPT_TEST

COLOURS = ["#1f6feb", "#d29922", "#8b949e", "#a371f7"]
BAR, GAP, LABELS, PANEL, TOP = 14, 12, 130, 360, 56


def bar(x, y, share, engine, colour):
    width = PANEL * min(share, 1)
    return (f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{colour}">'
            f'<title>{escape(engine)}: {100 * share:.0f} %</title></rect>'
            f'<text x="{x + width + 4:.1f}" y="{y + BAR - 4}">{100 * share:.0f}</text>')


def legend(names, x):
    parts = []
    for i, name in enumerate(names):
        parts.append(f'<rect x="{x}" y="10" width="12" height="12" fill="{COLOURS[i % len(COLOURS)]}"/>')
        parts.append(f'<text x="{x + 16}" y="20">{escape(name)}</text>')
        x += 32 + 7 * len(name)
    return parts


def document(width, height, parts):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
                      'font-size="11">', f'<rect width="{width}" height="{height}" fill="white"/>', *parts, "</svg>", ""])


def chart(panels, engines):
    """panels: title -> {model: {engine: share}}, side by side with the same models from top to bottom."""
    models = list(dict.fromkeys(model for groups in panels.values() for model in groups))
    group_height = BAR * len(engines) + GAP
    width = LABELS + len(panels) * (PANEL + 50)
    height = TOP + group_height * len(models)
    parts = legend(engines, LABELS)
    for row, model in enumerate(models):
        y = TOP + row * group_height
        parts.append(f'<text x="4" y="{y + group_height // 2 - GAP // 2 + 4}">{escape(model)}</text>')
    for column, (title, groups) in enumerate(panels.items()):
        x = LABELS + column * (PANEL + 50)
        parts.append(f'<text x="{x}" y="{TOP - 12}" font-weight="bold">{escape(title)}</text>')
        parts.append(f'<line x1="{x + PANEL}" x2="{x + PANEL}" y1="{TOP - 4}" y2="{height - GAP}" stroke="#888"/>')
        for row, model in enumerate(models):
            for i, engine in enumerate(engines):
                share = groups.get(model, {}).get(engine)
                if share is not None:
                    parts.append(bar(x, TOP + row * group_height + i * BAR, share, engine, COLOURS[i % len(COLOURS)]))
    return document(width, height, parts)


def shares(comparison, test):
    return {model["name"]: {engine: speeds[test.name]["share"] for engine, speeds in model["speed"].items()
                            if speeds.get(test.name, {}).get("share") is not None} for model in comparison["models"]}


def speed_chart(comparison):
    return chart({"Making tokens: % of the memory that can be read": shares(comparison, DECODE_TEST),
                  "Reading prompts: % of the dot products (line: 100 %)": shares(comparison, PROMPT_TEST)},
                 list(comparison["engines"]))
