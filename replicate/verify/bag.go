package verify

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

const (
	// bagRounds is how often in a row a hash has to be found in different numbers, the
	// same each time.
	bagRounds = 3
	// bagHashes bounds the hashes that are counted one by one.
	bagHashes = 20_000
	// firstBlocks and mostBlocks bound a page of a table that is read by its blocks.
	firstBlocks, mostBlocks = 4, 1024
)

// sums are a bag of hashes in bounded memory: bags whose sums are equal are equal. The
// first two bytes of a hash choose its sum.
type sums [1 << 16]struct {
	rows      int64
	high, low uint64
}

func (s *sums) add(h sum) {
	at := &s[binary.BigEndian.Uint16(h[:])]
	var carry uint64
	at.rows++
	at.low, carry = bits.Add64(at.low, binary.BigEndian.Uint64(h[2:]), 0)
	at.high, _ = bits.Add64(at.high, binary.BigEndian.Uint64(h[10:]), carry)
}

func (s *sums) take(h sum) {
	at := &s[binary.BigEndian.Uint16(h[:])]
	var borrow uint64
	at.rows--
	at.low, borrow = bits.Sub64(at.low, binary.BigEndian.Uint64(h[2:]), 0)
	at.high, _ = bits.Sub64(at.high, binary.BigEndian.Uint64(h[10:]), borrow)
}

// bag compares a table without a key.
func (p *pass) bag(ctx context.Context, t *table, out *Table) error {
	all := new(sums)
	err := p.scanPrimary(ctx, t, func(h sum, _ []byte) { all.add(h) }, func(rows int) {
		out.Rows += int64(rows)
		p.compared(rows)
	})
	if err != nil {
		return err
	}
	if err := p.scanReplica(ctx, t, func(h sum, _ int64) { all.take(h) }); err != nil {
		return err
	}
	differ := make(map[uint16]bool)
	for i := range all {
		if all[i].rows != 0 || all[i].high != 0 || all[i].low != 0 {
			differ[uint16(i)] = true
		}
	}
	if len(differ) == 0 {
		return nil
	}
	// Where there are too many hashes to count, fewer are: by their third byte.
	for limit := 256; limit > 0; limit /= 2 {
		c := counting{pass: p, t: t, wanted: func(h sum) bool {
			return differ[binary.BigEndian.Uint16(h[:])] && int(h[2]) < limit
		}}
		few, err := c.settle(ctx, out)
		if err != nil {
			return err
		}
		if few {
			if limit < 256 {
				out.Problem = tooMany
			}
			return nil
		}
	}
	out.Problem = tooMany
	return nil
}

const tooMany = "too many rows without a key differ or change to compare all of them"

// counting settles the hashes of a bag that are wanted.
type counting struct {
	*pass
	t        *table
	wanted   func(sum) bool
	suspects map[sum]*suspect // nil in the first round: whatever is wanted
}

// there are the rows of one hash in the primary: how many, and a sum that tells their
// versions apart.
type there struct {
	n        int64
	versions uint64
}

// suspect is a hash that was found in different numbers.
type suspect struct {
	there
	here    int64
	rounds  int    // so far, the same each time
	version string // of one of the primary's rows
	rowid   int64  // of one of the replica's
}

// settle finds out which hashes really come in different numbers. It says false where
// there are too many, with nothing reported.
func (c *counting) settle(ctx context.Context, out *Table) (few bool, err error) {
	first, _, err := c.countPrimary(ctx)
	if err != nil || first == nil {
		return false, err
	}
	for attempt := range settleAttempts {
		reached, err := c.catchUp(ctx)
		if err != nil {
			return false, err
		}
		here, rowids, err := c.countReplica(ctx)
		if err != nil || here == nil {
			return false, err
		}
		over, synchronous, err := c.pg.overtaken(ctx)
		if err != nil {
			return false, err
		}
		second, versions, err := c.countPrimary(ctx)
		if err != nil || second == nil {
			return false, err
		}
		before := c.suspects
		c.suspects = make(map[sum]*suspect)
		for h := range union(first, here, second) {
			now := suspect{there: second[h], here: here[h], version: versions[h], rowid: rowids[h]}
			switch {
			case first[h] != second[h], reached && !over && synchronous: // rounds are 0
			case second[h].n == here[h]:
				continue
			case before[h] != nil && before[h].there == now.there && before[h].here == now.here:
				now.rounds = before[h].rounds + 1
			default:
				now.rounds = 1
			}
			c.suspects[h] = &now
		}
		if err := c.report(ctx, !reached, out); err != nil {
			return false, err
		}
		if len(c.suspects) == 0 || !reached {
			break
		}
		c.wanted = func(h sum) bool { return c.suspects[h] != nil }
		first = second
		if !sleep(ctx, jitter(attempt)) {
			return false, ctx.Err()
		}
	}
	out.Unsettled += int64(len(c.suspects))
	return true, nil
}

