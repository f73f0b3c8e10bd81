package pgoutput

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
)

// wire puts a message together: numbers in network order, strings with their zero.
func wire(fields ...any) []byte {
	var b bytes.Buffer
	for _, field := range fields {
		switch f := field.(type) {
		case string:
			b.WriteString(f + "\x00")
		case []byte:
			b.Write(f)
		case rune:
			b.WriteByte(byte(f))
		default:
			if err := binary.Write(&b, binary.BigEndian, field); err != nil {
				panic(err)
			}
		}
	}
	return b.Bytes()
}

func text(s string) []byte { return wire('t', uint32(len(s)), []byte(s)) }

func present(s string) change.Value {
	return change.Value{Presence: change.Present, Data: []byte(s)}
}

var (
	null      = change.Value{Presence: change.Null}
	unchanged = change.Value{Presence: change.Unchanged}
	noon      = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)
	noonWire  = noon.UnixMicro() - time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
)

var messages = []struct {
	name string
	wire []byte
	want Message
}{
	{"begin", wire('B', uint64(0x16B3748), noonWire, uint32(742)), &Begin{0x16B3748, noon, 742}},
	{"commit", wire('C', '\x00', uint64(1), uint64(2), noonWire), &Commit{1, 2, noon}},
	{
		"commit before 2000", wire('C', '\x00', uint64(1), uint64(2), int64(-1_000_000)),
		&Commit{1, 2, time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)},
	},
	{
		"relation", wire('R', uint32(16385), "public", "Users", 'i', uint16(2),
			'\x01', "id", uint32(20), uint32(math.MaxUint32), '\x00', "näme", uint32(1043), uint32(68)),
		&Relation{16385, "public", "Users", 'i', []Column{{true, "id", 20, -1}, {false, "näme", 1043, 68}}},
	},
	{
		"insert", wire('I', uint32(7), 'N', uint16(3), text("1"), 'n', text("")),
		&Insert{7, change.Row{present("1"), null, present("")}},
	},
	{"insert of no columns", wire('I', uint32(7), 'N', uint16(0)), &Insert{7, change.Row{}}},
	{
		"update", wire('U', uint32(7), 'N', uint16(2), text("1"), 'u'),
		&Update{OID: 7, New: change.Row{present("1"), unchanged}},
	},
	{
		"update with key", wire('U', uint32(7), 'K', uint16(2), text("1"), 'n', 'N', uint16(2), text("2"), 'u'),
		&Update{7, OldKey, change.Row{present("1"), null}, change.Row{present("2"), unchanged}},
	},
	{
		"update with old row", wire('U', uint32(7), 'O', uint16(1), text("1"), 'N', uint16(1), text("2")),
		&Update{7, OldFull, change.Row{present("1")}, change.Row{present("2")}},
	},
	{"delete by key", wire('D', uint32(7), 'K', uint16(1), text("1")), &Delete{7, OldKey, change.Row{present("1")}}},
	{"delete with old row", wire('D', uint32(7), 'O', uint16(1), 'n'), &Delete{7, OldFull, change.Row{null}}},
	{"truncate", wire('T', uint32(2), '\x03', uint32(7), uint32(8)), &Truncate{[]uint32{7, 8}, true, true}},
	{
		"message", wire('M', '\x01', uint64(9), "outpost", uint32(3), []byte("a\x00b")),
		&Logical{true, 9, "outpost", []byte("a\x00b")},
	},
	{"type", wire('Y', uint32(9), "public", "mood"), &Type{9, "public", "mood"}},
	{"origin", wire('O', uint64(9), "elsewhere"), &Origin{9, "elsewhere"}},
}

func TestDecodeReadsEveryMessage(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			got, err := Decode(m.wire)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, m.want) {
				t.Errorf("got  %+v\nwant %+v", got, m.want)
			}
		})
	}
}

func TestDecodeRefusesWhatIsCutOffOrTooLong(t *testing.T) {
	for _, m := range messages {
		for n := range m.wire {
			if got, err := Decode(m.wire[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes were read as %+v", m.name, n, len(m.wire), got)
			}
		}
		if got, err := Decode(append(bytes.Clone(m.wire), 0)); err == nil {
			t.Errorf("%s: a byte too many was read as %+v", m.name, got)
		}
	}
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, test := range map[string]struct {
		wire []byte
		want string
	}{
		"unknown message":   {wire('Z', uint32(1)), "no such message"},
		"streamed insert":   {wire('S', uint32(1), '\x01'), "no such message"},
		"unknown value":     {wire('I', uint32(7), 'N', uint16(1), 'x'), "kind 'x'"},
		"binary value":      {wire('I', uint32(7), 'N', uint16(1), 'b', uint32(0)), "binary"},
		"unknown new row":   {wire('I', uint32(7), 'K', uint16(0)), "kind 'K'"},
		"unknown old row":   {wire('D', uint32(7), 'N', uint16(0)), "kind 'N'"},
		"update twice old":  {wire('U', uint32(7), 'K', uint16(0), 'K', uint16(0)), "kind 'K'"},
		"unknown identity":  {wire('R', uint32(7), "", "", 'x', uint16(0)), "identity 'x'"},
		"unknown flags":     {wire('C', '\x01', uint64(1), uint64(2), noonWire), "flags 0x1"},
		"too many columns":  {wire('R', uint32(7), "", "", 'd', uint16(0xFFFF)), "65535 columns in 0 bytes"},
		"too many tables":   {wire('T', uint32(0xFFFFFFFF), '\x00', uint32(1)), "4294967295 tables"},
		"value too long":    {wire('I', uint32(7), 'N', uint16(1), 't', uint32(0xFFFFFFFF), '1'), "cut off"},
		"string never ends": {wire('Y', uint32(7), []byte("public")), "cut off"},
	} {
		got, err := Decode(test.wire)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %+v and error %v, want one with %q", name, got, err, test.want)
		}
	}
}

func TestValuesAliasTheMessageButCannotGrowIntoIt(t *testing.T) {
	b := wire('I', uint32(7), 'N', uint16(2), text("ab"), text("cd"))
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	row := m.(*Insert).New
	if &row[0].Data[0] != &b[bytes.IndexByte(b, 'a')] {
		t.Error("the value was copied")
	}
	_ = append(row[0].Data, "overwritten"...)
	if string(row[1].Data) != "cd" {
		t.Error("appending to a value changed the next one")
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range messages {
		f.Add(m.wire)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		m, err := Decode(b)
		if (m == nil) != (err != nil) {
			t.Fatalf("message %+v and error %v", m, err)
		}
		if !bytes.Equal(b, before) {
			t.Fatal("the input was changed")
		}
		if again, _ := Decode(b); !reflect.DeepEqual(m, again) {
			t.Fatal("read twice, it differs")
		}
	})
}

func BenchmarkDecodeInsert(b *testing.B) {
	m := wire('I', uint32(7), 'N', uint16(5), text("12345"), text("somebody@example.com"), 'n', text("t"),
		text("2026-11-23 05:00:00.123456+00"))
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(m); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDecoderReusesRows reads rows of several widths, with and without an old one, and some
// that are cut off, into the same memory.
func TestDecoderReusesRows(t *testing.T) {
	var d Decoder
	for range 2 {
		for _, m := range messages {
			if got, err := d.Decode(m.wire[:len(m.wire)-1]); err == nil {
				t.Errorf("%s was read without its end, as %+v", m.name, got)
			}
			got, err := d.Decode(m.wire)
			if err != nil || !reflect.DeepEqual(got, m.want) {
				t.Errorf("%s: got %+v, %v, want %+v", m.name, got, err, m.want)
			}
		}
	}
}
