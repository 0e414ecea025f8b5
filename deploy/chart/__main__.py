"""Writes the made files of the chart."""

from deploy.chart.production import JANUSGRAPH
from deploy.chart.production import files as servers
from deploy.chart.values import CHART, schema

if __name__ == "__main__":
    made = {JANUSGRAPH / name: text for name, text in servers().items()} | {CHART / "values.schema.json": schema()}
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path)