func union(first map[sum]there, here map[sum]int64, second map[sum]there) map[sum]bool {
	all := make(map[sum]bool)
	for h := range first {
		all[h] = true
	}
	for h := range here {
		all[h] = true
	}
	for h := range second {
		all[h] = true
	}
	return all
}

// report lists the suspects that are proven, and takes them out.
func (c *counting) report(ctx context.Context, behind bool, out *Table) error {
	checked := false
	for h, s := range c.suspects {
		if s.rounds == 0 || s.rounds < bagRounds && !behind {
			continue
		}
		if !checked {
			if err := c.unchanged(ctx, c.t); err != nil {
				return err
			}
			checked = true
		}
		delete(c.suspects, h)
		d := Difference{Kind: Missing, Key: fmt.Sprintf("row %x…", h[:8]), Count: s.n - s.here, Behind: behind}
		if d.Count < 0 {
			d.Kind, d.Count = Surplus, -d.Count
		}
		if !out.add(d.Kind, d.Count, c.List) {
			continue
		}
		var err error
		if d.Kind == Missing {
			d.Columns, err = c.rowThere(ctx, s.version)
		} else {
			d.Columns, err = c.rowHere(ctx, s.rowid)
		}
		if err != nil {
			return err
		}
		out.List = append(out.List, d)
	}
	return nil
}

// countPrimary gives nil where there are too many hashes.
func (c *counting) countPrimary(ctx context.Context) (counts map[sum]there, versions map[sum]string, err error) {
	counts, versions = make(map[sum]there), make(map[sum]string)
	err = c.scanPrimary(ctx, c.t, func(h sum, version []byte) {
		if len(counts) > bagHashes || !c.wanted(h) {
			return
		}
		digest := sha256.Sum256(version)
		n := counts[h]
		n.n++
		n.versions += binary.BigEndian.Uint64(digest[:])
		counts[h] = n
		if n.n == 1 {
			versions[h] = string(version)
		}
	}, func(int) {})
	if len(counts) > bagHashes {
		return nil, nil, err
	}
	return counts, versions, err
}

func (c *counting) countReplica(ctx context.Context) (counts, rowids map[sum]int64, err error) {
	counts, rowids = make(map[sum]int64), make(map[sum]int64)
	err = c.scanReplica(ctx, c.t, func(h sum, rowid int64) {
		if len(counts) > bagHashes || !c.wanted(h) {
			return
		}
		counts[h]++
		rowids[h] = rowid
	})
	if len(counts) > bagHashes {
		return nil, nil, err
	}
	return counts, rowids, err
}

// scanReplica gives the hash of every row.
func (p *pass) scanReplica(ctx context.Context, t *table, fn func(h sum, rowid int64)) error {
	w := p.walk(t, strings.Join(t.columns, ", "))
	h := newHasher(t, &w.next)
	rows := 0
	w.row = func(found *sql.Rows) error {
		s, err := h.scan(found)
		if err == nil {
			fn(s, w.next)
			rows++
		}
		return err
	}
	w.again = func() error { return errChanged } // what was counted counted another file
	for {
		rows = 0
		done, err := w.page(ctx)
		if err != nil || done {
			return err
		}
		if err := p.limit.WaitN(ctx, rows); err != nil {
			return err
		}
	}
}

