// SPDX-License-Identifier: Apache-2.0

// Command echo is the lab's application: an HTTP server that says who answered, breaks on request, and
// ends without failing a request.
//
// Every answer carries the headers Lab-Cluster, Lab-Pod and Lab-Version, and the same as text.
//
//	GET /            the answer (any path that is not below)
//	GET /readyz      200 while it wants traffic, else 503
//	GET /fault?error=0.05&status=503&latency=200ms&hang=0.01&ready=false
//	                 sets the faults that are named, keeps the others; /fault?clear=1 clears all; shows them
//	GET /file?path=  a file as this container sees it (ConfigMap, Secret, volume)
//	GET /env?name=   a variable of its environment
//	GET /metrics     Prometheus text
//
// Environment: PORT (8080), VERSION, READY_DELAY and DRAIN_DELAY (durations), FAULT (as the query of
// /fault). As `echo run ok|fail` it is a short job instead.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	defaultDrain  = 5 * time.Second // longer than a gateway needs to hear that a pod is ending
	shutdownLimit = 8 * time.Second // for requests in flight after the drain
	hangLimit     = time.Minute     // a hanging request is let go then
)

// faults are what goes wrong on purpose; zero is nothing.
type faults struct {
	errorRate, hangRate float64
	status              int
	latency             time.Duration
	unready             bool
}

type server struct {
	cluster, pod, version string
	begin                 time.Time
	readyDelay            time.Duration
	draining              atomic.Bool

	mu     sync.Mutex // guards what follows
	fault  faults
	counts map[int]uint64 // answers by status
}

// apply sets the faults that the query names. Nothing is changed on an error.
func (f *faults) apply(q url.Values) error {
	next := *f
	if q.Has("clear") {
		next = faults{}
	}
	var err error
	share := func(name string, to *float64) {
		if text := q.Get(name); text != "" && err == nil {
			if *to, err = strconv.ParseFloat(text, 64); err == nil && (*to < 0 || *to > 1) {
				err = fmt.Errorf("%s is a share between 0 and 1", name)
			}
		}
	}
	share("error", &next.errorRate)
	share("hang", &next.hangRate)
	if text := q.Get("status"); text != "" && err == nil {
		if next.status, err = strconv.Atoi(text); err == nil && (next.status < 200 || next.status > 599) {
			err = fmt.Errorf("status is an HTTP status from 200 to 599")
		}
	}
	if text := q.Get("latency"); text != "" && err == nil {
		next.latency, err = time.ParseDuration(text)
	}
	if text := q.Get("ready"); text != "" && err == nil {
		var ready bool
		ready, err = strconv.ParseBool(text)
		next.unready = !ready
	}
	if err == nil {
		*f = next
	}
	return err
}

func (s *server) current() faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// answer writes the headers that tell who answered; while draining it also asks for a new connection.
func (s *server) answer(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Lab-Cluster", s.cluster)
	h.Set("Lab-Pod", s.pod)
	h.Set("Lab-Version", s.version)
	if s.draining.Load() {
		h.Set("Connection", "close")
	}
	s.mu.Lock()
	s.counts[status]++
	s.mu.Unlock()
	w.WriteHeader(status)
}

func (s *server) handleEcho(w http.ResponseWriter, r *http.Request) {
	f := s.current()
	if f.latency > 0 {
		select {
		case <-time.After(f.latency):
		case <-r.Context().Done():
			return
		}
	}
	if rand.Float64() < f.hangRate {
		select {
		case <-time.After(hangLimit):
		case <-r.Context().Done():
		}
		return
	}
	status := http.StatusOK
	if rand.Float64() < f.errorRate {
		if status = f.status; status == 0 {
			status = http.StatusInternalServerError
		}
	}
	s.answer(w, status)
	fmt.Fprintf(w, "%s %s %s\n", s.cluster, s.pod, s.version)
}

func (s *server) handleReady(w http.ResponseWriter, _ *http.Request) {
	if s.draining.Load() || s.current().unready || time.Since(s.begin) < s.readyDelay {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *server) handleFault(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	err := s.fault.apply(r.URL.Query())
	now := s.fault
	s.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "error=%g hang=%g status=%d latency=%s ready=%t\n", now.errorRate, now.hangRate, now.status, now.latency, !now.unready)
}

func (s *server) handleMetrics(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(w, "# TYPE echo_requests_total counter")
	for status, n := range s.counts {
		fmt.Fprintf(w, "echo_requests_total{code=\"%d\"} %d\n", status, n)
	}
}

// duration reads one from the environment; absent is the default, nonsense ends the program.
func duration(name string, absent time.Duration) time.Duration {
	text := os.Getenv(name)
	if text == "" {
		return absent
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	return d
}

func envOr(name, absent string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return absent
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.handleEcho)
	mux.HandleFunc("/readyz", s.handleReady)
	mux.HandleFunc("/fault", s.handleFault)
	mux.HandleFunc("/metrics", s.handleMetrics)
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, r.URL.Query().Get("path")) })
	mux.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, os.Getenv(r.URL.Query().Get("name"))) })
	return mux
}

// drain ends the server so that no request fails: it goes on serving while the gateways learn that the
// pod is ending, asks their connections to close, then waits for what is in flight.
func (s *server) drain(h *http.Server, delay time.Duration) {
	s.draining.Store(true)
	time.Sleep(delay)
	ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		log.Print("requests were cut off: ", err)
	}
}

func job(words []string) {
	if len(words) != 1 || words[0] != "ok" {
		fmt.Println("the job fails, as told")
		os.Exit(3)
	}
	fmt.Println("the job is done")
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "run" {
		job(os.Args[2:])
		return
	}
	s := &server{
		cluster: envOr("LAB_CLUSTER", "none"), pod: envOr("HOSTNAME", "none"), version: envOr("VERSION", "none"),
		begin: time.Now(), readyDelay: duration("READY_DELAY", 0), counts: map[int]uint64{},
	}
	q, err := url.ParseQuery(os.Getenv("FAULT"))
	if err == nil {
		err = s.fault.apply(q)
	}
	if err != nil {
		log.Fatal("FAULT: ", err)
	}
	drainDelay := duration("DRAIN_DELAY", defaultDrain)
	h := &http.Server{Addr: ":" + envOr("PORT", "8080"), Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	drained := make(chan struct{})
	go func() {
		<-signals
		s.drain(h, drainDelay)
		close(drained)
	}()
	log.Printf("%s %s %s listens on %s", s.cluster, s.pod, s.version, h.Addr)
	if err := h.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-drained
}
