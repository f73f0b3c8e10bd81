package pump

import (
	"maps"
	"reflect"
	"slices"
	"sync"

	"outpost/replicate/change"
	"outpost/replicate/pgoutput"
	"outpost/replicate/source"
)

// Schema is the replicated tables as they are at the end of the chain. The pump moves
// it along with what is announced in the stream; watch compares it with the catalogue.
type Schema struct {
	mu      sync.Mutex
	tables  map[uint32]*change.Table
	changes uint64            // counts what follow did
	emptied map[uint32]uint32 // by which transaction each was truncated since its files were last looked at
	// keyless are tables that were made, and are empty, but cannot be replicated as they are:
	// the statement that gives them a key may be the next.
	keyless map[uint32]bool

	followed map[uint32]uint32 // which transaction last altered each, of this session

	look chan struct{} // holds a token when the catalogue is worth a look now
}

// NewSchema begins with the tables of a replica that is at the end of the chain.
func NewSchema(tables []*change.Table) *Schema {
	s := &Schema{
		tables: make(map[uint32]*change.Table, len(tables)), emptied: make(map[uint32]uint32),
		keyless: make(map[uint32]bool), followed: make(map[uint32]uint32),
		look: make(chan struct{}, 1),
	}
	for _, t := range tables {
		s.tables[t.OID] = t
	}
	return s
}

// check compares a table's description in the stream with what the replicas have.
func (s *Schema) check(r *pgoutput.Relation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[r.OID]
	if t == nil {
		return Breaks("table %s.%s was added to the publication", r.Namespace, r.Name)
	}
	if difference := r.Differs(t); difference != "" {
		return Breaks("table %s.%s was changed, and nobody announced it: %s", r.Namespace, r.Name, difference)
	}
	return nil
}

// truncated notes that tables get other files for a known reason, and gives those of them
// that are partitioned.
func (s *Schema) truncated(oids []uint32, xid uint32) (partitioned []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, oid := range oids {
		s.emptied[oid] = xid
		if t := s.tables[oid]; t != nil && len(partitions(t.Files)) > 0 {
			partitioned = append(partitioned, oid)
		}
	}
	select {
	case s.look <- struct{}{}:
	default:
	}
	return partitioned
}

// version tells whether follow changed something in between.
func (s *Schema) version() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes
}

// follow takes an announcement at its place in the stream. It gives what the replicas
// have to do, or Broken where only a copy helps; and the tables that got a partition.
func (s *Schema) follow(a *source.Announcement, xid uint32) (step *change.SchemaChange, repartitioned []uint32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	if a.Partial {
		return nil, nil, Breaks("the publication no longer publishes every kind of change")
	}
	step = new(change.SchemaChange)
	described := make(map[uint32]bool)
	for _, now := range a.Tables {
		described[now.OID] = true
		old := s.tables[now.OID]
		// Of one that is not known yet a row would have ended the session.
		empty := old == nil && (s.keyless[now.OID] || slices.Contains(a.Created, now.OID))
		delete(s.keyless, now.OID)
		if now.Problem != "" && empty {
			s.keyless[now.OID] = true
			continue
		}
		if now.Problem != "" {
			return nil, nil, Breaks("%s", now.Problem)
		}
		if old == nil && !empty {
			return nil, nil, Breaks("table %s.%s was added to the publication, and may have rows", now.Schema, now.Name)
		}
		if old != nil {
			if reason := incompatible(old, now, announced{a, xid}, s.emptied[now.OID]); reason != "" {
				return nil, nil, Breaks("table %s.%s: %s", now.Schema, now.Name, reason)
			}
			delete(s.emptied, now.OID)
		}
		if t := s.named(now.Table); old == nil || !reflect.DeepEqual(old, t) {
			if err := s.inOrder(t, a, xid); err != nil {
				return nil, nil, err
			}
			s.tables[t.OID] = t
			if gained(old, t) {
				repartitioned = append(repartitioned, t.OID)
			}
			step.Tables = append(step.Tables, t)
		}
	}
	gone := slices.Concat(a.Dropped, a.Changed)
	if a.Complete {
		gone = slices.Sorted(maps.Keys(s.tables))
	}
	for _, oid := range gone {
		if t := s.tables[oid]; t != nil && !described[oid] {
			if err := s.inOrder(t, a, xid); err != nil {
				return nil, nil, err
			}
			delete(s.tables, oid)
			step.Dropped = append(step.Dropped, oid)
		}
	}
	for _, t := range s.tables {
		for _, oid := range a.Dropped {
			if _, ok := partitions(t.Files)[oid]; ok {
				return nil, nil, Breaks("table %s.%s lost a partition", t.Schema, t.Name)
			}
		}
	}
	return step, repartitioned, nil
}

// inOrder sees to it that an announcement which alters a table knows the newest alteration:
// one of all tables describes those too that its transaction does not lock, as they were
// when it was made, and comes when it commits.
func (s *Schema) inOrder(t *change.Table, a *source.Announcement, xid uint32) error {
	if before, ok := s.followed[t.OID]; ok && before != xid && !a.Saw(before) {
		return Breaks("table %s.%s was altered by transaction %d at the same time as others by transaction %d", t.Schema, t.Name, before, xid)
	}
	s.followed[t.OID] = xid
	return nil
}

// named gives a copy of t with its name in the replicas: the one it has, unless it is
// new or was renamed.
func (s *Schema) named(t *change.Table) *change.Table {
	named := *t
	if old := s.tables[t.OID]; old != nil && old.Schema == t.Schema && old.Name == t.Name {
		named.SQLite = old.SQLite
		return &named
	}
	var others []*change.Table
	for _, other := range s.tables {
		if other.OID != t.OID {
			others = append(others, other)
		}
	}
	source.Name(&named, others)
	return &named
}

// drift says in what the catalogue differs from the replicas' tables, as far as it
// matters; what does not is taken over.
func (s *Schema) drift(found []source.Published) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := make(map[uint32]bool)
	for _, now := range found {
		there[now.OID] = true
		old := s.tables[now.OID]
		switch {
		case s.keyless[now.OID]:
			continue
		case now.Problem != "":
			return now.Problem
		case old == nil:
			return "table " + now.Schema + "." + now.Name + " was added to the publication"
		}
		if reason := drifted(old, now, s.emptied[now.OID]); reason != "" {
			return "table " + now.Schema + "." + now.Name + ": " + reason
		}
	}
	for oid, t := range s.tables {
		if !there[oid] {
			return "table " + t.Schema + "." + t.Name + " is not in the publication any more"
		}
	}
	for _, now := range found {
		if s.keyless[now.OID] {
			continue
		}
		if s.tables[now.OID].Files != now.Files { // else what was emptied is not seen yet
			delete(s.emptied, now.OID)
		}
		s.tables[now.OID] = s.named(now.Table)
	}
	return ""
}
