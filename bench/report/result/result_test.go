package result

import (
	"encoding/json"
	"math"
	"path/filepath"
	"testing"
)

func TestColumnKeepsGaps(t *testing.T) {
	data, err := json.Marshal(Column{1, 0.1234567, math.NaN(), 1e6})
	if err != nil || string(data) != "[1,0.123,null,1000000]" {
		t.Fatalf("%s, %v", data, err)
	}
	var back Column
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if len(back) != 4 || back[1] != 0.123 || !math.IsNaN(back[2]) || back[3] != 1e6 {
		t.Errorf("%v", back)
	}
}

func TestFileComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	r := &Result{Version: Version, Series: Series{Overall: Line{Step: 1, P95: Column{math.NaN(), 2}}}}
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path)
	if err != nil || back.Series.Overall.P95[1] != 2 || !math.IsNaN(back.Series.Overall.P95[0]) {
		t.Errorf("%+v, %v", back, err)
	}
}
