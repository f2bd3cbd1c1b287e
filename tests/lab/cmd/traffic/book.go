// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"sync"
)

// entry is one request; the JSON names are the log's.
type entry struct {
	N       int    `json:"n"`
	Start   int64  `json:"t"`
	Micros  int64  `json:"us"`
	Status  int    `json:"status"`
	Cluster string `json:"cluster,omitempty"`
	Pod     string `json:"pod,omitempty"`
	Version string `json:"version,omitempty"`
	Error   string `json:"error,omitempty"`
	Reused  bool   `json:"reused,omitempty"`
	Resent  bool   `json:"resent,omitempty"`
}

// summary is what the log says in short. The times of failures are starts of requests, Unix nanoseconds.
type summary struct {
	Sent         int            `json:"sent"`
	Failed       int            `json:"failed"`
	Resent       int            `json:"resent"`
	FirstFailure int64          `json:"first_failure,omitempty"`
	LastFailure  int64          `json:"last_failure,omitempty"`
	Begin        int64          `json:"begin"`
	End          int64          `json:"end"`
	P50          int64          `json:"p50_us"`
	P99          int64          `json:"p99_us"`
	Max          int64          `json:"max_us"`
	ByCluster    map[string]int `json:"by_cluster"` // "" = no answer of the application
	Errors       map[string]int `json:"errors,omitempty"`
}

// book writes the log and keeps the summary; safe for use from every goroutine.
type book struct {
	mu      sync.Mutex
	file    *os.File // nil: no log
	out     *bufio.Writer
	err     error // the first one of writing
	sum     summary
	micros  []int64
	encoder *json.Encoder
}

func newBook(path string) (*book, error) {
	b := &book{sum: summary{ByCluster: map[string]int{}, Errors: map[string]int{}}}
	if path == "" {
		return b, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	b.file, b.out = file, bufio.NewWriter(file)
	b.encoder = json.NewEncoder(b.out)
	return b, nil
}

func (b *book) add(e entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.sum
	if s.Sent == 0 || e.Start < s.Begin {
		s.Begin = e.Start
	}
	s.End = max(s.End, e.Start+e.Micros*1000)
	s.Sent++
	s.ByCluster[e.Cluster]++
	if e.Resent {
		s.Resent++
	}
	b.micros = append(b.micros, e.Micros)
	if e.Error != "" {
		s.Failed++
		s.Errors[e.Error]++
		if s.FirstFailure == 0 || e.Start < s.FirstFailure {
			s.FirstFailure = e.Start
		}
		s.LastFailure = max(s.LastFailure, e.Start)
	}
	if b.file != nil && b.err == nil {
		if b.err = b.encoder.Encode(e); b.err == nil {
			b.err = b.out.Flush() // tests follow the log, and it must outlive SIGKILL
		}
	}
}

// finish closes the log and gives the summary.
func (b *book) finish() (summary, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.micros); n > 0 {
		slices.Sort(b.micros)
		b.sum.P50, b.sum.P99, b.sum.Max = b.micros[n/2], b.micros[min(n-1, n*99/100)], b.micros[n-1]
	}
	if b.file != nil {
		if b.err == nil {
			b.err = b.out.Flush()
		}
		if err := b.file.Close(); b.err == nil {
			b.err = err
		}
	}
	return b.sum, b.err
}
