# SPDX-License-Identifier: Apache-2.0
"""The gateway of east for VirtualServices and HTTPRoutes: istiod, and Envoy as it is.

istiod is a process without webhooks and without a certificate authority; Envoy gets its
configuration over plain xDS. Neither is a pod.
"""

import http.client
import os

from . import crds
from .api import Api
from .layout import ENVOY_ADMIN_PORT, Cluster, Layout, write_config
from .netns import inside
from .process import Processes, wait_until

PARTS = ["istiod", "envoy"]
ISTIOD_READY_S = 60.0
ENVOY_READY_S = 30.0
ISTIOD, ENVOY = "istiod", "envoy"
NAMESPACE = "gateways"
XDS_PORT, ISTIOD_HTTP_PORT, ISTIOD_METRICS_PORT = 15010, 15080, 15014

# With automatic mTLS on, Envoy is never given its listeners.
_MESH = """accessLogFile: ""
enableAutoMtls: false
enableTracing: false
trustDomain: cluster.local
"""

_ISTIOD_ENV = {
    "POD_NAMESPACE": "istio-system",
    "POD_NAME": "istiod-lab",
    "CLUSTER_ID": "Kubernetes",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER": "false",
    "ENABLE_CA_SERVER": "false",
    "PILOT_CERT_PROVIDER": "none",
    "INJECTION_WEBHOOK_CONFIG_NAME": "",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
    "GOGC": "50",
}

# The LABELS must match the selector of the gateway's Service. The stats tags are needed because a
# cluster's name has dots: by default it is cut at the first one.
_ENVOY = """node:
  id: router~{address}~gateway-lab.{namespace}~{namespace}.svc.cluster.local
  cluster: gateway.{namespace}
  metadata:
    NAME: gateway-lab
    NAMESPACE: {namespace}
    CLUSTER_ID: Kubernetes
    ISTIO_VERSION: "1.31.0"
    INSTANCE_IPS: {address}
    SERVICE_ACCOUNT: default
    LABELS: {{app: gateway}}
admin:
  address: {{socket_address: {{address: {address}, port_value: {admin}}}}}
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    set_node_on_first_message_only: true
    grpc_services: [{{envoy_grpc: {{cluster_name: xds}}}}]
  cds_config: {{ads: {{}}, resource_api_version: V3, initial_fetch_timeout: 0s}}
  lds_config: {{ads: {{}}, resource_api_version: V3, initial_fetch_timeout: 0s}}
static_resources:
  clusters:
  - name: xds
    type: STATIC
    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http2_protocol_options: {{}}}}
    load_assignment:
      cluster_name: xds
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {xds}}}}}}}
stats_config:
  use_all_default_tags: false
  stats_tags:
  - {{tag_name: cluster_name, regex: '^cluster(\\.(.+);)'}}
  - {{tag_name: http_conn_manager_prefix, regex: '^http\\.((.*?);\\.)'}}
  - {{tag_name: response_code, regex: '_rq(_(\\d{{3}}))$'}}
  - {{tag_name: response_code_class, regex: '_rq(_(\\dxx))$'}}
"""


class Istio:
    """istiod and Envoy beside one cluster, in its namespace."""

    def __init__(self, layout: Layout, processes: Processes, cluster: Cluster, api: Api):
        self.layout, self.processes, self.cluster, self.api = layout, processes, cluster, api
        self.netns = layout.netns(cluster.name)

    def start_istiod(self) -> None:
        mesh = self.layout.run / "mesh.yaml"
        write_config(mesh, _MESH)
        self.processes.start(
            ISTIOD,
            [
                str(self.layout.bin / "istiod"),
                "discovery",
                f"--kubeconfig={self.layout.kubeconfig(self.cluster.name, 'istiod')}",
                f"--meshConfig={mesh}",
                "--networksConfig=/nonexistent",
                f"--httpAddr=127.0.0.1:{ISTIOD_HTTP_PORT}",
                f"--grpcAddr=127.0.0.1:{XDS_PORT}",
                "--httpsAddr=",
                "--secureGRPCAddr=",
                f"--monitoringAddr=127.0.0.1:{ISTIOD_METRICS_PORT}",
                "--log_output_level=default:warn",
            ],
            self.netns,
            _ISTIOD_ENV,
        )

    def start_envoy(self) -> None:
        config = self.layout.run / "envoy.yaml"
        write_config(
            config,
            _ENVOY.format(
                address=self.cluster.gateway_address,
                namespace=NAMESPACE,
                admin=ENVOY_ADMIN_PORT,
                xds=XDS_PORT,
            ),
        )
        threads = str(min(2, os.cpu_count() or 1))
        words = [
            "-c",
            str(config),
            "--concurrency",
            threads,
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ]
        self.processes.start(ENVOY, [str(self.layout.bin / "envoy"), *words], self.netns)

    def _http(self, host: str, port: int, path: str) -> tuple[int, str]:
        with inside(self.netns):
            link = http.client.HTTPConnection(host, port, timeout=3)
            try:
                link.request("GET", path)
                answer = link.getresponse()
                return answer.status, answer.read().decode(errors="replace")
            except http.client.HTTPException as error:
                raise ConnectionError(str(error)) from error
            finally:
                link.close()

    def istiod_ready(self) -> bool:
        return self._http("127.0.0.1", ISTIOD_HTTP_PORT, "/ready")[0] == 200

    def envoy_ready(self) -> bool:
        """Live, and both listeners are there."""
        host, port = self.cluster.gateway_address, ENVOY_ADMIN_PORT
        if self._http(host, port, "/ready")[0] != 200:
            return False
        return self._http(host, port, "/listeners")[1].count("\n") >= 2

    def up(self) -> None:
        crds.apply(self.api)
        self.api.apply(self.layout.objects / "gateway.yaml")
        self.start_istiod()
        self.start_envoy()
        wait_until("istiod", self.istiod_ready, ISTIOD_READY_S, self.processes, [ISTIOD])
        wait_until(
            "Envoy's listeners", self.envoy_ready, ENVOY_READY_S, self.processes, [ISTIOD, ENVOY]
        )
