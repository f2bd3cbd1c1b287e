# SPDX-License-Identifier: Apache-2.0
"""Prometheus in hub: reads the gateways once a second."""

import http.client

from .layout import (
    EAST,
    ENVOY_ADMIN_PORT,
    HUB_ADDRESS,
    INGRESS_METRICS_PORT,
    PROMETHEUS_PORT,
    Layout,
    write_config,
)
from .netns import inside
from .network import HUB
from .process import Processes, need_programs, wait_until

PROMETHEUS = "prometheus"
READY_S = 30.0

_CONFIG = f"""global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
- job_name: envoy
  metrics_path: /stats/prometheus
  static_configs:
  - targets: ["{EAST.gateway_address}:{ENVOY_ADMIN_PORT}"]
    labels: {{cluster: east}}
- job_name: nginx
  static_configs:
  - targets: ["{EAST.ingress_address}:{INGRESS_METRICS_PORT}"]
    labels: {{cluster: east}}
"""


class Prometheus:
    def __init__(self, layout: Layout, processes: Processes):
        self.layout, self.processes = layout, processes
        self.netns = layout.netns(HUB)

    def start(self) -> None:
        need_programs(["prometheus"])
        data = self.layout.data("prometheus")
        data.mkdir(parents=True, exist_ok=True)
        config = self.layout.run / "prometheus.yml"
        write_config(config, _CONFIG)
        self.processes.start(
            PROMETHEUS,
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=6h",
                f"--web.listen-address={HUB_ADDRESS}:{PROMETHEUS_PORT}",
                "--query.lookback-delta=30s",
                "--log.level=warn",
            ],
            self.netns,
            {"GOGC": "50"},
        )

    def ready(self) -> bool:
        with inside(self.netns):
            link = http.client.HTTPConnection(HUB_ADDRESS, PROMETHEUS_PORT, timeout=3)
            try:
                link.request("GET", "/-/ready")
                return link.getresponse().status == 200
            except http.client.HTTPException as error:
                raise ConnectionError(str(error)) from error
            finally:
                link.close()

    def up(self) -> None:
        self.start()
        wait_until("Prometheus", self.ready, READY_S, self.processes, [PROMETHEUS])
