package training_test

import (
	"strings"
	"testing"

	"outpost/server/training"
)

func TestAnAddressIsOneThatMailCanBeSentTo(t *testing.T) {
	for address, good := range map[string]bool{
		"ada@example.com": true, "a.b+c_d-e@sub.example.co.uk": true, "änne@müller.example": true, "o'neil@example.com": true, "用户@例子.example": true,
		strings.Repeat("a", 64) + "@example.com": true,
		"":                                       false, "ada": false, "@example.com": false, "ada@": false, "ada@example": false, "ada@@example.com": false,
		"ada@example.com@example.com": false, "a b@example.com": false, "ada@exa mple.com": false, "ada@.com": false, "ada@example.": false,
		"ada@example..com": false, "ada\n@example.com": false, "ada\x00@example.com": false, "ada,bob@example.com": false, "<ada@example.com>": false,
		"ada\u200b@example.com": false, "ada\u00a0@example.com": false, "\xff@example.com": false, `"ada"@example.com`: false,
		strings.Repeat("a", 65) + "@example.com": false, "ada@" + strings.Repeat("a.", 130) + "com": false,
	} {
		n := training.NewPerson{Email: address, FullName: "Ada"}.Complete()
		errs := n.Validate(training.Principal{Role: training.Admin})
		if (len(errs) == 0) != good || !good && errs[0].Field != "email" {
			t.Errorf("%q: %v", address, errs)
		}
	}
}

// TestNobodyGivesARoleAboveTheirOwn, and an API key none above manager, whoever made it.
func TestNobodyGivesARoleAboveTheirOwn(t *testing.T) {
	roles := []training.Role{training.Learner, training.Manager, training.Admin, training.PlatformAdmin}
	by := func(most int, who training.Principal) {
		for j, role := range roles {
			n := training.NewPerson{Email: "ada@example.com", FullName: "Ada", Role: role}.Complete()
			if errs := n.Validate(who); (len(errs) == 0) != (j <= most) {
				t.Errorf("%+v makes a %s: %v", who, role, errs)
			}
			c := training.PersonChange{Role: &role}
			if errs := c.Validate(who); (len(errs) == 0) != (j <= most) {
				t.Errorf("%+v gives the role %s: %v", who, role, errs)
			}
			target := training.Person{ID: 1, Role: role, IsActive: true}
			if err := training.MayChange(who, target, target); (err == nil) != (j <= most) {
				t.Errorf("%+v touches a %s: %v", who, role, err)
			}
		}
	}
	for i, role := range roles {
		by(i, training.Principal{UserID: 2, Role: role})
		by(min(i, 1), training.Principal{UserID: 2, Role: role, KeyID: 3})
	}
}

func TestAChangeKnowsWhetherItChangesAnything(t *testing.T) {
	p := training.Person{ID: 1, Email: "ada@example.com", FullName: "Ada", Role: training.Learner, IsActive: true}
	name, other, no := "Ada", " Bob ", false
	if _, differs := (training.PersonChange{FullName: &name}).Apply(p); differs {
		t.Error("the same name is a change")
	}
	after, differs := training.PersonChange{FullName: &other, IsActive: &no}.Trim().Apply(p)
	if !differs || after.FullName != "Bob" || after.IsActive || after.Email != p.Email || other != " Bob " {
		t.Errorf("%+v, %v", after, differs)
	}
}

func TestABulksRefusalNamesTheRows(t *testing.T) {
	e := training.BulkOutcome{Failed: 2, Rows: []training.BulkRow{
		{Row: 1},
		{Row: 3, Errors: []training.FieldError{{Field: "email", Message: "a"}, {Field: "role", Message: "b"}}},
		{Row: 9, Errors: []training.FieldError{{Field: "email", Message: "c"}}},
	}}.Refusal()
	if len(e.Fields) != 3 || e.Fields[0].Row != 3 || e.Fields[1].Field != "role" || e.Fields[2].Row != 9 || e.Code != training.Invalid {
		t.Errorf("%+v", e)
	}
}
