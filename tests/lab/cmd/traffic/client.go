// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

const bodyMax = 1 << 20

// link is one HTTP/1.1 connection, used by one request at a time.
type link struct {
	conn   net.Conn
	reader *bufio.Reader
	used   bool
}

// client speaks HTTP/1.1 by itself: net/http repeats a GET silently when a reused connection breaks,
// and that is just what a witness must see.
type client struct {
	options
	request []byte
	mu      sync.Mutex
	idle    []*link // youngest last
}

func newClient(o options) *client {
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: crossfade-lab\r\nAccept: */*\r\n", o.path, o.host)
	if o.fresh {
		request += "Connection: close\r\n"
	}
	return &client{options: o, request: []byte(request + "\r\n")}
}

// closedIdle marks the error if the server may have closed a kept connection; a time-out is no such end.
func closedIdle(l *link, err error) error {
	var op net.Error
	if !l.used || errors.As(err, &op) && op.Timeout() {
		return err
	}
	return fmt.Errorf("%w: %w", errClosedIdle, err)
}

func (c *client) take(deadline time.Time, fresh bool) (*link, error) {
	if !fresh {
		for l := c.takeIdle(); l != nil; l = c.takeIdle() {
			if stillOpen(l.conn) {
				return l, nil
			}
			l.conn.Close()
		}
	}
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", c.address)
	if err != nil {
		return nil, err
	}
	return &link{conn: conn, reader: bufio.NewReader(conn)}, nil
}

// takeIdle returns the youngest idle connection, or nil.
func (c *client) takeIdle() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 {
		return nil
	}
	l := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return l
}

// stillOpen tells whether the server has not closed an idle connection: a reload of a gateway does that, and every client
// looks before it sends. What breaks after this look is a failure that counts.
func stillOpen(conn net.Conn) bool {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && open
}

func (c *client) give(l *link) {
	l.used = true
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, l)
}

func (c *client) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.idle {
		l.conn.Close()
	}
	c.idle = nil
}

// describe leaves the addresses out of a network error, so that equal failures read alike.
func describe(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

// get makes request n and tells what came of it. A status of 500 or more is a failure.
func (c *client) get(n int) entry {
	begin := time.Now()
	e := entry{N: n, Start: begin.UnixNano()}
	err := c.exchange(&e, begin.Add(c.timeout), c.fresh)
	if c.resend && errors.Is(err, errClosedIdle) {
		e.Resent = true
		err = c.exchange(&e, begin.Add(c.timeout), true)
	}
	if err != nil {
		e.Error = describe(err)
	} else if e.Status >= http.StatusInternalServerError {
		e.Error = fmt.Sprintf("status %d", e.Status)
	}
	e.Micros = time.Since(begin).Microseconds()
	return e
}

// errClosedIdle: a connection that had served requests before ended before the first byte of an answer.
// The server may have closed it as idle while the request was on its way (RFC 9112, 9.3.1).
var errClosedIdle = errors.New("closed while the request was on its way")

func (c *client) exchange(e *entry, deadline time.Time, fresh bool) error {
	l, err := c.take(deadline, fresh)
	if err != nil {
		return err
	}
	e.Reused = l.used
	keep := false
	defer func() {
		if keep {
			c.give(l)
		} else {
			l.conn.Close()
		}
	}()
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := l.conn.Write(c.request); err != nil {
		return closedIdle(l, err)
	}
	if _, err := l.reader.Peek(1); err != nil {
		return closedIdle(l, err)
	}
	answer, err := http.ReadResponse(l.reader, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	length, err := io.Copy(io.Discard, io.LimitReader(answer.Body, bodyMax))
	if err != nil {
		return err
	}
	e.Status = answer.StatusCode
	e.Cluster, e.Pod, e.Version = answer.Header.Get("Lab-Cluster"), answer.Header.Get("Lab-Pod"), answer.Header.Get("Lab-Version")
	keep = !answer.Close && !c.fresh && length < bodyMax
	return nil
}
