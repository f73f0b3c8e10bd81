package auth

import (
	"strings"
	"testing"
	"time"
)

func TestWeakPasswordsAreToldWhatToDo(t *testing.T) {
	personal := []string{"änne.müller@example.com", "Änne Müller-Lüdenscheidt"}
	for password, want := range map[string]string{
		"":                         "at least 10",
		"short":                    "at least 10",
		"123456789":                "at least 10",
		strings.Repeat("x7 ", 342): "at most 1024",
		"password123":              "easy to guess",
		"testpassword":             "easy to guess",
		"Summer2026!":              "easy to guess",
		"willkommen2026":           "easy to guess",
		"Sommer2026!!":             "easy to guess",
		"qwertzuiop1":              "easy to guess",
		"aaaaaaaaaaaaaaaa":         "easy to guess",
		"12345678901234":           "easy to guess",
		"outpost2026":              "easy to guess",
		"Zk8#Lüdenscheidt!qv":      "your name",
		"kq9-MU\u0308LLER-vx72":    "your name", // ü as two runes
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00": "easy to guess",
	} {
		if got := Weakness(password, personal...); !strings.Contains(got, want) || got == "" {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}

func TestGoodPasswordsAreTaken(t *testing.T) {
	for _, password := range []string{
		"harbour lantern mosaic", "läuft-bei-mir-7-kamele", "Zk8#qLw2pTvv", "正しい馬電池ホッチキス", "ein ganz langer Satz über Ziegen",
		strings.Repeat("harbour lantern mosaic ", 44), "example harbour lantern", // the domain is nobody's name
	} {
		if got := Weakness(password, "ann@example.com", "Ann Li"); got != "" {
			t.Errorf("%q %s", password, got)
		}
	}
}

// TestStrengthTakesBoundedTime asks for what costs the most: much that repeats and matches.
func TestStrengthTakesBoundedTime(t *testing.T) {
	for _, unit := range []string{"aB3$xY9!", "password", "1qaz2wsx", "p4ssw0rd", "aaaa", "2026-11-25"} {
		began := time.Now()
		Weakness(strings.Repeat(unit, MaxPassword/len(unit)))
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%q took %v", unit, took)
		}
	}
}

func FuzzWeakness(f *testing.F) {
	f.Add("harbour lantern mosaic", "änne@example.com", "Änne")
	f.Add("\xff\xfe0123456789", "", "\x00")
	f.Fuzz(func(t *testing.T, password, email, name string) {
		if len(password) < MinPassword && Weakness(password, email, name) == "" {
			t.Error("too short, and taken")
		}
		Weakness(password, email, name)
	})
}
