// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	startRetry     = time.Second      // after an unknown image or a missing ConfigMap
	backoffFirst   = time.Second      // of a crashing container; doubles
	backoffMax     = 10 * time.Second // a kubelet goes to 5 min; stories are shorter
	backoffHealthy = 10 * time.Second // having run this long resets the back-off
)

// container is one container of a pod; its state is read by the status reporter and the probes.
type container struct {
	spec *core.Container
	init bool

	mu     sync.Mutex
	status core.ContainerStatus
	pid    int      // of podinit and then the program; 0 while none runs
	env    []string // of the running program
	done   bool     // it will not be started again
}

func newContainer(spec *core.Container, init bool, restarts int32) *container {
	return &container{spec: spec, init: init, status: core.ContainerStatus{
		Name: spec.Name, Image: spec.Image, ImageID: "lab://" + spec.Image, RestartCount: restarts,
		State: core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: "ContainerCreating"}},
	}}
}

func (c *container) snapshot() core.ContainerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

func (c *container) isDone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// process is the running program's id and environment; 0 when none runs.
func (c *container) process() (int, []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid, c.env
}

// set changes a container's status and has it reported.
func (p *pod) set(c *container, change func(s *core.ContainerStatus)) {
	c.mu.Lock()
	change(&c.status)
	c.mu.Unlock()
	p.changed()
}

func pointer[T any](v T) *T { return &v }

// supervise runs one container until it has finished for good or the pod stops.
func (p *pod) supervise(c *container) {
	backoff := backoffFirst
	for !p.isStopping() {
		command, err := p.startProcess(c)
		if err != nil {
			reason, _, _ := strings.Cut(err.Error(), ":")
			p.set(c, func(s *core.ContainerStatus) {
				s.State = core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: reason, Message: err.Error()}}
			})
			p.pause(startRetry)
			continue
		}
		begin := meta.Now()
		p.markRunning(c, command.Process.Pid, begin)
		reason := p.attend(c, command)
		if !p.markEnded(c, command, begin, reason) {
			return
		}
		if time.Since(begin.Time) > backoffHealthy {
			backoff = backoffFirst
		}
		if reason != reasonUnhealthy && !p.pause(backoff) {
			return
		}
		backoff = min(2*backoff, backoffMax)
	}
}

const reasonUnhealthy = "Unhealthy" // a probe had the container killed

// attend waits for the end of the running program, or brings it about; returns why if a probe did.
func (p *pod) attend(c *container, command *exec.Cmd) string {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	unhealthy := make(chan struct{}, 1)
	if !c.init {
		go p.probeAll(ctx, c, unhealthy)
	}
	exited := make(chan struct{})
	go func() {
		_ = command.Wait() // the exit code is read from ProcessState
		close(exited)
	}()
	select {
	case <-exited:
	case <-unhealthy:
		p.terminate(c, command, exited, p.graceOfSpec())
		return reasonUnhealthy
	case <-p.stopping:
		p.mu.Lock()
		grace := p.grace
		p.mu.Unlock()
		p.terminate(c, command, exited, grace)
	}
	return ""
}

func (p *pod) markRunning(c *container, pid int, begin meta.Time) {
	unprobed := c.spec.ReadinessProbe == nil && c.spec.StartupProbe == nil
	p.set(c, func(s *core.ContainerStatus) {
		s.ContainerID = fmt.Sprintf("process://%d", pid)
		s.State = core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: begin}}
		s.Ready = unprobed && !c.init
		s.Started = pointer(c.spec.StartupProbe == nil)
	})
}

// markEnded records the end of the program; true when it is to be started again.
func (p *pod) markEnded(c *container, command *exec.Cmd, begin meta.Time, reason string) bool {
	code, signal := command.ProcessState.ExitCode(), 0
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		signal = int(status.Signal())
		code = 128 + signal
	}
	if reason == "" {
		reason = "Completed"
		if code != 0 {
			reason = "Error"
		}
	}
	policy := p.latest().Spec.RestartPolicy
	again := !p.isStopping() && (policy == core.RestartPolicyAlways && !(c.init && code == 0) ||
		policy == core.RestartPolicyOnFailure && code != 0)
	message := p.message(c, code)
	c.mu.Lock()
	c.pid, c.done = 0, !again
	c.mu.Unlock()
	p.set(c, func(s *core.ContainerStatus) {
		end := &core.ContainerStateTerminated{ExitCode: int32(code), Signal: int32(signal), Reason: reason, Message: message,
			StartedAt: begin, FinishedAt: meta.Now(), ContainerID: s.ContainerID}
		s.Ready, s.Started = c.init && code == 0, pointer(false)
		s.State = core.ContainerState{Terminated: end}
		if again {
			s.State = core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
			s.LastTerminationState = core.ContainerState{Terminated: end}
			s.RestartCount++
		}
	})
	return again
}

func (p *pod) graceOfSpec() time.Duration {
	if g := p.latest().Spec.TerminationGracePeriodSeconds; g != nil {
		return time.Duration(*g) * time.Second
	}
	return defaultGrace
}

// terminate runs the preStop hook, then SIGTERM, then SIGKILL at the end of the grace.
func (p *pod) terminate(c *container, command *exec.Cmd, exited <-chan struct{}, grace time.Duration) {
	end := time.Now().Add(grace)
	if c.spec.Lifecycle != nil && c.spec.Lifecycle.PreStop != nil && grace > 0 {
		ctx, cancel := context.WithDeadline(context.Background(), end)
		p.preStop(ctx, c, command.Process.Pid, exited)
		cancel()
	}
	_ = command.Process.Signal(syscall.SIGTERM)
	select {
	case <-exited:
	case <-time.After(time.Until(end)):
		_ = command.Process.Kill()
		<-exited
	}
}

func (p *pod) preStop(ctx context.Context, c *container, pid int, exited <-chan struct{}) {
	switch hook := c.spec.Lifecycle.PreStop; {
	case hook.Sleep != nil:
		select {
		case <-time.After(time.Duration(hook.Sleep.Seconds) * time.Second):
		case <-ctx.Done():
		case <-exited:
		}
	case hook.Exec != nil:
		_ = enter(ctx, pid, hook.Exec.Command).Run()
	case hook.HTTPGet != nil:
		_ = p.httpGet(ctx, c, hook.HTTPGet)
	}
}
