package api

import (
	"context"
	"crypto/ed25519"
	"slices"
	"strconv"
	"sync"
	"time"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/cache"
	"outpost/server/training"
)

const (
	kid        = "k1"
	generation = change.Generation(7)
)

var day = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

// world is a replica in memory: what a read sees is one state, a change raises the cache's tags
// before it can be seen and is published after.
type world struct {
	mu      sync.Mutex
	cond    *sync.Cond
	at      training.At
	loaded  bool
	public  ed25519.PublicKey
	keys    bool // the signing key has arrived
	users   map[int64]training.User
	courses []training.CourseDetail
	enrolls map[int64]training.Enrollment
	revoked map[int64]bool
	apiKeys map[int64]training.APIKey
	issued  map[string]training.Verification // certificates by code
	reads   int
	block   chan struct{} // reads wait for it, when set
	cache   *cache.Cache
}

func newWorld() *world {
	company := training.Company{
		ID: 3, Name: "Müller GmbH", Slug: "mueller", Country: "DE", Zone: "global", Locale: "de", PrivacyMode: training.Aggregate, Version: 1,
	}
	other := company
	other.ID, other.Name, other.Slug = 4, "Acme", "acme"
	due := day.Add(time.Hour)
	long := make([]byte, 3000)
	for i := range long {
		long[i] = "Phishing & <mails> are bait.\n"[i%29]
	}
	w := &world{
		at: training.At{Position: change.Position{Generation: generation, LSN: 100}, Incarnation: 1}, loaded: true, keys: true,
		users: map[int64]training.User{
			1: {ID: 1, Email: "user1@example.com", FullName: "Üta <Eins>", Role: training.Learner, JobRisk: "low", Locale: "en", IsActive: true, Company: company, CreatedAt: day, UpdatedAt: day, Version: 2},
			2: {ID: 2, Email: "user2@example.com", FullName: "Two", Role: training.Learner, JobRisk: "low", IsActive: true, Company: other, CreatedAt: day, UpdatedAt: day, Version: 1},
			9: {ID: 9, Email: "admin@example.com", FullName: "Root", Role: training.PlatformAdmin, JobRisk: "high", Locale: "en", IsActive: true, Company: company, CreatedAt: day, UpdatedAt: day, Version: 1},
		},
		enrolls: map[int64]training.Enrollment{
			70: {ID: 70, UserID: 1, CompanyID: 3, CourseID: 42, CourseSlug: "phishing", CourseTitle: "Phishing", Cycle: 1, Status: training.Assigned, DueAt: &due, Lessons: 2, CreatedAt: day, UpdatedAt: day, Version: 5},
		},
		revoked: map[int64]bool{}, apiKeys: map[int64]training.APIKey{}, issued: map[string]training.Verification{},
		courses: []training.CourseDetail{
			{
				Course:   training.Course{ID: 42, Slug: "phishing", Category: "email", Level: training.Beginner, Minutes: 12, IsPublished: true, ValidityDays: 365, Locale: "en", Title: "Phishing", Description: string(long), Lessons: 2, CreatedAt: day, UpdatedAt: day, Version: 8},
				Contents: []training.LessonSummary{{ID: 1, Position: 1, Kind: training.TextLesson, Minutes: 5, Title: "Bait"}, {ID: 2, Position: 2, Kind: training.QuizLesson, Minutes: 7, Title: "Quiz"}},
			},
			{Course: training.Course{ID: 43, Slug: "draft", Category: "email", Level: training.Advanced, Minutes: 3, Locale: "en", Title: "Secret draft", CreatedAt: day, UpdatedAt: day, Version: 1}},
		},
	}
	w.cond = sync.NewCond(&w.mu)
	return w
}

// change is a transaction: tags first, then the data, then the position.
func (w *world) change(fn func(), tags ...cache.Tag) change.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.at.Position
	next.LSN++
	w.cache.Raise(tags, next.LSN)
	fn()
	w.at.Position = next
	w.cond.Broadcast()
	return next
}

func (w *world) published() training.At {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) wait(ctx context.Context, p change.Position) error {
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.cond.Broadcast()
	})()
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.at.Position.Compare(p) < 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.Generation > w.at.Position.Generation {
			return context.Canceled // at once, as the replica does
		}
		w.cond.Wait()
	}
	return nil
}

