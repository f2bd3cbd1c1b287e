-- A Service may have two bridges in one cluster: one beside it for routers, and one by its own name. The id, a function of place and sort, is what
-- keeps either of them one row.

ALTER TABLE bridge DROP CONSTRAINT bridge_cluster_ns_service_key;
CREATE UNIQUE INDEX bridge_place ON bridge (cluster, ns, service, (coalesce(spec ->> 'byName', 'false')));
