package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/training"
)

type courseWriter interface {
	// CourseSource is a course with what is right in it.
	CourseSource(ctx context.Context, course string) (training.CourseSource, error)
	// CreateCourse writes a new course.
	CreateCourse(ctx context.Context, p training.Principal, s training.CourseSource) (training.CourseSource, change.LSN, error)
	// PutCourse makes a course what s says, if it has that version; 0: whichever it has.
	PutCourse(ctx context.Context, p training.Principal, course string, version int64, s training.CourseSource) (training.CourseSource, change.LSN, error)
	// DeleteCourse removes a course that nobody has taken up.
	DeleteCourse(ctx context.Context, p training.Principal, course string, version int64) (change.LSN, error)
}

func (a *API) createCourse(k *call) error {
	source, err := k.courseSource()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	written, lsn, err := a.Writer.CreateCourse(ctx, k.principal, source)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Set(fiber.HeaderLocation, "/api/v1/courses/"+written.Slug)
	return k.resource(http.StatusCreated, written.Version, written)
}

func (a *API) putCourse(k *call) error {
	course, err := k.courseParam()
	if err != nil {
		return err
	}
	version, err := k.ifMatch()
	if err != nil {
		return err
	}
	source, err := k.courseSource()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	written, lsn, err := a.Writer.PutCourse(ctx, k.principal, strings.Clone(course), version, source)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.resource(http.StatusOK, written.Version, written)
}

func (a *API) deleteCourse(k *call) error {
	course, err := k.courseParam()
	if err != nil {
		return err
	}
	version, err := k.ifMatch()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.DeleteCourse(ctx, k.principal, strings.Clone(course), version)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

func (a *API) getCourseSource(k *call) error {
	course, err := k.courseParam()
	if err != nil {
		return err
	}
	ctx, cancel := k.context()
	defer cancel()
	source, err := a.Writer.CourseSource(ctx, strings.Clone(course))
	if err != nil {
		return err
	}
	return k.resource(http.StatusOK, source.Version, source)
}

// courseSource reads a course that is to be written.
func (k *call) courseSource() (training.CourseSource, error) {
	var source training.CourseSource
	if err := k.decode(&source, "slug", "category", "level", "default_locale", "translations", "lessons"); err != nil {
		return source, err
	}
	return source, invalid(source.Check()...)
}
