-- Counts the project's decisions: what was read at a revision still holds while
-- the project is at it.
ALTER TABLE deploy_projects ADD COLUMN revision bigint NOT NULL DEFAULT 0;

-- The pool of the task's database, as configured when roster was written.
ALTER TABLE deploy_tasks ADD COLUMN worker text NOT NULL DEFAULT '';

-- Which databases the stage's tasks were made for: a hash of names and pools.
-- Another one than the configuration's: some tasks are missing.
ALTER TABLE deploy_stages ADD COLUMN roster text NOT NULL DEFAULT '';

-- Counts a stage's tasks, and finds the next ones of a state, without the table.
CREATE INDEX deploy_tasks_of_stage ON deploy_tasks (release, environment, state, retry_at, database, worker);
