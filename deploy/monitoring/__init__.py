"""What is watched: alerts and dashboards as tables, checked against the metrics that exist.

`python -m deploy.monitoring` writes what Prometheus, Grafana and the Helm chart read, into deploy/helm/files.
"""
