// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"log"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const reportRetry = 500 * time.Millisecond

// containerSummary is what the pod's phase and conditions rest on.
type containerSummary struct {
	ready, done, failed, started bool // all ready, all done, one failed, all were started once
}

func (p *pod) summarize(s *core.PodStatus) containerSummary {
	sum := containerSummary{ready: true, done: true, started: true}
	for _, c := range p.containers {
		status, done := c.snapshot(), c.isDone()
		end := status.State.Terminated
		sum.failed = sum.failed || done && end != nil && end.ExitCode != 0
		if c.init {
			s.InitContainerStatuses = append(s.InitContainerStatuses, status)
			continue
		}
		s.ContainerStatuses = append(s.ContainerStatuses, status)
		sum.ready = sum.ready && status.Ready
		sum.done = sum.done && done
		sum.started = sum.started && (status.State.Running != nil || end != nil || status.LastTerminationState.Terminated != nil)
	}
	return sum
}

func phase(sum containerSummary, inited bool) core.PodPhase {
	switch {
	case sum.done && !sum.failed:
		return core.PodSucceeded
	case sum.failed && (sum.done || !inited):
		return core.PodFailed
	case sum.started:
		return core.PodRunning
	}
	return core.PodPending
}

func findCondition(all []core.PodCondition, kind core.PodConditionType) *core.PodCondition {
	for i := range all {
		if all[i].Type == kind {
			return &all[i]
		}
	}
	return nil
}

// status is the pod's status as it is here, in the form the API keeps it.
func (p *pod) status() *core.PodStatus {
	p.mu.Lock()
	object, ip, inited := p.object, p.ip, p.inited
	p.mu.Unlock()
	node := p.agent.nodeIP(p.node)
	s := &core.PodStatus{HostIP: node, HostIPs: []core.HostIP{{IP: node}}, PodIP: ip,
		QOSClass: object.Status.QOSClass, StartTime: object.Status.StartTime}
	now := meta.NewTime(time.Now().Truncate(time.Second)) // the API keeps whole seconds
	if s.StartTime == nil {
		s.StartTime = &now
	}
	if ip != "" {
		s.PodIPs = []core.PodIP{{IP: ip}}
	}
	sum := p.summarize(s)
	s.Phase = phase(sum, inited)
	set := func(kind core.PodConditionType, ok bool, reason string) {
		c := core.PodCondition{Type: kind, Status: core.ConditionFalse, Reason: reason, LastTransitionTime: now}
		if ok {
			c.Status, c.Reason = core.ConditionTrue, ""
		}
		if old := findCondition(object.Status.Conditions, kind); old != nil && old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		s.Conditions = append(s.Conditions, c)
	}
	reason := "ContainersNotReady"
	if s.Phase == core.PodSucceeded {
		reason = "PodCompleted"
	}
	gates := true
	for _, g := range object.Spec.ReadinessGates {
		c := findCondition(object.Status.Conditions, g.ConditionType)
		gates = gates && c != nil && c.Status == core.ConditionTrue
	}
	set(core.PodInitialized, inited, "ContainersNotInitialized")
	set(core.ContainersReady, sum.ready, reason)
	set(core.PodReady, sum.ready && gates, reason)
	return s
}

func readiness(all []core.PodCondition) core.ConditionStatus {
	if c := findCondition(all, core.PodReady); c != nil {
		return c.Status
	}
	return ""
}

// report writes the status if it differs from what was last accepted, or if the API's idea of the
// pod's readiness is another one (the node controller writes it too).
func (p *pod) report() error {
	p.reportMu.Lock()
	defer p.reportMu.Unlock()
	status := p.status()
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.uid}, "status": status})
	if err != nil {
		return err
	}
	if string(text) == p.reported && readiness(p.latest().Status.Conditions) == readiness(status.Conditions) {
		return nil
	}
	ctx, cancel := call()
	defer cancel()
	_, err = p.agent.client.CoreV1().Pods(p.namespace).Patch(ctx, p.name, types.StrategicMergePatchType, text, meta.PatchOptions{}, "status")
	if err == nil {
		p.reported = string(text)
	}
	return err
}

// reportLoop reports each change until the pod has left; a silent node reports nothing.
func (p *pod) reportLoop() {
	for {
		select {
		case <-p.dirty:
		case <-p.finished:
			return
		}
		if p.agent.silent(p.node) || p.isGone() {
			continue // when the node speaks again, every pod is marked dirty
		}
		err := p.report()
		switch {
		case err == nil, apierrors.IsNotFound(err), apierrors.IsConflict(err):
		case apierrors.IsInvalid(err):
			log.Printf("%s/%s: status refused: %v", p.namespace, p.name, err)
		default:
			select {
			case <-time.After(reportRetry):
				p.changed()
			case <-p.finished:
				return
			}
		}
	}
}
