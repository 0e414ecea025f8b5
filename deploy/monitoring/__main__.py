"""Writes the files that Prometheus, Grafana and the chart read."""

from deploy.monitoring.files import FOLDER, files

if __name__ == "__main__":
    for name, text in files().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path)
