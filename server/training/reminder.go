package training

// MaxReminded is how many people may be reminded at once.
const MaxReminded = 10_000

// ReminderRequest chooses, among the active people of a company who have anything overdue, who is reminded
// of it now. Empty fields choose all; of several, all must apply.
type ReminderRequest struct {
	UserID     int64
	CourseID   int64 // which must be overdue; the letter names all that is
	Department string
}

// ReminderOutcome says how many people were chosen.
type ReminderOutcome struct {
	People  int64 // who get a letter
	Skipped int64 // who had one on the same day of UTC
}
