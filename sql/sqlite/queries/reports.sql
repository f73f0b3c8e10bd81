-- name: Report :one
SELECT * FROM reports r WHERE r.id = @id AND r.requested_by = @requested_by AND r.company_id = @company_id;

-- name: Reports :many
SELECT sqlc.embed(r) FROM reports r
WHERE r.requested_by = @requested_by AND r.company_id = @company_id
    AND (CAST(@state AS TEXT) = '' OR r.state = @state)
    AND (r.created_at, r.id) > (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY r.created_at, r.id LIMIT @size OFFSET @skip;

-- name: ReportsDesc :many
SELECT sqlc.embed(r) FROM reports r
WHERE r.requested_by = @requested_by AND r.company_id = @company_id
    AND (CAST(@state AS TEXT) = '' OR r.state = @state)
    AND (r.created_at, r.id) < (CAST(@after_key AS TEXT), CAST(@after_id AS INTEGER))
ORDER BY r.created_at DESC, r.id DESC LIMIT @size OFFSET @skip;

-- name: CountReports :one
SELECT count(*) FROM reports r
WHERE r.requested_by = @requested_by AND r.company_id = @company_id AND (CAST(@state AS TEXT) = '' OR r.state = @state);
