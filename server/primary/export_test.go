package primary

import "time"

// NoteLogins notes a login of each of the first people.
func NoteLogins(p *Primary, people int64) {
	for id := int64(1); id <= people; id++ {
		p.activity.note(id, time.Now())
	}
}
