// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const leaseNamespace = "kube-node-lease"

func condition(kind core.NodeConditionType, status core.ConditionStatus, reason string) core.NodeCondition {
	now := meta.Now()
	return core.NodeCondition{Type: kind, Status: status, Reason: reason, LastHeartbeatTime: now, LastTransitionTime: now}
}

// node is the object that node i registers as.
func (a *agent) node(i int) *core.Node {
	name := a.nodes[i]
	room := core.ResourceList{
		core.ResourceCPU:              resource.MustParse("8"),
		core.ResourceMemory:           resource.MustParse("16Gi"),
		core.ResourcePods:             resource.MustParse("250"),
		core.ResourceEphemeralStorage: resource.MustParse("50Gi"),
	}
	return &core.Node{
		ObjectMeta: meta.ObjectMeta{Name: name, Labels: map[string]string{
			"kubernetes.io/hostname":        name,
			"kubernetes.io/os":              "linux",
			"kubernetes.io/arch":            "amd64",
			"topology.kubernetes.io/region": a.cluster,
			"topology.kubernetes.io/zone":   fmt.Sprintf("%s-%d", a.cluster, i+1),
		}},
		Spec: core.NodeSpec{
			PodCIDR:    a.podRange(i),
			PodCIDRs:   []string{a.podRange(i)},
			ProviderID: "lab://" + a.cluster + "/" + name,
		},
		Status: core.NodeStatus{
			Capacity:        room,
			Allocatable:     room,
			Addresses:       []core.NodeAddress{{Type: core.NodeInternalIP, Address: a.nodeIP(i)}, {Type: core.NodeHostName, Address: name}},
			DaemonEndpoints: core.NodeDaemonEndpoints{KubeletEndpoint: core.DaemonEndpoint{Port: 10250}},
			NodeInfo: core.NodeSystemInfo{KubeletVersion: "v1.35.4", OperatingSystem: "linux", Architecture: "amd64",
				ContainerRuntimeVersion: "process://1"},
			Conditions: []core.NodeCondition{
				condition(core.NodeReady, core.ConditionTrue, "KubeletReady"),
				condition(core.NodeMemoryPressure, core.ConditionFalse, "KubeletHasSufficientMemory"),
				condition(core.NodeDiskPressure, core.ConditionFalse, "KubeletHasNoDiskPressure"),
				condition(core.NodePIDPressure, core.ConditionFalse, "KubeletHasSufficientPID"),
			},
		},
	}
}

// keepNode registers node i and renews its lease until the context ends. A node that the node
// controller has declared unknown (after silence), or that somebody deleted, is reported anew.
func (a *agent) keepNode(ctx context.Context, i int) {
	tick := time.NewTicker(a.lease / 4)
	defer tick.Stop()
	registered, wasSilent := false, false
	for {
		if silent := a.silent(i); silent {
			registered, wasSilent = false, true
		} else {
			if !registered {
				registered = a.register(i)
			}
			if registered {
				a.renew(i)
				registered = a.reportedReady(i)
			}
			if wasSilent {
				wasSilent = false
				a.pods.reportAll()
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (a *agent) register(i int) bool {
	ctx, cancel := call()
	defer cancel()
	node := a.node(i)
	_, err := a.client.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		log.Printf("node %s: create: %v", node.Name, err)
		return false
	}
	patch, _ := json.Marshal(map[string]any{"status": node.Status})
	_, err = a.client.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status")
	if err != nil {
		log.Printf("node %s: status: %v", node.Name, err)
	}
	return err == nil
}

func (a *agent) renew(i int) {
	ctx, cancel := call()
	defer cancel()
	name, now, seconds := a.nodes[i], meta.NowMicro(), int32(a.lease/time.Second)
	lease := &coordination.Lease{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec:       coordination.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}
	leases := a.client.CoordinationV1().Leases(leaseNamespace)
	patch, _ := json.Marshal(map[string]any{"spec": lease.Spec})
	_, err := leases.Patch(ctx, name, types.MergePatchType, patch, meta.PatchOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, lease, meta.CreateOptions{})
	}
	if err != nil {
		log.Printf("node %s: lease: %v", name, err)
	}
}

// reportedReady says whether the API still has the node as ready; on doubt, that it has.
func (a *agent) reportedReady(i int) bool {
	ctx, cancel := call()
	defer cancel()
	node, err := a.client.CoreV1().Nodes().Get(ctx, a.nodes[i], meta.GetOptions{ResourceVersion: "0"})
	if err != nil {
		return !apierrors.IsNotFound(err)
	}
	for _, c := range node.Status.Conditions {
		if c.Type == core.NodeReady {
			return c.Status == core.ConditionTrue
		}
	}
	return false
}
