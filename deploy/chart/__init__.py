"""What the Helm chart in deploy/helm is made of and is not written by hand: `python -m deploy.chart`."""
