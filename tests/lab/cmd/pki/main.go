// SPDX-License-Identifier: Apache-2.0

// Command pki writes the keys, certificates, kubeconfigs and bearer tokens of one lab cluster into a
// folder. Everything is made anew at each call; the certificates live for a year, the folder is 0700.
//
// Who may do what is decided by RBAC in the cluster, by the names given here: only "admin" is in
// system:masters. "crossfade" is known by a bearer token, as a registered cluster would be.
//
// A control plane with servers of its own beside the API server (webhooks, aggregated APIs) names them
// with -server-cert; they are then reached by an API server that shows itself as frontProxy.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	lifetime   = 365 * 24 * time.Hour
	clockSkew  = time.Hour // certificates are valid a little before now
	tokenBytes = 24
)

// clientCerts are the users that authenticate with a certificate: file name, user name, groups.
var clientCerts = []struct {
	file, user string
	groups     []string
}{
	{"admin", "lab:admin", []string{"system:masters"}},
	{"controller-manager", "system:kube-controller-manager", nil},
	{"scheduler", "system:kube-scheduler", nil},
	{"proxy", "system:kube-proxy", nil},
	{"podlet", "lab:podlet", []string{"lab:podlets"}},
	{"istiod", "lab:istiod", nil},
	{"ingress", "lab:ingress", nil},
	{"csi", "lab:csi", nil},
	{"velero", "lab:velero", nil},
}

// tokenUsers are the users that authenticate with a bearer token.
var tokenUsers = []string{"crossfade", "crossfade-viewer"}

// frontProxy is the name that an API server uses when it hands a request on.
const frontProxy = "front-proxy-client"

type authority struct {
	dir, cluster, server string
	cert                 *x509.Certificate
	key                  *ecdsa.PrivateKey
	pem                  []byte
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal("pki: ", err)
	}
	return value
}

func (a *authority) write(name string, content []byte) {
	if err := os.WriteFile(filepath.Join(a.dir, name), content, 0o600); err != nil {
		log.Fatal("pki: ", err)
	}
}

func (a *authority) newKey(name string) (*ecdsa.PrivateKey, []byte) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(key))})
	a.write(name+".key", text)
	return key, text
}

func template(user string, groups []string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))),
		Subject:      pkix.Name{CommonName: user, Organization: groups},
		NotBefore:    time.Now().Add(-clockSkew),
		NotAfter:     time.Now().Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func (a *authority) init() {
	t := template("crossfade lab CA of "+a.cluster, nil)
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage |= x509.KeyUsageCertSign
	a.key, _ = a.newKey("ca")
	der := must(x509.CreateCertificate(rand.Reader, t, t, &a.key.PublicKey, a.key))
	a.cert = must(x509.ParseCertificate(der))
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.write("ca.crt", a.pem)
}

// issue signs a certificate for the user or server and writes name.crt and name.key.
func (a *authority) issue(name, user string, groups, ips, hosts []string) (cert, key []byte) {
	private, key := a.newKey(name)
	t := template(user, groups)
	t.DNSNames = hosts
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(ips)+len(hosts) > 0 {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, text := range ips {
		ip := net.ParseIP(text)
		if ip == nil {
			log.Fatalf("pki: %q is not an address", text)
		}
		t.IPAddresses = append(t.IPAddresses, ip)
	}
	der := must(x509.CreateCertificate(rand.Reader, t, a.cert, &private.PublicKey, a.key))
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.write(name+".crt", cert)
	return cert, key
}

// kubeconfig is written as YAML in block style, the form that people and kubectl write.
func (a *authority) kubeconfig(name string, credentials map[string]string) {
	var user strings.Builder
	for _, key := range []string{"client-certificate-data", "client-key-data", "token"} {
		if value, ok := credentials[key]; ok {
			fmt.Fprintf(&user, "    %s: %s\n", key, value)
		}
	}
	a.write(name+".kubeconfig", []byte(fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster:
    server: %[2]s
    certificate-authority-data: %[3]s
users:
- name: %[4]s
  user:
%[5]scontexts:
- name: %[1]s
  context:
    cluster: %[1]s
    user: %[4]s
current-context: %[1]s
`, a.cluster, a.server, base64.StdEncoding.EncodeToString(a.pem), name, user.String())))
}

func main() {
	log.SetFlags(0)
	a := &authority{}
	flag.StringVar(&a.dir, "dir", "", "folder to write to (made 0700)")
	flag.StringVar(&a.cluster, "cluster", "", "name of the cluster and of the kubeconfig context")
	flag.StringVar(&a.server, "server", "", "URL of the API server, for the kubeconfigs")
	ips := flag.String("ips", "", "addresses of the API server, separated by commas")
	nodeIPs := flag.String("node-ips", "", "addresses of the nodes, separated by commas")
	others := map[string][]string{}
	flag.Func("server-cert", "NAME=HOST,HOST…: a certificate of another server on 127.0.0.1 (repeatable)", func(text string) error {
		name, hosts, found := strings.Cut(text, "=")
		if !found || name == "" || hosts == "" {
			return fmt.Errorf("%q is not NAME=HOST,HOST…", text)
		}
		others[name] = strings.Split(hosts, ",")
		return nil
	})
	flag.Parse()
	if a.dir == "" || a.cluster == "" || a.server == "" || *ips == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		log.Fatal("pki: ", err)
	}
	a.init()

	accounts, _ := a.newKey("service-account")
	a.write("service-account.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY",
		Bytes: must(x509.MarshalPKIXPublicKey(&accounts.PublicKey))}))
	a.issue("apiserver", "kube-apiserver", nil, strings.Split(*ips, ","),
		[]string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", a.cluster})
	a.issue("apiserver-to-kubelet", "kube-apiserver-kubelet-client", nil, nil, nil)
	if *nodeIPs != "" {
		a.issue("kubelet", "lab:kubelet", nil, strings.Split(*nodeIPs, ","), nil)
	}
	for name, hosts := range others {
		a.issue(name, name, nil, []string{"127.0.0.1"}, hosts)
	}
	if len(others) > 0 {
		a.issue(frontProxy, frontProxy, nil, nil, nil)
	}
	for _, c := range clientCerts {
		cert, key := a.issue(c.file, c.user, c.groups, nil, nil)
		a.kubeconfig(c.file, map[string]string{
			"client-certificate-data": base64.StdEncoding.EncodeToString(cert),
			"client-key-data":         base64.StdEncoding.EncodeToString(key),
		})
	}
	var table strings.Builder
	for _, user := range tokenUsers {
		raw := make([]byte, tokenBytes)
		must(rand.Read(raw))
		token := hex.EncodeToString(raw)
		fmt.Fprintf(&table, "%s,%s,%s-uid\n", token, user, user)
		a.write(user+".token", []byte(token+"\n"))
		a.kubeconfig(user, map[string]string{"token": token})
	}
	a.write("tokens.csv", []byte(table.String()))
}
