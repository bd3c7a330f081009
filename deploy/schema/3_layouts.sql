-- The layout that the release's folder was read in: what is stored of it is read
-- in the same again.
ALTER TABLE deploy_releases ADD COLUMN layout text NOT NULL DEFAULT 'native';

-- versioned, repeatable or baseline.
ALTER TABLE deploy_migrations ADD COLUMN kind text NOT NULL DEFAULT 'versioned';