// scanPrimary gives the hash and the version of every row, by ranges of blocks. page is
// told how many rows each had.
func (p *pass) scanPrimary(ctx context.Context, t *table, fn func(h sum, version []byte), page func(rows int)) error {
	leaves, err := p.leaves(ctx, t)
	if err != nil {
		return err
	}
	for _, leaf := range leaves {
		condition := append([]string{"ctid >= $1::tid", "ctid < $2::tid"}, t.filtered()...)
		query := "SELECT " + versionSQL + ", " + t.hash + " FROM " + leaf.from + " WHERE " + strings.Join(condition, " AND ")
		for block, size := int64(0), int64(firstBlocks); block < leaf.blocks; {
			began, rows := time.Now(), 0
			err := p.pg.query(ctx, query, texts([]string{tid(block), tid(block + size)}), func(values [][]byte) error {
				var h sum
				if err := h.read(values[1]); err != nil {
					return err
				}
				rows++
				fn(h, values[0])
				return nil
			})
			if err != nil {
				return err
			}
			page(rows)
			block += size
			switch took := time.Since(began); {
			case rows > pageRows || took > slowPage:
				size = max(size/2, 1)
			case took < quickPage && rows < pageRows/2:
				size = min(2*size, mostBlocks)
			}
			for rows > 0 { // a page may have more rows than the limit lets through at once
				n := min(rows, pageRows)
				if err := p.limit.WaitN(ctx, n); err != nil {
					return err
				}
				rows -= n
			}
		}
	}
	return nil
}

func tid(block int64) string { return "(" + strconv.FormatInt(block, 10) + ",0)" }

// leaf is a table that has rows itself.
type leaf struct {
	oid    string
	from   string
	blocks int64
}

func (p *pass) leaves(ctx context.Context, t *table) (leaves []leaf, err error) {
	const query = `SELECT c.oid, n.nspname, c.relname, pg_relation_size(c.oid) / current_setting('block_size')::int
		FROM (SELECT $1::oid AS relid WHERE $2 <> 'p' UNION ALL SELECT relid FROM pg_partition_tree($1::oid::regclass) WHERE isleaf AND $2 = 'p') l
		JOIN pg_class c ON c.oid = l.relid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY c.oid`
	args := texts([]string{strconv.FormatUint(uint64(t.OID), 10), t.shape.Kind})
	err = p.pg.query(ctx, query, args, func(values [][]byte) error {
		l := leaf{oid: string(values[0]), from: "ONLY " + identifier(string(values[1])) + "." + identifier(string(values[2]))}
		l.blocks, err = strconv.ParseInt(string(values[3]), 10, 64)
		leaves = append(leaves, l)
		return err
	})
	return leaves, err
}

// rowThere describes the version of a row in the primary; nothing if it is gone.
func (c *counting) rowThere(ctx context.Context, version string) (columns []Column, err error) {
	leaves, err := c.leaves(ctx, c.t)
	if err != nil {
		return nil, err
	}
	oid, rest, _ := strings.Cut(version, " ")
	place, _, _ := strings.Cut(rest, " ")
	var list []string
	for i := range c.t.Columns[:min(len(c.t.Columns), described)] {
		list = append(list, shownSQL(&c.t.Columns[i]))
	}
	for _, l := range leaves {
		if l.oid != oid {
			continue
		}
		query := "SELECT " + strings.Join(list, ", ") + " FROM " + l.from + " WHERE ctid = $1::tid AND " + versionSQL + " = $2"
		err = c.pg.query(ctx, query, texts([]string{place, version}), func(values [][]byte) error {
			for i, v := range values {
				columns = append(columns, Column{Name: c.t.Columns[i].Name, Primary: cut(textOf(v), 0)})
			}
			return nil
		})
	}
	return columns, err
}

// rowHere describes a row of the replica.
func (c *counting) rowHere(ctx context.Context, rowid int64) (columns []Column, err error) {
	for i := range c.t.Columns[:min(len(c.t.Columns), described)] {
		query := "SELECT " + c.t.columns[i] + " FROM " + identifier(c.t.SQLite) + " WHERE " + c.t.rowid + " = ?"
		text, err := c.shownHere(ctx, c.t, query, []any{rowid}, i)
		if err != nil {
			return nil, err
		}
		columns = append(columns, Column{Name: c.t.Columns[i].Name, Replica: cut(text, 0)})
	}
	return columns, nil
}
