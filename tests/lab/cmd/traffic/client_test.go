// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The witness hides nothing: every way in which a request can fail is one failed entry, and nothing is
// tried again.

func testOptions(address string) options {
	return options{address: address, path: "/", host: "test", rate: 200, duration: time.Second, timeout: time.Second, count: 20, inFlight: 8}
}

func runAgainst(t *testing.T, o options) summary {
	t.Helper()
	b, err := newBook("")
	if err != nil {
		t.Fatal(err)
	}
	run(context.Background(), o, b)
	sum, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestCountsAnswersByCluster(t *testing.T) {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Lab-Cluster", []string{"east", "west"}[n.Add(1)%2])
	}))
	defer s.Close()
	sum := runAgainst(t, testOptions(s.Listener.Addr().String()))
	if sum.Sent != 20 || sum.Failed != 0 || sum.ByCluster["east"] != 10 || sum.ByCluster["west"] != 10 {
		t.Fatalf("%+v", sum)
	}
}

func TestServerErrorsAreFailures(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	defer s.Close()
	sum := runAgainst(t, testOptions(s.Listener.Addr().String()))
	if sum.Failed != 20 || sum.Errors["status 503"] != 20 || sum.FirstFailure == 0 || sum.LastFailure < sum.FirstFailure {
		t.Fatalf("%+v", sum)
	}
}

// A server that answers one request on a connection and drops the second without a word: net/http would
// repeat the second one on a fresh connection.
func TestBrokenKeptConnectionIsAFailure(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for i := range 2 {
					if _, err := http.ReadRequest(r); err != nil || i == 1 {
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}()
		}
	}()
	o := testOptions(l.Addr().String())
	o.inFlight, o.rate = 1, 50 // one after the other, so that the connection is used again
	sum := runAgainst(t, o)
	if sum.Failed != 10 || sum.Resent != 0 {
		t.Fatalf("every second request must fail: %+v", sum)
	}
	o.resend = true
	sum = runAgainst(t, o)
	if sum.Failed != 0 || sum.Resent != 19 {
		t.Fatalf("every request but the first must be sent again, and be told of: %+v", sum)
	}
}

func TestSilentServerFailsInTime(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	o := testOptions(s.Listener.Addr().String())
	o.count, o.timeout, o.inFlight = 10, 100*time.Millisecond, 2
	sum := runAgainst(t, o)
	unsent := 0
	for text, n := range sum.Errors {
		if strings.HasPrefix(text, "unsent") {
			unsent += n
		}
	}
	if sum.Failed != 10 || unsent == 0 || unsent == 10 {
		t.Fatalf("time-outs and unsent requests are both failures: %+v", sum)
	}
}

func TestRefusedConnectionFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	sum := runAgainst(t, testOptions(address))
	if sum.Failed != 20 || len(sum.Errors) != 1 {
		t.Fatalf("%+v", sum)
	}
}
