// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"
	"time"
)

type options struct {
	address, path, host string
	rate                float64
	duration, timeout   time.Duration
	count, inFlight     int
	fresh, resend       bool
}

// run starts request n at begin + n/rate, until the context ends, the duration is over or the count is
// reached; then it waits for those in flight (each has a limit). A generator that falls behind catches
// up at once: the number sent depends on the clock alone.
func run(ctx context.Context, o options, book *book) {
	client := newClient(o)
	defer client.closeIdle()
	slots := make(chan struct{}, o.inFlight)
	var all sync.WaitGroup
	defer all.Wait()
	begin := time.Now()
	for n := range o.count {
		due := time.Duration(float64(n) / o.rate * float64(time.Second))
		if due >= o.duration {
			return
		}
		if wait := time.Until(begin.Add(due)); wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		} else if ctx.Err() != nil {
			return
		}
		select {
		case slots <- struct{}{}:
		default:
			book.add(entry{N: n, Start: time.Now().UnixNano(), Error: "unsent: too many in flight"})
			continue
		}
		all.Go(func() {
			book.add(client.get(n))
			<-slots
		})
	}
}
