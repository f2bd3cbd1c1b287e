// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, dir string) *book {
	t.Helper()
	b, err := openBook(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.file.Close() })
	return b
}

func add(t *testing.T, b *book, body string, want uint64) {
	t.Helper()
	if seq, err := b.append([]byte(body)); err != nil || seq != want {
		t.Fatalf("append %q: %d, %v; want %d", body, seq, err, want)
	}
}

func TestAReopenedBookGoesOn(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	add(t, b, "one", 1)
	add(t, b, strings.Repeat("\x01", bodyMax), 2) // the longest line that a record can have
	b = open(t, dir)
	add(t, b, "three", 3)
	var out bytes.Buffer
	if err := b.records(&out, 3); err != nil || out.String() != `{"seq":3,"body":"three"}`+"\n" {
		t.Fatalf("records: %q, %v", out.String(), err)
	}
}

func TestHalfARecordIsCutOff(t *testing.T) {
	dir := t.TempDir()
	add(t, open(t, dir), "one", 1)
	path := filepath.Join(dir, bookName)
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(text, `{"seq":2,"bo`...), 0o644); err != nil {
		t.Fatal(err)
	}
	add(t, open(t, dir), "two", 2)
	text, _ = os.ReadFile(path)
	if want := "{\"seq\":1,\"body\":\"one\"}\n{\"seq\":2,\"body\":\"two\"}\n"; string(text) != want {
		t.Fatalf("%q", text)
	}
}

func TestADamagedBookIsRefused(t *testing.T) {
	for _, text := range []string{"{\"seq\":2,\"body\":\"x\"}\n", "not json\n", "{\"seq\":1}\n{\"seq\":1}\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, bookName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := openBook(dir); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestAClosedBookTakesNothing(t *testing.T) {
	b := open(t, t.TempDir())
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.append([]byte("x")); err == nil || b.check() == nil {
		t.Fatal("a record was taken after the end")
	}
}

func TestFilledOnceAndKnown(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	for _, dir := range []string{one, two} {
		if err := fillOnce(dir, 2500, 1000); err != nil {
			t.Fatal(err)
		}
	}
	a, err := open(t, one).digest()
	b, err2 := open(t, two).digest()
	if err != nil || err2 != nil || a.SHA256 != b.SHA256 || a.Bytes != 2500 || len(a.Files) != 5 {
		t.Fatalf("%+v %+v %v %v", a, b, err, err2)
	}
	if err := fillOnce(one, 9000, 1000); err != nil {
		t.Fatal(err)
	}
	if again, _ := open(t, one).digest(); again.SHA256 != a.SHA256 {
		t.Fatal("a filled volume was filled again")
	}
	add(t, open(t, one), "x", 1)
	if after, _ := open(t, one).digest(); after.SHA256 == a.SHA256 {
		t.Fatal("a record does not show in the digest")
	}
}
