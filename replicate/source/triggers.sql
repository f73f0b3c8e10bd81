-- The event triggers of tracking.sql, where this role may make them. ALWAYS: also in sessions
-- that play another server's changes (session_replication_role).
DROP EVENT TRIGGER IF EXISTS outpost_ddl;
DROP EVENT TRIGGER IF EXISTS outpost_drop;
CREATE EVENT TRIGGER outpost_ddl ON ddl_command_end EXECUTE FUNCTION outpost.on_ddl();
CREATE EVENT TRIGGER outpost_drop ON sql_drop EXECUTE FUNCTION outpost.on_drop();
ALTER EVENT TRIGGER outpost_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER outpost_drop ENABLE ALWAYS;
