CREATE INDEX framework_translations_framework ON framework_translations (framework_id, locale);
