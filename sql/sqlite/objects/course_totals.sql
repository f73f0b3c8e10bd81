-- How many courses there are, so that the unfiltered catalogue need not be counted.
CREATE TABLE course_totals (
    is_published INTEGER PRIMARY KEY,
    courses INTEGER NOT NULL
);

INSERT INTO course_totals VALUES
    (0, (SELECT count(*) FROM courses WHERE is_published = 0)),
    (1, (SELECT count(*) FROM courses WHERE is_published = 1));

CREATE TRIGGER course_totals_insert AFTER INSERT ON courses BEGIN
    UPDATE course_totals SET courses = courses + 1 WHERE is_published = new.is_published;
END;

CREATE TRIGGER course_totals_delete AFTER DELETE ON courses BEGIN
    UPDATE course_totals SET courses = courses - 1 WHERE is_published = old.is_published;
END;

CREATE TRIGGER course_totals_update AFTER UPDATE OF is_published ON courses
WHEN old.is_published <> new.is_published BEGIN
    UPDATE course_totals SET courses = courses - 1 WHERE is_published = old.is_published;
    UPDATE course_totals SET courses = courses + 1 WHERE is_published = new.is_published;
END;
