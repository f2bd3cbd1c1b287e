// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

func TestFaultsAreSetOrRefusedAsAWhole(t *testing.T) {
	cases := []struct {
		query string
		ok    bool
		want  faults
	}{
		{"error=0.05&latency=20ms", true, faults{errorRate: 0.05, latency: 20 * time.Millisecond}},
		{"ready=false&status=503", true, faults{unready: true, status: 503}},
		{"hang=1", true, faults{hangRate: 1}},
		{"", true, faults{}},
		{"error=1.5", false, faults{}},
		{"error=0.5&status=99", false, faults{}},
		{"error=0.5&latency=soon", false, faults{}},
		{"ready=perhaps", false, faults{}},
	}
	for _, c := range cases {
		q, _ := url.ParseQuery(c.query)
		var f faults
		if err := f.apply(q); (err == nil) != c.ok || f != c.want {
			t.Errorf("%q: %+v, %v", c.query, f, err)
		}
	}
	f := faults{errorRate: 1, unready: true}
	if err := f.apply(url.Values{"clear": {"1"}}); err != nil || f != (faults{}) {
		t.Errorf("clear: %+v, %v", f, err)
	}
}

func TestDrainingServerServesAndAsksToClose(t *testing.T) {
	s := &server{cluster: "east", pod: "p", version: "v1", counts: map[int]uint64{}}
	get := func(path string) *http.Response {
		w := httptest.NewRecorder()
		s.routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Result()
	}
	if r := get("/readyz"); r.StatusCode != 200 {
		t.Errorf("ready: %d", r.StatusCode)
	}
	s.draining.Store(true)
	if r := get("/"); r.StatusCode != 200 || r.Header.Get("Connection") != "close" || r.Header.Get("Lab-Cluster") != "east" {
		t.Errorf("draining: %d %v", r.StatusCode, r.Header)
	}
	if r := get("/readyz"); r.StatusCode != 503 {
		t.Errorf("a draining server is not ready: %d", r.StatusCode)
	}
}
