package bot

// Every SQL text of the room, in one place, because a test shows each of them
// to PostgreSQL: one text serves both stores.
const (
	sqlInsertDelivery = `
INSERT INTO bot_deliveries (id, provider, guid, kind, event, state, note, received_at, done_at, subject, ordinal)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (provider, guid) DO NOTHING RETURNING id`
	sqlDeliveryByID   = `SELECT id, provider, guid, event, state, note, received_at FROM bot_deliveries WHERE id = $1`
	sqlDeliveryByGUID = `SELECT id, provider, guid, event, state, note, received_at FROM bot_deliveries WHERE provider = $1 AND guid = $2`
	sqlNextComment    = `
SELECT id, provider, guid, event, state, note, received_at FROM bot_deliveries
WHERE subject = $1 AND state = 'received' ORDER BY ordinal, id LIMIT 1`
	sqlSettleDelivery = `UPDATE bot_deliveries SET state = $2, note = $3, done_at = $4 WHERE id = $1`
	sqlDeliveries     = `SELECT guid, kind, state, note FROM bot_deliveries ORDER BY received_at DESC, id DESC LIMIT $1`

	// What only we know (said, and for a pull request that isn't open any more
	// what its last review found) stays.
	sqlSavePull = `
INSERT INTO bot_pulls (repository, number, state, base, head, base_commit, touches, title, author, url, said, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11)
ON CONFLICT (repository, number) DO UPDATE SET state = excluded.state, base = excluded.base, head = excluded.head,
	base_commit = CASE WHEN excluded.state = 'open' THEN excluded.base_commit ELSE bot_pulls.base_commit END,
	touches = CASE WHEN excluded.state = 'open' THEN excluded.touches ELSE bot_pulls.touches END,
	title = excluded.title, author = excluded.author, url = excluded.url, updated_at = excluded.updated_at`
	sqlPullByNumber = `
SELECT repository, number, state, base, head, base_commit, touches, title, author, url, said
FROM bot_pulls WHERE repository = $1 AND number = $2`
	sqlPullsByHead = `
SELECT repository, number, state, base, head, base_commit, touches, title, author, url, said
FROM bot_pulls WHERE repository = $1 AND head = $2 ORDER BY number DESC`
	sqlOpenPulls = `
SELECT repository, number, state, base, head, base_commit, touches, title, author, url, said
FROM bot_pulls WHERE repository = $1 AND base = $2 AND state = 'open' ORDER BY number DESC`
	sqlSetSaid = `UPDATE bot_pulls SET said = $3 WHERE repository = $1 AND number = $2`

	sqlSaveReview = `
INSERT INTO bot_reviews (repository, number, project, head, review, checksums, reviewed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (repository, number, project) DO UPDATE SET
	head = excluded.head, review = excluded.review, checksums = excluded.checksums, reviewed_at = excluded.reviewed_at`
	sqlReviews = `SELECT project, review, checksums FROM bot_reviews WHERE repository = $1 AND number = $2 ORDER BY project`

	sqlWrites = `SELECT what, forge_id, hash, trying FROM bot_writes WHERE repository = $1 AND number = $2`
	sqlTrying = `
INSERT INTO bot_writes (repository, number, what, forge_id, hash, trying, written_at) VALUES ($1, $2, $3, 0, '', $4, $5)
ON CONFLICT (repository, number, what) DO UPDATE SET trying = excluded.trying,
	written_at = CASE WHEN bot_writes.trying = '' THEN excluded.written_at ELSE bot_writes.written_at END`
	sqlUnfinished = `
SELECT DISTINCT number FROM bot_writes
WHERE repository = $1 AND number > 0 AND trying <> '' AND written_at > $2 ORDER BY number`
	sqlWrote = `
INSERT INTO bot_writes (repository, number, what, forge_id, hash, written_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (repository, number, what) DO UPDATE SET
	forge_id = excluded.forge_id, hash = excluded.hash, trying = '', written_at = excluded.written_at`

	sqlSaveWaiver = `
INSERT INTO bot_waivers (repository, number, rule, fingerprints, reason, actor, source, waived_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (repository, number, rule) DO UPDATE SET
	fingerprints = excluded.fingerprints, reason = excluded.reason, actor = excluded.actor,
	source = excluded.source, waived_at = excluded.waived_at`
	sqlWaivers = `SELECT rule, fingerprints, reason FROM bot_waivers WHERE repository = $1 AND number = $2 ORDER BY rule`

	sqlSaveAnswer = `
INSERT INTO bot_commands (repository, number, comment_id, line, login, said, outcome, answer, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (repository, comment_id, line) DO NOTHING`
	sqlAnswer   = `SELECT outcome, answer FROM bot_commands WHERE repository = $1 AND comment_id = $2 AND line = $3`
	sqlAnswered = `SELECT count(*) FROM bot_commands WHERE repository = $1 AND number = $2 AND login = $3 AND answer <> ''`

	sqlSavePusher = `INSERT INTO bot_pushers (repository, pushed, login) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	sqlPushers    = `SELECT DISTINCT login FROM bot_pushers WHERE repository = $1 AND pushed IN ($2, $3) ORDER BY login`

	sqlRepository = `
SELECT repository, provider, forge_id, current, installation, private, paused, asked_at FROM bot_repositories WHERE repository = $1`
	sqlRepositoryByID = `
SELECT repository, provider, forge_id, current, installation, private, paused, asked_at FROM bot_repositories
WHERE provider = $1 AND forge_id = $2`
	sqlRepositoriesByID = `
SELECT repository, provider, forge_id, current, installation, private, paused, asked_at FROM bot_repositories WHERE forge_id IN ($1)`
	sqlSaveRepository = `
INSERT INTO bot_repositories (repository, provider, forge_id, current, installation, private, paused, asked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (repository) DO UPDATE SET
	current = excluded.current, installation = excluded.installation, private = excluded.private,
	paused = excluded.paused, asked_at = excluded.asked_at`
	sqlDoubtRepository  = `UPDATE bot_repositories SET asked_at = 0 WHERE repository = $1`
	sqlForgetRepository = `DELETE FROM bot_repositories WHERE repository = $1`

	sqlMissed     = `SELECT asked_to, lost_from, lost_to, note FROM bot_missed WHERE provider = $1`
	sqlSaveMissed = `
INSERT INTO bot_missed (provider, asked_to, lost_from, lost_to, note) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (provider) DO UPDATE SET asked_to = excluded.asked_to, lost_from = excluded.lost_from,
	lost_to = excluded.lost_to, note = excluded.note`

	sqlCatalog     = `SELECT catalog, problem, read_at, asked_at FROM bot_catalogs WHERE database = $1`
	sqlSaveCatalog = `
INSERT INTO bot_catalogs (database, catalog, problem, read_at, asked_at) VALUES ($1, $2, $3, $4, 0)
ON CONFLICT (database) DO UPDATE SET catalog = excluded.catalog, problem = excluded.problem, read_at = excluded.read_at`
	sqlAskCatalog = `
INSERT INTO bot_catalogs (database, catalog, problem, read_at, asked_at) VALUES ($1, '', '', 0, $2)
ON CONFLICT (database) DO UPDATE SET asked_at = excluded.asked_at`

	sqlSaveMerge = `
INSERT INTO bot_merges (project, merge_commit, policy_commit) VALUES ($1, $2, $3)
ON CONFLICT (project, merge_commit) DO UPDATE SET policy_commit = excluded.policy_commit`
	sqlMerge = `SELECT policy_commit FROM bot_merges WHERE project = $1 AND merge_commit = $2`
)

// sqlMove gives everything of a repository, named in lower case, to another name.
var sqlMove = []string{
	`UPDATE bot_pulls SET repository = $2 WHERE lower(repository) = $1`,
	`UPDATE bot_reviews SET repository = $2, project = CAST($2 AS text) || substr(project, length($1) + 1) WHERE lower(repository) = $1`,
	`UPDATE bot_writes SET repository = $2 WHERE lower(repository) = $1`,
	`UPDATE bot_waivers SET repository = $2 WHERE lower(repository) = $1`,
	`UPDATE bot_commands SET repository = $2 WHERE lower(repository) = $1`,
	`UPDATE bot_pushers SET repository = $2 WHERE lower(repository) = $1`,
	`UPDATE bot_merges SET project = CAST($2 AS text) || substr(project, length($1) + 1)
WHERE lower(substr(project, 1, length($1) + 1)) = CAST($1 AS text) || '@'`,
}
