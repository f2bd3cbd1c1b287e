// SPDX-License-Identifier: Apache-2.0

// Command traffic sends requests to one URL at a fixed rate, whatever the answers do (an open loop),
// and logs every one. It is the independent witness of the lab's stories, so it hides nothing: no
// retries (but -resend), no redirects, and a request that could not be started in time counts as failed.
//
// The log is one JSON object a line, in order of completion:
//
//	{"n":7,"t":1763719000123456789,"us":2130,"status":200,"cluster":"east","pod":"echo-…","version":"v1"}
//
// t is the start in Unix nanoseconds, us the time to the end of the answer; a failed request has "error",
// and "reused":true when its connection had served others before. With -resend, a request whose kept
// connection was closed before the first byte of an answer is sent once more on a new one, as RFC 9112
// (9.3.1) lets clients do, and has "resent":true: nginx closes idle connections when it reloads, and a
// request may be on its way just then. A summary is written at the end, after
// -duration, -count or SIGTERM, as JSON to standard output and to -summary.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// maxCount bounds a run that has no -duration; the generator always stops by itself.
const maxCount = 10_000_000

func main() {
	log.SetFlags(0)
	var o options
	target := flag.String("url", "", "where to send the requests (http)")
	flag.StringVar(&o.host, "host", "", "Host header; default: that of the URL")
	flag.Float64Var(&o.rate, "rps", 100, "requests a second")
	flag.DurationVar(&o.duration, "duration", time.Hour, "when to stop")
	flag.IntVar(&o.count, "count", maxCount, "after how many requests to stop")
	flag.DurationVar(&o.timeout, "timeout", 5*time.Second, "limit of one request")
	flag.IntVar(&o.inFlight, "in-flight", 512, "limit of requests at once; beyond it a request fails unsent")
	flag.BoolVar(&o.fresh, "fresh", false, "a new connection for every request")
	flag.BoolVar(&o.resend, "resend", false, "send once more what met a kept connection's end")
	logPath := flag.String("log", "", "file for the log; default: none")
	summaryPath := flag.String("summary", "", "file for the summary too")
	flag.Parse()

	u, err := url.Parse(*target)
	if err != nil || u.Scheme != "http" || u.Host == "" || o.rate <= 0 || o.inFlight < 1 || o.count < 1 {
		flag.Usage()
		os.Exit(2)
	}
	o.address, o.path = u.Host, u.RequestURI()
	if u.Port() == "" {
		o.address += ":80"
	}
	if o.host == "" {
		o.host = u.Host
	}
	book, err := newBook(*logPath)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	run(ctx, o, book)
	summary, err := book.finish()
	if err != nil {
		log.Fatal(err)
	}
	text, _ := json.Marshal(summary)
	fmt.Println(string(text))
	if *summaryPath != "" {
		// Whole or not at all: a test may wait for the file.
		if err := os.WriteFile(*summaryPath+".part", append(text, '\n'), 0o644); err != nil {
			log.Fatal(err)
		}
		if err := os.Rename(*summaryPath+".part", *summaryPath); err != nil {
			log.Fatal(err)
		}
	}
}
