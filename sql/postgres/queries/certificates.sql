-- Takes a certificate back, once. Of another company's it knows nothing.
-- name: RevokeCertificate :one
WITH known AS (
    SELECT c.id FROM certificates c WHERE c.code = @code AND (@any_company::boolean OR c.company_id = @company_id)
), revoked AS (
    UPDATE certificates r SET revoked_at = now() WHERE r.id IN (SELECT known.id FROM known) AND r.revoked_at IS NULL
)
SELECT count(*) FROM known;