// reading waits until that many reads have begun.
func (w *world) reading(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.reads < n {
		w.cond.Wait()
	}
}

func (w *world) read(ctx context.Context, fn func(training.Queries) error) (training.At, error) {
	w.mu.Lock()
	block := w.block
	w.reads++
	w.cond.Broadcast()
	w.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return training.At{}, ctx.Err()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.loaded {
		return training.At{}, &training.Error{Code: training.Unavailable, Message: "This region has no data yet.", RetryAfter: time.Second}
	}
	return w.at, fn(state{world: w})
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reads
}

// state answers queries while the world is locked.
type state struct {
	training.Queries // nil: what the tests of this package do not ask
	*world
}

var _ training.Queries = state{}

var missing = training.Errorf(training.NotFound, "There is no such thing.")

func (s state) Me(_ context.Context, p training.Principal) (training.User, error) {
	u, ok := s.users[p.UserID]
	if !ok {
		return u, missing
	}
	return u, nil
}

func (s state) Courses(_ context.Context, f training.CourseFilter) (training.Page[training.Course], error) {
	if f.Category == "panic" {
		panic("the secret inside")
	}
	if f.Category == "broken" {
		return training.Page[training.Course]{}, context.DeadlineExceeded
	}
	page := training.Page[training.Course]{Page: f.Page, Size: f.Size}
	for _, c := range s.courses {
		if (c.IsPublished || f.Unpublished) && (f.Category == "" || c.Category == f.Category) {
			page.Items = append(page.Items, c.Course)
		}
	}
	page.Total = int64(len(page.Items))
	return page, nil
}

func (s state) Course(_ context.Context, ref training.CourseRef) (training.CourseDetail, error) {
	for _, c := range s.courses {
		if (c.IsPublished || ref.Unpublished) && (c.Slug == ref.IDOrSlug || ref.IDOrSlug == strconv.FormatInt(c.ID, 10)) {
			c.Locale = ref.Locale
			return c, nil
		}
	}
	return training.CourseDetail{}, missing
}

func (s state) Lesson(ctx context.Context, ref training.CourseRef, position int) (training.Lesson, error) {
	c, err := s.Course(ctx, ref)
	if err != nil || position > len(c.Contents) {
		return training.Lesson{}, missing
	}
	l := training.Lesson{
		LessonSummary: c.Contents[position-1], CourseID: c.ID, CourseSlug: c.Slug, Locale: ref.Locale, Body: "# Bait\n> & <b>", UpdatedAt: day, Version: 3,
		Prev: position - 1, Next: (position + 1) % 3,
	}
	if l.Kind == training.QuizLesson {
		l.Quiz = &training.Quiz{ID: 5, PassPercent: 80, Questions: 6}
	}
	return l, nil
}

func (s state) Enrollments(_ context.Context, p training.Principal, f training.EnrollmentFilter) (training.Page[training.Enrollment], error) {
	page := training.Page[training.Enrollment]{Page: f.Page, Size: f.Size}
	for _, e := range s.enrolls {
		if e.UserID == f.UserID && e.CompanyID == p.CompanyID {
			page.Items = append(page.Items, e)
		}
	}
	slices.SortFunc(page.Items, func(a, b training.Enrollment) int { return int(a.ID - b.ID) })
	page.Total = int64(len(page.Items))
	return page, nil
}

func (s state) Enrollment(_ context.Context, p training.Principal, id int64, _ string) (training.Enrollment, error) {
	e, ok := s.enrolls[id]
	if !ok || e.UserID != p.UserID {
		return e, missing
	}
	return e, nil
}

func (s state) SigningKey(_ context.Context, k string) (training.SigningKey, bool, error) {
	return training.SigningKey{ID: kid, Public: s.public}, s.keys && k == kid, nil
}

func (s state) Account(_ context.Context, userID, sessionID int64) (training.Account, error) {
	u, ok := s.users[userID]
	if !ok {
		return training.Account{}, missing
	}
	return training.Account{
		Active: u.IsActive, Role: u.Role, CompanyID: u.Company.ID, Zone: "global", Locale: u.Locale, SessionRevoked: s.revoked[sessionID],
	}, nil
}

