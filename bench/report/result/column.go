package result

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// Column is a series of values; NaN where there is none, which is null in JSON. It is written to three
// decimals: a microsecond, a thousandth of a core.
type Column []float64

// MarshalJSON writes numbers and nulls.
func (c Column) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+6*len(c))
	b = append(b, '[')
	for i, v := range c {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, Round(v), 'f', -1, 64)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *Column) UnmarshalJSON(data []byte) error {
	var values []*float64
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&values); err != nil {
		return err
	}
	*c = make(Column, len(values))
	for i, v := range values {
		(*c)[i] = math.NaN()
		if v != nil {
			(*c)[i] = *v
		}
	}
	return nil
}

// Round to the three decimals of the file.
func Round(v float64) float64 { return math.Round(v*1000) / 1000 }
