CREATE INDEX reports_requester_created ON reports (requested_by, created_at, id);
