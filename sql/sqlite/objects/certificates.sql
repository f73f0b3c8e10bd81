CREATE INDEX certificates_code ON certificates (code);
CREATE INDEX certificates_user_issued ON certificates (user_id, issued_at, id);
