// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// fastRetry is how often a probe is tried until its first success: a pod is seen ready soon after it
// is, without waiting out the period.
const fastRetry = 100 * time.Millisecond

const probeBodyMax = 64 << 10

// probeClient makes a connection per probe and follows no redirect.
var probeClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c *container) port(port intstr.IntOrString) (int32, error) {
	if port.Type == intstr.Int {
		return port.IntVal, nil
	}
	for _, declared := range c.spec.Ports {
		if declared.Name == port.StrVal {
			return declared.ContainerPort, nil
		}
	}
	return 0, fmt.Errorf("the container has no port named %q", port.StrVal)
}

func (p *pod) httpGet(ctx context.Context, c *container, action *core.HTTPGetAction) error {
	port, err := c.port(action.Port)
	if err != nil {
		return err
	}
	host, scheme := action.Host, strings.ToLower(string(action.Scheme))
	if host == "" {
		host = p.address()
	}
	if scheme == "" {
		scheme = "http"
	}
	url := fmt.Sprintf("%s://%s:%d/%s", scheme, host, port, strings.TrimPrefix(action.Path, "/"))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := probeClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, probeBodyMax)
	if answer.StatusCode >= 400 {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

// probe makes one try.
func (p *pod) probe(ctx context.Context, c *container, probe *core.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(probe.TimeoutSeconds, 1))*time.Second)
	defer cancel()
	switch {
	case probe.HTTPGet != nil:
		return p.httpGet(ctx, c, probe.HTTPGet)
	case probe.TCPSocket != nil:
		port, err := c.port(probe.TCPSocket.Port)
		if err != nil {
			return err
		}
		link, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("%s:%d", p.address(), port))
		if err != nil {
			return err
		}
		return link.Close()
	case probe.Exec != nil:
		pid, _ := c.process()
		if pid == 0 {
			return errors.New("not running")
		}
		return enter(ctx, pid, probe.Exec.Command).Run()
	}
	return errors.New("this kind of probe is not supported")
}

// repeat probes until the context ends or verdict says no: it is told true after SuccessThreshold good
// probes in a row, false after FailureThreshold bad ones. fast: see fastRetry; a bad try counts once a period.
func (p *pod) repeat(ctx context.Context, c *container, probe *core.Probe, fast bool, verdict func(good bool) bool) {
	period := time.Duration(max(probe.PeriodSeconds, 1)) * time.Second
	wait := time.Duration(probe.InitialDelaySeconds) * time.Second
	lastCounted := time.Now().Add(wait)
	var good, bad int32
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := p.probe(ctx, c, probe)
		if ctx.Err() != nil {
			return
		}
		wait = period
		if err == nil {
			good, bad, fast = good+1, 0, false
			if good >= max(probe.SuccessThreshold, 1) && !verdict(true) {
				return
			}
			continue
		}
		if fast {
			wait = fastRetry
			if time.Since(lastCounted) < period {
				continue
			}
			lastCounted = time.Now()
		}
		good, bad = 0, bad+1
		if bad >= max(probe.FailureThreshold, 1) && !verdict(false) {
			return
		}
	}
}

// probeAll runs a container's probes until the context ends; unhealthy asks for its restart.
func (p *pod) probeAll(ctx context.Context, c *container, unhealthy chan<- struct{}) {
	restart := func() {
		select {
		case unhealthy <- struct{}{}:
		default:
		}
	}
	if probe := c.spec.StartupProbe; probe != nil {
		started := false
		p.repeat(ctx, c, probe, true, func(good bool) bool { started = good; return false })
		if ctx.Err() != nil {
			return
		}
		if !started {
			restart()
			return
		}
		p.set(c, func(s *core.ContainerStatus) {
			s.Started, s.Ready = pointer(true), c.spec.ReadinessProbe == nil
		})
	}
	if probe := c.spec.LivenessProbe; probe != nil {
		go p.repeat(ctx, c, probe, false, func(good bool) bool {
			if !good {
				restart()
			}
			return good
		})
	}
	if probe := c.spec.ReadinessProbe; probe != nil {
		p.repeat(ctx, c, probe, true, func(good bool) bool {
			if c.snapshot().Ready != good {
				p.set(c, func(s *core.ContainerStatus) {
					// The program may have ended meanwhile: what has ended is not ready.
					s.Ready = good && s.State.Running != nil
				})
			}
			return true
		})
	}
}
