package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"outpost/server/search"
	"outpost/server/store/sqlite"
	"outpost/server/training"
)

// What a word is worth. One in the title, in whatever form, is worth more than all words of a search
// in the description; the very word is worth more than one of its forms,
// unless it is their stem. Whole numbers, of this
// course alone: pages continue by them, and another course that comes or goes moves none.
const (
	titlePoints     = 10 * search.MaxWords
	titleWordPoints = 2 * search.MaxWords
	wordPoints      = 1
)

// question is one search of the words in a language, as SearchCourses takes them.
type question struct {
	Language string `json:"language"`
	Match    string `json:"match"` // in FTS5's language
	Points   int    `json:"points"`
	Found    int    `json:"found"` // 1: what matches is found, for so many points; 0: it gets points only
}

// questions makes of a search what is asked of FTS5. Words are letters and digits, and quoted, so that
// none is an operator.
func questions(query search.Query) []question {
	list := []question{}
	for _, language := range search.Languages() {
		terms := query.Terms(language)
		if len(terms) == 0 {
			continue
		}
		all := make([]string, len(terms))
		for i, t := range terms {
			all[i] = forms(t)
		}
		list = append(list, question{Language: language, Match: strings.Join(all, " AND "), Found: 1})
		for i, t := range terms {
			list = append(
				list,
				question{Language: language, Match: "title : " + all[i], Points: titlePoints},
				question{Language: language, Match: "title : " + quote(t.Word), Points: titleWordPoints},
				question{Language: language, Match: "description : " + quote(t.Word), Points: wordPoints},
			)
		}
	}
	return list
}

func forms(t search.Term) string {
	word := quote(t.Word)
	if t.Prefix {
		word += " *"
	}
	return "(" + word + " OR " + quote(t.Stem) + ")"
}

func quote(word string) string { return `"` + word + `"` }

// searchCourses gives all courses that a search finds, best first: as many as people have
// written at most.
func (q *queries) searchCourses(ctx context.Context, f training.CourseFilter) ([]place, error) {
	list := questions(f.Search)
	if len(list) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("writing a search down: %w", err)
	}
	rows, err := run(ctx, q, "search_courses", q.sql.SearchCourses, sqlite.SearchCoursesParams{
		Searches: string(text), Published: flag(!f.Unpublished), Category: f.Category, Level: string(f.Level), Locale: f.Locale,
	})
	return places(rows, func(r sqlite.SearchCoursesRow) place { return place{r.ID, strconv.FormatInt(r.Points, 10)} }), err
}

// mostRelevant is the page of hits and the one behind it. Places are compared as SearchCourses
// sorts them: by points, most first, and by id.
func mostRelevant(p training.Paging, hits []place) ([]place, error) {
	if p.Desc {
		return nil, training.InvalidField("sort", "relevance has no reverse order")
	}
	begin := min(int(p.Offset()), len(hits))
	if p.After != "" {
		from, err := after(p, true)
		if err != nil {
			return nil, err
		}
		begin, _ = slices.BinarySearchFunc(hits, key{number: from.number, id: from.id + 1}, func(h place, k key) int {
			points, _ := strconv.ParseInt(h.sortKey, 10, 64) // formatted above
			return cmp.Or(cmp.Compare(k.number, points), cmp.Compare(h.id, k.id))
		})
	}
	return hits[begin:min(begin+p.Size+1, len(hits))], nil
}
