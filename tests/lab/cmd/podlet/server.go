// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	constants "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
	streaming "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const (
	followPoll      = 100 * time.Millisecond
	streamIdleLimit = time.Hour
	streamOpenLimit = 30 * time.Second
	dialLimit       = 5 * time.Second
	exitDrain       = time.Second // how long the output of an ended exec may still flow
	apiServerName   = "kube-apiserver-kubelet-client"
)

// ExecInContainer implements the streaming package's executor. There is no terminal: pipes only.
func (a *agent) ExecInContainer(ctx context.Context, name string, _ types.UID, container string, words []string,
	in io.Reader, out, errout io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	namespace, podName, _ := strings.Cut(name, "/")
	p := a.pods.find(namespace, podName)
	if p == nil {
		return fmt.Errorf("no pod %s on this node", name)
	}
	c := p.container(container)
	if c == nil {
		return fmt.Errorf("pod %s has no container %q", name, container)
	}
	pid, env := c.process()
	if pid == 0 {
		return fmt.Errorf("container %q is not running", container)
	}
	command := enter(ctx, pid, words)
	command.Env, command.WaitDelay = env, exitDrain
	command.Stdout, command.Stderr = out, errout
	if in != nil { // a pipe of our own: Run would wait for an open stdin stream
		pipe, err := command.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(pipe, in)
			pipe.Close()
		}()
	}
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: exit, Code: exit.ExitCode()}
	}
	return err
}

// PortForward implements the streaming package's forwarder.
func (a *agent) PortForward(ctx context.Context, name string, _ types.UID, port int32, stream io.ReadWriteCloser) error {
	namespace, podName, _ := strings.Cut(name, "/")
	p := a.pods.find(namespace, podName)
	if p == nil {
		return fmt.Errorf("no pod %s on this node", name)
	}
	dialer := net.Dialer{Timeout: dialLimit}
	link, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("%s:%d", p.address(), port))
	if err != nil {
		return err
	}
	defer link.Close()
	go func() {
		_, _ = io.Copy(link, stream)
		_ = link.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, link)
	return err
}

// lastLines is the end of the text from its n-th last line on.
func lastLines(text []byte, n int) []byte {
	end := len(text)
	if end > 0 && text[end-1] == '\n' {
		end--
	}
	for ; n > 0; n-- {
		i := bytes.LastIndexByte(text[:end], '\n')
		if i < 0 {
			return text
		}
		if n == 1 {
			return text[i+1:]
		}
		end = i
	}
	return nil
}

func (a *agent) serveLogs(w http.ResponseWriter, r *http.Request) {
	p := a.pods.find(r.PathValue("namespace"), r.PathValue("pod"))
	if p == nil || p.container(r.PathValue("container")) == nil {
		http.Error(w, "no such pod or container", http.StatusNotFound)
		return
	}
	c, query := p.container(r.PathValue("container")), r.URL.Query()
	file, err := os.Open(p.logPath(c.spec.Name, query.Get("previous") == "true"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if n, err := strconv.Atoi(query.Get("tailLines")); err == nil {
		text = lastLines(text, n)
	}
	_, _ = w.Write(text)
	flusher, canFlush := w.(http.Flusher)
	for canFlush && query.Get("follow") == "true" && r.Context().Err() == nil {
		flusher.Flush()
		pid, _ := c.process()
		if n, _ := io.Copy(w, file); n == 0 && pid == 0 {
			return
		}
		time.Sleep(followPoll)
	}
}

func (a *agent) serveExec(w http.ResponseWriter, r *http.Request) {
	options, err := streaming.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name := r.PathValue("namespace") + "/" + r.PathValue("pod")
	streaming.ServeExec(w, r, a, name, "", r.PathValue("container"), r.URL.Query()["command"], options,
		streamIdleLimit, streamOpenLimit, constants.SupportedStreamingProtocols)
}

func (a *agent) servePortForward(w http.ResponseWriter, r *http.Request) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name := r.PathValue("namespace") + "/" + r.PathValue("pod")
	portforward.ServePortForward(w, r, a, name, "", options, streamIdleLimit, streamOpenLimit, portforward.SupportedProtocols)
}

// onlyAPIServer lets nobody in but the cluster's API server.
func onlyAPIServer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 || r.TLS.PeerCertificates[0].Subject.CommonName != apiServerName {
			http.Error(w, "only the API server may ask", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serve is the kubelet API of one node.
func (a *agent) serve(address string) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", a.serveLogs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", a.serveExec)
	mux.HandleFunc("/portForward/{namespace}/{pod}", a.servePortForward)
	authority, err := os.ReadFile(filepath.Join(a.pki, "ca.crt"))
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	server := &http.Server{
		Addr:              address,
		Handler:           onlyAPIServer(mux),
		ReadHeaderTimeout: callLimit,
		ErrorLog:          log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
			NextProtos: []string{"http/1.1"}}, // exec and port forwarding upgrade the connection
	}
	log.Fatal(server.ListenAndServeTLS(filepath.Join(a.pki, "kubelet.crt"), filepath.Join(a.pki, "kubelet.key")))
}
