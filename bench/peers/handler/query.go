package handler

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// field is a set of what a person has.
type field uint16

const (
	id field = 1 << iota
	companyID
	fullName
	role
	department
	jobRisk
	locale
	isActive
	version
)

func fieldOf(name string) field {
	switch name {
	case "id":
		return id
	case "company_id":
		return companyID
	case "full_name":
		return fullName
	case "role":
		return role
	case "department":
		return department
	case "job_risk":
		return jobRisk
	case "locale":
		return locale
	case "is_active":
		return isActive
	case "version":
		return version
	}
	return 0
}

// query is a request.
type query struct {
	company    int64
	page, size int
	sort       string // as it stands there, with its sign
	fields     field
}

var errQuery = fiber.NewError(fiber.StatusUnprocessableEntity, "not a request of this measurement")

func readQuery(c *fiber.Ctx) (query, error) {
	q := query{page: c.QueryInt("page"), size: c.QueryInt("size"), company: int64(c.QueryInt("company_id"))}
	sort := c.Query("sort")
	i := slices.Index(sorts, sort)
	if q.page < 1 || q.size < 1 || q.company < 1 || i < 0 {
		return q, errQuery
	}
	q.sort = sorts[i]
	for name := range strings.SplitSeq(c.Query("fields"), ",") {
		f := fieldOf(name)
		if f == 0 {
			return q, errQuery
		}
		q.fields |= f
	}
	return q, nil
}

var sorts = []string{"full_name", "-full_name", "email", "-email", "created_at", "-created_at", "updated_at", "-updated_at"}

func (q query) skip() int { return (q.page - 1) * q.size }

// person is one of a list, with its place in the order.
type person struct {
	id, companyID, version                      int64
	fullName, role, department, jobRisk, locale string
	isActive                                    bool
	sortKey                                     string
}

// list is what was found; one person more than asked for says that there are more.
type list struct {
	query
	people []person
	total  int64
}

// cut takes the one person too many, and gives the place from which the next page goes on.
func (l *list) cut() string {
	if len(l.people) <= l.size {
		return ""
	}
	l.people = l.people[:l.size]
	last := &l.people[l.size-1]
	return base64.RawURLEncoding.EncodeToString([]byte(l.sort + " " + strconv.FormatInt(last.id, 10) + " " + last.sortKey))
}

func (l *list) pages() int { return (int(l.total) + l.size - 1) / l.size }
