package change

import "testing"

func TestARecordEndsBeforeAPageHeader(t *testing.T) {
	const block, segment = 8192, 16 << 20
	for insert, want := range map[LSN]LSN{
		5*segment + 3*block + 24:  5*segment + 3*block,
		5*segment + 40:            5 * segment,
		5*segment + 24:            5*segment + 24, // inside the long header: no such place, so left alone
		5*segment + 3*block + 40:  5*segment + 3*block + 40,
		5*segment + 3*block + 100: 5*segment + 3*block + 100,
		5*segment + 3*block:       5*segment + 3*block,
	} {
		if got := RecordEnd(insert, block, segment); got != want {
			t.Errorf("%s: %s, want %s", insert, got, want)
		}
	}
}
