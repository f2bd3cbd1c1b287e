// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestLastLines(t *testing.T) {
	cases := []struct {
		text string
		n    int
		want string
	}{
		{"a\nb\nc\n", 1, "c\n"},
		{"a\nb\nc", 2, "b\nc"},
		{"a\nb\n", 5, "a\nb\n"},
		{"a\n", 0, ""},
		{"", 3, ""},
		{"\n\n", 1, "\n"},
	}
	for _, c := range cases {
		if got := string(lastLines([]byte(c.text), c.n)); got != c.want {
			t.Errorf("%q, %d: %q, not %q", c.text, c.n, got, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "x", "B_1": "y"}
	for text, want := range map[string]string{
		"$(A)-$(B_1)": "x-y", "$(C)": "$(C)", "$$(A)": "$(A)", "$A": "$A", "": "",
	} {
		if got := expand(text, env); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}
