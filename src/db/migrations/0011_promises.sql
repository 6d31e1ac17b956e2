-- What a promise is made of, so that it can be measured by the place that it was given for.
ALTER TABLE jobs ADD COLUMN behind DOUBLE PRECISION NOT NULL DEFAULT 0; -- its turn less the queue's clock, when it was asked for
ALTER TABLE jobs ADD COLUMN promise_least_ms BIGINT NOT NULL DEFAULT 0; -- expected where nobody overtakes, before calibration
ALTER TABLE jobs ADD COLUMN promise_most_ms BIGINT NOT NULL DEFAULT 0;  -- expected where people go on coming as they do
-- kind 6 and up: the real wait over the most that was expected, by how far behind; 12 and up: over the least. 1 to 4 were another
-- measure and say nothing about these.
DELETE FROM service_times WHERE kind BETWEEN 1 AND 4;
