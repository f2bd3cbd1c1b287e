// SPDX-License-Identifier: Apache-2.0

// Command ledger is the lab's application with a volume: what it has acknowledged is on the disk.
//
//	POST /append   the body (up to 64 KiB) becomes the next record; answered with {"seq": N, "pod": "…"} only
//	               when it is written and synced
//	GET  /records  every record as a line of JSON {"seq", "body"}; ?from=N: those from N on
//	GET  /         {"last": N, "pod": "…"}: the number of the last record
//	GET  /digest   {"sha256", "bytes", "files": {path: sha256}} of everything in the volume
//	GET  /fault    ?error=SHARE: so many of the answers to /, /append and /records are a 500; ?clear=1
//	GET  /healthz  200 while the volume can be written
//
// One process owns one volume: in a StatefulSet every ordinal has a ledger of its own. Started on a
// volume with records it goes on after the last whole one; half a record at the end was never
// acknowledged and is cut off.
//
// Flags: -data DIR (/data), -port (8080), -fill BYTES: files of known content, written once into an empty
// volume, so that there is something to move; -file BYTES: size of each. DRAIN_DELAY (2s) in the
// environment is how long it goes on serving after SIGTERM.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	bodyMax       = 64 << 10
	million       = 1_000_000
	defaultDrain  = 2 * time.Second
	shutdownLimit = 8 * time.Second
)

type server struct {
	cluster, pod string
	book         *book
	errors       atomic.Uint64 // of a million answers
}

// speaker lets every answer tell who gave it.
func (s *server) speaker(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Lab-Cluster", s.cluster)
		w.Header().Set("Lab-Pod", s.pod)
		next.ServeHTTP(w, r)
	})
}

// breaks gives the share of answers to a fault that /fault asks for: nothing is read or written for them.
func (s *server) breaks(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if rand.Uint64N(million) < s.errors.Load() {
			http.Error(w, "broken on purpose", http.StatusInternalServerError)
			return
		}
		next(w, r)
	}
}

func (s *server) fault(w http.ResponseWriter, r *http.Request) {
	share := 0.0
	if text := r.URL.Query().Get("error"); text != "" {
		var err error
		if share, err = strconv.ParseFloat(text, 64); err != nil || share < 0 || share > 1 {
			http.Error(w, "error is a share between 0 and 1", http.StatusBadRequest)
			return
		}
	}
	s.errors.Store(uint64(share * million))
	fmt.Fprintf(w, "error=%g\n", share)
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the client may be gone
}

func (s *server) append(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		http.Error(w, fmt.Sprintf("a record has at most %d bytes: %v", bodyMax, err), http.StatusRequestEntityTooLarge)
		return
	}
	seq, err := s.book.append(body)
	if err != nil {
		http.Error(w, "not written: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer(w, map[string]any{"seq": seq, "pod": s.pod})
}

func (s *server) last(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"last": s.book.lastSeq(), "pod": s.pod})
}

func (s *server) records(w http.ResponseWriter, r *http.Request) {
	from := uint64(1)
	if text := r.URL.Query().Get("from"); text != "" {
		var err error
		if from, err = strconv.ParseUint(text, 10, 64); err != nil {
			http.Error(w, "from is a number", http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if err := s.book.records(w, from); err != nil {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
}

func (s *server) digest(w http.ResponseWriter, _ *http.Request) {
	sum, err := s.book.digest()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, sum)
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	if err := s.book.check(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func drainDelay() time.Duration {
	if text := os.Getenv("DRAIN_DELAY"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			log.Fatal("DRAIN_DELAY: ", err)
		}
		return d
	}
	return defaultDrain
}

func main() {
	log.SetFlags(log.Ltime | log.Lmicroseconds)
	data := flag.String("data", "/data", "folder of the volume")
	port := flag.Int("port", 8080, "port")
	fill := flag.Int64("fill", 0, "bytes of known content in an empty volume")
	size := flag.Int64("file", 1<<20, "bytes of a file of these")
	flag.Parse()
	if *size <= 0 {
		log.Fatal("-file must be positive")
	}
	drain := drainDelay()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := fillOnce(*data, *fill, *size); err != nil {
		log.Fatal(err)
	}
	b, err := openBook(*data)
	if err != nil {
		log.Fatal(err)
	}
	s := &server{cluster: os.Getenv("LAB_CLUSTER"), pod: os.Getenv("HOSTNAME"), book: b}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /append", s.breaks(s.append))
	routes.HandleFunc("GET /{$}", s.breaks(s.last))
	routes.HandleFunc("GET /records", s.breaks(s.records))
	routes.HandleFunc("GET /fault", s.fault)
	routes.HandleFunc("GET /digest", s.digest)
	routes.HandleFunc("GET /healthz", s.health)
	web := &http.Server{Addr: ":" + strconv.Itoa(*port), Handler: s.speaker(routes), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := web.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	log.Printf("ledger: %d records in %s", b.last, *data)
	<-ctx.Done()
	time.Sleep(drain)
	limit, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	if err := web.Shutdown(limit); err != nil {
		log.Print("requests were cut off: ", err)
	}
	if err := b.close(); err != nil {
		log.Fatal(err)
	}
}
