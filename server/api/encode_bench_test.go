package api

import (
	"fmt"
	"strings"
	"testing"

	"outpost/server/cache"
	"outpost/server/training"
)

// BenchmarkEncode makes the answer of a page of 20 courses, of all their fields and of three, once they
// have been read.
func BenchmarkEncode(b *testing.B) {
	courses := training.Page[training.Course]{Total: 60, Page: 1, Size: 20}
	for i := range int64(20) {
		courses.Items = append(courses.Items, training.Course{
			ID: 1 + i, Slug: fmt.Sprintf("course-%d", i), Category: "email", Level: training.Beginner, Minutes: 12, IsPublished: true, ValidityDays: 365,
			Locale: "de", Title: "Köder erkennen", Description: strings.Repeat("What it is about & why. ", 10), Lessons: 8, CreatedAt: day, UpdatedAt: day, Version: 3,
		})
	}
	for name, fields := range map[string]string{"page": "", "three fields": "id,slug,title"} {
		b.Run(name, func(b *testing.B) {
			mask, err := courseFields.parse(fields)
			if err != nil {
				b.Fatal(err)
			}
			r := &route{endpoint: "/api/v1/courses", namespace: "courses"}
			b.ReportAllocs()
			for b.Loop() {
				page, err := newPage(courses, training.Paging{Page: 1, Size: 20}, courseBody, courseFields, mask)
				if err != nil {
					b.Fatal(err)
				}
				filled, err := fill(r, "bench", answer{value: page, tags: []cache.Tag{cache.Table("courses")}}, cache.At{})
				if err != nil || len(filled.Body) < 500 {
					b.Fatalf("%d bytes, %v", len(filled.Body), err)
				}
			}
		})
	}
}