func (s state) CompanyLocale(context.Context, int64) (string, error) { return "de", nil }

// writer is the primary's side of the world.
type writer struct {
	Writer // nil: what the tests of this package do not ask
	*world
	delay  change.LSN // how far the LSN of a write is ahead of what is applied
	newest change.LSN
	down   error // of everything
	logins []training.LoginRequest
	keys   []string // Idempotency-Keys
	hashes map[auth.KeyHash]int64
	asked  int               // about hashes
	known  map[string]string // login: the source that it is known from
	knows  []string          // the logins that were asked about
}

var _ Writer = (*writer)(nil)

func (w *writer) Login(_ context.Context, r training.LoginRequest) (training.Session, change.LSN, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logins = append(w.logins, r)
	for _, u := range w.users {
		if u.Email == r.Login && r.Password == "testpassword" {
			return training.Session{Principal: w.principal(u), RefreshToken: "refresh-1", RefreshExpires: day}, w.at.Position.LSN, w.down
		}
	}
	return training.Session{}, 0, training.Errorf(training.Unauthorized, "The login or the password is wrong.")
}

func (w *world) principal(u training.User) training.Principal {
	return training.Principal{UserID: u.ID, CompanyID: u.Company.ID, SessionID: 10 + u.ID, Role: u.Role, Locale: u.Locale, Zone: "global"}
}

func (w *writer) Refresh(_ context.Context, r training.RefreshRequest) (training.Session, change.LSN, error) {
	if r.Token != "refresh-1" {
		return training.Session{}, 0, training.Errorf(training.Unauthorized, "The refresh token is not valid.")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return training.Session{Principal: w.principal(w.users[1]), RefreshToken: "refresh-2"}, w.at.Position.LSN, nil
}

func (w *writer) Logout(_ context.Context, p training.Principal) (change.LSN, error) {
	at := w.change(func() { w.revoked[p.SessionID] = true }, cache.Row("sessions", p.SessionID))
	return at.LSN, nil
}

func (w *writer) Enroll(ctx context.Context, p training.Principal, course int64) (training.Enrollment, bool, change.LSN, error) {
	w.mu.Lock()
	w.keys = append(w.keys, training.CallerOf(ctx).IdempotencyKey)
	down := w.down
	w.mu.Unlock()
	if down != nil {
		return training.Enrollment{}, false, 0, down
	}
	if course != 42 {
		return training.Enrollment{}, false, 0, training.Errorf(training.NotFound, "There is no such course.")
	}
	id := 100 + p.UserID
	var e training.Enrollment
	created := false
	at := w.change(func() {
		var ok bool
		if e, ok = w.enrolls[id]; ok {
			return
		}
		created = true
		e = training.Enrollment{ID: id, UserID: p.UserID, CompanyID: p.CompanyID, CourseID: course, CourseSlug: "phishing", CourseTitle: "Phishing", Cycle: 1, Status: training.InProgress, Lessons: 2, CreatedAt: day, UpdatedAt: day, Version: 1}
		w.enrolls[id] = e
	}, cache.Row("enrollments", id), cache.Ref("enrollments", "user_id", p.UserID))
	return e, created, at.LSN + w.delay, nil
}

func (w *writer) RecordProgress(_ context.Context, p training.Principal, id int64, lesson, seconds int) (training.Enrollment, change.LSN, error) {
	var e training.Enrollment
	var ok bool
	at := w.change(func() {
		if e, ok = w.enrolls[id]; !ok || e.UserID != p.UserID {
			ok = false
			return
		}
		e.Progress = []training.Progress{{LessonID: int64(lesson), Lesson: lesson, DoneAt: day, Seconds: seconds}}
		e.LessonsDone, e.Version = 1, e.Version+1
		w.enrolls[id] = e
	}, cache.Row("enrollments", id))
	if !ok {
		return e, 0, missing
	}
	return e, at.LSN + w.delay, nil
}

func (w *writer) WALInsert(context.Context) (change.LSN, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(w.newest, w.at.Position.LSN), w.down
}
